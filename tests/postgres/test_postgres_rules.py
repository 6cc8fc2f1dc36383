"""The rules between terminal and acquirer on PostgreSQL: as plain Python has them, and the same
hash as from the other engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from companion.inject.found import known
from companion.rules import hashing, relations
from companion.rules.engines import DuckDb, Engine, Postgres, Sqlite
from tests.companion.rules.test_against_reference import folded
from tests.companion.rules.worlds import Fold, World, world


@pytest.fixture
def postgres() -> Iterator[Engine]:
    engine = Postgres(os.environ["POSTGRES_URL"])
    yield engine
    engine.close()


@pytest.mark.parametrize("seed", range(2))
def test_a_fold_gives_what_plain_python_gives(seed: int, postgres: Engine, tmp_path: Path) -> None:
    made = world(seed)
    folded(Fold(postgres, tmp_path / "fold", made), made)


def _hash(engine: Engine, place: Path, made: World) -> str:
    fold = Fold(engine, place, made)
    found = []
    for day in made.days:
        fold.step(day)
        found.append(engine.rows(relations.table("breaks_now", relations.BREAKS)))
    fold.state(made.days[-1] + 40)
    found.append(engine.rows(relations.table("breaks_open", relations.BREAKS)))
    return hashing.break_set_hash(known(pa.concat_tables(found)))


def test_every_engine_gives_the_same_hash(postgres: Engine, tmp_path: Path) -> None:
    made = world(11)
    here: list[Engine] = [DuckDb(tmp_path), Sqlite(tmp_path)]
    hashes = {_hash(engine, tmp_path / str(n), made) for n, engine in enumerate([*here, postgres])}
    for engine in here:
        engine.close()
    assert len(hashes) == 1
