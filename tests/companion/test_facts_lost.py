"""Facts and steps are no truth: whatever of them is lost, cut or changed is made anew, not
trusted."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from companion.reconcile import chain
from companion.reconcile.chain import Outcome
from companion.reconcile.run import Result, reconcile
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.sealed import MERCHANT
from tests.companion.statement_files import TerminalFile
from tests.companion.test_chain import DAYS, World, found, straight

pytestmark = pytest.mark.thorough


def _gone(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 7])


def _changed(path: Path) -> None:
    """In the middle, so that its size and both its ends are what they were."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x15
    path.write_bytes(data)


LOSSES = (_gone, _empty, _cut, _changed)
# A store, what was found in it, and its pairs.
Made = tuple[Path, Result, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("world")
    straight(World(4), folder / "store")
    with Store.open(folder / "store") as store:
        for place, day in enumerate(DAYS):
            export = TerminalFile(MERCHANT, day).add(500 + place, 1000 + place)
            path = folder / f"export-{day}.csv"
            path.write_text(export.text())
            import_file(store, path)
        wanted = reconcile(store)
        outcome = chain.last(store.facts / "state")
    assert outcome is not None
    yield folder / "store", wanted, _pairs(outcome)
    shutil.rmtree(folder)


def _pairs(outcome: Outcome) -> list[tuple[object, ...]]:
    tables = [*(day.rows("pairs") for day in outcome.days), outcome.open_pairs]
    rows = [tuple(row.values()) for table in tables for row in table.to_pylist()]
    return sorted(rows, key=repr)


def _same(store: Store, made: Made) -> None:
    _, wanted, pairs = made
    result = reconcile(store)
    assert found(result) == found(wanted)
    assert result.facts_digest == wanted.facts_digest
    assert (result.equation, result.debt, result.days, result.counts) == (
        wanted.equation,
        wanted.debt,
        wanted.days,
        wanted.counts,
    )
    outcome = chain.last(store.facts / "state")
    assert outcome is not None
    assert _pairs(outcome) == pairs


@pytest.mark.parametrize("lose", [_gone, _cut, _changed])
@pytest.mark.parametrize(
    "which",
    ["state/20515/*", "state/last/*", "statements/*/*", "terminal/*", "numbers/*", "*"],
)
def test_what_is_lost_is_made_anew(
    made: Made, tmp_path: Path, which: str, lose: Callable[[Path], None]
) -> None:
    directory = shutil.copytree(made[0], tmp_path / "store")
    with Store.open(directory) as store:
        files = sorted(path for path in store.facts.glob(which) if path.is_file())
        assert files
        for path in files:
            lose(path)
        _same(store, made)


def test_whatever_single_files_are_lost_is_made_anew(made: Made, tmp_path: Path) -> None:
    dice = random.Random(2026)
    directory = shutil.copytree(made[0], tmp_path / "store")
    with Store.open(directory) as store:
        for _ in range(12):
            files = sorted(path for path in store.facts.rglob("*") if path.is_file())
            for path in dice.sample(files, 2):
                dice.choice(LOSSES)(path)
            _same(store, made)


@pytest.mark.parametrize("lose", LOSSES)
def test_only_the_day_that_lost_a_file_is_done_again(
    made: Made, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    directory = shutil.copytree(made[0], tmp_path / "store")
    with Store.open(directory) as store:
        state = store.facts / "state"
        before = {path.name: path.stat().st_ino for path in state.iterdir()}
        lose(state / "20516" / "carry_acquirer.parquet")
        reconcile(store)
        after = {path.name: path.stat().st_ino for path in state.iterdir()}
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"20516", "last"}


@pytest.mark.parametrize("lose", LOSSES)
def test_the_last_outcome_is_none_when_part_of_it_is_lost(
    made: Made, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    for name in ("last/open_pairs.parquet", "last/last.json", "20516/pairs.parquet"):
        state = shutil.copytree(made[0] / "facts" / "state", tmp_path / name.replace("/", " "))
        assert chain.last(state) is not None
        lose(state / name)
        assert chain.last(state) is None, name


def test_what_a_killed_engine_left_is_removed(made: Made, tmp_path: Path) -> None:
    directory = shutil.copytree(made[0], tmp_path / "store")
    with Store.open(directory) as store:
        left = [store.facts / "duckdb" / "duckdb_temp_1.tmp", store.facts / "sql-duckdb.9.part"]
        for path in left:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"rows")
        reconcile(store)
        assert [path for path in left if path.exists()] == []
