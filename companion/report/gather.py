"""Everything that a report counts, read from the store and from what the last reconciliation left.

The heavy tables, pairs and legs, are summed by DuckDB where they lie; here come only sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, select

from companion.cases import states
from companion.facts import manifest
from companion.facts.schema import as_date
from companion.reconcile import chain
from companion.reconcile.chain import Outcome
from companion.report import risk
from companion.report.period import PeriodError, Scope
from companion.rules import relations
from companion.statements.statement import GIVES_BACK, HOLDS
from companion.store import Store, StoreError, breaks
from companion.store.lock import locked
from companion.store.schema import case_breaks, cases

Row = dict[str, Any]

_MONEY = (
    f"CASE WHEN txn IN {GIVES_BACK} THEN -amount_minor "
    f"WHEN txn IN {HOLDS} THEN 0 ELSE amount_minor END"
)


@dataclass(frozen=True)
class Gathered:
    """Rows of sums. Days are day numbers, money is minor units."""

    run: Row | None
    # merchant_no, terminal_no, channel, day, verdict, provisional, rows, t_rows, a_rows, low,
    # charged, booked: pairs and single rows of the days of the trend
    pairs: list[Row]
    # merchant_no, terminal_no, channel, day, rows, gross, fee, stated, told: what the acquirer
    # captured, for how many rows it said what it kept, and the money of those
    captured: list[Row]
    # row_key, merchant_no, channel, settle_day, pay_day, late_day, net_minor, got_minor, and open
    # (1: more may come): payouts that were settled on the days of the trend
    payouts: list[Row]
    # all of the store, open and closed
    breaks: list[Row]
    cases: list[Row]


def newest(store: Store) -> date:
    """The business day that the last reconciliation was as of."""
    with store.read() as connection:
        run = breaks.last_run(connection)
    summary = run["summary"] if run is not None else None
    as_of = summary.get("as_of") if isinstance(summary, dict) else None
    if as_of is None:
        raise PeriodError("nothing was reconciled yet: companion reconcile, or name a day")
    return as_date(as_of)


def gather(store: Store, scope: Scope) -> Gathered:
    """What there is for the days of this scope; nothing but breaks and cases before the first
    reconciliation."""
    busy = f"{store.directory}: a reconcile is going on"
    with locked(store.lock_path("reconcile"), busy), store.read() as connection:
        run = breaks.last_run(connection)
        found, every_case = _with_cases(connection)
        if run is None:
            return Gathered(run, [], [], [], found, every_case)
        outcome = chain.last(store.facts / "state")
        if outcome is None or not _is_of(outcome, run):
            raise StoreError(
                f"{store.facts}: not what the last reconcile left; "
                "companion reconcile makes it anew"
            )
        engine = duckdb.connect()
        try:
            sums = _Sums(engine, store.facts, outcome, scope)
            return Gathered(run, sums.pairs(), sums.captured(), sums.payouts(), found, every_case)
        except duckdb.IOException as error:
            # A reconcile that was killed; or somebody has removed some of the facts.
            raise StoreError(
                f"{store.facts}: not whole; remove it, companion reconcile makes it anew ({error})"
            ) from error
        finally:
            engine.close()


def _is_of(outcome: Outcome, run: dict[str, object]) -> bool:
    """Whether the breaks are those of this outcome: a reconcile may be killed between the two."""
    summary = run["summary"]
    return isinstance(summary, dict) and summary.get("facts_digest") == outcome.facts_digest


def _with_cases(connection: Connection) -> tuple[list[Row], list[Row]]:
    """Every break, with whether its case is closed, and every case, with what is at risk in it."""
    every = {
        row["id"]: {**row, "at_risk": 0}
        for row in connection.execute(select(cases).order_by(cases.c.id)).mappings()
    }
    of = {row.break_id: every[row.case_id] for row in connection.execute(select(case_breaks))}
    found: list[Row] = []
    for row in breaks.listed(connection, state=None):
        case = of.get(str(row["id"]))
        found.append({**row, "case_closed": case is not None and case["state"] in states.CLOSED})
        if case is not None:
            case["at_risk"] += risk.at_risk(found[-1])
    return found, list(every.values())


class _Sums:
    """DuckDB over the files of one store's facts."""

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, facts: Path, outcome: Outcome, scope: Scope
    ) -> None:
        self._engine = engine
        self._facts = facts
        self._open = outcome.open_pairs
        self._days = scope.trend
        self._last = outcome.days[-1].day if outcome.days else 0
        # What a day left open is told by a later step, the last one if no other.
        begin = min(self._days.start, self._last)
        self._steps = [step.directory for step in outcome.days if step.day >= begin]

    def pairs(self) -> list[Row]:
        """Pairs and single rows, counted for each leg; pass 3 is of low confidence."""
        self._view("pairs", self._open)
        return self._rows(
            "SELECT merchant_no, terminal_no, channel, day, verdict, provisional, "
            "count(*) AS rows, count(t_id) AS t_rows, count(a_id) AS a_rows, "
            "count(*) FILTER (match_pass = 3) AS low, "
            "sum(charged_minor)::BIGINT AS charged, sum(booked_minor)::BIGINT AS booked "
            f"FROM pairs WHERE {self._span('day')} GROUP BY ALL ORDER BY ALL"
        )

    def captured(self) -> list[Row]:
        """What the acquirer captured, and what it kept of it."""
        known = manifest.load(self._facts)
        sources = [
            (str(self._facts / source.path), day)
            for day in self._days
            for source in known.sources("acquirer", day)
        ]
        if not sources:
            return []
        self._engine.execute("CREATE TABLE sources (filename TEXT, day BIGINT)")
        self._engine.executemany("INSERT INTO sources VALUES (?, ?)", sources)
        files = sorted({path for path, _ in sources})
        return self._rows(
            "SELECT merchant_no, terminal_no, channel, day, count(*) AS rows, "
            "sum(money)::BIGINT AS gross, coalesce(sum(fee_minor), 0)::BIGINT AS fee, "
            "count(fee_minor) AS stated, "
            "coalesce(sum(money) FILTER (fee_minor IS NOT NULL), 0)::BIGINT AS told "
            f"FROM (SELECT *, {_MONEY} AS money FROM read_parquet(?, filename = true)) "
            "JOIN sources USING (filename, day) "
            "WHERE status = 'CAPTURED' GROUP BY ALL ORDER BY ALL",
            [files],
        )

    def payouts(self) -> list[Row]:
        """Each payout as the last step that knew of it had it."""
        self._view("groups_out", relations.GROUPS.empty_table())
        return self._rows(
            "SELECT row_key, merchant_no, channel, currency, settle_day, pay_day, late_day, "
            f"net_minor, got_minor, (step = {self._last})::INT AS open FROM groups_out "
            f"WHERE {self._span('settle_day')} "
            "QUALIFY row_number() OVER (PARTITION BY row_key ORDER BY step DESC) = 1 "
            "ORDER BY settle_day, row_key"
        )

    def _span(self, column: str) -> str:
        return f"{column} BETWEEN {self._days.start} AND {self._days.stop - 1}"

    def _view(self, name: str, more: pa.Table) -> None:
        """A table of all steps, each row with its step's day, and more rows of none."""
        self._engine.register(f"more_{name}", more)
        parts = [f"SELECT *, 0 AS step FROM more_{name}"]
        files = [str(step / f"{name}.parquet") for step in self._steps]
        if files:
            read: duckdb.DuckDBPyRelation = self._engine.read_parquet(files, filename=True)
            read.create_view(f"steps_{name}")
            day = "parse_path(filename)[-2]::BIGINT AS step"
            parts.append(f"SELECT * EXCLUDE (filename), {day} FROM steps_{name}")
        self._engine.execute(f"CREATE VIEW {name} AS {' UNION ALL BY NAME '.join(parts)}")

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        cursor = self._engine.execute(query, list(values))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
