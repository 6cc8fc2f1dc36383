"""Everything of a store that lasts, without the moments at which it happened to be done."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from companion.cases import history
from companion.facts.manifest import NAME
from companion.reconcile import chain
from companion.store import Store, decisions

Rows = list[tuple[Any, ...]]

# When something was done, and in which run: a run more changes nothing else. A digest has both.
_MOMENTS = {"at", "digest", "first_run", "last_run", "closed_run"}
_RUNS = ("runs", "sqlite_sequence")


def told(directory: Path) -> dict[str, Rows]:
    """Every table of the database but the list of runs."""
    connection = sqlite3.connect(directory / "store.sqlite")
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
    found = {}
    for (table,) in connection.execute(query).fetchall():
        if table not in _RUNS:
            found[table] = _rows(connection, table)
    connection.close()
    return found


def _rows(connection: sqlite3.Connection, table: str) -> Rows:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    kept = [name for name in names if name not in _MOMENTS and not name.endswith("_at")]
    return sorted(connection.execute(f"SELECT {', '.join(kept)} FROM {table}"), key=repr)


def kept(directory: Path) -> dict[str, object]:
    """The original files, and the facts and steps made of everything."""
    facts = directory / "facts"
    found: dict[str, object] = {
        "originals": sorted(
            (one.name, one.read_bytes()) for one in (directory / "files").iterdir()
        ),
        "manifest": (facts / NAME).read_text(),
    }
    outcome = chain.last(facts / "state")
    assert outcome is not None
    found["facts digest"] = outcome.facts_digest
    found["steps"] = [(day.day, day.digest) for day in outcome.days]
    for path in sorted((facts / "state").glob("*/*.parquet")):
        found[str(path.relative_to(facts))] = _table(path)
    return found


def _table(path: Path) -> Rows:
    rows = pq.read_table(path).to_pylist()
    return sorted((tuple(sorted(row.items())) for row in rows), key=repr)


def proved(directory: Path) -> None:
    """The chained tables are whole."""
    with Store.open(directory) as store, store.read() as connection:
        assert history.verify(connection).problems == []
        decisions.of(connection, ())
