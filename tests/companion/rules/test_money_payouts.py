"""Payouts: each code on its own, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.rules import engines
from companion.rules.engines import Engine
from tests.companion.rules.money_fold import ACCOUNT, ENGINES, MERCHANT, Facts, fold

OLD = "622200****0009"
OTHER = "622200****0077"
DAY = 20_000
KEY = f"{MERCHANT}|card|{DAY}|PAYOUT"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = engines.named(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture
def facts() -> Facts:
    """Settled on the day itself, paid the next day, late after two; one account."""
    made = Facts()
    made.timetable("card", range(DAY - 40, DAY + 60))
    made.account(valid_from=DAY - 10)
    made.account(OLD, valid_to=DAY - 10)
    return made


def told(engine: Engine, facts: Facts, as_of: int) -> list[tuple[str, str, int, int]]:
    """The breaks; the second equation holds and every named row is at hand, whatever they are."""
    result = fold(engine, facts, as_of)
    assert result.unexplained == 0
    assert result.missing_evidence == []
    return result.told


def test_a_payout_of_many_rows_less_fees_squares(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000, fee_minor=6)
    facts.charge(DAY, 500, fee_minor=3)
    facts.charge(DAY, 200, txn="REFUND", fee_minor=-1)
    facts.charge(DAY, 9999, txn="PREAUTH", status="AUTHORISED")
    facts.charge(DAY, 777, status="REVERSED")
    facts.charge(DAY, 0, txn="FEE", fee_minor=50)
    facts.credit(DAY + 1, 1000 - 6 + 500 - 3 - 200 + 1 - 50)
    assert told(engine, facts, DAY + 30) == []


def test_a_payout_that_does_not_come_is_awaited_and_then_missing(
    engine: Engine, facts: Facts
) -> None:
    facts.charge(DAY, 1000, fee_minor=6)
    assert told(engine, facts, DAY + 2) == []
    assert told(engine, facts, DAY + 3) == [("PAYOUT_MISSING", KEY, 994, 994)]


@pytest.mark.parametrize("received", [None, 900])
def test_nothing_is_missing_that_the_bank_has_not_told_of(
    engine: Engine, facts: Facts, received: int | None
) -> None:
    facts.charge(DAY, 1000, settle_ref="S1", settle_day=DAY)
    if received:
        facts.credit(DAY + 1, received, ref="S1")
    facts.bank_until = DAY + 1
    assert told(engine, facts, DAY + 30) == []
    facts.bank_until = DAY + 2
    assert len(told(engine, facts, DAY + 30)) == 1
    # The statements of an account that is not the right one any more do not count.
    facts.accounts[0]["valid_to"] = DAY + 2
    assert told(engine, facts, DAY + 30) == []


def test_a_missing_payout_that_comes_is_only_late_whenever_it_is_judged(
    engine: Engine, facts: Facts
) -> None:
    facts.charge(DAY, 1000)
    facts.credit(DAY + 3, 1000)
    late = [("PAYOUT_LATE", KEY, 1000, 0)]
    assert told(engine, facts, DAY + 3) == late
    # The group is closed by a later day's step, which then tells it for good.
    facts.charge(DAY + 29, 0)
    assert told(engine, facts, DAY + 30) == late


def test_an_amount_alone_says_nothing_long_after_the_last_day(
    engine: Engine, facts: Facts
) -> None:
    facts.charge(DAY, 1000)
    facts.credit(DAY + 7, 1000)
    assert told(engine, facts, DAY + 30) == [("PAYOUT_LATE", KEY, 1000, 0)]
    facts.bank[0]["day"] = DAY + 8
    unexplained = f"BANK|{ACCOUNT}|{DAY + 8}||1000|1"
    assert told(engine, facts, DAY + 30) == [
        ("PAYOUT_MISSING", KEY, 1000, 1000),
        ("PAYOUT_OVER", unexplained, 1000, -1000),
    ]


@pytest.mark.parametrize(("received", "code"), [(900, "PAYOUT_SHORT"), (1100, "PAYOUT_OVER")])
def test_a_payout_of_another_sum(engine: Engine, facts: Facts, received: int, code: str) -> None:
    facts.charge(DAY, 1000, settle_ref="S1", settle_day=DAY)
    facts.credit(DAY + 1, received, ref="S1")
    key = f"{MERCHANT}|card|S1|PAYOUT"
    expected = [(code, key, 100, 1000 - received)]
    assert told(engine, facts, DAY + 3) == expected
    assert told(engine, facts, DAY + 2) == (expected if code == "PAYOUT_OVER" else [])


def test_two_credits_of_one_reference_are_one_payout(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000, settle_ref="S1", settle_day=DAY)
    facts.credit(DAY + 1, 400, ref="S1")
    facts.credit(DAY + 2, 600, ref="S1")
    assert told(engine, facts, DAY + 30) == []


def test_late_rows_of_a_reference_add_to_its_group(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000, settle_ref="S1", settle_day=DAY + 1)
    facts.charge(DAY + 1, 500, settle_ref="S1", settle_day=DAY + 1)
    facts.credit(DAY + 2, 1500, ref="S1")
    assert told(engine, facts, DAY + 30) == []


def test_one_credit_for_a_weekend_of_groups(engine: Engine, facts: Facts) -> None:
    for row in facts.pay_due:
        if row["settle_day"] in (DAY, DAY + 1):
            row["pay_day"], row["late_day"] = DAY + 3, DAY + 4
    facts.charge(DAY, 1000)
    facts.charge(DAY + 1, 500)
    facts.credit(DAY + 3, 1500)
    assert told(engine, facts, DAY + 30) == []


def test_a_group_of_nothing_is_not_paid_with_the_others(engine: Engine, facts: Facts) -> None:
    for row in facts.pay_due:
        if DAY <= row["settle_day"] <= DAY + 2:
            row["pay_day"], row["late_day"] = DAY + 3, DAY + 4
    for day, amount in ((DAY, 1000), (DAY + 1, 100), (DAY + 2, 500)):
        facts.charge(day, amount)
    facts.charge(DAY + 1, 100, txn="VOID")
    facts.credit(DAY + 5, 1500)
    keys = [f"{MERCHANT}|card|{day}|PAYOUT" for day in (DAY, DAY + 2)]
    expected = [("PAYOUT_LATE", keys[0], 1000, 0), ("PAYOUT_LATE", keys[1], 500, 0)]
    assert told(engine, facts, DAY + 30) == expected


def test_equal_amounts_pay_equal_groups_one_each(engine: Engine, facts: Facts) -> None:
    for day in range(DAY, DAY + 4):
        facts.charge(day, 1000)
    for _ in range(3):
        facts.credit(DAY + 4, 1000)
    key = f"{MERCHANT}|card|{DAY + 3}|PAYOUT"
    late = [("PAYOUT_LATE", f"{MERCHANT}|card|{DAY + n}|PAYOUT", 1000, 0) for n in (0, 1)]
    assert told(engine, facts, DAY + 6) == [*late, ("PAYOUT_MISSING", key, 1000, 1000)]


@pytest.mark.parametrize(
    ("account", "code"), [(OLD, "PAYOUT_OLD_ACCOUNT"), (OTHER, "PAYOUT_WRONG_ACCOUNT")]
)
def test_a_payout_to_an_account_that_is_not_the_right_one(
    engine: Engine, facts: Facts, account: str, code: str
) -> None:
    facts.charge(DAY, 1000, settle_ref="S1", settle_day=DAY)
    facts.credit(DAY + 1, 1000, ref="S1", account=account)
    key = f"{MERCHANT}|card|S1|PAYOUT"
    assert told(engine, facts, DAY + 30) == [(code, key, 1000, 0)]


def test_a_break_tells_the_sums_the_days_and_the_right_account(
    engine: Engine, facts: Facts
) -> None:
    facts.charge(DAY, 1000, settle_ref="S;1", settle_day=DAY)
    facts.credit(DAY + 1, 900, ref="S;1", account=OLD)
    notes = {one["code"]: one["note"] for one in fold(engine, facts, DAY + 3).breaks}
    days = f"pay_day={DAY + 1};late_day={DAY + 2}"
    expected = f"net=1000;got=900;rows=1;{days};ref=S,1;wanted={ACCOUNT};valid_to={DAY - 10}"
    assert notes == {"PAYOUT_SHORT": expected, "PAYOUT_OLD_ACCOUNT": expected}


def test_an_announced_account_is_told_with_the_right_one(engine: Engine, facts: Facts) -> None:
    facts.pay_due.clear()
    facts.charge(DAY, 1000)
    facts.announce(DAY + 1, DAY, 1000, account=OTHER)
    [one] = fold(engine, facts, DAY + 3).breaks
    assert one["note"] == f"net=1000;got=0;rows=1;wanted={ACCOUNT}"


def test_rows_carried_by_the_matching_do_not_count_again(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000)
    facts.charge(DAY, 500, occurrence=1)
    facts.credit(DAY + 1, 1000)
    assert told(engine, facts, DAY + 30) == []


def test_the_old_account_was_right_while_it_was_valid(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY - 13, 1000)
    facts.credit(DAY - 11, 1000, account=OLD)
    assert told(engine, facts, DAY + 30) == []


def test_an_account_is_old_without_a_reference_too(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000)
    facts.credit(DAY + 1, 1000, account=OLD)
    assert told(engine, facts, DAY + 30) == [("PAYOUT_OLD_ACCOUNT", KEY, 1000, 0)]


@pytest.mark.parametrize(
    ("account", "code"), [(OLD, "PAYOUT_OLD_ACCOUNT"), (OTHER, "PAYOUT_WRONG_ACCOUNT")]
)
def test_a_payout_announced_to_such_an_account_that_the_bank_does_not_show(
    engine: Engine, facts: Facts, account: str, code: str
) -> None:
    facts.charge(DAY, 1000)
    facts.announce(DAY + 1, DAY, 1000, account=account)
    assert told(engine, facts, DAY + 30) == [(code, KEY, 1000, 1000)]


def test_a_payout_that_comes_back_is_owed_until_it_is_paid_again(
    engine: Engine, facts: Facts
) -> None:
    facts.charge(DAY, 1000)
    facts.credit(DAY + 1, 1000)
    facts.credit(DAY + 2, -1000, kind="RETURN")
    returned = [("PAYOUT_RETURNED", KEY, 1000, 1000)]
    assert told(engine, facts, DAY + 2) == returned
    facts.credit(DAY + 6, 1000)
    assert told(engine, facts, DAY + 5) == returned
    assert told(engine, facts, DAY + 6) == []
    assert told(engine, facts, DAY + 40) == []


def test_a_return_without_a_reference_is_of_the_newest_payout_of_that_amount(
    engine: Engine, facts: Facts
) -> None:
    for day in (DAY, DAY + 1):
        facts.charge(day, 1000)
        facts.credit(day + 1, 1000)
    facts.credit(DAY + 3, -1000, kind="RETURN")
    key = f"{MERCHANT}|card|{DAY + 1}|PAYOUT"
    assert told(engine, facts, DAY + 30) == [("PAYOUT_RETURNED", key, 1000, 1000)]


def test_a_paid_group_is_kept_for_a_return_and_then_closed(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000)
    facts.credit(DAY + 1, 1000)
    facts.credit(DAY + 12, -1000, kind="RETURN")
    facts.charge(DAY + 11, 0)
    assert told(engine, facts, DAY + 30) == [("PAYOUT_RETURNED", KEY, 1000, 1000)]
    # With a step behind the ten days before it, the group is gone: the return stands alone.
    facts.bank[1]["day"] = DAY + 14
    facts.charge(DAY + 13, 0)
    key = f"BANK|{ACCOUNT}|{DAY + 14}||-1000|1"
    assert told(engine, facts, DAY + 40) == [("PAYOUT_RETURNED", key, 1000, 1000)]


def test_an_announced_payout_waits_for_its_rows(engine: Engine, facts: Facts) -> None:
    facts.announce(DAY - 9, DAY, 1000, ref="P7")
    facts.charge(DAY - 5, 0)
    facts.charge(DAY, 1000)
    facts.credit(DAY + 1, 1000, ref="P7", account=OTHER)
    assert told(engine, facts, DAY + 30) == [("PAYOUT_WRONG_ACCOUNT", KEY, 1000, 0)]


def test_a_payout_that_the_acquirer_says_came_back(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000)
    facts.announce(DAY + 1, DAY, 1000)
    facts.announce(DAY + 3, DAY, 1000, status="RETURNED", reason="frozen")
    assert told(engine, facts, DAY + 30) == [("PAYOUT_RETURNED", KEY, 1000, 1000)]


def test_an_announced_reference_names_a_group_that_has_none(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000)
    facts.announce(DAY + 1, DAY, 1000, ref="P7")
    facts.credit(DAY + 1, 900, ref="P7")
    assert told(engine, facts, DAY + 30) == [("PAYOUT_SHORT", KEY, 100, 100)]


def test_a_credit_that_nothing_explains_is_told_after_five_days(
    engine: Engine, facts: Facts
) -> None:
    facts.credit(DAY, 1234, ref="X")
    facts.credit(DAY, 1234, ref="X")
    keys = [f"BANK|{ACCOUNT}|{DAY}|X|1234|{n}" for n in (1, 2)]
    expected = [("PAYOUT_OVER", key, 1234, -1234) for key in keys]
    assert told(engine, facts, DAY + 5) == []
    assert told(engine, facts, DAY + 6) == expected
    facts.charge(DAY + 20, 0)
    assert told(engine, facts, DAY + 30) == expected


def test_bookings_that_are_no_payouts_do_not_count(engine: Engine, facts: Facts) -> None:
    facts.credit(DAY, 5000, channel="")
    facts.credit(DAY, 5000, channel="unheard-of")
    assert told(engine, facts, DAY + 30) == []


def test_payouts_are_not_followed_without_an_account(engine: Engine, facts: Facts) -> None:
    facts.accounts.clear()
    facts.charge(DAY, 1000)
    assert told(engine, facts, DAY + 30) == []


def test_without_a_calendar_nothing_is_missing(engine: Engine, facts: Facts) -> None:
    facts.pay_due.clear()
    facts.charge(DAY, 1000)
    assert told(engine, facts, DAY + 300) == []


def test_the_calendar_settles_what_the_acquirer_gives_no_day_for(
    engine: Engine, facts: Facts
) -> None:
    for row in facts.due:
        if row["day"] == DAY:
            row["settle_day"] = DAY + 2
    facts.charge(DAY, 1000)
    facts.charge(DAY + 2, 10)
    facts.credit(DAY + 3, 1010)
    assert told(engine, facts, DAY + 30) == []


def test_more_refunded_than_sold_is_squared_by_a_debit(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 100)
    facts.charge(DAY, 1000, txn="REFUND")
    assert told(engine, facts, DAY + 3) == [("PAYOUT_OVER", KEY, 900, -900)]
    facts.credit(DAY + 2, -900)
    assert told(engine, facts, DAY + 3) == []


def test_a_reference_that_two_merchants_share_is_the_holders(engine: Engine, facts: Facts) -> None:
    facts.account("622200****0002", merchant_no="898000000000002")
    for merchant, amount in ((MERCHANT, 1000), ("898000000000002", 500)):
        facts.charge(DAY, amount, settle_ref="S1", settle_day=DAY, merchant_no=merchant)
    facts.credit(DAY + 1, 500, ref="S1", account="622200****0002")
    facts.credit(DAY + 1, 1000, ref="S1")
    assert told(engine, facts, DAY + 30) == []


def test_merchants_may_share_an_account(engine: Engine, facts: Facts) -> None:
    other = "898000000000002"
    facts.account(merchant_no=other)
    for merchant_no in (MERCHANT, other):
        facts.charge(DAY, 1000, merchant_no=merchant_no)
    facts.credit(DAY + 1, 1000)
    facts.credit(DAY + 1, 1000)
    assert told(engine, facts, DAY + 30) == []


@pytest.mark.parametrize("ref", ["", "S1"])
def test_a_bank_that_names_no_currency_is_understood(
    engine: Engine, facts: Facts, ref: str
) -> None:
    facts.charge(DAY, 1000, settle_ref="S1", settle_day=DAY)
    facts.credit(DAY + 1, 1000, ref=ref, currency="")
    assert told(engine, facts, DAY + 30) == []


def test_a_group_in_another_currency_is_one_of_its_own(engine: Engine, facts: Facts) -> None:
    facts.charge(DAY, 1000)
    facts.charge(DAY, 300, currency="840")
    facts.credit(DAY + 1, 1000)
    assert told(engine, facts, DAY + 30) == [("PAYOUT_MISSING", KEY + "|840", 300, 300)]
