"""Business days, and the tables that the rules read of them."""

from __future__ import annotations

from datetime import date

import pytest

from companion.accounts.channels import Channel
from companion.facts import calendar, schema
from companion.facts.calendar import Want


def number(text: str) -> int:
    return schema.day_number(date.fromisoformat(text))


def shown(day: int) -> str:
    return schema.as_date(day).isoformat()


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-06-10", 1, "2026-06-11"),
        ("2026-06-12", 1, "2026-06-15"),  # over a weekend
        ("2026-06-13", 0, "2026-06-15"),
        ("2026-06-12", 0, "2026-06-12"),
        ("2026-06-18", 1, "2026-06-22"),  # the Dragon Boat Festival and its weekend
        ("2026-02-13", 1, "2026-02-14"),  # a Saturday that is worked on
        ("2026-02-14", 1, "2026-02-24"),  # the Spring Festival
        ("2026-09-30", 3, "2026-10-10"),  # the National Day, then a worked Saturday
        ("2026-12-31", 2, "2027-01-05"),  # over a new year
    ],
)
def test_business_days_of_china(day: str, count: int, expected: str) -> None:
    assert shown(calendar.next_business_day(number(day), count, "CN")) == expected


def test_another_country_has_other_holidays() -> None:
    assert shown(calendar.next_business_day(number("2026-04-02"), 1, "DE")) == "2026-04-07"
    assert shown(calendar.next_business_day(number("2026-04-02"), 1, "CN")) == "2026-04-03"


def test_a_country_without_a_calendar_is_refused() -> None:
    with pytest.raises(calendar.CalendarError, match="XX"):
        calendar.is_business_day(0, "XX")


def test_graces_settlements_and_payouts_of_a_channel() -> None:
    friday = number("2026-06-12")
    channel = Channel("card", grace_days=2, settle_days=0, pay_days=1, late_days=3)
    due = calendar.due([channel], friday, friday + 2).to_pylist()
    assert [(shown(row["grace_day"]), shown(row["settle_day"])) for row in due] == [
        ("2026-06-16", "2026-06-12"),
        ("2026-06-16", "2026-06-13"),
        ("2026-06-16", "2026-06-14"),
    ]
    pay = calendar.pay_due([channel], friday, friday + 1).to_pylist()
    assert [(shown(row["pay_day"]), shown(row["late_day"])) for row in pay] == [
        ("2026-06-15", "2026-06-17"),
        ("2026-06-15", "2026-06-17"),
    ]


def test_a_weekend_settled_on_monday_is_paid_on_tuesday() -> None:
    friday = number("2026-06-12")
    channel = Channel("wallet", settle_days=1, pay_days=1, late_days=1)
    due = calendar.due([channel], friday, friday + 2).to_pylist()
    assert {shown(row["settle_day"]) for row in due} == {"2026-06-15"}
    [row] = calendar.pay_due([channel], friday + 3, friday + 3).to_pylist()
    assert shown(row["pay_day"]) == shown(row["late_day"]) == "2026-06-16"


def test_statements_are_wanted_for_business_days_and_days_of_trade() -> None:
    thursday = number("2026-06-11")
    want = Want("acquirer", "M", "M", "card", thursday, frozenset({thursday + 3}))
    rows = calendar.wanted([want], {"card": Channel("card", grace_days=2)}, thursday + 4)
    assert [(shown(row["day"]), shown(row["due_day"])) for row in rows.to_pylist()] == [
        ("2026-06-11", "2026-06-15"),
        ("2026-06-12", "2026-06-16"),
        ("2026-06-14", "2026-06-16"),
        ("2026-06-15", "2026-06-17"),
    ]
    assert set(rows["channel"].to_pylist()) == {"card"}


def test_an_account_of_two_channels_and_merchants_wants_one_statement_a_day() -> None:
    thursday = number("2026-06-11")
    wants = [
        Want("bank", "6222****01", merchant_no, channel, thursday, last_day=thursday + 1)
        for merchant_no in ("M2", "M1")
        for channel in ("card", "wallet")
    ]
    rows = calendar.wanted(wants, {}, thursday + 30).to_pylist()
    assert [(row["merchant_no"], row["channel"], shown(row["due_day"])) for row in rows] == [
        ("M1", "", "2026-06-12"),
        ("M1", "", "2026-06-15"),
    ]


def test_tables_without_channels_are_empty() -> None:
    assert calendar.due([], 0, 10).schema == schema.DUE
    assert calendar.wanted([], {}, 10).num_rows == 0
