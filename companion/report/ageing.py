"""How old what is open is, and what is overdue: of all days, for nothing old may be forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from companion.cases import states
from companion.facts.schema import as_date, day_number
from companion.report import risk
from companion.report.gather import Row
from companion.report.model import COUNT, MONEY, WORD, Cell, Chart, Section, columns

# The last day of each age, in days behind the business day that the figures are as of.
_AGES = ((1, "0 to 1 days"), (3, "2 to 3 days"), (7, "4 to 7 days"), (30, "8 to 30 days"))
_OLDEST = "more than 30 days"
_NO_DAY = "of no day"
_AGE = columns(
    ("age", WORD), ("breaks", COUNT), ("at risk", MONEY), ("cases", COUNT), ("overdue", COUNT)
)
_CASES = columns(("state", WORD), ("cases", COUNT), ("at risk", MONEY), ("overdue", COUNT))


def sections(breaks: Sequence[Row], cases: Sequence[Row], as_of: int) -> list[Section]:
    """Ages of the open breaks and cases, and the cases by state."""
    names = [*(name for _, name in _AGES), _OLDEST, _NO_DAY]
    opened = [row for row in breaks if row["state"] == "open"]
    going = [row for row in cases if row["state"] not in states.CLOSED]
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        mine = [row for row in opened if _age(row["business_date"], as_of) == name]
        those = [row for row in going if _age(row["first_day"], as_of) == name]
        if mine or those:
            late = sum(overdue(row, as_of) for row in those)
            rows.append((name, len(mine), risk.total(mine), len(those), late))
    by_state: list[tuple[Cell, ...]] = []
    for state in states.STATES:
        found = [row for row in cases if row["state"] == state]
        if found:
            money = sum(row["at_risk"] for row in found)
            by_state.append((state, len(found), money, sum(overdue(row, as_of) for row in found)))
    return [
        Section(
            *("Ageing", _AGE, rows),
            ("Of everything that is open, whatever its day.",),
            "nothing is open",
        ),
        Section("Cases", _CASES, by_state, ("Of all days.",)),
    ]


def chart(breaks: Sequence[Row], as_of: int) -> Chart:
    """The open breaks of each age."""
    counts = Counter(_age(row["business_date"], as_of) for row in breaks if row["state"] == "open")
    names = [name for name in (*(name for _, name in _AGES), _OLDEST, _NO_DAY) if counts[name]]
    return Chart(
        "Age of what is open", COUNT, names, {"open": [counts[name] for name in names]}, True
    )


def overdue(case: Row, as_of: int) -> bool:
    """Whether something should have been done about a case before this day."""
    due = case["due"]
    return (
        case["state"] not in states.CLOSED and bool(due) and str(due) < as_date(as_of).isoformat()
    )


def _age(day: str | None, as_of: int) -> str:
    if day is None:
        return _NO_DAY
    days = as_of - day_number(date.fromisoformat(day))
    return next((name for last, name in _AGES if days <= last), _OLDEST)
