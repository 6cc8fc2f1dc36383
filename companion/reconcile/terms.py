"""The terms of the equations, each summed on its own from what the steps and the state left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from companion.facts import schema
from companion.reconcile import codes
from companion.reconcile.chain import Outcome
from companion.reconcile.equation import Debt, Equation
from companion.store.breaks import Break


def _summary(outcome: Outcome) -> list[dict[str, object]]:
    """Pairs and open rows by day and verdict: count, charged, booked, effect."""
    tables = [day.rows("summary") for day in outcome.days]
    rows: list[dict[str, object]] = pa.concat_tables([*tables, outcome.summary]).to_pylist()
    return rows


def counts(outcome: Outcome, found: Iterable[Break]) -> dict[str, int]:
    """How many pairs, single rows and breaks of each verdict and code."""
    counted: Counter[str] = Counter(item.code for item in found)
    for row in _summary(outcome):
        if row["verdict"] not in codes.BREAKS:
            counted[str(row["verdict"])] += _int(row["rows"])
    return dict(counted)


def equation(outcome: Outcome, found: Iterable[Break]) -> Equation:
    charged = booked = 0
    for day in outcome.days:
        for row in day.rows("totals").to_pylist():
            charged += row["charged"]
            booked += row["booked"]
    effects = sum(item.effect_minor for item in found)
    return Equation(charged, booked, effects, sum(_awaited(outcome, found).values()))


def days(outcome: Outcome, found: Iterable[Break]) -> dict[str, Equation]:
    """The same by the day of each pair."""
    charged: Counter[str] = Counter()
    booked: Counter[str] = Counter()
    effects: Counter[str] = Counter()
    for row in _summary(outcome):
        day = _date(row["day"])
        charged[day] += _int(row["charged"])
        booked[day] += _int(row["booked"])
    for item in found:
        if item.business_date is not None:
            effects[item.business_date] += item.effect_minor
    awaited = _awaited(outcome, found)
    return {
        day: Equation(charged[day], booked[day], effects[day], awaited.get(day, 0))
        for day in sorted(charged)
    }


def _awaited(outcome: Outcome, found: Iterable[Break]) -> dict[str, int]:
    """By day: approved at a terminal, the statement not here yet, and not missing either."""
    awaited: Counter[str] = Counter()
    for row in outcome.summary.to_pylist():
        if row["verdict"] == codes.WAITING:
            awaited[_date(row["day"])] += row["effect"]
    for item in found:
        if item.code == codes.STATEMENT_MISSING and item.business_date is not None:
            awaited[item.business_date] -= item.effect_minor
    return dict(awaited)


def debt(outcome: Outcome, found: Iterable[Break]) -> Debt:
    tables = [*(day.rows("debts") for day in outcome.days), outcome.debts]
    rows = pa.concat_tables(tables).to_pylist()
    return Debt(
        sum(row["net_minor"] for row in rows),
        sum(row["received_minor"] for row in rows),
        sum(item.owed_minor for item in found),
        sum(row["awaited_minor"] for row in rows),
    )


def _date(day: object) -> str:
    return schema.as_date(_int(day)).isoformat()


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
