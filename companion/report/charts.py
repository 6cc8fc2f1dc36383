"""The charts of a report; of a single day they show the two weeks before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from companion.facts.schema import as_date
from companion.report import ageing, risk
from companion.report.gather import Gathered, Row
from companion.report.model import COUNT, MONEY, Chart
from companion.report.period import Scope
from companion.report.scoped import Scoped, day_of, has

_MOST = 12


def charts(scope: Scope, given: Gathered, mine: Scoped, as_of: int) -> list[Chart]:
    """Those that have something to show."""
    days = list(scope.trend)
    labels = [as_date(day).strftime("%m-%d") for day in days]
    risks: Counter[int] = Counter()
    for row in mine.everything:
        if row["business_date"] is not None:
            risks[day_of(row["business_date"])] += risk.at_risk(row)
    pairs = [row for row in given.pairs if has(scope, row)]
    made = [
        Chart(
            "Money at risk by business day",
            MONEY,
            labels,
            {"at risk": [risks[day] for day in days]},
        ),
        Chart(
            "Charged by the acquirer, booked at the terminals",
            *(MONEY, labels),
            {name: _by_day(pairs, "day", name, days) for name in ("charged", "booked")},
        ),
    ]
    if not scope.terminal_no:
        paid = [row for row in given.payouts if scope.has(row["merchant_no"], "")]
        due = _by_day(paid, "settle_day", "net_minor", days)
        got = _by_day(paid, "settle_day", "got_minor", days)
        made.append(
            Chart("Payouts by day of settlement", MONEY, labels, {"due": due, "received": got})
        )
    counts = Counter(str(row["code"]) for row in mine.breaks if row["state"] == "open")
    names = [name for name, _ in counts.most_common(_MOST)]
    made.append(
        Chart(
            "Open breaks, the most frequent codes",
            COUNT,
            names,
            {"open": [counts[name] for name in names]},
            True,
        )
    )
    made.append(ageing.chart(mine.everything, as_of))
    return [one for one in made if any(any(values) for values in one.series.values())]


def _byday_of(rows: Iterable[Row], column: str, name: str, days: Sequence[int]) -> list[int]:
    sums: Counter[int] = Counter()
    for row in rows:
        sums[row[column]] += row[name]
    return [sums[day] for day in days]


def _by_day(rows: Iterable[Row], column: str, name: str, days: Sequence[int]) -> list[int]:
    sums: Counter[int] = Counter()
    for row in rows:
        sums[row[column]] += row[name]
    return [sums[day] for day in days]
