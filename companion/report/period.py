"""The days and shops that a report is about."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from companion.errors import CompanionError
from companion.facts.schema import day_number

# A chart of a single day says little: it shows the days before it too.
_TREND_DAYS = 14


class PeriodError(CompanionError):
    """Something that is no day or month."""


@dataclass(frozen=True)
class Scope:
    """The first and last day, and the merchant and terminal; "" for all of them."""

    first: date
    last: date
    merchant_no: str = ""
    terminal_no: str = ""

    @property
    def trend(self) -> range:
        """The day numbers that the charts show."""
        begin = min(self.first, self.last - timedelta(days=_TREND_DAYS - 1))
        return range(day_number(begin), day_number(self.last) + 1)

    @property
    def days(self) -> range:
        """The day numbers that the figures are of."""
        return range(day_number(self.first), day_number(self.last) + 1)

    @property
    def name(self) -> str:
        """2026-03-02, or 2026-03 for a month."""
        text = self.first.isoformat()
        return text if self.first == self.last else text[:7]

    def has(self, merchant_no: object, terminal_no: object) -> bool:
        """Whether something of this merchant and terminal belongs to it; what is of no terminal,
        such as a payout, is of none."""
        return self.merchant_no in ("", merchant_no) and self.terminal_no in ("", terminal_no)


def of_day(when: str | date) -> tuple[date, date]:
    """First and last day of 2026-03-02."""
    day = when if isinstance(when, date) else _read(when, r"\d{4}-\d{2}-\d{2}", "", "day")
    return day, day


def of_month(when: str | date) -> tuple[date, date]:
    """First and last day of 2026-03, or of the month that a day is in."""
    day = when if isinstance(when, date) else _read(when, r"\d{4}-\d{2}", "-01", "month")
    last = calendar.monthrange(day.year, day.month)[1]
    return day.replace(day=1), day.replace(day=last)


def _read(text: str, form: str, rest: str, what: str) -> date:
    try:
        if re.fullmatch(form, text, re.ASCII):
            return date.fromisoformat(text + rest)
    except ValueError:
        pass
    example = {"day": "2026-03-02", "month": "2026-03"}[what]
    raise PeriodError(f"{text!r} is not a {what} such as {example}")
