"""The expressions against plain Python, on worlds in which everything is close together."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from companion.facts import schema
from companion.inject.found import known
from companion.rules import hashing, relations
from companion.rules.engines import Engine
from tests.companion.rules import reference
from tests.companion.rules.worlds import FIRST, Fold, World, world

pytestmark = pytest.mark.thorough

# What the reference does not judge.
_OTHERS = ("CLOCK_SKEW", "FEE_DIFFERS", "SELF_SWIPE", "STATEMENT_MISSING")
_BREAK = ("code", "row_key", "day", "amount_minor", "effect_minor", "provisional", "match_pass")


def _counted(rows: list[dict[str, Any]], names: tuple[str, ...]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row[name] for name in names) for row in rows)


def _own(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["code"] not in _OTHERS]


def _compare_step(fold: Fold, expected: reference.Result) -> None:
    names = tuple(relations.PAIRS.names)
    assert _counted(fold.rows("pairs", relations.PAIRS), names) == _counted(expected.pairs, names)
    found = _own(fold.rows("breaks_now", relations.BREAKS))
    some = (*_BREAK, "t_id", "a_id")
    assert _counted(found, some) == _counted(expected.breaks, some)
    carry = expected.carry
    for table, columns, rows in (
        ("carry_terminal", schema.TERMINAL, carry.terminal),
        ("carry_acquirer", schema.ACQUIRER, carry.acquirer),
        ("holds_out", relations.HOLDS, carry.events),
    ):
        names = tuple(columns.names)
        assert _counted(fold.rows(table, columns), names) == _counted(rows, names)
    marks = _counted(fold.rows("marks_out", relations.MARKS), ("a_id", "code"))
    assert marks == Counter(carry.marks)


def folded(fold: Fold, made: World) -> None:
    """Fold the world and compare each step, and two states."""
    carry = reference.Carry()
    for day in made.days:
        fold.step(day)
        recent = [row for row in made.acquirer if day - 3 <= row["day"] < day]
        expected = reference.step(
            day,
            made.of(made.terminal, day),
            made.of(made.acquirer, day),
            recent,
            carry,
            made.books,
        )
        _compare_step(fold, expected)
        carry = expected.carry
    for today in (made.days[-1], made.days[-1] + 40):
        fold.state(today)
        last = reference.state(today, carry, made.books)
        names = tuple(relations.PAIRS.names)
        assert _counted(fold.rows("open_pairs", relations.PAIRS), names) == _counted(
            last.pairs, names
        )
        found = _own(fold.rows("breaks_open", relations.BREAKS))
        assert _counted(found, _BREAK) == _counted(last.breaks, _BREAK)


@pytest.mark.parametrize("seed", range(4))
def test_a_fold_gives_what_plain_python_gives(seed: int, engine: Engine, tmp_path: Path) -> None:
    made = world(seed)
    folded(Fold(engine, tmp_path / "fold", made), made)


def test_rows_without_money_are_dropped_after_ten_days(engine: Engine, tmp_path: Path) -> None:
    made = world(99, days=2, rows=12)
    # The same rows, the second day's twelve days later.
    for rows in (made.terminal, made.acquirer):
        for some in rows:
            some["day"] += 11 * (some["day"] - FIRST)
    made.days = [FIRST, FIRST + 9, FIRST + 12]
    folded(Fold(engine, tmp_path / "fold", made), made)


def test_the_order_of_rows_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    made = world(7, days=2)
    hashes = set()
    for seed in range(3):
        fold = Fold(engine, tmp_path / f"fold-{seed}", made)
        for day in made.days:
            fold.step(day, random.Random(seed).shuffle)
        hashes.add(
            hashing.break_set_hash(
                known(engine.rows(relations.table("breaks_now", relations.BREAKS)))
            )
        )
    assert len(hashes) == 1
