"""kill -9 at any step leaves a store that doing it again completes."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.killed import a_device
from tests.companion.sealed import DayFile

ROOT = Path(__file__).resolve().parents[2]
NEVER = 1 << 30
# Beyond this many points of a job, they are drawn by seed.
POINTS = 10


class Killer:
    """The process that runs jobs and has them killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.companion.killed"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, call: str, store: Path, file: Path, at: int) -> dict[str, Any]:
        order = {"call": call, "store": str(store), "file": str(file), "at": at}
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        self.process.communicate(timeout=20)


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    made = Killer()
    yield made
    made.close()


def day(path: Path) -> Path:
    file = DayFile()
    for stan in range(1, 27):
        file.add(stan, 100 * stan if stan % 7 else 1)
    return file.write(path / "day.csv")


def contents(directory: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that lasts, without the moments at which it happened to be done."""
    connection = sqlite3.connect(directory / "store.sqlite")
    tables = {
        "terminals": "device_id, state, next_seq",
        "records": "device_id, seq, payload, kind, seal_ok",
        "gaps": "device_id, first_seq, last_seq",
        "files": "sha256, name, superseded_by",
        "statements": "sha256, part, first_day, rows, captured_minor, superseded_by",
        "breaks": "id, state, row_key, amount_minor, effect_minor, reason, closed_reason",
        "cases": "id, state, code, first_day, due, closed_reason",
        "case_breaks": "break_id, case_id, found",
        "case_events": "seq, case_id, person, what, state, text",
    }
    rows = {
        table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
        for table, columns in tables.items()
    }
    connection.close()
    files = directory / "files"
    rows["originals"] = sorted((path.name, path.read_bytes()) for path in files.glob("*"))
    return rows


def prepared(call: str, directory: Path, file: Path) -> None:
    """A store as it is before the job."""
    if call == "import":
        return
    with Store.open(directory, create=True) as store:
        device = a_device()
        device.offer(store)
        if call == "reconcile":
            import_file(store, file)
            reconcile(store)  # so that the job closes breaks and opens others
            device.sync(store)


def work(call: str, directory: Path, file: Path) -> None:
    with Store.open(directory, create=True) as store:
        if call == "import":
            import_file(store, file)
        elif call == "sync":
            a_device().sync(store, frame=10)
        else:
            reconcile(store)


@pytest.mark.parametrize(
    "call", ["import", "sync", pytest.param("reconcile", marks=pytest.mark.thorough)]
)
def test_a_job_killed_at_any_step_is_completed_by_doing_it_again(
    killer: Killer, tmp_path: Path, call: str
) -> None:
    file = day(tmp_path)
    before = tmp_path / "before"
    prepared(call, before, file)
    straight = tmp_path / "straight"
    if before.exists():
        shutil.copytree(before, straight)
    answer = killer.run(call, straight, file, NEVER)
    assert not answer["killed"] and answer["steps"] > 10, answer
    wanted = contents(straight)

    points = list(range(1, answer["steps"] + 1))
    if len(points) > POINTS:
        points = sorted(random.Random(2026).sample(points, POINTS))
    for at in points:
        directory = tmp_path / f"killed-{at}"
        if before.exists():
            shutil.copytree(before, directory)
        assert killer.run(call, directory, file, at)["killed"], at
        work(call, directory, file)
        assert contents(directory) == wanted, at
        shutil.rmtree(directory)


def test_a_sync_killed_in_the_middle_keeps_whole_frames_and_frees_the_terminal(
    killer: Killer, tmp_path: Path
) -> None:
    file = day(tmp_path)
    before = tmp_path / "before"
    prepared("sync", before, file)
    steps = killer.run("sync", shutil.copytree(before, tmp_path / "whole"), file, NEVER)["steps"]
    directory = shutil.copytree(before, tmp_path / "killed")
    assert killer.run("sync", directory, file, steps * 3 // 4)["killed"]
    with Store.open(directory) as store:
        kept = len(contents(directory)["records"])
        assert 0 < kept < 48 and kept % 10 == 0
        assert a_device().sync(store, frame=10) == 48 - kept
