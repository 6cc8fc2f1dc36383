"""kill -9 at any step of what a person does with a case leaves it done or not done."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from companion.cases import history
from companion.store import Store
from tests.companion.casebook import Book, broken
from tests.companion.killed import CASE_ACTS, on_a_case
from tests.companion.test_killed import NEVER, Killer, killer

__all__ = ["killer"]

# Of each act, drawn by seed.
POINTS = 12
_TABLES = {
    "cases": "id, state, touched, assignee, due, closed_by, closed_reason",
    "case_events": "seq, case_id, person, what, state, text",
    "adjustments": "id, case_id, closes, amount_minor, maker, approved, checker",
    "verdicts": "terminal_no, batch, stan, result, text",
}


def contents(directory: Path) -> dict[str, list[tuple[Any, ...]]]:
    connection = sqlite3.connect(directory / "store.sqlite")
    rows = {
        table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
        for table, columns in _TABLES.items()
    }
    connection.close()
    return rows


@pytest.mark.parametrize("act", CASE_ACTS)
def test_an_act_killed_at_any_step_is_completed_by_doing_it_again(
    killer: Killer, tmp_path: Path, act: str
) -> None:
    before = tmp_path / "before"
    side = {"status": "SUSPENDED", "batch": "000001", "stan": "000007"}
    book = Book(before)
    book.found(broken("REVERSAL_STUCK", 7, 1250, terminal=side), broken(stan=8))
    if act == "approve":
        on_a_case(book.store, "write_off")
    book.store.close()
    straight = shutil.copytree(before, tmp_path / "straight")
    answer = killer.run(act, straight, tmp_path, NEVER)
    assert not answer["killed"] and answer["steps"] > 5, answer
    wanted = contents(straight)
    points = list(range(1, answer["steps"] + 1))
    for at in sorted(random.Random(2026).sample(points, min(POINTS, len(points)))):
        directory = shutil.copytree(before, tmp_path / f"killed-{at}")
        assert killer.run(act, directory, tmp_path, at)["killed"], at
        left = contents(directory)
        assert left in (contents(before), wanted), at
        with Store.open(directory) as store:
            on_a_case(store, act)
            assert contents(directory) == wanted, at
            with store.read() as connection:
                assert history.verify(connection).problems == [], at
        shutil.rmtree(directory)
