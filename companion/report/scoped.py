"""What of everything belongs to the days, shop and terminal of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from companion.facts.schema import day_number
from companion.reconcile import codes
from companion.report import risk
from companion.report.gather import Gathered, Row
from companion.report.period import Scope


class Scoped:
    """What of everything belongs to the scope."""

    def __init__(self, scope: Scope, given: Gathered) -> None:
        days = scope.days
        self.pairs = [row for row in given.pairs if row["day"] in days and has(scope, row)]
        self.captured = [row for row in given.captured if row["day"] in days and has(scope, row)]
        self.payouts = [
            row
            for row in given.payouts
            if row["settle_day"] in days and scope.has(row["merchant_no"], "")
        ]
        # Of all days; what is of no day, a journal's gap, is of every one.
        self.everything = [row for row in given.breaks if has(scope, row)]
        self.breaks = [
            row
            for row in self.everything
            if row["business_date"] is None or day_of(row["business_date"]) in days
        ]
        self.cases = [row for row in given.cases if has(scope, row)]
        self.broken_payouts = {
            row["row_key"]: row["code"]
            for row in sorted(given.breaks, key=lambda row: str(row["code"]))
            if row["state"] == "open"
            and row["code"] in risk.PAYOUTS
            and row["code"] != codes.PAYOUT_LATE
        }
        self.late_payouts = {
            row["row_key"] for row in given.breaks if row["code"] == codes.PAYOUT_LATE
        }

    def by_channel(self, rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
        """Rows by merchant and channel; several merchants are one, "all"."""
        if len({row["merchant_no"] for row in (*self.pairs, *self.payouts)}) == 1:
            return grouped(rows, "merchant_no", "channel")
        return {("all", *key): found for key, found in grouped(rows, "channel").items()}

    def awaited(self, payout: Row) -> int:
        """What is not here yet of a payout that nothing is wrong with."""
        if payout["row_key"] in self.broken_payouts or not payout["open"]:
            return 0
        return int(payout["net_minor"] - payout["got_minor"])


def has(scope: Scope, row: Row) -> bool:
    """Whether a row is of the scope's merchant and terminal."""
    return scope.has(row["merchant_no"], row["terminal_no"])


def day_of(text: str) -> int:
    """The day number of a date as the store has it."""
    return day_number(date.fromisoformat(text))


def grouped(rows: Iterable[Row], *names: str) -> dict[tuple[str, ...], list[Row]]:
    """Rows by the text of some of their columns, in order."""
    groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(str(row[name]) for name in names)].append(row)
    return dict(sorted(groups.items()))
