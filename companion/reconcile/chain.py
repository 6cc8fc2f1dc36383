"""The fold over days: each day is matched with what the days before it carried over.

``state/<day number>/`` has what one day's step gave: its pairs, its final breaks and their rows,
and what it carries over, under a digest of everything that went into it, the day before included.
A day whose digest is the same is not done again; the first that differs is, and all behind it. So
the files may come in any order, and a middle day again: the same facts give the same state. A
day's folder is renamed into place whole, so a kill leaves the old one, the new one, or none; one
in which a file was lost or cut since is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from companion.facts import manifest, schema, seals
from companion.facts.manifest import FactsError, Manifest
from companion.rules import plan, results
from companion.rules.engines import Engine

# Of how many days before it a step sees the acquirer's rows: a charge may come in again later.
RECENT_DAYS = 3
# The reference tables that a step reads; the others are for the state only, and change each day.
_OF_STEP = ("accounts", "fee_plans", "hold_terms", "due", "pay_due", "own_cards")
ROWS = results.ROWS
_OPEN = ("open_pairs", "breaks_open", "debts", "summary")
_LAST = "last"
# The state as a run saw it that was only to show something.
_TRIAL = "trial"
_RESULTS = ("breaks_now", "totals", "debts", "healed", "summary")
_ROWS = tuple(f"rows_{leg}" for leg in ROWS)
# Every table of a day, and of the last state.
_OF_DAY = ("pairs", *_RESULTS, *plan.CARRY, *_ROWS)
_OF_LAST = (*_OPEN, *_ROWS)
_DAY = pa.schema([("day", pa.int64())])

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Day:
    """What one day's step gave, as files: `directory`/NAME.parquet."""

    day: int
    directory: Path
    digest: str
    fresh: bool

    def rows(self, name: str) -> pa.Table:
        """One of its tables."""
        return read(self.directory / f"{name}.parquet")


@dataclass(frozen=True)
class Outcome:
    """The steps of all days, and the judgement of what they left open."""

    as_of: int
    facts_digest: str
    days: list[Day]
    open_pairs: pa.Table
    open_breaks: pa.Table
    # The rows that the open breaks name, by leg.
    rows: dict[str, pa.Table]
    debts: pa.Table
    # The open pairs by day and verdict.
    summary: pa.Table

    @property
    def breaks(self) -> pa.Table:
        """Every break, those of the journals themselves too."""
        return pa.concat_tables([breaks for breaks, _ in self.found()])

    def found(self) -> Iterator[tuple[pa.Table, dict[str, pa.Table]]]:
        """The breaks of each step, then the open ones, with the rows that they name by leg."""
        taken: set[tuple[str, str]] = set()
        for day in self.days:
            breaks = day.rows("breaks_now")
            if len(breaks):
                yield _told_apart(breaks, taken), {leg: day.rows(f"rows_{leg}") for leg in ROWS}
        yield _told_apart(self.open_breaks, taken), self.rows


def _told_apart(breaks: pa.Table, taken: set[tuple[str, str]]) -> pa.Table:
    """The breaks with keys that no earlier step has used for the same code: a terminal may begin
    at the same batch and STAN again, a statement repeat a row of another day."""
    keys = breaks["row_key"].to_pylist()
    codes_, days = breaks["code"].to_pylist(), breaks["day"].to_pylist()
    again = False
    for place, code in enumerate(codes_):
        if (code, keys[place]) in taken:
            again = True
            keys[place] = f"{keys[place]}|{days[place]}"
            while (code, keys[place]) in taken:
                keys[place] += "|again"
        taken.add((code, keys[place]))
    if not again:
        return breaks
    column = breaks.schema.get_field_index("row_key")
    return breaks.set_column(column, "row_key", pa.array(keys, pa.string()))


def run(
    engine: Engine,
    facts: Path,
    state: Path,
    as_of: int | None = None,
    progress: Progress = lambda done, of: None,
    trial: bool = False,
) -> Outcome:
    """Bring the chain of steps up to date with the facts and judge what is open at `as_of`, the
    newest day that anything is known of if None. After a `trial`, `last` has what it had."""
    known = manifest.load(facts)
    missing = sorted(schema.REFERENCE.keys() - known.references.keys())
    if missing:
        raise FactsError(f"{facts}: of an earlier version, without {missing[0]}; make it anew")
    days = known.days()
    steps: list[Day] = []
    for count, day in enumerate(days):
        progress(count, len(days))
        steps.append(_step(engine, facts, state, known, day, steps[-1] if steps else None))
    progress(len(days), len(days))
    _forget(state, {_LAST, _TRIAL, *(step.directory.name for step in steps)})
    today = _newest(facts, days) if as_of is None else as_of
    return _judge(engine, facts, state / (_TRIAL if trial else _LAST), known, today, steps)


def _newest(facts: Path, days: Sequence[int]) -> int:
    """A statement without a row counts too: its day has come."""
    told = pq.read_table(facts / "coverage.parquet", columns=["day"])["day"].to_pylist()
    return max([*days, *told], default=0)


def last(state: Path) -> Outcome | None:
    """The outcome that the last run left; None before the first, or when part of it is lost or
    of another run: one that was killed, or a trial with other facts."""
    try:
        told = json.loads(_read(state / _LAST / "last.json"))
    except ValueError:
        return None
    days = [Day(int(day), state / day, digest, False) for day, digest in told["days"].items()]
    kept = _whole(state / _LAST, "last.json", _OF_LAST) and all(
        _is_kept(day.directory, day.digest) for day in days
    )
    return _outcome(state / _LAST, told["as_of"], told["facts_digest"], days) if kept else None


def _outcome(last: Path, as_of: int, facts_digest: str, days: list[Day]) -> Outcome:
    tables = {name: read(last / f"{name}.parquet") for name in _OF_LAST}
    return Outcome(
        as_of=as_of,
        facts_digest=facts_digest,
        days=days,
        open_pairs=tables["open_pairs"],
        open_breaks=tables["breaks_open"],
        rows={leg: tables[f"rows_{leg}"] for leg in ROWS},
        debts=tables["debts"],
        summary=tables["summary"],
    )


def _step(
    engine: Engine, facts: Path, state: Path, known: Manifest, day: int, before: Day | None
) -> Day:
    digest = _digest(known, day, before)
    directory = state / str(day)
    if _is_kept(directory, digest):
        return Day(day, directory, digest, fresh=False)
    for leg, columns in schema.LEGS.items():
        paths = [facts / source.path for source in known.sources(leg, day)]
        engine.load(leg, columns, paths, day, _carried(before, results.CARRIED[leg]))
    _load_recent(engine, facts, known, day)
    for name, (given, columns) in plan.CARRY.items():
        if given not in schema.LEGS:
            engine.load(given, columns, _carried(before, name))
    for name in _OF_STEP:
        engine.load(name, schema.REFERENCE[name], [facts / f"{name}.parquet"])
    engine.put("step", pa.table({"day": [day]}, schema=_DAY))
    plan.run(engine, "step", plan.STEP)
    part = _part(directory)
    # A view until now: made once, by being written.
    engine.save("kept_pairs", part / "pairs.parquet")
    engine.load("kept_pairs", results.KEPT, [part / "pairs.parquet"])
    plan.run(engine, "results_of_day", results.OF_DAY)
    _save(engine, directory, [*_RESULTS, *plan.CARRY], {"digest": digest})
    return Day(day, directory, digest, fresh=True)


def _judge(
    engine: Engine, facts: Path, last: Path, known: Manifest, as_of: int, steps: list[Day]
) -> Outcome:
    before = steps[-1] if steps else None
    for name, (given, columns) in plan.CARRY.items():
        engine.load(name if given in schema.LEGS else given, columns, _carried(before, name))
    for name, columns in schema.REFERENCE.items():
        engine.load(name, columns, [facts / f"{name}.parquet"])
    engine.put("today", pa.table({"day": [as_of]}, schema=_DAY))
    plan.run(engine, "state", plan.STATE)
    plan.run(engine, "results_of_state", results.OF_STATE)
    digest = _facts_digest(known, before, as_of)
    days = {str(step.day): step.digest for step in steps}
    told = {"as_of": as_of, "facts_digest": digest, "days": days}
    _part(last)
    _save(engine, last, _OPEN, {"last.json": json.dumps(told)})
    return _outcome(last, as_of, digest, steps)


def _part(directory: Path) -> Path:
    """An empty folder to fill; what a kill left in it is gone."""
    part = _part_of(directory)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    return part


def _part_of(directory: Path) -> Path:
    return directory.with_name(directory.name + ".part")


def _save(engine: Engine, directory: Path, tables: Sequence[str], texts: dict[str, str]) -> None:
    """Tables and small texts into the folder's part, and that in place whole; the engine is empty
    after it."""
    part = _part_of(directory)
    for name in (*tables, *_ROWS):
        engine.save(name, part / f"{name}.parquet")
    for name, text in texts.items():
        (part / name).write_text(text)
    seals.seal(part)
    shutil.rmtree(directory, ignore_errors=True)
    os.replace(part, directory)
    engine.clear()


def _load_recent(engine: Engine, facts: Path, known: Manifest, day: int) -> None:
    paths = [
        facts / source.path
        for other in range(day - RECENT_DAYS, day)
        for source in known.sources("acquirer", other)
    ]
    engine.load("recent", schema.ACQUIRER, sorted(set(paths)), (day - RECENT_DAYS, day - 1))


def _digest(known: Manifest, day: int, before: Day | None) -> str:
    """Everything that a step depends on."""
    told = [
        plan.VERSION,
        before.digest if before else "",
        str(day),
        *(known.references[name] for name in _OF_STEP),
    ]
    for leg in schema.LEGS:
        told += [leg, *(source.digest for source in known.sources(leg, day))]
    for other in range(day - RECENT_DAYS, day):
        told += ["recent", *(source.digest for source in known.sources("acquirer", other))]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _facts_digest(known: Manifest, before: Day | None, as_of: int) -> str:
    told = [
        before.digest if before else "",
        str(as_of),
        json.dumps(known.references, sort_keys=True),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _carried(before: Day | None, name: str) -> list[Path]:
    return [before.directory / f"{name}.parquet"] if before else []


def read(
    path: Path, columns: list[str] | None = None, where: pc.Expression | None = None
) -> pa.Table:
    """A table of a step, all columns nullable: engines differ in what they know never is null."""
    table = pq.read_table(path, columns=columns, filters=where)
    return table.cast(pa.schema([column.with_nullable(True) for column in table.schema]))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def _is_kept(directory: Path, digest: str) -> bool:
    """Whether a day's folder has all that the step with this digest gave."""
    return _read(directory / "digest") == digest and _whole(directory, "digest", _OF_DAY)


def _whole(directory: Path, text: str, tables: Sequence[str]) -> bool:
    return seals.whole(directory, (text, *(f"{name}.parquet" for name in tables)))


def _forget(state: Path, kept: set[str]) -> None:
    """Remove the steps of days that are no more, and what a kill left."""
    if state.is_dir():
        for entry in state.iterdir():
            if entry.name not in kept:
                shutil.rmtree(entry, ignore_errors=True)
