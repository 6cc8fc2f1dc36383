"""The engines that the rules run on: each loads facts, makes tables of expressions, gives rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg

from companion.rules import spark
from companion.rules.duck import SPILL, DuckDb
from companion.rules.engine import Days, Engine, EngineError
from companion.rules.rowwise import Postgres, Sqlite
from companion.rules.spark import Spark

__all__ = ["Days", "DuckDb", "Engine", "EngineError", "Postgres", "Spark", "Sqlite", "named"]

# What `named` knows, for people.
NAMES = "duckdb, sqlite, spark or postgresql://..."
_HERE: dict[str, Callable[[Path], Engine]] = {"duckdb": DuckDb, "sqlite": Sqlite, "spark": Spark}


def named(name: str, scratch: Path) -> Engine:
    """The engine that somebody asked for; EngineError when there is no such one, or not here."""
    if name in _HERE:
        return _HERE[name](scratch)
    if not name.startswith("postgresql://"):
        raise EngineError(f"engine {name}: {NAMES}")
    try:
        return Postgres(name)
    except psycopg.Error as error:
        raise EngineError(f"PostgreSQL: {error}") from None


def sweep(scratch: Path) -> None:
    """Remove what engines that were killed have left there; no other may be at work in it."""
    for folder in (SPILL, spark.SPILL):
        shutil.rmtree(scratch / folder, ignore_errors=True)
    for pattern in ("*.part", "rules-*.sqlite"):
        for left in scratch.glob(pattern):
            left.unlink(missing_ok=True)
