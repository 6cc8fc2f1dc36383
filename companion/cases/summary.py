"""What a case says of itself: from its breaks, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from companion.cases import actions, grouping
from companion.facts.schema import as_date, day_number
from companion.reconcile import codes
from companion.reconcile.words import SHOP, money
from companion.store.breaks import Break

# Business days: a channel, a day number and how many days; the day number so much later.
After = Callable[[str, int, int], int]

# Which break leads a case: the one that explains the others.
_FIRST = (
    *codes.JOURNAL,
    codes.STATEMENT_MISSING,
    codes.PAYOUT_OLD_ACCOUNT,
    codes.PAYOUT_WRONG_ACCOUNT,
    codes.PAYOUT_RETURNED,
)
# Who acts, whatever the breaks say.
_ACTORS = dict.fromkeys((grouping.JOURNAL, grouping.UNSYNCED, grouping.UNKNOWN), SHOP)


def about(
    kind: str,
    found: Sequence[Break],
    days: Mapping[str, int | None],
    as_of: int,
    after: After,
) -> dict[str, object]:
    """What a case says of itself, from its breaks; ``days`` has the day of those that belong to
    none, by id."""
    lead = min(found, key=_leading)
    day = _first_day(found, days)
    action = actions.of(kind, lead.code)
    since = as_of if day is None else day
    due = after(lead.channel, since, action.days)
    return {
        "code": lead.code,
        "merchant_no": lead.merchant_no,
        "terminal_no": _common(item.terminal_no for item in found),
        "channel": lead.channel,
        "first_day": None if day is None else as_date(day).isoformat(),
        "actor": _ACTORS.get(kind, lead.actor),
        "due": as_date(due).isoformat(),
    }


def told(found: Sequence[Break]) -> str:
    """A line about breaks: how many of each code, and their money."""
    counts: dict[str, int] = {}
    for item in found:
        counts[item.code] = counts.get(item.code, 0) + 1
    if len(found) == 1:
        return f"{found[0].code} {money(found[0].amount_minor)}: {found[0].reason}"
    listed = ", ".join(f"{code} {count}" for code, count in sorted(counts.items()))
    return f"{listed}; together {money(sum(item.amount_minor for item in found))}"


def _first_day(found: Sequence[Break], known: Mapping[str, int | None]) -> int | None:
    days = [
        known.get(item.id)
        if item.business_date is None
        else day_number(date.fromisoformat(item.business_date))
        for item in found
    ]
    return min((day for day in days if day is not None), default=None)


def sums(item: Break) -> tuple[int, int, int]:
    """What may not change behind whoever closed the case."""
    return item.amount_minor, item.effect_minor, item.owed_minor


def _leading(item: Break) -> tuple[int, int, int, str]:
    first = _FIRST.index(item.code) if item.code in _FIRST else len(_FIRST)
    return first, codes.BREAKS.index(item.code), -item.amount_minor, item.id


def _common(values: Iterable[str]) -> str:
    """The one value of them all, "" when they differ."""
    different = set(values)
    return different.pop() if len(different) == 1 else ""
