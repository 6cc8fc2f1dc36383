"""A short day of every transaction with power cuts, on the real runtime against the real host,
and the comparison of its books shown to object to books that are not equal."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from companion.acquirer.ledger import Ledger
from tests.board_day import books, day, plan
from tests.board_day.day import Day

# tests/hil has a shorter one of every transaction in `make test`.
pytestmark = pytest.mark.thorough

Row = dict[str, Any]
SEED = 2


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("day") / "kept"


@pytest.fixture(scope="module")
def done(kept: Path) -> Day:
    return day.run(40, 6, SEED, Console(file=StringIO()), kept)


@pytest.fixture
def ledger(done: Day, kept: Path) -> Iterator[Ledger]:
    opened = Ledger(kept / "host.sqlite", create=False)
    yield opened
    opened.close()


def test_after_cuts_and_faults_terminal_host_and_panel_are_equal(done: Day) -> None:
    assert done.wrong == []
    assert done.cuts.total() == 6
    assert {action.kind for action in plan.draw(SEED, 40, 6)} == set(plan.MTI)
    assert done.verdict.agreed >= 20


def _outcome(rows: list[Row]) -> Row:
    """The record of an approval."""
    record: Row = next(r["record"] for r in rows if r["kind"] == "OUTCOME" and r["record"]["rrn"])
    return record


def _declined(rows: list[Row]) -> None:
    _outcome(rows)["result"] = 2


def _another_amount(rows: list[Row]) -> None:
    _outcome(rows)["amount_minor"] += 1


def _no_end(rows: list[Row]) -> None:
    rows.remove(next(row for row in rows if row["record"] is _outcome(rows)))


def _never_armed(rows: list[Row]) -> None:
    stan = _outcome(rows)["stan"]
    rows[:] = [row for row in rows if row["record"].get("stan") != stan]


def _another_type(rows: list[Row]) -> None:
    next(row["record"] for row in rows if row["kind"] == "ARMED")["txn"] = 8


@pytest.mark.parametrize(
    "forge", [_declined, _another_amount, _no_end, _never_armed, _another_type]
)
def test_a_journal_that_tells_another_story_than_the_host_is_objected_to(
    forge: Any, done: Day, ledger: Ledger
) -> None:
    rows = copy.deepcopy(done.rows)
    assert books.compare(rows, ledger, []).agreed == done.verdict.agreed
    forge(rows)
    assert books.compare(rows, ledger, []).wrong


def test_a_panel_that_tells_another_story_than_the_journal_is_objected_to(done: Day) -> None:
    entries = done.verdict.entries
    assert books.panel(done.attempts, done.slips, entries) == []
    assert books.panel(done.attempts, done.slips[1:], entries)
    approved = next(one for one in done.attempts if one.screens[-2][0] == "APPROVED")
    at = done.attempts.index(approved)
    lying = copy.copy(approved)
    lying.screens = [["DECLINED  51"]]
    assert books.panel([*done.attempts[:at], lying], done.slips, entries)


def test_a_batch_that_only_one_side_closed_is_objected_to(done: Day, ledger: Ledger) -> None:
    open_rows = [row for row in done.rows if row["kind"] != "BATCH"]
    assert books.batches(done.rows, ledger, "10000001") == []
    assert books.batches(open_rows, ledger, "10000001")
