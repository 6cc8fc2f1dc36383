"""Banks' layouts: bookings, balances, control totals, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from companion.facts import schema
from companion.statements import Statement, StatementError, cards, layouts, payers
from tests.companion.statement_files import ACCOUNT, BAI2, CLEAR, MT940, camt053

MONDAY = schema.day_number(date(2026, 3, 2))
NAME = "622200*********5011"


def told(statement: Statement) -> list[dict[str, Any]]:
    """The rows without what is empty."""
    assert statement.rows.schema == schema.BANK.remove(0)
    rows: list[dict[str, Any]] = statement.rows.to_pylist()
    return [{key: value for key, value in row.items() if value not in ("", 0)} for row in rows]


def test_a_camt053_statement_is_read_to_the_last_field() -> None:
    found = layouts.statement(camt053().encode())
    assert (found.layout, found.kind, found.party, found.number) == (
        *("camt.053", "bank", NAME, "62"),
    )
    assert (found.channel, found.first_day, found.last_day) == ("", MONDAY, MONDAY)
    assert (found.whole, found.captured_count, found.captured_minor) == (True, 3, 1050)
    booking = {"account": NAME, "day": MONDAY, "currency": "156"}
    assert told(found) == [
        {
            **booking,
            "amount_minor": 1000,
            "ref": "PAY-1",
            "kind": "CREDIT",
            "line": 9,
            "text": "Allinpay | settlement 1",
        },
        {**booking, "amount_minor": 250, "ref": "PAY-2", "kind": "CREDIT", "line": 10},
        {**booking, "amount_minor": -200, "ref": "PAY-0", "kind": "RETURN", "line": 11},
    ]
    assert ACCOUNT not in str(told(found))


def test_an_entry_whose_parts_do_not_add_up_is_one_booking() -> None:
    text = camt053().replace('CNY">10.00<', 'CNY">9.00<')
    found = told(layouts.statement(text.encode()))
    assert [row["amount_minor"] for row in found] == [1250, -200]


def test_what_is_not_booked_is_left_out_and_must_not_be_in_the_balance() -> None:
    pending = camt053().replace("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>")
    with pytest.raises(StatementError, match="do not make the closing balance"):
        layouts.read(pending.encode())
    found = layouts.statement(pending.replace(">110.5<", ">112.5<").encode())
    assert (found.captured_count, found.captured_minor) == (2, 1250)


def test_a_statement_says_its_period_in_one_of_two_ways() -> None:
    period = "<FrToDt><FrDtTm>2026-03-01T00:00:00</FrDtTm><ToDtTm>{}</ToDtTm></FrToDt><Acct>"
    for end in ("2026-03-02T23:59:59", "2026-03-03T00:00:00"):
        text = camt053().replace("<Acct>", period.format(end), 1)
        found = layouts.statement(text.encode())
        assert (found.first_day, found.last_day) == (MONDAY - 1, MONDAY)
    previous = (
        camt053()
        .replace("OPBD", "PRCD")
        .replace("<Dt><Dt>2026-03-02</Dt></Dt></Bal>", "<Dt><Dt>2026-02-27</Dt></Dt></Bal>", 1)
    )
    found = layouts.statement(previous.encode())
    assert (found.first_day, found.last_day) == (MONDAY - 2, MONDAY)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (">110.5<", ">110.6<", "bookings 10.50 do not make the closing balance 110.60"),
        (">12.50<", ">12.505<", "line 7: '12.505' is no amount with 2 decimals"),
        (">12.50<", ">-12.50<", "line 7: '-12.50' is no amount"),
        (">12.50<", ">\uff112.50<", "line 7: .* is no amount"),
        (">PAY-1<", f">{CLEAR}<", "its references are clear card numbers"),
        ("settlement 1", f"card {CLEAR}", "line 9: a text has a clear card number"),
        (
            "Allinpay",
            f"{CLEAR[:4]} {CLEAR[4:8]} {CLEAR[8:12]} {CLEAR[12:]}",
            "line 9: a text has a clear card number",
        ),
        ("<Ntry>", "<Entry>", "line 10: mismatched tag"),
        ("?>\n", '?>\n<!DOCTYPE a [<!ENTITY x "y">]>\n', "DTDForbidden"),
        ("?>\n", '?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd">\n', "DTDForbidden"),
        ("settlement 1", "&x;", "line 9: undefined entity"),
        ('Ccy="CNY">12', 'Ccy="USD">12', "line 7: an amount in USD on an account in CNY"),
        ('Ccy="CNY">110', 'Ccy="XXX">110', "line 6: currency 'XXX' is not known here"),
        ("<DtTm>2026-03-02", "<DtTm>2026-13-02", "line 11: '2026-13-02' is no date"),
        ("CLBD", "OPAV", r"no opening \(OPBD, PRCD\) and closing"),
        ("<Cd>BOOK</Cd>", "<Cd>GONE</Cd>", "line 7: an entry of status 'GONE'"),
        ("DBIT", "BOTH", "line 11: neither credit nor debit"),
        ("<Acct>", "<Konto>", "mismatched tag"),
        ("<Stmt>", "<Stmt><Stmt>", "a statement in a statement"),
        ("<Stmt>", "<Stmt>" + "<a>" * 60, "elements in more than 40 others"),
        ("settlement 1", "x" * 70_000, "line 9: a text of more than 65536"),
        ("BkToCstmrStmt", "Other", "mismatched tag"),
        ('encoding="UTF-8"', 'encoding="none"', "unknown encoding"),
    ],
)
def test_a_camt053_document_with_one_thing_wrong_is_refused(
    old: str, new: str, message: str
) -> None:
    text = camt053()
    assert old in text
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(text.replace(old, new, 1).encode())
    assert CLEAR not in str(caught.value) and "\n" not in str(caught.value)


def test_a_card_number_in_an_element_that_nobody_reads_is_refused_too() -> None:
    card = f"<CardTx><Card><PlainCardData><PAN>{CLEAR}</PAN></PlainCardData></Card></CardTx>"
    text = camt053().replace("<RmtInf>", card + "<RmtInf>", 1)
    with pytest.raises(StatementError, match="line 9: a text has a clear card number"):
        layouts.read(text.encode())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_mt940_statement_of_two_pages_is_one_and_read_to_the_last_field(end: str) -> None:
    found = layouts.statement(MT940.replace("\n", end).encode())
    assert (found.layout, found.party, found.number) == ("mt940", "******3000", "62")
    assert (found.first_day, found.last_day) == (MONDAY, MONDAY)
    assert (found.captured_count, found.captured_minor) == (3, 1000)
    booking = {"account": "******3000", "day": MONDAY, "currency": "156"}
    assert told(found) == [
        {
            **booking,
            "amount_minor": 1250,
            "ref": "PAY-1",
            "kind": "CREDIT",
            "line": 5,
            "text": "166 CREDIT EREF+PAY-1 ALLINPAY second line",
        },
        {**booking, "amount_minor": -200, "ref": "PAY-0", "kind": "RETURN", "line": 8},
        {**booking, "amount_minor": -50, "kind": "DEBIT", "text": "charges", "line": 14},
    ]


def test_the_entry_date_is_of_the_year_that_is_nearest() -> None:
    text = MT940.replace("260302", "260102").replace("260301", "251231")
    found = layouts.statement(text.replace("2601020302C", "2601021231C").encode())
    days = [row["day"] for row in told(found)]
    # The opening balance is dated with the first day.
    assert schema.as_date(days[0]) == date(2025, 12, 31)
    assert schema.as_date(found.first_day) == date(2025, 12, 31)


def test_the_other_sides_account_may_be_a_cards_and_is_masked() -> None:
    text = MT940.replace("?32ALLINPAY", f"?31{ACCOUNT}?32ALLINPAY")
    booking = told(layouts.statement(text.encode()))[0]
    assert "622200*********5011 ALLINPAY" in booking["text"]


def test_swift_headers_around_the_message_are_left_out() -> None:
    text = "{1:F01BANKDEFFAXXX0000000000}{2:O9400000000000}{4:\n" + MT940.replace(
        "\n-\n", "\n-}\n"
    )
    assert layouts.statement(text.encode()).captured_count == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("12,5N", "12,6N", "do not make the closing balance"),
        ("12,5N", "12,555N", "line 5: '12,555' is no amount with 2 decimals"),
        (":61:2603020302C", ":61:foo", "line 5: :61: is no booking"),
        (":60M:C260302CNY110,50", ":60M:C260302CNY110,51", "line 10: a page is missing"),
        (":61:260302RC", ":61:269902RC", "line 8: 269902 is no date"),
        (":86:charges", ":99:charges", "line 15: the tag :99: is not known here"),
        (":86:charges", f":86:{CLEAR}", "line 14: a text has a clear card number"),
        (":62F:C260302CNY110,", ":62F:C260302EUR110,", "line 16: a balance in EUR"),
        (":60F:C260301CNY", ":60F:C260301XXX", "line 4: currency 'XXX'"),
        (":60F:C2603", ":60F:C2403", "a statement of more than 400 days"),
        (":60F:C", ":60F:X", "line 4: :60F: is no balance"),
        (":25:37040044/0532013000\n:28C:62/2", ":25:1/9999999999\n:28C:62/2", "another account"),
        (":25:37040044/0532013000", ":25:", "line 2: no account number"),
        (":62F:C260302CNY110,\n", "", "line 10: a message without :62:"),
        (":62F:C", ":62M:C", "the last statement has no closing balance; it was cut short"),
        (":60M:C", ":60F:C", "line 10: a statement begins before another has ended"),
        (":60F:C", ":60M:C", "line 1: a statement begins with its second page"),
    ],
)
def test_an_mt940_statement_with_one_thing_wrong_is_refused(
    old: str, new: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert old in MT940
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(MT940.replace(old, new, 1).encode())
    assert CLEAR not in str(caught.value) and not caplog.records


def test_a_bai2_report_is_read_to_the_last_field() -> None:
    found = layouts.statement(BAI2.encode())
    assert (found.layout, found.party, found.captured_count) == ("bai2", "******6789", 3)
    assert (found.first_day, found.last_day, found.captured_minor) == (MONDAY, MONDAY, 10500)
    booking = {"account": "******6789", "day": MONDAY, "currency": "840"}
    assert told(found) == [
        {
            **booking,
            "amount_minor": 10000,
            "ref": "PAY-1",
            "kind": "CREDIT",
            "line": 5,
            "text": "ADYEN SETTLEMENT, BATCH 118 more text",
        },
        {**booking, "amount_minor": 2500, "ref": "PAY-2", "kind": "CREDIT", "line": 7},
        {
            **booking,
            "amount_minor": -2000,
            "ref": "PAY-0",
            "kind": "RETURN",
            "line": 8,
            "text": "RETURNED",
        },
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("10000,V", "10001,V", "line 9: record 49 says control total '239500', .* 239501"),
        ("49,239500,7", "49,239500,6", "line 9: record 49 says number of records '6'"),
        ("98,239500,1,9", "98,239500,1,8", "line 10: record 98 says number of records '8'"),
        ("98,239500,1,9", "98,239500,2,9", "line 10: record 98 says number of parts '2'"),
        ("99,239500,1,11/\n", "", "without its record 99; it was cut short"),
        ("16,165", "16,800", "line 5: bookings of type '800'"),
        ("ADYEN", CLEAR, "line 5: a text has a clear card number"),
        (",015,110500", ",015,110501", "control total"),
        ("16,557", "17,557", "line 8: a record '17' here"),
        ("49,239500,7/\n", "", "line 9: a record '98' here"),
        (",260302,2400", ",269902,2400", "line 2: as-of date '269902' is no date"),
        ("USD,010", "XXX,010", "line 3: currency 'XXX'"),
        ("16,165,10000", "16,165,-10000", "line 5: a negative amount"),
        (",S,0,2500,0,", ",Q,", "line 7: funds of type 'Q'"),
    ],
)
def test_a_bai2_report_with_one_thing_wrong_is_refused(old: str, new: str, message: str) -> None:
    assert old in BAI2
    with pytest.raises(StatementError, match=message) as caught:
        layouts.read(BAI2.replace(old, new, 1).encode())
    assert CLEAR not in str(caught.value)


def test_balances_that_do_not_fit_are_refused_though_the_control_totals_do() -> None:
    text = BAI2.replace(",015,110500", ",015,110501").replace("239500", "239501")
    with pytest.raises(StatementError, match=r"do not make the closing balance 1105\.01"):
        layouts.read(text.encode())


@pytest.mark.parametrize("text", [camt053(), MT940, BAI2], ids=["camt.053", "mt940", "bai2"])
def test_no_cut_of_a_banks_file_is_half_read(text: str) -> None:
    data = text.encode()
    whole = layouts.read(data)
    for end in range(len(data) - 1):
        try:
            found = layouts.read(data[:end])
        except StatementError:
            continue
        assert [one.rows for one in found] == [one.rows for one in whole], end


def test_bookings_are_given_to_the_payer_that_is_named_in_them() -> None:
    rows = layouts.statement(camt053().encode()).rows
    assert payers.assign(rows, [])["channel"].to_pylist() == ["", "", ""]
    found = payers.assign(rows, [("card", " allinPAY "), ("other", "settlement"), ("wx", "pay-2")])
    assert found["channel"].to_pylist() == ["card", "wx", ""]
    assert payers.assign(found, [("late", "PAY")])["channel"].to_pylist() == ["card", "wx", "late"]
    assert payers.assign(rows, [("all", " ")])["channel"].to_pylist() == ["", "", ""]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ACCOUNT, NAME),
        (f"{ACCOUNT[:4]} {ACCOUNT[4:8]}-{ACCOUNT[8:]}", NAME),
        ("de89 3704 0044 0532 0130 00", "DE8937************3000"),
        ("1234567890", "******7890"),
        ("123", "123"),
        (NAME, NAME),
        ("****5011", "****5011"),
        ("", ""),
    ],
)
def test_an_account_has_one_name_however_it_is_written(text: str, name: str) -> None:
    assert cards.account(text) == name
