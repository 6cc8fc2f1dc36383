"""What an engine is, and what all of them have in common.

Every table that an engine makes has integers (64 bit) and text only, so that the same rows come
out of each. Names of tables are the plan's own; no name or path comes from outside.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from ibis.expr import types as ir

from companion.errors import CompanionError
from companion.rules import compiled

# One day, a first and a last one, or all.
Days = int | tuple[int, int] | None


class EngineError(CompanionError):
    """An engine that is none, or cannot be reached."""


class Engine(Protocol):
    """A database of its own, gone when it is closed."""

    dialect: str
    # Where compiled queries may be kept; None: nowhere.
    scratch: Path | None

    def load(
        self,
        name: str,
        columns: pa.Schema,
        paths: Sequence[Path],
        day: Days = None,
        carried: Sequence[Path] = (),
    ) -> None:
        """A table of Parquet files: of `paths` the rows of `day`, `carried` whole."""

    def put(self, name: str, table: pa.Table) -> None:
        """A small table from memory."""

    def make(self, name: str, expression: ir.Table, view: bool = False) -> None:
        """A table, or a view, with the rows of an expression over tables that are there."""

    def rows(self, expression: ir.Table) -> pa.Table:
        """The rows of an expression, in any order unless it says one."""

    def save(self, name: str, path: Path) -> None:
        """A table as a Parquet file, which is there whole or not at all."""

    def drop(self, name: str) -> None:
        """Forget a table or a view."""

    def clear(self) -> None:
        """Forget every table and view."""

    def close(self) -> None:
        """Leave nothing behind."""


def query(expression: ir.Table, dialect: str, integer: str) -> str:
    """The query, with every integer as 64 bits: engines widen a sum, each in its own way."""
    names = ", ".join(
        f'CAST("{name}" AS {integer}) AS "{name}"' if kind.is_integer() else f'"{name}"'
        for name, kind in expression.schema().items()
    )
    return f'SELECT {names} FROM ({compiled.sql(expression, dialect)}) AS "made"'


def columns(expression: ir.Table) -> pa.Schema:
    """Columns as they come out: 64-bit integers and text."""
    return pa.schema(
        [
            (name, pa.int64() if kind.is_integer() else pa.string())
            for name, kind in expression.schema().items()
        ]
    )


def settle(part: Path, path: Path) -> None:
    """Give a file that is written its name, once it is on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def span(day: Days) -> tuple[int, int]:
    """The first and the last day; of no day, any."""
    if isinstance(day, tuple):
        return day
    return (day or 0, day or 0)
