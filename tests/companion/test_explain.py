"""`companion explain`: why a row matched or not, in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from companion.cli.main import main
from companion.statements.importing import import_file
from companion.store import Store
from tests.companion.sealed import MERCHANT, TERMINAL, DayFile, Device


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Five sales: matched, declined, without a row there, a row there alone, another amount."""
    device = Device()
    device.sign_in("0302090000")
    for stan, end in ((1, "approved"), (2, "declined"), (3, "approved"), (5, "approved")):
        device.sale(stan, 1000 * stan, end)
    file = DayFile().add(1, 1000).add(4, 3000).add(5, 5001)
    with Store.open(tmp_path / "store", create=True) as store:
        device.offer(store)
        device.sync(store)
        import_file(store, file.write(tmp_path / "day.csv"))
    return tmp_path / "store"


def told(directory: Path, row: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(main, ["explain", row, "--json", "--store", str(directory)])
    assert done.exit_code == 0, done.output
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def test_a_pair_is_told_from_both_sides_with_its_pass(directory: Path) -> None:
    here, there = told(directory, "000001/000001")
    assert (here["leg"], there["leg"]) == ("terminal", "acquirer")
    assert here["verdict"] == there["verdict"] == "MATCHED"
    assert here["match_pass"] == 1 and "line 3" in str(here["why"])
    assert "pz-test-1, record 2" in str(there["why"])


def test_a_row_alone_says_what_each_pass_looked_for_and_what_came_nearest(directory: Path) -> None:
    (row,) = told(directory, f"{MERCHANT}|{TERMINAL}|000001|000003")
    assert row["verdict"] == "TERMINAL_ONLY" and row["partner"] is None
    first, second, third = row["why"] if isinstance(row["why"], list) else []
    assert first.startswith("pass 1") and "the acquirer has none" in first
    assert second.startswith("pass 2") and "the acquirer has none" in second
    # The same amount under another STAN is near, and another transaction.
    assert third.startswith("pass 3") and "000001/000004" in third and "s away" in third


def test_a_row_of_the_acquirer_is_found_by_its_rrn(directory: Path) -> None:
    (row,) = told(directory, "000000000004")
    assert (row["leg"], row["verdict"]) == ("acquirer", "HOST_ONLY")


def test_what_is_near_but_taken_says_so(directory: Path) -> None:
    device = Device()
    with Store.open(directory) as store:
        extra = DayFile(day="2026-03-03").add(6, 1000)
        import_file(store, extra.write(directory.parent / "next.csv"))
    assert device.device_id == "pz-test-1"
    (row,) = told(directory, "000001/000006")
    assert "which belongs to another row" in str(row["why"])


@pytest.mark.parametrize("row", ["", "a|b|c|d|e|f", "000009", "|||"])
def test_a_row_that_is_not_there_is_one_line(directory: Path, row: str) -> None:
    done = CliRunner().invoke(main, ["explain", row, "--store", str(directory)])
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("companion: ")


def test_explaining_changes_nothing_in_the_store(directory: Path) -> None:
    before = (directory / "store.sqlite").read_bytes()
    told(directory, "000001")
    assert (directory / "store.sqlite").read_bytes() == before
