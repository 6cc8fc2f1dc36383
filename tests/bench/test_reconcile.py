"""The bench of the reconciliation: what it compares is the same, and a missed bar is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from companion.facts.schema import day_number
from companion.inject import days, world
from companion.rules import hashing
from tests.bench import reconcile_child
from tests.bench.reconcile import Bench, Run, growth, known_until

pytestmark = pytest.mark.thorough

_FINE = Run("rules", "the day", 1_000_000, 1.2, 2.0, 0.5, 500_000, "same", 7)


def test_what_was_known_on_a_day_gives_the_same_breaks_by_hand(tmp_path: Path) -> None:
    world.make(tmp_path, 4000, 8)
    facts = tmp_path / "until"
    known_until(tmp_path / world.FACTS, facts, day_number(days.FRIDAY))
    ours = reconcile_child.rules(facts, tmp_path / "state")
    by_hand = reconcile_child.by_hand(facts, tmp_path / "spill")
    assert len(ours) > 500
    assert hashing.break_set_hash(ours) == hashing.break_set_hash(by_hand)


def test_a_bar_is_missed_by_other_breaks_by_time_and_by_memory() -> None:
    assert all(bar.kept for bar in _bench(_FINE).bars())
    for worse in (
        replace(_FINE, digest="other"),
        replace(_FINE, seconds=1.4),
        replace(_FINE, peak_kb=1_100_000),
    ):
        assert [bar.kept for bar in _bench(worse).bars()].count(False) == 1


def test_the_best_of_the_tries_counts() -> None:
    bench = _bench(replace(_FINE, seconds=9.0))
    bench.runs.append(_FINE)
    assert all(bar.kept for bar in bench.bars())


def test_time_may_grow_twelvefold_with_ten_times_the_rows() -> None:
    larger = _bench(replace(_FINE, rows=10_000_000, seconds=14.0))
    assert growth(_bench(_FINE), larger).kept
    assert not growth(_bench(_FINE), _bench(replace(_FINE, seconds=14.5))).kept


def _bench(ours: Run) -> Bench:
    by_hand = replace(_FINE, engine="by hand", seconds=1.0)
    whole = replace(_FINE, scope="the world", digest="truth")
    return Bench(ours.rows, Path(), "", [ours, by_hand, whole], "truth")
