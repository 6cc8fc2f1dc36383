"""Spark, for books that are already in a cluster's reach; pyspark is no dependency of a companion.

Every table is a temporary view. A view of a view is planned and run again with every use, so what
is made for good is put aside, its plan forgotten. Rows go in and out as Parquet in `scratch`.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr import types as ir

from companion.rules.engine import Days, EngineError, query, settle, span
from companion.rules.engine import columns as columns_of

# Where in `scratch` it puts aside what does not fit its memory.
SPILL = "spark"

_SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    # What a view knew of a table that is put aside names columns that are no more (Spark 4.0).
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.debug.maxToStringFields": "1",
    # "name" is a column, as in the other engines, not a text.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
}


class Spark:
    """A session on two threads of this machine, or with another `master` and `more` settings; one
    at a time in a process."""

    dialect = "pyspark"

    def __init__(
        self, scratch: Path, master: str = "local[2]", more: Mapping[str, str] | None = None
    ) -> None:
        self.scratch: Path | None = scratch
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise EngineError("engine spark: pyspark 4 is not installed") from None
        self._place = scratch / SPILL
        builder = SparkSession.builder.master(master).appName("companion")
        for name, value in {**_SETTINGS, **(more or {})}.items():
            builder = builder.config(name, value)
        builder = builder.config("spark.local.dir", str(self._place / "local"))
        builder = builder.config("spark.sql.warehouse.dir", str(self._place / "warehouse"))
        self._session: Any = builder.getOrCreate()
        self._session.sql(
            "CREATE OR REPLACE TEMPORARY FUNCTION int_div(a BIGINT, b BIGINT) RETURNS BIGINT "
            "RETURN a DIV b"
        )
        self._tables: set[str] = set()

    def load(
        self,
        name: str,
        columns: pa.Schema,
        paths: Sequence[Path],
        day: Days = None,
        carried: Sequence[Path] = (),
    ) -> None:
        """See Engine."""
        first, last = span(day)
        wanted = "" if day is None else f"day BETWEEN {first} AND {last}"
        parts = [self._read(columns, paths, wanted), self._read(columns, carried, "")]
        found = [part for part in parts if part is not None]
        if not found:
            self.put(name, columns.empty_table())
            return
        self._keep(name, found[0] if len(found) == 1 else found[0].unionAll(found[1]))

    def put(self, name: str, table: pa.Table) -> None:
        """See Engine."""
        path = self._fresh()
        pq.write_table(table, path)
        self._keep(name, self._read(table.schema, [path], ""))

    def make(self, name: str, expression: ir.Table, view: bool = False) -> None:
        """See Engine."""
        made = self._session.sql(query(expression, self.dialect, "BIGINT"))
        self._keep(name, made if view else made.localCheckpoint())

    def rows(self, expression: ir.Table) -> pa.Table:
        """See Engine."""
        path = self._fresh()
        self._write(self._session.sql(query(expression, self.dialect, "BIGINT")), path)
        return pq.read_table(path).cast(columns_of(expression))

    def save(self, name: str, path: Path) -> None:
        """See Engine."""
        self._write(self._session.table(name), path)

    def drop(self, name: str) -> None:
        """See Engine."""
        if name in self._tables:
            self._tables.remove(name)
            self._session.catalog.dropTempView(name)

    def clear(self) -> None:
        """See Engine."""
        for name in list(self._tables):
            self.drop(name)
        shutil.rmtree(self._place / "rows", ignore_errors=True)

    def close(self) -> None:
        """See Engine."""
        self._session.stop()
        shutil.rmtree(self._place, ignore_errors=True)

    def _read(self, columns: pa.Schema, paths: Sequence[Path], wanted: str) -> Any:
        if not paths:
            return None
        rows = self._session.read.schema(_types(columns)).parquet(*map(str, paths))
        return rows.where(wanted) if wanted else rows

    def _fresh(self) -> Path:
        """A file of its own, until `clear`: a view reads it whenever it is used."""
        folder = self._place / "rows"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{secrets.token_hex(8)}.parquet"

    def _write(self, rows: Any, path: Path) -> None:
        """One file; Spark writes a folder with a file for each partition."""
        folder = path.with_name(path.name + ".part")
        shutil.rmtree(folder, ignore_errors=True)
        rows.coalesce(1).write.parquet(str(folder))
        [part] = folder.glob("part-*.parquet")
        settle(part, path)
        shutil.rmtree(folder)

    def _keep(self, name: str, rows: Any) -> None:
        rows.createOrReplaceTempView(name)
        self._tables.add(name)


def _types(columns: pa.Schema) -> str:
    return ", ".join(
        f"`{column.name}` {'BIGINT' if pa.types.is_integer(column.type) else 'STRING'}"
        for column in columns
    )
