"""An injected world on disk: facts as a store has them, and truth.csv beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from companion.errors import CompanionError
from companion.facts import manifest, schema
from companion.facts.schema import day_number, row_id
from companion.inject import (
    cast,
    days,
    fees,
    keys,
    legs,
    marks,
    paying,
    payouts,
    references,
    size,
    truth,
)
from companion.inject.book import Book
from companion.inject.size import Size
from companion.inject.stage import Stage, ordinary
from companion.inject.terms import CHANNELS, WECHAT, Ints
from companion.inject.truth import Known
from companion.reconcile import codes
from companion.rules import hashing

FACTS = "facts"
TRUTH = "truth.csv"

# Number of the source in the ids of a leg's rows.
_SOURCES = {leg: place for place, leg in enumerate(schema.LEGS, 1)}
_HASHED_AT_ONCE = 1 << 20
# What a plain world has no row for.
_NOT_PLAIN = (codes.FEE_DIFFERS, codes.SELF_SWIPE)

Progress = Callable[[str], None]


class InjectError(CompanionError):
    """A world that cannot be made as asked."""


@dataclass(frozen=True)
class Made:
    """What was made: rows of each leg, breaks of each code, and the hash to be found."""

    rows: dict[str, int]
    breaks: dict[str, int]
    break_set_hash: str


@dataclass
class _World:
    """The files that are being written, and what is known so far."""

    folder: Path
    size: Size
    writers: dict[tuple[str, int, str], pq.ParquetWriter] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(schema.LEGS, 0))
    known: list[Known] = field(default_factory=list)
    rrns: int = 100_000_000_000

    def write(self, leg: str, day: int, edition: str, rows: pa.Table) -> None:
        """Add rows to a day's file of that edition."""
        place = (leg, day, edition)
        if place not in self.writers:
            path = self.folder / self.name(*place)
            path.parent.mkdir(parents=True, exist_ok=True)
            self.writers[place] = pq.ParquetWriter(path, rows.schema)
        self.writers[place].write_table(rows)
        self.rows[leg] += len(rows)

    def next_id(self, leg: str) -> int:
        """The id of the next row of a leg."""
        return row_id(_SOURCES[leg], self.rows[leg] + 1)

    @staticmethod
    def name(leg: str, day: int, edition: str) -> str:
        """Of a file, in the folder of the facts."""
        return f"{leg}/{schema.as_date(day).isoformat()}{edition}.parquet"


def make(
    directory: Path, rows: int | None, seed: int, progress: Progress = lambda what: None
) -> Made:
    """Make a world in `directory`, which must not have one.

    `rows` is how many each side has on the main day, before breaks add some; None makes a plain
    one. The same rows and seed give the same world.
    """
    if rows is not None and not size.FEWEST <= rows <= size.MOST:
        raise InjectError(f"--rows {rows}: from {size.FEWEST} to {size.MOST}")
    folder = directory / FACTS
    if folder.exists() or (directory / TRUTH).exists():
        raise InjectError(f"{directory}: has a world already")
    folder.mkdir(parents=True)
    plain = rows is None
    world = _World(folder, Size(size.PLAIN_ROWS if rows is None else rows, plain))
    random = np.random.default_rng(seed)
    nets, untold = payouts.Nets(world.size.merchants, plain), marks.Untold()
    for day in days.TRADING:
        progress(day.isoformat())
        for part in world.size.parts(day):
            stage = ordinary(world.size, part, random, world.rrns)
            world.rrns += stage.book.capacity
            cast.act(stage)
            marks.put(stage, world.known, untold)
            fees.charge(stage.book)
            _emit(world, stage, nets)
    ledger = paying.pay(nets, random, frozenset(range(size.SPECIAL)))
    _pay_untold(ledger, untold)
    world.known += [*ledger.known, *marks.missing(untold, plain)]
    _emit_ledger(world, ledger)
    _finish(world, references.tables(world.size, random, world.known))
    world.known = [one for one in world.known if not plain or one.code not in _NOT_PLAIN]
    truth.write(directory / TRUTH, world.known)
    told = [one.code for one in world.known]
    return Made(
        dict(world.rows),
        {code: told.count(code) for code in codes.BREAKS},
        hashing.break_set_hash(world.known),
    )


def _emit(world: _World, stage: Stage, nets: payouts.Nets) -> None:
    book = stage.book
    at = np.arange(book.used)
    here = at[book.on_terminal[: book.used] == 1]
    for day in np.unique(book.t_day[here]):
        rows = here[book.t_day[here] == day]
        table = legs.terminal(book, rows, world.next_id("terminal"))
        world.write("terminal", int(day), "", table)
    there = at[book.on_acquirer[: book.used] == 1]
    nets.add(book, there)
    there = there[np.argsort(book.a_at[there], kind="stable")]
    for day in np.unique(book.a_day[there]):
        for late, edition in enumerate(("", "-late")):
            rows = there[(book.a_day[there] == day) & (book.late[there] == late)]
            if len(rows):
                _emit_acquirer(world, book, rows, int(day), edition)
    world.known += _known(book)


def _emit_acquirer(world: _World, book: Book, rows: Ints, day: int, edition: str) -> None:
    file = hashlib.sha256(f"{day}{edition}".encode()).hexdigest()
    first = world.next_id("acquirer")
    line = world.rows["acquirer"] + 1
    table = legs.acquirer(book, rows, first, file, line)
    world.write("acquirer", day, edition, table)


def _known(book: Book) -> Iterable[Known]:
    for one in book.breaks.truths:
        figures = zip(
            *(array.tolist() for array in (one.rows, one.amount, one.effect, one.provisional)),
            strict=True,
        )
        for row, amount, effect, provisional in figures:
            key = keys.row_key(book, row) + (f"|{book.a_day[row]}" if one.again else "")
            yield Known(one.code, key, amount, effect, 0, provisional, one.match_pass, one.variant)


def _pay_untold(ledger: payouts.Ledger, untold: marks.Untold) -> None:
    """The wallet pays for the day of which it sent no statement: nothing explains the booking."""
    for (merchant, channel, day), amount in untold.money.items():
        if channel != WECHAT or not amount:
            continue
        name = CHANNELS[channel]
        paid = days.pay_day(name, days.settle_day(name, day))
        account = payouts.valid_account(merchant, paid)
        ledger.booking(account, name, paid, amount, "")
        key = f"BANK|{account}|{day_number(paid)}||{amount}|1"
        ledger.tell(codes.PAYOUT_OVER, key, amount, -amount, "no statement explains it")


def _emit_ledger(world: _World, ledger: payouts.Ledger) -> None:
    for leg, rows in (("bank", ledger.bank), ("payouts", ledger.payouts)):
        for day in sorted({int(str(row["day"])) for row in rows}):
            first = world.next_id(leg)
            file = hashlib.sha256(f"{leg}{day}".encode()).hexdigest()
            full = [
                {**row, "id": first + place, "file": file, "line": place + 1}
                for place, row in enumerate(row for row in rows if row["day"] == day)
            ]
            world.write(leg, day, "", manifest.as_table(schema.LEGS[leg], full))


def _finish(world: _World, tables: dict[str, list[dict[str, object]]]) -> None:
    """Close every file and say in the manifest what there is."""
    made = manifest.Manifest()
    for place, writer in world.writers.items():
        writer.close()
        path = world.folder / world.name(*place)
        leg, day, _ = place
        made.add(leg, day, manifest.Source(world.name(*place), _digest(path)))
    for name, columns in schema.REFERENCE.items():
        path = world.folder / f"{name}.parquet"
        manifest.write(path, manifest.as_table(columns, tables.get(name, [])))
        made.references[name] = _digest(path)
    manifest.save(world.folder, made)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_HASHED_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()
