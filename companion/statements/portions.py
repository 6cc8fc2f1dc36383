"""The rows of a CSV file or a spreadsheet in portions, as a mapping says where they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pyarrow as pa

from companion.statements import cards, sheets
from companion.statements.columns import Columns, one_line
from companion.statements.mapping import Mapping
from companion.statements.source import Lines, Source
from companion.statements.statement import StatementError

_PORTION = 50_000


def of(source: Source, mapping: Mapping) -> tuple[Iterator[Columns], Stated]:
    """The portions of a file, and the totals it states, which are known behind the last one."""
    if sheets.is_sheet(source.head):
        return _of_sheet(source, mapping)
    return _of_text(source, mapping)


def _of_text(source: Source, mapping: Mapping) -> tuple[Iterator[Columns], Stated]:
    lines = Lines(source, mapping.encoding)
    names: list[str] = []
    for _ in range(mapping.header):
        names = _split(lines.first(), mapping)
    footer = [lines.last() for _ in range(mapping.footer)]
    if not mapping.header:
        names = [str(at + 1) for at in range(len(_split(lines.peek(), mapping)))]
    names = _unique(names)
    _check_names(names, mapping)

    def portions() -> Iterator[Columns]:
        for block in lines.blocks():
            yield Columns.read(block, names, mapping.delimiter)

    return portions(), Stated(mapping, [_split(line, mapping) for line in footer])


def _of_sheet(source: Source, mapping: Mapping) -> tuple[Iterator[Columns], Stated]:
    found = sheets.rows(source, mapping.sheet)
    names: list[str] = []
    first: list[tuple[int, list[str]]] = []
    for _ in range(mapping.header):
        names = next(found, (0, []))[1]
    if not mapping.header:
        first = list(islice(found, 1))
        names = [str(at + 1) for at in range(len(first[0][1]) if first else 0)]
    while names and not names[-1].strip():
        names.pop()
    names = _unique([name.strip() for name in names])
    _check_names(names, mapping)
    stated = Stated(mapping, [])

    def portions() -> Iterator[Columns]:
        held = list(first)
        for row in found:
            if any(value.strip() for value in row[1]):
                held.append(row)
            if len(held) >= _PORTION + mapping.footer:
                yield _columns(held[:_PORTION], names)
                held = held[_PORTION:]
        stated.footer = [values for _, values in reversed(held[len(held) - mapping.footer :])]
        rest = held[: len(held) - mapping.footer]
        if rest:
            yield _columns(rest, names)

    return portions(), stated


class Stated:
    """The lines behind the rows, the last one first, as soon as they are known."""

    def __init__(self, mapping: Mapping, footer: list[list[str]]) -> None:
        self._mapping = mapping
        self.footer = footer

    def __call__(self) -> list[str]:
        """The values of the line of totals."""
        totals = self._mapping.totals
        if totals is None:
            return []
        if len(self.footer) < totals.line:
            raise StatementError("the file ends before its totals")
        return self.footer[totals.line - 1]


def _columns(held: list[tuple[int, list[str]]], names: list[str]) -> Columns:
    for number, values in held:
        if any(value.strip() for value in values[len(names) :]):
            raise StatementError(f"line {number}: more values than there are columns")
    padded = [(values + [""] * len(names))[: len(names)] for _, values in held]
    arrays = {
        name: pa.array([values[at] for values in padded], pa.string())
        for at, name in enumerate(names)
    }
    # Blank rows are left out; the line of an error is that of the row all the same.
    return Columns(held[0][0], arrays, len(held), [number for number, _ in held])


def _split(line: str, mapping: Mapping) -> list[str]:
    """The values of a line of names or totals."""
    values = line.split(mapping.delimiter)
    return [value.strip().strip('"').strip(mapping.strip).strip() for value in values]


def _unique(names: list[str]) -> list[str]:
    return [
        name if name and names.count(name) == 1 else f"{name}#{at + 1}"
        for at, name in enumerate(names)
    ]


def _check_names(names: list[str], mapping: Mapping) -> None:
    missing = [name for name in mapping.columns.values() if name not in names]
    if missing:
        wanted = one_line(", ".join(missing), 300)
        seen = one_line(cards.masked(", ".join(name[:40] for name in names)), 400) or "none"
        raise StatementError(
            f"line {mapping.header}: the columns {wanted} of the mapping are missing; there are "
            f"{seen}"
        )
