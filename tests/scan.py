"""Card data where none may be: in flash images, databases, logs, fixtures.

    python -m tests.scan build/world board/journal.flash store/

Looks for every form that card_data.py knows. Databases are read row by row and byte by byte, with
what was deleted from them. A finding says where, never the number. Exit 1 when there is any.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq

from tests.card_data import CVV, inside

_SECRET = re.compile(
    r"(?i)cvv2?|cvc2?|cav2|csc|cvn2?|(clear_?)?pin(_?block)?|track_?[123]?(_?data)?"
)


@dataclass(frozen=True)
class Finding:
    """``where`` is an offset, or table, row and column."""

    path: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.where}: {self.what}"


def scan(paths: Iterable[Path], root: Path | None = None) -> list[Finding]:
    """What is found in these files and folders; paths are given from ``root``."""
    found: list[Finding] = []
    for top in paths:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            # What Python compiled is a copy of a source that is scanned itself.
            if path.is_file() and path.parent.name != "__pycache__":
                found += _file(path, str(path.relative_to(root) if root else path))
    return found


def _file(path: Path, name: str) -> Iterator[Finding]:
    data = path.read_bytes()
    # What is compressed says nothing as it lies there, and its runs look like anything.
    if data.startswith(b"PAR1"):
        table = pq.read_table(path)
        for column, values in zip(table.column_names, table.itercolumns(), strict=True):
            for row, value in enumerate(values.to_pylist()):
                for what in _value(column, value):
                    yield Finding(name, f"row {row}, {column}", what)
        return
    if data.startswith(b"PK\3\4"):
        with zipfile.ZipFile(BytesIO(data)) as pack:
            for member in pack.namelist():
                for offset, what in inside(pack.read(member)):
                    yield Finding(name, f"{member}, byte {offset}", what)
        return
    for offset, what in inside(data):
        yield Finding(name, f"byte {offset}", what)
    if data.startswith(b"SQLite format 3\0"):
        yield from _database(path, name)


def _database(path: Path, name: str) -> Iterator[Finding]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (raw,) in names:
            table = raw.decode()
            rows = database.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in rows.description]
            for number, row in enumerate(rows, start=1):
                for column, value in zip(columns, row, strict=True):
                    for what in _value(column, value):
                        yield Finding(name, f"{table} row {number}, {column}", what)


def _value(name: str, value: object) -> set[str]:
    """What one value of a table has in it; a column's name can give it away, too."""
    if value is None or value == b"":
        return set()
    data = value if isinstance(value, bytes) else str(value).encode()
    return {what for _, what in inside(data)} | ({CVV} if _SECRET.fullmatch(name) else set())


def main(arguments: list[str]) -> int:
    """Scan what the command line names."""
    paths = [Path(argument) for argument in arguments]
    missing = [str(path) for path in paths if not path.exists()]
    if missing or not paths:
        print(f"no such file: {', '.join(missing)}" if missing else str(__doc__), file=sys.stderr)
        return 2
    found = scan(paths)
    for finding in found:
        print(finding)
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
