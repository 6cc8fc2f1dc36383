"""The rules on Spark: as plain Python has them, and the same hash as from the other engines."""

from __future__ import annotations

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from companion.facts import manifest
from companion.facts.schema import day_number
from companion.inject import days, found, truth
from companion.inject.world import FACTS, TRUTH, make
from companion.reconcile import chain
from companion.rules import hashing, relations
from companion.rules.engines import DuckDb, Spark
from tests.companion.rules.test_against_reference import folded
from tests.companion.rules.worlds import Fold, world

# Each of a hundred tables of a step is a job of its own.
pytestmark = pytest.mark.timeout(1800)

_COLUMNS = pa.schema([("day", pa.int64()), ("name", pa.string())])


def test_a_fold_gives_what_plain_python_gives(spark: Spark, tmp_path: Path) -> None:
    made = world(3, days=2)
    folded(Fold(spark, tmp_path / "fold", made), made)


def test_a_small_world_has_the_hash_of_its_truth_and_of_duckdb(
    spark: Spark, tmp_path: Path
) -> None:
    """DuckDB does the days before the main one, Spark goes on where it ended."""
    make(tmp_path, 4000, 6)
    known = truth.read(tmp_path / TRUTH)
    facts, state = tmp_path / FACTS, tmp_path / "state"
    of_duckdb = found.in_facts(facts)
    whole = manifest.load(facts)
    main = day_number(days.MAIN)
    before = {
        leg: {day: sources for day, sources in by_day.items() if day < main}
        for leg, by_day in whole.legs.items()
    }
    manifest.save(facts, manifest.Manifest(before, whole.references))
    duck = DuckDb(tmp_path)
    chain.run(duck, facts, state)
    duck.close()
    manifest.save(facts, whole)
    outcome = chain.run(spark, facts, state)
    assert [day.day for day in outcome.days if day.fresh] == [d for d in whole.days() if d >= main]
    of_spark = found.known(outcome.breaks)
    assert len(known) > 500
    assert (
        hashing.break_set_hash(of_spark)
        == hashing.break_set_hash(of_duckdb)
        == hashing.break_set_hash(known)
    )


def test_files_of_other_engines_are_read_and_its_own_are_one_file_each(
    spark: Spark, tmp_path: Path
) -> None:
    path = tmp_path / "some.parquet"
    duck = DuckDb(tmp_path)
    duck.put("some", pa.table({"day": [1, 2, 2], "name": ["x", None, "y"]}, schema=_COLUMNS))
    duck.save("some", path)
    duck.close()
    spark.load("some", _COLUMNS, [path], 2, [path])
    spark.save("some", tmp_path / "again.parquet")
    rows = pq.read_table(tmp_path / "again.parquet").cast(_COLUMNS).to_pylist()
    told = sorted((row["day"], row["name"] or "") for row in rows)
    assert told == [(1, "x"), (2, ""), (2, ""), (2, "y"), (2, "y")]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["again.parquet", "some.parquet"]


def test_sums_and_divisions_stay_integers_beyond_what_a_float_can_hold(spark: Spark) -> None:
    large = (1 << 53) + 1
    spark.put("some", pa.table({"day": [large, large], "name": ["a", "b"]}, schema=_COLUMNS))
    some = relations.table("some", _COLUMNS)
    spark.make("summed", some.aggregate(total=some.day.sum()))
    summed = ibis.table({"total": "int64"}, name="summed")
    half = relations.whole(summed.total, 2)
    less = relations.whole(0 - summed.total, 4)
    made = spark.rows(summed.select(total=summed.total, half=half, less=less)).to_pylist()
    assert made == [{"total": 2 * large, "half": large, "less": 0 - large // 2}]


def test_a_session_that_ends_leaves_nothing_behind(spark: Spark, tmp_path: Path) -> None:
    """Its files are in the scratch of who started it, and the views are gone with `clear`."""
    spark.put("some", pa.table({"day": [1], "name": ["a"]}, schema=_COLUMNS))
    spark.make("other", relations.table("some", _COLUMNS), view=True)
    spark.clear()
    spark.load("other", _COLUMNS, [])
    assert spark.rows(relations.table("other", _COLUMNS)).num_rows == 0
