"""Small random worlds in which everything is close together, and the fold over their days."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from companion.facts import schema
from companion.rules import plan, relations
from companion.rules.engines import Engine
from tests.companion.rules.reference import Books

Row = dict[str, Any]

FIRST = 20_000
_TXNS = (
    "SALE",
    "SALE",
    "VOID",
    "REFUND",
    "PREAUTH",
    "PREAUTH_CANCEL",
    "COMPLETION",
    "COMPLETION_NOTICE",
    "COMPLETION_VOID",
)
# Most in one hour; across midnight in China, hours apart, and a clock of another year.
_HOURS = (*(0,) * 12, 15 * 3600, 16 * 3600, 9 * 3600, -300 * 86_400)
_OPEN = ("SUSPENDED", "PENDING", "NEEDS_RECON")
_STATUSES = (*("APPROVED",) * 3, "DECLINED", "REVERSED", *_OPEN)


@dataclass
class World:
    """Rows by day, and the reference tables."""

    days: list[int]
    terminal: list[Row]
    acquirer: list[Row]
    books: Books

    def of(self, leg: list[Row], day: int) -> list[Row]:
        """The rows of one day."""
        return [row for row in leg if row["day"] == day]


def row(columns: pa.Schema, **values: Any) -> Row:
    """A row of a leg, "" and 0 where nothing is said."""
    plain = {f.name: 0 if pa.types.is_integer(f.type) else "" for f in columns}
    return {**plain, **values}


def world(seed: int, days: int = 3, rows: int = 40) -> World:
    """A world with few keys, amounts, cards and minutes, so that everything meets everything."""
    draw = random.Random(seed)
    numbers = iter(draw.sample(range(1, 10 * days * rows), 3 * days * rows))
    terminal, acquirer = [], []
    for day in range(FIRST, FIRST + days):
        for _ in range(rows):
            t = row(schema.TERMINAL, **_common(draw, day), id=next(numbers))
            t["status"] = draw.choice(_STATUSES)
            t["token"] = draw.choice(("", "tokA", "tokB"))
            t["host_at"] = draw.choice((0, 0, t["at"]))
            if draw.random() < 0.85:
                terminal.append(t)
            if draw.random() < 0.8:
                acquirer.append(_answer(draw, t, next(numbers), FIRST + days - 1))
            if draw.random() < 0.3:
                a = row(schema.ACQUIRER, **_common(draw, day), id=next(numbers))
                acquirer.append(_host(draw, a))
    all_days = list(range(FIRST, FIRST + days))
    keys = list(itertools.product(("M1", "M2"), ("pos", "qr"), all_days))
    books = Books(
        covered={key for key in keys if draw.random() < 0.8},
        grace={(c, d): d + draw.choice((0, 1, 4, 13)) for _, c, d in keys if draw.random() < 0.9},
        seen={
            (m, t): (FIRST + draw.randrange(days + 1)) * 86_400
            for m in ("M1", "M2")
            for t in ("T1", "T2")
            if draw.random() < 0.7
        },
    )
    for merchant_no, channel in (("", "pos"), ("M1", "pos"), ("M2", "qr")):
        if draw.random() < 0.4:
            terms = draw.choice((100, 116, 200)), draw.choice((1, 39, 100))
            books.hold_terms[merchant_no, channel] = terms
    return World(all_days, terminal, acquirer, books)


def _common(draw: random.Random, day: int) -> Row:
    return {
        "merchant_no": draw.choice(("M1", "M1", "M2")),
        "terminal_no": draw.choice(("T1", "T1", "T2", "")),
        "channel": draw.choice(("pos", "pos", "qr")),
        "batch": draw.choice(("", "000001", "000001", "000002")),
        "stan": draw.choice(("", *(f"{n:06d}" for n in range(1, 13)))),
        "day": day,
        "at": draw.choice((0, *(day * 86_400 + 150 * n + draw.choice(_HOURS) for n in range(40)))),
        "txn": draw.choice(_TXNS),
        "amount_minor": draw.choice((None, 100, 100, 115, 116, 200)),
        "card": draw.choice(("", "622200******0001", "622200******0002")),
        "rrn": draw.choice(("", *(f"{n:012d}" for n in range(20)))),
        "auth": draw.choice(("", "A00001", "A00002")),
    }


def _answer(draw: random.Random, t: Row, number: int, last: int) -> Row:
    """The host's row of a transaction, perhaps late, perhaps another."""
    names = [name for name in schema.ACQUIRER.names if name in schema.TERMINAL.names]
    a = row(schema.ACQUIRER, **{name: t[name] for name in names})
    a.update(id=number, day=min(last, t["day"] + draw.choice((0, 0, 0, 1, 2))))
    for name, value in _common(draw, a["day"]).items():
        if name not in ("day", "merchant_no") and draw.random() < 0.08:
            a[name] = value
    return _host(draw, a)


def _host(draw: random.Random, a: Row) -> Row:
    a["status"] = draw.choice(("CAPTURED",) * 6 + ("AUTHORISED", "REVERSED", "DECLINED"))
    a["token"] = draw.choice(("", "", "tokA"))
    a["orig_rrn"] = draw.choice(("", *(f"{n:012d}" for n in range(20))))
    a["fee_minor"] = None
    return a


class Fold:
    """The plan's steps over a world on one engine, in a directory of Parquet files."""

    def __init__(self, engine: Engine, place: Path, world: World) -> None:
        self._engine, self._place, self._world = engine, place, world
        place.mkdir(parents=True, exist_ok=True)
        self._carried: dict[str, list[Path]] = {name: [] for name in plan.CARRY}

    def step(self, day: int, shuffle: Callable[[list[Row]], None] = lambda rows: None) -> None:
        """One day; the tables stay in the engine."""
        engine, world = self._engine, self._world
        legs = {"terminal": world.terminal, "acquirer": world.acquirer, "payouts": [], "bank": []}
        inputs = {given: name for name, (given, _) in plan.CARRY.items()}
        for leg, rows in legs.items():
            some = [row for row in rows if row["day"] in (day, day + 1)]
            shuffle(some)
            path = self._place / f"{leg}-{day}.parquet"
            pq.write_table(pa.Table.from_pylist(some, schema.LEGS[leg]), path)
            engine.load(leg, schema.LEGS[leg], [path], day, self._carried[inputs[leg]])
        recent = [row for row in world.acquirer if day - 3 <= row["day"] < day]
        engine.put("recent", pa.Table.from_pylist(recent, schema.ACQUIRER))
        for name, (given, columns) in plan.CARRY.items():
            if given not in schema.LEGS:
                engine.load(given, columns, self._carried[name])
        self._references("step", day)
        plan.run(engine, "step", plan.STEP)
        for name in plan.CARRY:
            path = self._place / f"{name}-{day}.parquet"
            engine.save(name, path)
            self._carried[name] = [path]

    def state(self, today: int) -> None:
        """The judgement behind the last step."""
        for name, (given, columns) in plan.CARRY.items():
            loaded = name if given in schema.LEGS else given
            self._engine.load(loaded, columns, self._carried[name])
        self._references("today", today)
        plan.run(self._engine, "state", plan.STATE)

    def rows(self, name: str, columns: pa.Schema) -> list[Row]:
        """A table that was made."""
        found: list[Row] = self._engine.rows(relations.table(name, columns)).to_pylist()
        return found

    def _references(self, name: str, day: int) -> None:
        books = self._world.books
        made = {
            "coverage": [
                {"leg": "acquirer", "party": m, "channel": c, "day": d}
                for m, c, d in sorted(books.covered)
            ],
            "due": [
                {"channel": c, "day": d, "grace_day": grace, "settle_day": d}
                for (c, d), grace in books.grace.items()
            ],
            "hold_terms": [
                {"merchant_no": m, "channel": c, "percent": percent, "days": stands}
                for (m, c), (percent, stands) in books.hold_terms.items()
            ],
            "seen": [
                {"merchant_no": m, "terminal_no": t, "until": until}
                for (m, t), until in books.seen.items()
            ],
        }
        for table, columns in schema.REFERENCE.items():
            self._engine.put(table, pa.Table.from_pylist(made.get(table, []), columns))
        self._engine.put(name, pa.Table.from_pylist([{"day": day}], relations.DAY))
