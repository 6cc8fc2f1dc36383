"""Acquirers' and wallets' layouts: every value, every total, every line that is wrong."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest

from companion.facts import schema
from companion.statements import Statement, StatementError, layouts
from tests.companion.statement_files import (
    CLEAR,
    TerminalFile,
    adyen,
    allinpay,
    wechat,
)

MONDAY = schema.day_number(date(2026, 3, 2))


def told(statement: Statement) -> list[dict[str, Any]]:
    """The rows without what is empty."""
    assert statement.rows.schema == schema.LEGS[statement.kind].remove(0)
    rows: list[dict[str, Any]] = statement.rows.to_pylist()
    return [{key: value for key, value in row.items() if value not in ("", 0)} for row in rows]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


@pytest.mark.parametrize("columns", [27, 24])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_wechat_bill_of_today_or_of_before_is_read_to_the_last_field(
    columns: int, end: str, mark: str
) -> None:
    found = layouts.statement((mark + wechat(columns, end)).encode())
    assert (found.layout, found.kind, found.party) == ("wechat-bill", "acquirer", "1900000109")
    assert (found.channel, found.first_day, found.last_day) == ("wechat", MONDAY, MONDAY)
    assert (found.whole, found.captured_count, found.captured_minor) == (True, 2, 1000)
    payment = {
        "merchant_no": "1900000109",
        "terminal_no": "till-1",
        "channel": "wechat",
        "day": MONDAY,
        "status": "CAPTURED",
        "currency": "156",
    }
    order = "4200000001202603021234567890"
    assert told(found) == [
        {
            **payment,
            "txn": "SALE",
            "amount_minor": 1250,
            "fee_minor": 8,
            "rrn": order,
            "at": at("2026-03-02T04:00:00"),
            "line": 2,
        },
        {
            **payment,
            "txn": "REFUND",
            "amount_minor": 250,
            "fee_minor": -2,
            "rrn": "50300000012026030212345678901",
            "orig_rrn": order,
            "at": at("2026-03-02T15:59:59"),
            "line": 3,
        },
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("`12.50", "`12.51", "line 5: 应结订单总金额 is 12.50, the lines above have 12.51000"),
        ("\n`2,", "\n`3,", "line 5: the totals say 3 rows, the lines above have 2"),
        ("`0.05500", "`0.05501", "手续费总金额 is 0.05501, the lines above have 0.05500"),
        ("`SUCCESS", "`LOST", "line 2: 交易状态 is 'LOST'"),
        ("`REFUND", "`SUCCESS", "line 3: 退款金额 is '2.50', not 0 in the row of"),
        ("`CNY", "`XXX", "line 2: 货币种类 is 'XXX', not a known currency"),
        ("`2026-03-02 12", "`2026-02-30 12", "line 2: 交易时间 is '2026-02-30', not a date"),
        ("`2026-03-02 12", "`2026-03-02 25", "line 2: 交易时间 is .* no time"),
        ("`0.07500", "`0.075001", "line 2: 手续费 is '0.075001'"),
        ("\n`2026-03-02 23", "\n2026-03-02 23", "line 3: no backtick before the first value"),
        ("`NATIVE", "", "line 2: 26 values, not 27"),
        ("`1900000109,`0", "`1900000109,`x", "line 2: 特约商户号 is 'x'"),
        ("tea", CLEAR, "line 2: 商品名称 has a clear card number"),
        ("ORDER1", CLEAR, "line 2: 商户订单号 has clear card numbers"),
        ("总交易单数", "别的", "line 4: no totals"),
        ("手续费总金额", "别的", "line 4: not all of the totals are there"),
        ("交易时间,公众账号ID,商户号,", "交易时间,公众账号ID,商户号,商户号,", "line 1: a column"),
        ("微信退款单号,", "", "line 1: the columns 微信退款单号 are missing"),
        ("`tea", "`t\rea", "line 2: a carriage return"),
        ("`tea", "`t\0ea", "line 2: a zero byte"),
    ],
)
def test_a_wechat_bill_with_one_thing_wrong_is_refused(old: str, new: str, message: str) -> None:
    text = wechat()
    assert old in text
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(text.replace(old, new, 1).encode())
    assert CLEAR not in str(caught.value)


def test_a_wechat_bill_that_was_cut_is_refused() -> None:
    data = wechat().encode()
    whole = layouts.statement(data)
    for end in range(len(data) - 1):
        try:
            found = layouts.statement(data[:end])
        except StatementError:
            continue
        assert found.captured_minor == whole.captured_minor and len(found.rows) == 2
        assert end > len(data) - 6, "only zeros behind the last total may be missing"


def test_a_sub_merchants_payments_are_his() -> None:
    found = layouts.read(wechat().replace("`1900000109,`0", "`1900000109,`1511458511", 1).encode())
    assert [(one.party, one.captured_minor) for one in found] == [
        ("1511458511", 1250),
        ("1900000109", -250),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_an_allinpay_statement_is_read_to_the_last_field(encoding: str) -> None:
    text = allinpay({}, {"交易类型": "预授权", "凭证号": "2", "手续费": "", "卡号": ""})
    found = layouts.statement(text.encode(encoding))
    assert (found.layout, found.party, found.channel) == (
        "allinpay-pos",
        "821290053111234",
        "card",
    )
    assert (found.captured_count, found.captured_minor) == (1, 1250)
    sale = {
        "merchant_no": "821290053111234",
        "terminal_no": "10000001",
        "channel": "card",
        "batch": "000001",
        "stan": "000001",
        "day": MONDAY,
        "at": at("2026-03-02T04:00:00"),
        "txn": "SALE",
        "status": "CAPTURED",
        "amount_minor": 1250,
        "fee_minor": 8,
        "currency": "156",
        "card": "622200******0005",
        "rrn": "000000000001",
        "line": 2,
    }
    hold = {**sale, "stan": "000002", "txn": "PREAUTH", "status": "AUTHORISED", "line": 3}
    hold["fee_minor"] = None
    del hold["card"]
    assert told(found) == [sale, hold]


def test_an_allinpay_statement_of_two_merchants_is_two() -> None:
    found = layouts.read(
        allinpay(
            {}, {"商户号": "821290053115678", "交易类型": "退货", "交易金额": "-2.5"}
        ).encode()
    )
    assert [(one.party, one.captured_minor) for one in found] == [
        ("821290053111234", 1250),
        ("821290053115678", -250),
    ]
    assert [len(one.rows) for one in found] == [1, 1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"卡号": CLEAR}, "line 2: 卡号 has a clear card number"),
        ({"商户备注": f"card {CLEAR}!"}, "line 2: 商户备注 has a clear card number"),
        ({"交易类型": "微信支付"}, "line 2: 交易类型 is '微信支付', not one of 消费"),
        ({"交易金额": "12.505"}, "line 2: 交易金额 is '12.505'"),
        ({"交易金额": "-12.50"}, "line 2: 交易金额 is '-12.50', not an amount that was taken"),
        ({"交易金额": ""}, "line 2: 交易金额 is ''"),
        ({"交易日期": "2026-02-30"}, "line 2: 交易日期 is '2026-02-30', not a date"),
        ({"交易时间": "25:00:00"}, "line 2: 交易时间 is .* no time"),
        ({"卡号": "622200"}, "line 2: 卡号 is an unmasked or malformed 卡号"),
        ({"凭证号": "٣"}, "line 2: 凭证号 is"),
        ({"门店名称": 'a"b'}, "line 2: a quoted value runs over the end of the line"),
    ],
)
def test_an_allinpay_statement_with_one_thing_wrong_is_refused(
    row: dict[str, str], message: str
) -> None:
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(allinpay(row).encode())
    assert CLEAR not in str(caught.value)


def test_a_settlement_batch_gives_its_transactions_and_its_payout() -> None:
    trade, payout = layouts.read(adyen().encode())
    tuesday = MONDAY + 1  # in China it is the next day already
    assert (trade.layout, trade.kind, trade.party) == (
        "adyen-settlement-details",
        "acquirer",
        "Shop",
    )
    assert (trade.number, trade.whole, trade.channel) == ("118", False, "adyen")
    assert (trade.captured_count, trade.captured_minor) == (3, 4599 - 500 - 1800)
    entry = {
        "merchant_no": "Shop",
        "channel": "adyen",
        "status": "CAPTURED",
        "currency": "978",
        "settle_ref": "118",
        "settle_day": tuesday,
    }
    assert told(trade) == [
        {
            **entry,
            "day": tuesday,
            "at": at("2026-03-02T19:22:31"),
            "txn": "SALE",
            "line": 2,
            "amount_minor": 4599,
            "fee_minor": 89,
            "rrn": "8816178952380553",
        },
        {
            **entry,
            "day": MONDAY - 1,
            "at": at("2026-03-01T11:00:00"),
            "txn": "REFUND",
            "amount_minor": 500,
            "fee_minor": 10,
            "rrn": "MOD1",
            "line": 3,
            "orig_rrn": "8816178952380554",
        },
        {
            **entry,
            "day": MONDAY - 1,
            "at": at("2026-03-01T08:00:00"),
            "txn": "REFUND",
            "amount_minor": 1800,
            "fee_minor": 750,
            "rrn": "MOD2",
            "f39": "CB",
            "line": 4,
            "orig_rrn": "8816178952380555",
        },
        {
            **entry,
            "day": tuesday,
            "at": at("2026-03-02T21:00:00"),
            "txn": "FEE",
            "fee_minor": 100,
            "rrn": "Transaction Fees March",
            "line": 5,
        },
    ]
    assert (payout.kind, payout.number, payout.captured_minor) == ("payouts", "118", 1350)
    assert told(payout) == [
        {
            "merchant_no": "Shop",
            "channel": "adyen",
            "ref": "118",
            "settle_day": tuesday,
            "day": tuesday,
            "gross_minor": 2299,
            "fee_minor": 949,
            "net_minor": 1350,
            "currency": "978",
            "status": "SENT",
            "line": 6,
        }
    ]
    # What the rules make of it: what was taken, less what was kept, is what was paid.
    rows = trade.rows.to_pylist()
    sign = {"SALE": 1, "REFUND": -1, "FEE": 0}
    net = sum(sign[row["txn"]] * row["amount_minor"] - row["fee_minor"] for row in rows)
    assert net == payout.captured_minor


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("13.50", "13.51", "batch 118: its payout is not what the entries add up to"),
        ("45.10", "45.00", "line 2: Net Credit .* not the gross less the costs"),
        ("Fee,", "Gift,", "line 5: Type is 'Gift', not a type of entry that is known"),
        ("CET,Settled", "CST,Settled", "line 2: TimeZone is 'CST'"),
        (",118,", ",,", "line 2: Batch Number is ''"),
        ("EUR", "XXX", "line 2: Gross Currency is 'XXX'"),
        ("45.99", "45.995", "line 2: Gross Credit .* whole minor units"),
        ("Settled", "Refunded", "line 2: Type is 'Refunded', not an entry of that direction"),
        ("Shop", "", "line 2: Merchant Account is ''"),
        ("visaclassic", CLEAR, "line 2: Payment Method Variant has a clear card number"),
        ("Net Currency", "Currency", "unknown layout"),
        ("Markup (NC)", "Markup", "line 1: the columns Markup .NC. are missing"),
    ],
)
def test_a_settlement_batch_with_one_thing_wrong_is_refused(
    old: str, new: str, message: str
) -> None:
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(adyen().replace(old, new, 1).encode())
    assert CLEAR not in str(caught.value)


def test_transaction_numbers_that_look_like_cards_by_chance_are_no_reason_to_refuse() -> None:
    # One in ten numbers has the right check digit.
    rows = [{"交易单号": f"62220012345600{number:02d}"} for number in range(100)]
    assert layouts.statement(allinpay(*rows).encode()).captured_count == 100
    clear = [{"交易单号": CLEAR} for _ in range(100)]
    with pytest.raises(StatementError, match="交易单号 has clear card numbers"):
        layouts.read(allinpay(*clear).encode())


def test_an_export_of_other_terminals_is_read_to_the_last_field() -> None:
    text = TerminalFile().add(1, 1250).add(2, 300, "DECLINED").add(3, 100, txn="REFUND").text()
    found = layouts.statement(text.encode())
    assert (found.layout, found.kind, found.channel) == (
        *("pingzhang-terminal-1", "terminal", "card"),
    )
    assert (found.captured_count, found.captured_minor) == (2, 1150)
    assert told(found)[0] == {
        "merchant_no": "104110070110001",
        "terminal_no": "10000009",
        "channel": "card",
        "batch": "000001",
        "stan": "000001",
        "day": MONDAY,
        "at": at("2026-03-02T09:00:01"),
        "txn": "SALE",
        "status": "APPROVED",
        "amount_minor": 1250,
        "sent_minor": 1250,
        "echoed_minor": 1250,
        "currency": "156",
        "card": "622200******0005",
        "entry": "chip",
        "code": "00",
        "rrn": "000000000001",
        "auth": "000001",
        "first_seq": 3,
        "last_seq": 3,
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",1250,", ",1251,", "captured minor units"),
        ("DECLINED", "APPROVED", "captured rows"),
        ("DECLINED", "LOST", "line 4: status is 'LOST'"),
        ("622200******0005", CLEAR, "line 3: card is an unmasked"),
        ("+08:00", "", "line 3: terminal_time is"),
        ("T17:00:01", "T37:00:01", "line 3: terminal_time is .* no time"),
        ("#totals", "", "without its #totals line"),
        ("terminal_time,", "", "line 2: the columns are not"),
    ],
)
def test_an_export_of_other_terminals_with_one_thing_wrong_is_refused(
    old: str, new: str, message: str
) -> None:
    text = TerminalFile().add(1, 1250).add(2, 300, "DECLINED").text()
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(text.replace(old, new, 1).encode())
    assert CLEAR not in str(caught.value)


def test_a_file_in_many_blocks_is_read_like_one_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    file = TerminalFile()
    for stan in range(1, 2000):
        file.add(stan, stan)
    data = file.text().encode()
    whole = layouts.statement(data).rows
    for module, name, value in (("source", "BLOCK", 70_000), ("rows", "_IN_MEMORY", 500)):
        monkeypatch.setattr(f"companion.statements.{module}.{name}", value)
    parts = layouts.statement(data).rows
    assert parts.num_rows == 1999 and parts.column(0).num_chunks > 2
    assert parts.to_pylist() == whole.to_pylist()
    bad = data.replace(b",1998,156", b",199x,156")
    with pytest.raises(StatementError, match="line 2000: amount_minor is '199x'"):
        layouts.read(bad)


@pytest.mark.parametrize("channel", ["", "other"])
def test_the_channel_and_party_that_are_said_go_before_the_layouts(channel: str) -> None:
    (found,) = layouts.read(wechat().encode(), channel=channel, party="104110070110001")
    assert found.channel == (channel or "wechat")
    assert found.party == "104110070110001"
    assert set(found.rows["channel"].to_pylist()) == {found.channel}
