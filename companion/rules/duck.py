"""DuckDB, the engine that a companion uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from ibis.expr import types as ir

from companion.rules.engine import Days, query, settle, span
from companion.rules.engine import columns as columns_of

# What DuckDB may have in memory before it goes to disk; the process has about 300 MB besides.
_MEMORY = "2300MB"
# Up to this size in bytes files are read whole, some 80,000 rows.
_SMALL = 4 << 20
# Where in `scratch` that is.
SPILL = "duckdb"


class DuckDb:
    """In the process, on two threads; what does not fit its memory goes to `scratch`."""

    dialect = "duckdb"

    def __init__(self, scratch: Path, memory: str = _MEMORY) -> None:
        self.scratch: Path | None = scratch
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory,
                "threads": 2,
                "temp_directory": str(scratch / SPILL),
                "preserve_insertion_order": False,
                "checkpoint_threshold": "1TB",
            },
        )
        self._run("CREATE MACRO int_div(a, b) AS a // b")
        self._kinds: dict[str, str] = {}

    def load(
        self,
        name: str,
        columns: pa.Schema,
        paths: Sequence[Path],
        day: Days = None,
        carried: Sequence[Path] = (),
    ) -> None:
        """A view of large files, of which a rule reads the columns that it needs; small ones are
        read once, for to open files costs every query more than their rows."""
        first, last = span(day)
        wanted = "" if day is None else f" WHERE day BETWEEN {first} AND {last}"
        parts = [(paths, wanted), (carried, "")]
        selects = [self._select(columns, some) + where for some, where in parts if some]
        if not selects:
            self.put(name, columns.empty_table())
            return
        size = sum(path.stat().st_size for path in (*paths, *carried))
        kind = "VIEW" if size > _SMALL else "TABLE"
        self._create(kind, name, " UNION ALL ".join(selects))

    def put(self, name: str, table: pa.Table) -> None:
        """See Engine."""
        self._connection.register("from_memory", table)
        self._create("TABLE", name, "SELECT * FROM from_memory")
        self._connection.unregister("from_memory")

    def make(self, name: str, expression: ir.Table, view: bool = False) -> None:
        """See Engine."""
        kind = "VIEW" if view else "TABLE"
        self._create(kind, name, query(expression, self.dialect, "BIGINT"))

    def rows(self, expression: ir.Table) -> pa.Table:
        """See Engine."""
        found = self._connection.sql(query(expression, self.dialect, "BIGINT"))
        return found.to_arrow_table().cast(columns_of(expression))

    def save(self, name: str, path: Path) -> None:
        """See Engine."""
        part = path.with_name(path.name + ".part")
        self._run(f"COPY \"{name}\" TO '{_quoted(part)}' (FORMAT parquet, PARQUET_VERSION v2)")
        settle(part, path)

    def drop(self, name: str) -> None:
        """See Engine."""
        kind = self._kinds.pop(name, "")
        if kind:
            self._run(f'DROP {kind} "{name}"')

    def clear(self) -> None:
        """See Engine."""
        for name in list(self._kinds):
            self.drop(name)

    def close(self) -> None:
        """See Engine."""
        self._connection.close()

    def _select(self, columns: pa.Schema, paths: Sequence[Path]) -> str:
        files = ", ".join(f"'{_quoted(path)}'" for path in paths)
        names = ", ".join(
            f'"{field.name}"::{"BIGINT" if pa.types.is_integer(field.type) else "VARCHAR"} '
            f'AS "{field.name}"'
            for field in columns
        )
        return f"SELECT {names} FROM read_parquet([{files}])"

    def _create(self, kind: str, name: str, query: str) -> None:
        self.drop(name)
        self._run(f'CREATE {kind} "{name}" AS {query}')
        self._kinds[name] = kind

    def _run(self, query: str) -> None:
        self._connection.execute(query)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
