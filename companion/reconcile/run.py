"""One reconciliation: facts, rules, breaks into the store, and the equation."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import ibis
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from companion.reconcile import codes, facts, fold, rules, words
from companion.store import Store, breaks, verdicts
from companion.store.breaks import Break
from companion.store.lock import locked
from companion.store.verdicts import Verdict
from protocol import record

_AT_ONCE = 1000  # literals in one query


@dataclass(frozen=True)
class Equation:
    """Customer debit = merchant books + open breaks, in minor units."""

    host_captured_minor: int
    terminal_approved_minor: int
    open_breaks_minor: int

    @property
    def holds(self) -> bool:
        """Whether the two sides of the equation are equal."""
        return self.host_captured_minor == self.terminal_approved_minor + self.open_breaks_minor

    def as_dict(self) -> dict[str, object]:
        """For JSON: the three amounts and whether they fit."""
        return {**asdict(self), "holds": self.holds}


@dataclass(frozen=True)
class Result:
    """What one run found, for all days and day by day."""

    run: int
    counts: dict[str, int]
    breaks: list[Break]
    opened: int
    closed: int
    break_set_hash: str
    equation: Equation
    days: dict[str, Equation]

    @property
    def holds(self) -> bool:
        """Whether the equation holds, in total and on each day."""
        return self.equation.holds and all(day.holds for day in self.days.values())


def reconcile(store: Store) -> Result:
    """Match everything in the store anew and bring its breaks up to date.

    Always everything: a watermark would skip the row that comes late. The sides of the equation
    are summed from the facts as they came, the open breaks from the store as it is afterwards, so
    a row that matching loses or counts twice makes the equation fail.
    """
    with locked(store.lock_path("reconcile"), f"{store.directory}: another reconcile is going on"):
        paths = facts.build(store)
        connection = ibis.duckdb.connect()
        try:
            return _run(store, connection, paths)
        finally:
            connection.disconnect()


def _run(store: Store, engine: Backend, paths: facts.Facts) -> Result:
    terminal = engine.read_parquet(paths.terminal)
    host = engine.read_parquet([str(path) for path in paths.host])
    gaps = _rows(engine, engine.read_parquet(paths.gaps))
    judged = engine.create_table(
        "pairs", rules.pairs(terminal, host, engine.read_parquet(paths.days)), temp=True
    )
    lost = [row for row in gaps if row["code"] in codes.JOURNAL]
    gap_terminals = {str(row["terminal_no"]) for row in lost}
    found = [words.gap_break(row) for row in gaps]
    broken = judged.filter(judged.verdict.isin(codes.BREAKS)).order_by("row_key")
    found += [words.pair_break(row, gap_terminals) for row in _rows(engine, broken)]
    counts = _counts(engine, judged)
    for row in gaps:
        code = str(row["code"])
        counts[code] = counts.get(code, 0) + 1

    charged = _sum(engine, rules.money(host.filter(host.status == "CAPTURED")))
    booked = _sum(engine, rules.money(terminal.filter(terminal.status == fold.APPROVED)))
    summary: dict[str, object] = {
        "counts": counts,
        "host_captured_minor": charged,
        "terminal_approved_minor": booked,
    }
    changes = breaks.record_run(
        store, rules.VERSION, found, summary, _closing(store, engine, judged, found)
    )
    squared = _squared(engine, judged)
    with store.write() as connection:
        verdicts.propose(connection, squared)
    return Result(
        run=changes.run,
        counts=counts,
        breaks=found,
        opened=changes.opened,
        closed=changes.closed,
        break_set_hash=changes.break_set_hash,
        equation=Equation(charged, booked, changes.open_effect_minor),
        days=_days(engine, judged, found),
    )


def _closing(
    store: Store, engine: Backend, judged: ir.Table, found: list[Break]
) -> dict[str, str]:
    """For each open break that was not found again, by id: why it closes."""
    with store.read() as connection:
        gone = breaks.open_keys(connection)
    for item in found:
        gone.pop(item.id, None)
    if not gone:
        return {}
    keys = sorted(key for _, key in gone.values())
    now: dict[str, str] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = judged.row_key.isin(keys[start : start + _AT_ONCE])
        for row in _rows(engine, judged.filter(some).select("row_key", "verdict")):
            now[str(row["row_key"])] = str(row["verdict"])
    return {id_: words.closing(code, now.get(key)) for id_, (code, key) in gone.items()}


def _squared(engine: Backend, judged: ir.Table) -> list[Verdict]:
    """The terminals' cases that the host's own row shows to be none: it charged nobody.

    Where the host has no row at all the case stays: tomorrow's file may have it.
    """
    left_open = judged.t_status.isin((fold.SUSPENDED, fold.NEEDS_RECON))
    healed = judged.filter((judged.verdict == codes.HEALED) & left_open & judged.h_file.notnull())
    return [
        Verdict(
            str(row["merchant_no"]),
            str(row["terminal_no"]),
            int(str(row["batch"])),
            int(str(row["stan"])),
            record.SQUARED,
            f"{str(row['h_status']).lower()} at the acquirer",
        )
        for row in _rows(engine, healed.order_by("row_key"))
    ]


def _days(engine: Backend, judged: ir.Table, found: list[Break]) -> dict[str, Equation]:
    effects: dict[str, int] = {}
    for item in found:
        if item.business_date is not None:
            day = item.business_date
            effects[day] = effects.get(day, 0) + item.effect_minor
    return {
        str(row["business_date"]): Equation(
            int(str(row["charged"])),
            int(str(row["booked"])),
            effects.get(str(row["business_date"]), 0),
        )
        for row in _rows(engine, rules.totals_by_day(judged).order_by("business_date"))
    }


def _counts(engine: Backend, judged: ir.Table) -> dict[str, int]:
    grouped = judged.group_by("verdict").aggregate(n=judged.count()).order_by("verdict")
    return {str(row["verdict"]): int(str(row["n"])) for row in _rows(engine, grouped)}


def _rows(engine: Backend, table: ir.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = engine.to_pyarrow(table).to_pylist()
    return rows


def _sum(engine: Backend, column: ir.IntegerColumn) -> int:
    return int(engine.to_pyarrow(column.sum()).as_py() or 0)
