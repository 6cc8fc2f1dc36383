"""What every engine does alike: load, make, give and save integers and text."""

from __future__ import annotations

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from companion.inject.truth import Known
from companion.rules import compiled, hashing, plan, relations
from companion.rules.engines import DuckDb, Engine, Sqlite
from companion.store.breaks import Break

_SIGNED = "ec1f5c18af1829191f7a82cdeee0890610fa42e163427975aa7e8c67f91ccff7"
_COLUMNS = pa.schema([("day", pa.int64()), ("name", pa.string())])


def _file(path: Path, *rows: tuple[int, str | None]) -> Path:
    table = pa.Table.from_pylist([{"day": d, "name": n} for d, n in rows], _COLUMNS)
    pq.write_table(table, path)
    return path


def _rows(engine: Engine, name: str) -> list[tuple[int, str]]:
    table = engine.rows(relations.table(name, _COLUMNS))
    return sorted((row["day"], row["name"]) for row in table.to_pylist())


def test_the_day_filters_its_files_and_not_what_was_carried(
    engine: Engine, tmp_path: Path
) -> None:
    days = [_file(tmp_path / "a", (1, "a"), (2, "b")), _file(tmp_path / "b", (2, "c"), (3, "d"))]
    carried = _file(tmp_path / "c", (1, "e"))
    engine.load("some", _COLUMNS, days, 2, [carried])
    assert _rows(engine, "some") == [(1, "e"), (2, "b"), (2, "c")]
    engine.load("some", _COLUMNS, days, (2, 3))
    assert _rows(engine, "some") == [(2, "b"), (2, "c"), (3, "d")]
    engine.load("some", _COLUMNS, [])
    assert _rows(engine, "some") == []


def test_what_is_saved_is_read_again_whatever_engine_saved_it(tmp_path: Path) -> None:
    for kind in (DuckDb, Sqlite):
        engine = kind(tmp_path)
        engine.put("some", pa.table({"day": [1, 2], "name": ["x", None]}, schema=_COLUMNS))
        engine.save("some", tmp_path / "saved.parquet")
        table = relations.table("some", _COLUMNS)
        engine.make("other", table.mutate(day=table.day + 1))
        assert pq.read_table(tmp_path / "saved.parquet").cast(_COLUMNS).to_pylist() == [
            {"day": 1, "name": "x"},
            {"day": 2, "name": None},
        ]
        assert _rows(engine, "other") == [(2, "x"), (3, None)]
        engine.close()
    assert not list(tmp_path.glob("*.part"))


def test_sums_and_divisions_stay_integers_beyond_what_a_float_can_hold(engine: Engine) -> None:
    large = (1 << 53) + 1
    engine.put("some", pa.table({"day": [large, large], "name": ["a", "b"]}, schema=_COLUMNS))
    some = relations.table("some", _COLUMNS)
    engine.make("summed", some.aggregate(total=some.day.sum()))
    summed = ibis.table({"total": "int64"}, name="summed")
    half = relations.whole(summed.total, 2)
    less = relations.whole(0 - summed.total, 4)
    found = engine.rows(summed.select(total=summed.total, half=half, less=less)).to_pylist()
    assert found == [{"total": 2 * large, "half": large, "less": 0 - large // 2}]


def test_clear_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    engine.load("some", _COLUMNS, [_file(tmp_path / "a", (1, "a"))])
    engine.make("other", relations.table("some", _COLUMNS), view=True)
    engine.clear()
    engine.load("other", _COLUMNS, [])
    assert _rows(engine, "other") == []


def test_compiled_queries_are_kept_and_used_only_for_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    expressions = [expression for _, expression in plan.STATE]
    compiled.keep(path, "duckdb", expressions)
    before = [compiled.sql(expression, "duckdb") for expression in expressions]
    whole = path.read_text()
    compiled.forget()
    compiled.recall(path, "duckdb", expressions)
    assert compiled.is_known("duckdb", expressions)
    assert [compiled.sql(expression, "duckdb") for expression in expressions] == before
    for other in (whole[:-9], whole.replace('"of": "', '"of": "0'), "[]", "{}"):
        path.write_text(other)
        compiled.forget()
        compiled.recall(path, "duckdb", expressions)
        assert not compiled.is_known("duckdb", expressions)


def test_the_hash_knows_amounts_effects_and_nothing_of_order() -> None:
    rows = [Known("HOST_ONLY", key, 1, 1, 0, 0, 0, "") for key in "abc"]
    whole = hashing.break_set_hash(rows)
    assert hashing.break_set_hash(rows[::-1]) == whole
    for name in ("amount_minor", "effect_minor", "owed_minor", "provisional"):
        assert hashing.break_set_hash([*rows[:2], Known(**{**rows[2].__dict__, name: 5})]) != whole


def test_a_store_and_a_truth_have_the_hash_of_the_same_breaks() -> None:
    """And it is the one of before: signed results stay good."""
    truth = [Known("HOST_ONLY", "M1|T1|000001|000017|1", 990, 990, 0, 1, 0, "")]
    kept = [
        Break(
            code="HOST_ONLY",
            row_key="M1|T1|000001|000017|1",
            merchant_no="M1",
            terminal_no="T1",
            business_date=None,
            amount_minor=990,
            effect_minor=990,
            provisional=True,
            reason="",
            actor="",
            evidence={},
        )
    ]
    assert hashing.break_set_hash(truth) == hashing.break_set_hash(kept) == _SIGNED
