"""A store of an earlier version is brought up with everything that is in it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from companion.cases import history, listing
from companion.cases.listing import Filter
from companion.reconcile.run import reconcile
from companion.store import Store, breaks, records, schema, terminals, verdicts
from tests.companion.sealed import MERCHANT, TERMINAL

HERE = Path(__file__).parent


def old_store(directory: Path, version: int) -> Path:
    directory.mkdir()
    connection = sqlite3.connect(directory / "store.sqlite")
    connection.executescript((HERE / f"store-v{version}.sql").read_text())
    connection.close()
    return directory


def with_file(directory: Path) -> Path:
    """With the original of the day file that counts in the store of version 3."""
    data = (HERE / "store-v3-day.csv").read_bytes()
    (directory / "files").mkdir()
    (directory / "files" / hashlib.sha256(data).hexdigest()).write_bytes(data)
    return directory


def structure(directory: Path) -> dict[str, object]:
    """Tables with their columns, indexes and triggers, and the version."""
    connection = sqlite3.connect(directory / "store.sqlite")
    found: dict[str, object] = {
        name: (
            sorted(row[1:4] + row[5:] for row in connection.execute(f"PRAGMA table_info({name})")),
            sorted(row[2:5] for row in connection.execute(f"PRAGMA foreign_key_list({name})")),
        )
        for name in schema.metadata.tables
    }
    for kind in ("index", "trigger"):
        query = "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite_%'"
        found[kind] = sorted(connection.execute(query, (kind,)))
    found["version"] = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return found


@pytest.mark.parametrize("version", [1, 3])
def test_a_store_that_was_brought_up_is_built_like_a_new_one(tmp_path: Path, version: int) -> None:
    old = old_store(tmp_path / "old", version)
    Store.open(old).close()
    Store.open(tmp_path / "new", create=True).close()
    assert structure(old) == structure(tmp_path / "new")


def test_a_store_of_version_3_keeps_what_is_in_it(tmp_path: Path) -> None:
    with Store.open(old_store(tmp_path / "old", 3)) as store, store.read() as read:
        (terminal,) = terminals.every(read)
        assert len(list(records.scan(read, terminal.device_id))) == 7
        found = breaks.listed(read, state=None)
        assert sorted((row["code"], row["state"]) for row in found) == [
            ("HOST_ONLY", "open"),
            ("REVERSAL_STUCK", "open"),
            ("TERMINAL_ONLY", "closed"),
        ]
        assert {(row["channel"], row["owed_minor"], row["note"]) for row in found} == {
            ("card", 0, "")
        }
        assert len(verdicts.waiting(read, MERCHANT, TERMINAL)) == 1
        assert listing.listed(read, Filter()) == []
        assert history.verify(read).problems == []


def test_a_store_of_version_3_is_reconciled_into_cases(tmp_path: Path) -> None:
    directory = with_file(old_store(tmp_path / "old", 3))
    with Store.open(directory) as store:
        assert reconcile(store).holds
        with store.read() as read:
            assert {one.code for one in listing.listed(read, Filter())} == {
                "HOST_ONLY",
                "REVERSAL_STUCK",
            }


def test_a_kill_while_a_store_is_brought_up_leaves_the_old_one(tmp_path: Path) -> None:
    """It is one transaction: what a failing statement leaves behind is what was there before."""
    old = old_store(tmp_path / "old", 3)
    before = structure_of_old(old)
    shutil.copytree(old, tmp_path / "copy")
    connection = sqlite3.connect(old / "store.sqlite")
    connection.execute("CREATE TABLE adjustments (in_the_way)")
    connection.commit()
    connection.close()
    with pytest.raises(Exception, match="adjustments"):
        Store.open(old)
    assert [row for row in structure_of_old(old) if row[0] != "adjustments"] == before


def structure_of_old(directory: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(directory / "store.sqlite")
    found = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return [*found, ("version", str(version))]
