"""One reconciliation: facts, the chain of days, breaks and cases into the store, the equations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from companion import cases
from companion.cases import deadlines
from companion.facts import build
from companion.reconcile import chain, codes, fold, terms, words
from companion.reconcile.chain import Outcome
from companion.reconcile.equation import Debt, Equation
from companion.reconcile.explain import Explained, Explainer
from companion.rules import engines, hashing, plan
from companion.rules.engines import DuckDb, Engine
from companion.store import Store, breaks, verdicts
from companion.store.breaks import Break
from companion.store.lock import locked
from companion.store.verdicts import Verdict
from protocol import record

Progress = Callable[[int, int], None]
Rows = dict[int, dict[str, object]]

_STATE = "state"


@dataclass(frozen=True)
class Result:
    """What one run found, for all days and day by day."""

    run: int | None
    as_of: int
    counts: dict[str, int]
    breaks: list[Break]
    opened: list[str]
    # Why each closed, by id.
    closed: dict[str, str]
    break_set_hash: str
    facts_digest: str
    equation: Equation
    debt: Debt
    days: dict[str, Equation]

    @property
    def holds(self) -> bool:
        """Whether the equations hold, in total and on each day."""
        every = [self.equation, *self.days.values()]
        return self.debt.holds and all(one.holds for one in every)


def reconcile(
    store: Store,
    as_of: int | None = None,
    engine: Engine | None = None,
    dry_run: bool = False,
    progress: Progress = lambda done, of: None,
) -> Result:
    """Match everything in the store and bring its breaks and cases up to date.

    ``as_of`` is the day number that counts as today, the newest business day of the facts if None.
    A dry run writes nothing but facts, which are made of what is in the store. The sides of the
    equations are summed from the facts as they came, the open breaks from what is found, so a row
    that matching loses or counts twice makes an equation fail.
    """
    with locked(store.lock_path("reconcile"), f"{store.directory}: another reconcile is going on"):
        facts = build.build(store)
        outcome = _chain(store, facts, as_of, engine, progress, dry_run)
        found = sorted(_found(outcome, facts), key=_place)
        gone = _gone(store, found, outcome)
        opened = _opened(store, found)
        run = None if dry_run else _keep(store, outcome, found, gone)
        return Result(
            run=run,
            as_of=outcome.as_of,
            counts=terms.counts(outcome, found),
            breaks=found,
            opened=opened,
            closed=gone,
            break_set_hash=hashing.break_set_hash(found),
            facts_digest=outcome.facts_digest,
            equation=terms.equation(outcome, found),
            debt=terms.debt(outcome, found),
            days=terms.days(outcome, found),
        )


def _chain(
    store: Store,
    facts: Path,
    as_of: int | None,
    engine: Engine | None,
    progress: Progress,
    trial: bool,
) -> Outcome:
    engines.sweep(facts)
    if engine is not None and not isinstance(engine, DuckDb):
        # Another engine finds everything itself: that is what it is asked for.
        state = store.facts / f"{_STATE}-{type(engine).__name__.lower()}"
        return chain.run(engine, facts, state, as_of, progress, trial)
    own = engine or DuckDb(store.facts)
    try:
        return chain.run(own, facts, store.facts / _STATE, as_of, progress, trial)
    finally:
        if engine is None:
            own.close()


def _found(outcome: Outcome, facts: Path) -> Iterator[Break]:
    """Every break, in words."""
    gaps = pq.read_table(facts / "gaps.parquet").to_pylist()
    lost = {
        (row["merchant_no"], row["terminal_no"]) for row in gaps if row["code"] in codes.JOURNAL
    }
    yield from map(words.gap_break, gaps)
    for told, rows in outcome.found():
        of_pairs = told.filter(~pc.field("code").isin(codes.OF_JOURNAL))
        yield from _told(of_pairs, rows, lost)


def _place(item: Break) -> tuple[str, str, str]:
    """Engines give rows in any order; the breaks of a run come in one."""
    return item.business_date or "", item.code, item.row_key


def _told(
    told: pa.Table, rows: Mapping[str, pa.Table], lost: set[tuple[str, str]]
) -> Iterator[Break]:
    by_id = {leg: _by_id(table) for leg, table in rows.items()}
    for row in told.to_pylist():
        named = [
            by_id[leg].get(row[column]) if row[column] is not None else None
            for leg, column in chain.ROWS.items()
        ]
        terminal, acquirer, bank, payout = named
        gap = (row["merchant_no"], row["terminal_no"]) in lost
        yield words.break_of(row, terminal, acquirer, bank, payout, lost=gap)


def _by_id(table: pa.Table) -> Rows:
    return {row["id"]: row for row in table.to_pylist()}


def _gone(store: Store, found: Iterable[Break], outcome: Outcome) -> dict[str, str]:
    """For each open break that was not found again, by id: why it closes."""
    with store.read() as connection:
        gone = breaks.open_keys(connection)
        for item in found:
            gone.pop(item.id, None)
        rows = breaks.row_ids(connection, gone)
    if not gone:
        return {}
    now = _verdicts(outcome, set().union(*rows.values()))
    keys = outcome.open_pairs.select(["row_key", "verdict"]).to_pydict()
    alone = dict(zip(keys["row_key"], keys["verdict"], strict=True))
    closing = {}
    for id_, (code, key) in gone.items():
        verdicts_now = [now[row] for row in rows[id_] if row in now]
        # A corrected file has other rows of the same key.
        verdict = verdicts_now[0] if verdicts_now else alone.get(key)
        closing[id_] = words.closing(code, verdict)
    return closing


def _verdicts(outcome: Outcome, ids: set[int]) -> dict[int, str]:
    """What rows of terminal and acquirer are judged to be now, by their ids."""
    # Every day: a run that was killed may have left the step that tells.
    paths = [day.directory / "pairs.parquet" for day in outcome.days]
    columns = ["t_id", "a_id", "verdict"]
    named = pa.array(sorted(ids), pa.int64())
    wanted = pc.field("t_id").isin(named) | pc.field("a_id").isin(named)
    tables = [chain.read(path, columns, wanted) for path in paths]
    tables.append(outcome.open_pairs.filter(wanted).select(columns))
    found: dict[int, str] = {}
    for row in pa.concat_tables(tables).to_pylist():
        for name in ("t_id", "a_id"):
            if row[name] is not None:
                found[row[name]] = row["verdict"]
    return found


def _keep(store: Store, outcome: Outcome, found: list[Break], gone: Mapping[str, str]) -> int:
    """Breaks, cases and what the terminals are to be told, in one transaction."""
    summary: dict[str, object] = {
        "as_of": outcome.as_of,
        "facts_digest": outcome.facts_digest,
        "counts": terms.counts(outcome, found),
        "equation": terms.equation(outcome, found).as_dict(),
        "debt": terms.debt(outcome, found).as_dict(),
        "days": {day: one.as_dict() for day, one in terms.days(outcome, found).items()},
    }
    with store.write() as connection:
        changes = breaks.record(connection, plan.VERSION, found, summary, gone)
        cases.update(connection, found, outcome.as_of, deadlines.after(connection))
        verdicts.propose(connection, _squared(outcome))
    return changes.run


def _opened(store: Store, found: Iterable[Break]) -> list[str]:
    with store.read() as connection:
        known = breaks.open_keys(connection)
    return [item.id for item in found if item.id not in known]


def _squared(outcome: Outcome) -> list[Verdict]:
    """The terminals' cases that the host's own row shows to be none: it charged nobody.

    Where the host has no row at all the case stays: tomorrow's file may have it.
    """
    found = []
    for day in outcome.days:
        rows = {leg: _by_id(day.rows(f"rows_{leg}")) for leg in ("terminal", "acquirer")}
        for pair in day.rows("healed").to_pylist():
            here, there = rows["terminal"][pair["t_id"]], rows["acquirer"][pair["a_id"]]
            if here["status"] in (fold.SUSPENDED, fold.NEEDS_RECON) and here["stan"]:
                found.append(
                    Verdict(
                        str(here["merchant_no"]),
                        str(here["terminal_no"]),
                        int(str(here["batch"])),
                        int(str(here["stan"])),
                        record.SQUARED,
                        f"{str(there['status']).lower()} at the acquirer",
                    )
                )
    return found


def explain(store: Store, row: str) -> list[Explained]:
    """Why a row matched or not (see Explainer.explain); changes nothing in the store."""
    with locked(store.lock_path("reconcile"), f"{store.directory}: another reconcile is going on"):
        facts = build.build(store)
        outcome = _chain(store, facts, None, None, lambda done, of: None, trial=True)
        explainer = Explainer(facts, outcome)
        try:
            return explainer.explain(row)
        finally:
            explainer.close()
