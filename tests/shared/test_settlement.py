"""F48 of settlement and upload."""

from protocol.iso8583 import settlement
from protocol.iso8583.codec import Iso8583Error
from tests.shared.expect import raises, vectors

MASKED = "622200*********0005"


def _f48(name: str) -> str:
    for row in vectors("iso8583_transactions")["messages"]:
        if row["name"] == name:
            return row["fields"]["48"]
    raise AssertionError(name)


def test_totals_are_amounts_and_counts_with_an_empty_foreign_part():
    assert settlement.totals(53234, 2, 1234, 1) == _f48("settlement")
    assert settlement.totals(0, 0, 0, 0) == "0" * 62
    assert settlement.totals(10**12 - 1, 999, 5, 6) == (
        "999999999999" + "999" + "000000000005" + "006" + "0" + "0" * 31
    )


def test_what_does_not_fit_is_refused():
    for values, expected in (
        ((10**12, 1, 0, 0), "debit total"),
        ((1, 1000, 0, 0), "debit count"),
        ((1, 1, -1, 0), "credit total"),
        ((1, 1, 0, 1000), "credit count"),
    ):
        assert expected in str(raises(Iso8583Error, settlement.totals, *values))


def test_the_reply_is_balanced_only_when_neither_half_objects():
    part = "0" * 30
    for domestic, foreign, expected in (
        ("1", "0", settlement.BALANCED),
        ("1", "1", settlement.BALANCED),
        ("2", "0", settlement.UNBALANCED),
        ("2", "1", settlement.UNBALANCED),
        ("1", "2", settlement.UNBALANCED),
        ("3", "1", settlement.ERROR),
        ("1", "3", settlement.ERROR),
        ("2", "3", settlement.ERROR),
        ("0", "0", settlement.ERROR),
        ("9", "1", settlement.ERROR),
    ):
        text = part + domestic + part + foreign
        assert settlement.reply(text) == expected, (domestic, foreign)
    assert settlement.reply(_f48("settlement_answer")) == settlement.UNBALANCED
    for text in ("", part + "1", part + "1" + part + "01", part + "1" + part + "x"):
        assert settlement.reply(text) == settlement.ERROR


def test_details_send_what_a_masked_card_number_still_has():
    rows = [(0, 2, MASKED, 1234), (0, 7, MASKED, 52000)]
    assert settlement.details(rows) == _f48("batch_upload")
    full = settlement.details([(1, 999999, "*" * 19, 10**12 - 1)] * 8)
    assert len(full) == 322 and full[:2] == "08"


def test_details_that_do_not_fit_are_refused():
    good = (0, 2, MASKED, 1234)
    for rows, expected in (
        ([], "0 details"),
        ([good] * 9, "9 details"),
        ([(0, 2, "62220x", 1)], "card number"),
        ([(0, 2, "", 1)], "card number"),
        ([(0, 2, "1" * 21, 1)], "card number"),
        ([(100, 2, MASKED, 1)], "class"),
        ([(0, 10**6, MASKED, 1)], "STAN"),
        ([(0, 2, MASKED, 10**12)], "amount"),
    ):
        assert expected in str(raises(Iso8583Error, settlement.details, rows)), expected


def test_the_end_of_an_upload_counts_its_details():
    assert settlement.end_count(2) == _f48("batch_end")
    assert settlement.end_count(1998) == "1998"
    raises(Iso8583Error, settlement.end_count, 10000)
