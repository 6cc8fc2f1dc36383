"""Business days, and what follows from them: graces, settlements, payouts, statements due.

The rules know of no holidays: they read these tables. China's working weekends are business days,
as far as they have been announced (the `holidays` package has them up to the year it was made
for; for later years it has the holidays only).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import holidays
import pyarrow as pa

from companion.accounts.channels import Channel
from companion.errors import CompanionError
from companion.facts import schema

_BANK = "bank"
# A bank's statement of a day comes on the next business day.
_BANK_DAYS = 1


class CalendarError(CompanionError):
    """A country whose holidays are not known."""


@dataclass(frozen=True)
class Want:
    """Statements that should come: of each business day from the first to the last, and of
    `days`, which may be no business days (a shop sells on Sundays too)."""

    leg: str
    # The merchant, for the bank leg the account.
    party: str
    merchant_no: str
    channel: str
    first_day: int
    days: frozenset[int] = frozenset()
    last_day: int = schema.FAR


def is_business_day(day: int, country: str) -> bool:
    """Whether banks work on that day; weekends that are worked on count."""
    return bool(_of(country).is_working_day(schema.as_date(day)))


def next_business_day(day: int, count: int, country: str) -> int:
    """The count-th business day after a day; for 0 the day itself, or the next if it is none."""
    if count == 0:
        return day if is_business_day(day, country) else next_business_day(day, 1, country)
    while count:
        day += 1
        count -= is_business_day(day, country)
    return day


def due(channels: Iterable[Channel], first: int, last: int) -> pa.Table:
    """schema.DUE for every day from first to last: with 0 days a transaction is settled on its
    own day, whatever day that is."""
    rows = [
        (
            one.channel,
            day,
            next_business_day(day, one.grace_days, one.country) if one.grace_days else day,
            next_business_day(day, one.settle_days, one.country) if one.settle_days else day,
        )
        for one in channels
        for day in range(first, last + 1)
    ]
    return _table(schema.DUE, rows)


def pay_due(channels: Iterable[Channel], first: int, last: int) -> pa.Table:
    """schema.PAY_DUE for every day of settlement from first to last; both count from that day."""
    rows = []
    for one in channels:
        for day in range(first, last + 1):
            pay_day = next_business_day(day, one.pay_days, one.country)
            late_day = next_business_day(day, one.late_days, one.country)
            rows.append((one.channel, day, pay_day, max(pay_day, late_day)))
    return _table(schema.PAY_DUE, rows)


def wanted(wants: Iterable[Want], channels: Mapping[str, Channel], last: int) -> pa.Table:
    """schema.WANTED up to the day `last`.

    An acquirer's statement is due when a transaction's record is (the channel's grace), a bank's
    on the next business day. An account has one statement a day, for all of its channels.
    """
    found: dict[tuple[str, str, str, int], tuple[str, int]] = {}
    for want in wants:
        channel = channels.get(want.channel, Channel(want.channel))
        bank = want.leg == _BANK
        wait = _BANK_DAYS if bank else max(channel.grace_days, 1)
        name = "" if bank else want.channel
        for day in range(want.first_day, min(want.last_day, last) + 1):
            if day in want.days or is_business_day(day, channel.country):
                key = (want.leg, want.party, name, day)
                merchant_no, due_day = found.get(key, (want.merchant_no, 0))
                found[key] = (
                    min(merchant_no, want.merchant_no),
                    max(due_day, next_business_day(day, wait, channel.country)),
                )
    rows = [
        (leg, party, merchant_no, name, day, due_day)
        for (leg, party, name, day), (merchant_no, due_day) in sorted(found.items())
    ]
    return _table(schema.WANTED, rows)


@lru_cache(maxsize=32)
def _of(country: str) -> holidays.HolidayBase:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError as error:
        raise CalendarError(f"{country!r}: no calendar has this country's holidays") from error


def _table(columns: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    by_column = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(by_column, columns, strict=True)],
        schema=columns,
    )
