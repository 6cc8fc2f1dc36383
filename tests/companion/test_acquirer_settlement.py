"""Settlement: the host's own totals against the terminal's, upload, end, and the next batch."""

from __future__ import annotations

import pytest

from tests.companion.acquirer_client import Counter, f48

AGREED, DIFFERENT, ERROR = "1", "2", "3"


def traded(script: str = "") -> Counter:
    """Two sales (one voided), a completion, a reversed and a declined sale: 1300 in 3, 300 out."""
    till = Counter(script)
    sales = [till.put(till.request("sale", amount)) for amount in (500, 300)]
    till.put(till.request("void", 300, original=f"{till.batch}{sales[1].stan}"))
    hold = till.put(till.request("preauth", 500))
    more = {"original": f"{till.batch}{hold.stan}0302", "auth": hold.get(38)}
    till.put(till.request("completion", 500, **more))
    till.put(till.request("sale", 77))
    till.put(till.undo("sale", 77, till.stan))
    return till


TOTALS = f48(1300, 3, 300, 1)


def detail(kind: int, stan: int, amount_minor: int) -> str:
    return f"{kind:02d}{stan:06d}{'6222000000000005':0>20}{amount_minor:012d}"


def reply(till: Counter, text: str, stan: int | None = None) -> str:
    answer = till.put(till.settlement_request(text, stan))
    assert (answer.mti, answer.get(39)) == ("0510", "00")
    assert till.verifies(answer)
    assert answer.get(48)[:30] == text[:30]
    return answer.get(48)[30]


def test_totals_that_agree_settle_the_batch() -> None:
    till = traded()
    assert reply(till, TOTALS) == AGREED
    batch = till.host.ledger.batch("10000001", till.batch)
    assert batch is not None
    assert batch.state == "BALANCED"


@pytest.mark.parametrize(
    "text",
    [
        f48(1301, 3, 300, 1),
        f48(1300, 4, 300, 1),
        f48(1300, 3, 0, 0),
        TOTALS[:31] + "0" * 11 + "1" + "0" * 19,
    ],
)
def test_totals_that_differ_are_answered_2(text: str) -> None:
    assert reply(traded(), text) == DIFFERENT


def test_resent_settlement_gets_the_same_answer_and_other_totals_after_it_an_error() -> None:
    till = traded()
    assert [reply(till, TOTALS, 90) for _ in range(3)] == [AGREED] * 3
    assert reply(till, f48(1, 1), 91) == ERROR
    assert reply(till, TOTALS, 90) == AGREED


@pytest.mark.parametrize("text", ["1", "0" * 61, "0" * 63])
def test_totals_of_another_length_are_an_error(text: str) -> None:
    answer = traded()
    told = answer.put(answer.settlement_request(text)).get(48)
    assert (len(told), told[30]) == (62, ERROR)


def test_no_trade_in_a_batch_that_is_settled_until_the_sign_in_to_the_next() -> None:
    till = traded()
    before = till.batch
    reply(till, TOTALS)
    answer = till.put(till.request("sale", 1))
    assert (answer.get(39), answer.prefix[5:].hex()[5]) == ("77", "3")
    till.signed_in(till.put(till.sign_in_request()))
    assert (before, till.batch) == ("000001", "000002")
    assert till.f39(till.request("sale", 1, 2)) == "00"  # a STAN of the old batch is free again
    assert reply(till, f48(1, 1)) == AGREED


def test_sign_in_before_settlement_keeps_the_batch() -> None:
    till = traded()
    till.signed_in(till.put(till.sign_in_request()))
    assert till.batch == "000001"
    assert reply(till, TOTALS) == AGREED


def test_void_after_settlement_is_refused() -> None:
    till = traded()
    reply(till, TOTALS)
    till.signed_in(till.put(till.sign_in_request()))
    assert till.f39(till.request("void", 500, original="000001000002")) == "12"


def unbalanced() -> Counter:
    till = traded()
    assert reply(till, f48(1299, 3, 300, 1)) == DIFFERENT
    return till


def test_upload_is_stored_once_however_often_it_comes_and_ended_by_its_count() -> None:
    till = unbalanced()
    text = "02" + detail(0, 2, 500) + detail(0, 3, 300)
    request = till.closing("0320", "201", text)
    for _ in range(2):
        answer = till.put(request)
        assert (answer.mti, answer.get(39), answer.get(48)) == ("0330", "00", "02")
    assert till.f39(till.closing("0320", "201", "01" + detail(1, 4, 299))) == "00"
    assert till.f39(till.closing("0320", "201", "01" + detail(1, 4, 300))) == "00"  # corrected
    assert till.f39(till.closing("0320", "202", "0004")) == "95"
    end = till.closing("0320", "202", "0003")
    assert [till.f39(end) for _ in range(2)] == ["00", "00"]
    assert till.f39(request) == "94"
    batch = till.host.ledger.batch("10000001", till.batch)
    assert batch is not None
    assert batch.state == "ENDED"
    assert [row.amount_minor for row in till.host.ledger.details("10000001", till.batch)] == [
        500,
        300,
        300,
    ]


def test_upload_goes_on_after_a_sign_in_that_opened_the_next_batch() -> None:
    till = unbalanced()
    old = till.batch
    till.signed_in(till.put(till.sign_in_request()))
    assert till.batch != old
    till.batch = old
    assert till.f39(till.closing("0320", "201", "01" + detail(0, 2, 500))) == "00"
    assert till.f39(till.closing("0320", "207", "0001")) == "00"


@pytest.mark.parametrize(
    "text",
    ["00", "09" + detail(0, 2, 1) * 8, "02" + detail(0, 2, 1), "01" + detail(0, 2, 1) + "0"],
)
def test_upload_that_does_not_fit_its_count_is_30(text: str) -> None:
    till = unbalanced()
    assert till.f39(till.closing("0320", "201", text)) == "30"
    assert till.host.ledger.details("10000001", till.batch) == []


def test_upload_without_a_settlement_request_is_12() -> None:
    till = traded()
    assert till.f39(till.closing("0320", "201", "01" + detail(0, 2, 500))) == "12"
    assert till.f39(till.closing("0320", "202", "0001")) == "12"


def test_balanced_batch_needs_no_upload_before_its_end() -> None:
    till = traded()
    reply(till, TOTALS)
    assert till.f39(till.closing("0320", "202", "0000")) == "00"


def test_settlement_with_a_wrong_mac_or_before_sign_in_changes_nothing() -> None:
    till = traded()
    good = till.settlement_request(TOTALS)
    assert till.f39(good[:-8] + b"00000000") == "A0"
    assert till.host.ledger.batch("10000001", till.batch) is None
    assert till.f39(good) == "00"


def test_a_capture_that_a_reversal_did_not_undo_shows_in_the_totals() -> None:
    till = traded('{"mti": "0400", "amount_minor": 77, "do": "capture_after_reversal"}')
    assert reply(till, TOTALS) == DIFFERENT


def test_fault_unbalanced_refuses_totals_that_agree() -> None:
    till = traded('{"do": "unbalanced"}')
    assert reply(till, TOTALS) == DIFFERENT
    assert reply(till, TOTALS, till.stan) == DIFFERENT  # the resent snapshot, the same answer
