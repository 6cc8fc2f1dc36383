"""Any CSV or spreadsheet through a mapping file; the draft of one; what both refuse."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timezone
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from companion.facts import schema
from companion.statements import Statement, StatementError, layouts, learning, mapping
from companion.statements.statement import COLUMNS
from tests.companion.statement_files import ACCOUNT, CLEAR

MONDAY = schema.day_number(date(2026, 3, 2))

ACQUIRER: dict[str, Any] = {
    "name": "some-acquirer",
    "kind": "acquirer",
    "delimiter": "|",
    "header": 2,
    "footer": 1,
    "minor": True,
    "date": "%Y%m%d",
    "time": "%H%M%S",
    "columns": {
        "merchant_no": "merchant",
        "terminal_no": "term",
        "batch": "batch",
        "stan": "trace",
        "type": "what",
        "status": "how",
        "card": "card",
        "amount": "fen",
        "fee": "fee",
        "date": "day",
        "time": "clock",
        "settle_date": "paid",
    },
    "types": {"sale": "SALE", "refund": "REFUND", "hold": "PREAUTH"},
    "status": {"ok": "CAPTURED", "no": "DECLINED"},
    "totals": {"line": 1, "count": 2, "amount": 3},
}
ACQUIRER_FILE = """title
merchant|term|batch|trace|what|how|card|fen|fee|day|clock|paid
M1|10000001|1|`7|sale|ok|622200XXXXXX0005|1250|8|20260302|120000|20260303
M1|10000001|1|8|refund|ok||250||20260302|130000|
M1|10000001|1|9|sale|no||999||20260302|140000|
M1|10000001|1|10|hold|ok||5000||20260302|150000|
sum|4|1000
"""

BANK: dict[str, Any] = {
    "name": "some-bank",
    "kind": "bank",
    "party": ACCOUNT,
    "thousands": ",",
    "columns": {
        "date": "日期",
        "credit": "收入",
        "debit": "支出",
        "balance": "余额",
        "text": "摘要",
        "ref": "流水号",
    },
}
BANK_ROWS: list[Sequence[object]] = [
    ("日期", "收入", "支出", "余额", "摘要", "流水号"),
    (date(2026, 3, 2), 1000.1, None, "1,100.10", "通联\n结算", "A1"),
    (),
    ("2026-03-03", None, 0.3, 1099.8, "手续费", "A2"),
]


def read(file: str | bytes, made: dict[str, Any], **options: str) -> Statement:
    data = file.encode() if isinstance(file, str) else file
    (found,) = layouts.read(data, json.dumps(made), **options)
    return found


def told(statement: Statement) -> list[dict[str, Any]]:
    """The rows without what is empty."""
    assert statement.rows.schema == COLUMNS[statement.kind]
    rows: list[dict[str, Any]] = statement.rows.to_pylist()
    return [{key: value for key, value in row.items() if value not in ("", 0)} for row in rows]


def sheet(rows: Sequence[Sequence[object]], title: str = "Sheet") -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


def test_a_file_is_read_by_its_mapping_to_the_last_field() -> None:
    found = read(ACQUIRER_FILE, ACQUIRER)
    assert (found.layout, found.kind, found.party) == ("some-acquirer", "acquirer", "M1")
    assert (found.channel, found.first_day, found.last_day) == ("card", MONDAY, MONDAY)
    assert (found.captured_count, found.captured_minor) == (2, 1000)
    row = {
        "merchant_no": "M1",
        "terminal_no": "10000001",
        "channel": "card",
        "batch": "000001",
        "day": MONDAY,
        "currency": "156",
        "fee_minor": None,
    }
    assert told(found) == [
        {
            **row,
            "stan": "000007",
            "txn": "SALE",
            "status": "CAPTURED",
            "amount_minor": 1250,
            "fee_minor": 8,
            "card": "622200******0005",
            "settle_day": MONDAY + 1,
            "at": at("2026-03-02T04:00:00"),
            "line": 3,
        },
        {
            **row,
            "stan": "000008",
            "txn": "REFUND",
            "status": "CAPTURED",
            "amount_minor": 250,
            "at": at("2026-03-02T05:00:00"),
            "line": 4,
        },
        {
            **row,
            "stan": "000009",
            "txn": "SALE",
            "status": "DECLINED",
            "amount_minor": 999,
            "at": at("2026-03-02T06:00:00"),
            "line": 5,
        },
        {
            **row,
            "stan": "000010",
            "txn": "PREAUTH",
            "status": "AUTHORISED",
            "amount_minor": 5000,
            "at": at("2026-03-02T07:00:00"),
            "line": 6,
        },
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sum|4", "sum|5", "the totals say '5' for rows, the rows have 4"),
        ("|1000\n", "|1001\n", "the totals say '1001' for the amount, the rows have 1000"),
        ("|1000\n", "|x\n", "the totals say 'x' for the amount"),
        ("|sale|ok", "|gift|ok", "line 3: type is 'gift', not one of sale, refund, hold"),
        ("|ok|", "|maybe|", "line 3: status is 'maybe'"),
        ("|fen|", "|fan|", "line 2: the columns fen of the mapping are missing; there are merch"),
        ("622200XXXXXX0005", CLEAR, "line 3: card has a clear card number"),
        ("622200XXXXXX0005", "622200", "line 3: card is an unmasked or malformed card"),
        ("20260302|12", "20260230|12", "line 3: date is '20260230', not a date like %Y%m%d"),
        ("20260302|13", "20270502|13", "rows of more than 400 days; is a date wrong"),
        ("20260302|13", "99991231|13", "line 4: date is '99991231', not a date like"),
        ("|120000", "|250000", "line 3: time is '250000', not a time like"),
        ("|1250", "|12.50", "line 3: amount is '12.50', not an amount"),
        ("|1250", "|-1250", "line 3: amount is '-1250', not an amount that was taken"),
        ("\nM1|", "\n|", "line 3: merchant_no is ''"),
        ("|sale|ok", "|sale|ok|", "line 3: 13 values, not 12"),
        ("|sale|ok", "|sa\x1ble|ok", r"line 3: type is 'sa\\x1ble'"),
    ],
)
def test_a_mapped_file_with_one_thing_wrong_is_refused(old: str, new: str, message: str) -> None:
    assert old in ACQUIRER_FILE
    with pytest.raises(StatementError, match=message) as caught:
        read(ACQUIRER_FILE.replace(old, new, 1), ACQUIRER)
    assert CLEAR not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heder": 1}, "'heder' is not one of name, kind"),
        ({"kind": "wallet"}, "kind is not one of"),
        ({"name": "../x"}, "name: small letters"),
        ({"minor": 1}, r"minor is not what it should be \(bool\)"),
        ({"header": True}, r"header is not what it should be \(int\)"),
        ({"header": 101}, "out of bounds"),
        ({"footer": 0}, "totals: its line is not among the lines of the footer"),
        ({"totals": {"line": -1}}, "totals is not what it should be"),
        ({"totals": {"sum": 1}}, "totals is not what it should be"),
        ({"delimiter": "||"}, "delimiter is not one character"),
        ({"delimiter": '"'}, "delimiter is not one character"),
        ({"encoding": "utf-7"}, "encoding is not one of"),
        ({"currency": "XXX"}, "currency 'XXX' is not known"),
        ({"decimal": ",", "thousands": ","}, "decimal and thousands are the same"),
        ({"types": {"sale": "?"}}, "types: what 'sale' means is not said yet"),
        ({"types": {"sale": "GIFT"}}, "types: what 'sale' means is not one of SALE"),
        ({"types": {}}, "types: the words of column 'what' are missing"),
        ({"columns": {"amount": "fen"}}, "columns: date is missing"),
        ({"columns": {"date": "day"}}, "columns: amount is missing"),
        ({"columns": {"amount": "?", "date": "day"}}, "columns: amount is not said yet"),
        ({"columns": {"balance": "x"}}, "columns: 'balance' is not one of merchant_no"),
        ({"columns": [1]}, "columns is not what it should be"),
        ({"references": [1]}, "references is not what it should be"),
    ],
)
def test_a_mapping_with_one_thing_wrong_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(StatementError, match=f"mapping: .*{message}"):
        read(ACQUIRER_FILE, {**ACQUIRER, **change})


@pytest.mark.parametrize("text", ["[", "{", "[1]", "{}", "x" * 70_000, "[" * 50_000, "{" * 50_000])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(StatementError, match="mapping: "):
        mapping.read(text)


def test_a_spreadsheet_of_a_bank_is_read_and_its_balances_checked() -> None:
    found = read(sheet(BANK_ROWS), BANK)
    assert (found.kind, found.party, found.channel) == ("bank", "622200*********5011", "")
    assert (found.first_day, found.last_day, found.captured_minor) == (MONDAY, MONDAY + 1, 99980)
    booking = {"account": "622200*********5011", "currency": "156"}
    assert told(found) == [
        {
            **booking,
            "day": MONDAY,
            "amount_minor": 100010,
            "ref": "A1",
            "kind": "CREDIT",
            "text": "通联 结算",
            "line": 2,
        },
        {
            **booking,
            "day": MONDAY + 1,
            "amount_minor": -30,
            "ref": "A2",
            "kind": "DEBIT",
            "text": "手续费",
            "line": 4,
        },
    ]
    newest_first = [BANK_ROWS[0], BANK_ROWS[3], BANK_ROWS[1]]
    assert read(sheet(newest_first), BANK).captured_minor == 99980
    wrong = [*BANK_ROWS[:3], ("2026-03-03", None, 0.3, 1099.7, "", "")]
    with pytest.raises(StatementError, match="line 4: the balance does not fit"):
        read(sheet(wrong), BANK)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("2026-03-03", 1.005, None, 1101.1, "", ""), "line 4: credit is '1.005', not an amount"),
        (("2026-03-03", 1, None, 1101.1, CLEAR, ""), "line 4: 摘要 has a clear card number"),
        (("2026-03-03", 1, None, 1101.1, int(CLEAR), ""), "line 4: 摘要 has a clear card number"),
        (("2026-03-03", 1, None, 1101.1, "", "", "more"), "line 4: more values than there are"),
        ((datetime(2026, 3, 3, 9), 1, None, 1101.1, "", ""), "line 4: date is '2026-03-03 09:00"),
        ((time(9), 1, None, 1101.1, "", ""), "line 4: date is '09:00:00'"),
    ],
)
def test_a_spreadsheet_with_one_thing_wrong_is_refused(row: tuple[object], message: str) -> None:
    with pytest.raises(StatementError, match=message) as caught:
        read(sheet([*BANK_ROWS[:3], row]), BANK)
    assert CLEAR not in str(caught.value)


def test_what_is_no_spreadsheet_is_refused() -> None:
    data = sheet(BANK_ROWS)
    with pytest.raises(StatementError, match="no sheet 'Other', only Sheet"):
        read(data, {**BANK, "sheet": "Other"})
    for end in range(4, len(data), 97):
        with pytest.raises(StatementError):
            read(data[:end], BANK)


def test_a_spreadsheet_that_unpacks_to_too_much_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("companion.statements.sheets.MAX_UNPACKED", 1000)
    with pytest.raises(StatementError, match="it unpacks to more than 1000 bytes"):
        read(sheet(BANK_ROWS), BANK)


def test_a_large_spreadsheet_is_read_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.statements.portions._PORTION", 7)
    rows: list[Sequence[object]] = [BANK_ROWS[0]]
    rows += [
        ("2026-03-02", number, None, number * (number + 1) // 2, "", "") for number in range(1, 51)
    ]
    rows += [("total", 50)]
    made = {**BANK, "footer": 1, "totals": {"count": 2}}
    found = read(sheet(rows), made)
    assert found.captured_minor == 100 * 1275
    assert found.rows["line"].to_pylist() == list(range(2, 52))
    with pytest.raises(StatementError, match="the totals say '49' for rows"):
        read(sheet([*rows[:-1], ("total", 49)]), made)


def test_payouts_that_an_acquirer_announces_come_through_a_mapping() -> None:
    made = {
        "name": "payout-list",
        "kind": "payouts",
        "channel": "card",
        "columns": {
            "merchant_no": "m",
            "ref": "ref",
            "settle_date": "for",
            "date": "sent",
            "gross": "gross",
            "fee": "fee",
            "net": "net",
            "account": "to",
            "status": "state",
            "reason": "why",
        },
        "status": {"paid": "SENT", "back": "RETURNED"},
    }
    text = (
        "m,ref,for,sent,gross,fee,net,to,state,why\n"
        f"M1,P1,2026-03-01,2026-03-02,100.00,0.60,99.40,{ACCOUNT},paid,\n"
        f"M1,P2,2026-03-01,2026-03-02,50,0,50,{ACCOUNT},back,account frozen\n"
    )
    found = read(text, made)
    assert (found.kind, found.captured_count, found.captured_minor) == ("payouts", 2, 14940)
    assert told(found)[1] == {
        "merchant_no": "M1",
        "channel": "card",
        "ref": "P2",
        "settle_day": MONDAY - 1,
        "day": MONDAY,
        "gross_minor": 5000,
        "net_minor": 5000,
        "currency": "156",
        "account": "622200*********5011",
        "status": "RETURNED",
        "reason": "account frozen",
        "line": 3,
    }
    with pytest.raises(StatementError, match=r"line 2: net is '99.40', not gross less fee"):
        read(text.replace("0.60", "0.61"), made)


def test_terminals_of_another_maker_come_through_a_mapping() -> None:
    made = {
        "name": "other-terminals",
        "kind": "terminal",
        "party": "M1",
        "zone": 0,
        "datetime": "%d.%m.%Y %H:%M",
        "columns": {"terminal_no": "t", "stan": "n", "amount": "a", "datetime": "w"},
    }
    found = read(
        "t;n;a;w\nT1;1;12.50;02.03.2026 20:00\nT1;2;-3;02.03.2026 20:05\n",
        {**made, "delimiter": ";"},
    )
    assert (found.captured_count, found.captured_minor, found.first_day) == (2, 950, MONDAY)
    row = told(found)[1]
    assert (row["txn"], row["status"], row["amount_minor"]) == ("REFUND", "APPROVED", 300)
    assert (row["at"], row["first_seq"]) == (at("2026-03-02T20:05:00"), 3)
    with pytest.raises(StatementError, match="no column has the merchant_no: --party"):
        read("t,n,a,w\nT1,1,1,02.03.2026 20:00\n", {**made, "party": ""})


def test_a_file_without_names_is_mapped_by_the_places_of_its_values() -> None:
    # The pipe-separated file of Allinpay's: no line of names, amounts in fen.
    made = {
        "name": "allinpay-pipe",
        "kind": "acquirer",
        "delimiter": "|",
        "header": 0,
        "minor": True,
        "datetime": "%Y%m%d%H%M%S",
        "columns": {
            "type": "2",
            "amount": "3",
            "datetime": "5",
            "rrn": "16",
            "fee": "17",
            "card": "19",
            "merchant_no": "21",
            "terminal_no": "23",
        },
        "references": ["1", "6", "7", "8"],
        "types": {"pay": "SALE"},
    }
    row = (
        "123|pay|1250|0|20260302120000|O1|||w|||||||R1|8|pay|622200******0005|d|M1|shop|10000001|"
    )
    found = read(row + "\n", made)
    assert (found.party, found.captured_minor) == ("M1", 1250)
    assert (told(found)[0]["rrn"], told(found)[0]["fee_minor"]) == ("R1", 8)


@pytest.mark.parametrize(
    ("text", "written", "minor"),
    [
        ("1.234,5", {"decimal": ",", "thousands": "."}, 123450),
        ("1 234.50", {"thousands": " "}, 123450),
        ("+7", {}, 700),
        ("7.100", {}, 710),
        ("-0.01", {}, -1),
    ],
)
def test_an_amount_is_read_as_it_is_written(
    text: str, written: dict[str, str], minor: int
) -> None:
    made = {
        "name": "x",
        "kind": "bank",
        "party": "1234567890",
        "delimiter": ";",
        "columns": {"date": "d", "amount": "a"},
        **written,
    }
    assert read(f"d;a\n2026-03-02;{text}\n", made).captured_minor == minor


LEARNED = f"""商户号|终端号|凭证号|交易类型|卡号|交易金额(元)|交易日期|交易时间|备注
M1|10000001|7|消费|{CLEAR}|12.50|20260302|120000|\x1b[2J
M1|10000001|8|退货|622200******0005|2.50|20260302|130000|
"""


def test_a_draft_is_made_from_what_is_seen_and_leaves_the_meanings_open(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text(LEARNED)
    seen = learning.look(path)
    assert (seen.delimiter, seen.header, seen.rows, seen.encoding) == ("|", 1, 2, "utf-8")
    draft = learning.draft(seen, "day")
    assert CLEAR not in draft and "\x1b" not in draft and "622200******0009" in draft
    for line in ('amount = "交易金额(元)"', 'date = "%Y%m%d"', 'time = "%H%M%S"', '"消费" = "?"'):
        assert line in draft
    if sys.version_info >= (3, 11):
        with pytest.raises(StatementError, match="what '消费' means is not said yet"):
            mapping.read(draft)
        finished = draft.replace('"消费" = "?"', '"消费" = "SALE"')
        finished = finished.replace('"退货" = "?"', '"退货" = "REFUND"')
        masked = LEARNED.replace(CLEAR, "622200******0009").replace("\x1b[2J", "")
        (found,) = layouts.read(masked.encode(), finished)
        assert (found.captured_count, found.captured_minor) == (2, 1000)


def test_a_draft_is_made_from_a_spreadsheet_of_a_bank(tmp_path: Path) -> None:
    path = tmp_path / "bank.xlsx"
    path.write_bytes(sheet(BANK_ROWS))
    draft = learning.draft(learning.look(path), "bank")
    for line in ('kind = "bank"', 'credit = "收入"', 'balance = "余额"', 'party = "?"'):
        assert line in draft


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"one column\nonly\n", b"\xff\xfe\x00", b"\x00" * 100]
)
def test_there_is_no_draft_of_what_has_no_columns(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(StatementError):
        learning.look(path)
