"""SQLite and PostgreSQL: rows go in and out one by one."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from ibis.expr import types as ir

from companion.rules.engine import Days, settle, span
from companion.rules.engine import columns as columns_of
from companion.rules.engine import query as query_of

_AT_ONCE = 50_000


class _Rows:
    """What SQLite and PostgreSQL have in common: rows go in and out one by one."""

    dialect = ""
    integer = ""
    text = ""

    def __init__(self, scratch: Path | None) -> None:
        self.scratch = scratch
        self._tables: dict[str, pa.Schema] = {}

    def load(
        self,
        name: str,
        columns: pa.Schema,
        paths: Sequence[Path],
        day: Days = None,
        carried: Sequence[Path] = (),
    ) -> None:
        """See Engine."""
        self._create(name, columns)
        for path, only in [(path, day) for path in paths] + [(path, None) for path in carried]:
            self._fill(name, columns, _batches(path, columns, only))
        self._loaded(name)

    def put(self, name: str, table: pa.Table) -> None:
        """See Engine."""
        self._create(name, table.schema)
        self._fill(name, table.schema, table.to_batches(_AT_ONCE))
        self._loaded(name)

    def make(self, name: str, expression: ir.Table, view: bool = False) -> None:
        """See Engine; always a table, for both join a view badly."""
        self._create(name, columns_of(expression))
        select = query_of(expression, self.dialect, self.integer)
        self._run(f'INSERT INTO "{name}" {select}')
        self._loaded(name)

    def rows(self, expression: ir.Table) -> pa.Table:
        """See Engine."""
        schema = columns_of(expression)
        query = query_of(expression, self.dialect, self.integer)
        return pa.Table.from_batches(self._read(query, schema), schema)

    def save(self, name: str, path: Path) -> None:
        """See Engine."""
        part = path.with_name(path.name + ".part")
        schema = self._tables[name]
        with pq.ParquetWriter(part, schema) as writer:
            for batch in self._read(f'SELECT * FROM "{name}"', schema):
                writer.write_batch(batch)
        settle(part, path)

    def drop(self, name: str) -> None:
        """See Engine."""
        if self._tables.pop(name, None) is not None:
            self._run(f'DROP TABLE "{name}"')

    def clear(self) -> None:
        """See Engine."""
        for name in list(self._tables):
            self.drop(name)

    def _create(self, name: str, columns: pa.Schema) -> None:
        self.drop(name)
        typed = ", ".join(
            f'"{field.name}" {self.integer if pa.types.is_integer(field.type) else self.text}'
            for field in columns
        )
        self._run(f'CREATE {self._table()} "{name}" ({typed})')
        self._tables[name] = columns

    def _table(self) -> str:
        return "TABLE"

    def _loaded(self, name: str) -> None:
        """Called when a table has its rows."""

    def _run(self, query: str) -> None:
        raise NotImplementedError

    def _fill(self, name: str, columns: pa.Schema, batches: Any) -> None:
        raise NotImplementedError

    def _read(self, query: str, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError


class Sqlite(_Rows):
    """SQLite on a file in `scratch` that has no name, so that none is left after a crash."""

    dialect = "sqlite"
    integer = "INTEGER"
    text = "TEXT"

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch)
        path = scratch / f"rules-{secrets.token_hex(8)}.sqlite"
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._run(f"PRAGMA {pragma}")
        path.unlink(missing_ok=True)
        self._connection.create_function("int_div", 2, _int_div, deterministic=True)

    def close(self) -> None:
        """See Engine."""
        self._connection.close()

    def _run(self, query: str) -> None:
        self._connection.execute(query)

    def _fill(self, name: str, columns: pa.Schema, batches: Any) -> None:
        places = ", ".join("?" for _ in columns)
        self._run("BEGIN")
        for batch in batches:
            values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            self._connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', values)
        self._run("COMMIT")

    def _read(self, query: str, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        cursor = self._connection.execute(query)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield _batch(rows, columns)


class Postgres(_Rows):
    """A schema of its own in a PostgreSQL database, dropped at the end."""

    dialect = "postgres"
    integer = "BIGINT"
    text = 'TEXT COLLATE "C"'

    def __init__(self, url: str) -> None:
        super().__init__(None)
        self._connection = psycopg.connect(url, autocommit=True)
        self._schema = f"rules_{secrets.token_hex(8)}"
        for query in (
            f"CREATE SCHEMA {self._schema}",
            f"SET search_path = {self._schema}",
            "SET work_mem = '256MB'",
            "SET jit = off",
            "SET client_min_messages = warning",
            "CREATE FUNCTION int_div(a BIGINT, b BIGINT) RETURNS BIGINT LANGUAGE sql "
            "IMMUTABLE STRICT AS 'SELECT a / b'",
        ):
            self._run(query)

    def close(self) -> None:
        """See Engine."""
        self._run(f"DROP SCHEMA {self._schema} CASCADE")
        self._connection.close()

    def _table(self) -> str:
        return "UNLOGGED TABLE"

    def _loaded(self, name: str) -> None:
        self._run(f'ANALYZE "{name}"')

    def _run(self, query: str) -> None:
        self._connection.execute(query.encode())

    def _fill(self, name: str, columns: pa.Schema, batches: Any) -> None:
        with self._connection.cursor() as cursor:
            for batch in batches:
                with cursor.copy(f'COPY "{name}" FROM STDIN'.encode()) as copy:
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        copy.write_row(row)

    def _read(self, query: str, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._connection.cursor() as cursor:
            cursor.execute(query.encode())
            while rows := cursor.fetchmany(_AT_ONCE):
                yield _batch(rows, columns)


def _batches(path: Path, columns: pa.Schema, day: Days) -> Iterator[pa.RecordBatch]:
    first, last = span(day)
    wanted = None if day is None else (ds.field("day") >= first) & (ds.field("day") <= last)
    found = ds.dataset(path, schema=columns, format="parquet")
    yield from found.to_batches(columns=columns.names, filter=wanted, batch_size=_AT_ONCE)


def _batch(rows: Sequence[Any], columns: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.array(values, type=field.type)
        for values, field in zip(zip(*rows, strict=True), columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=columns)


def _int_div(a: int | None, b: int | None) -> int | None:
    """Towards zero, as the other engines do."""
    if a is None or b is None or b == 0:
        return None
    whole = abs(a) // abs(b)
    return whole if (a < 0) == (b < 0) else 0 - whole
