"""What the layouts of our own have in common: a first line that names layout, merchant and day, a
line of column names, one line a transaction, and a last line of totals.

Every value is checked against its pattern: a shifted or cut file is refused and never half read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pyarrow as pa

from companion.statements import rows
from companion.statements.columns import Columns
from companion.statements.source import Lines, Source
from companion.statements.statement import Statement, StatementError, day_of

DATE = r"\d{4}-\d{2}-\d{2}"
MERCHANT_NO = r"[0-9A-Za-z]{15}"

_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_SUM = re.compile(r"-?\d{1,18}", re.ASCII)

# The rows of a block of lines as facts; of this merchant, channel and day.
Batch = Callable[[Columns, str, str, int], pa.RecordBatch]


def recognises(head: bytes, name: str) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return head.startswith(b"#" + name.encode() + b",")


def expected(name: str) -> str:
    """What a file of this layout begins with, for people."""
    return f"a first line '#{name},merchant_no,business_date'"


def read(
    source: Source, name: str, kind: str, channel: str, patterns: Mapping[str, str], batch: Batch
) -> Statement:
    """Read a whole file of a `kind` of rows; ``patterns`` has what the values of each column look
    like. Raises StatementError with the line at the first thing wrong."""
    lines = Lines(source)
    merchant_no, date = _first_line(lines.first(), name)
    day = day_of(date)
    if day is None:
        raise StatementError(f"line 1: {date} is no date")
    names = lines.first()
    totals = lines.last()
    if not totals.startswith("#totals,"):
        raise StatementError(
            f"line {lines.behind()}: the file ends without its #totals line; it was cut short"
        )
    if names != ",".join(patterns):
        raise StatementError(f"line 2: the columns are not {','.join(patterns)}")
    found = rows.Collected(kind)
    try:
        for block in lines.blocks():
            columns = Columns.read(block, tuple(patterns))
            columns.check(patterns, hidden=("card",))
            found.add(batch(columns, merchant_no, channel, day))
        table = found.table()
    finally:
        found.close()
    count, total = rows.totals(kind, table)
    _check_totals(lines.behind(), totals, (table.num_rows, count, total))
    return Statement(name, kind, merchant_no, channel, "", day, day, True, table, count, total)


def _first_line(line: str, name: str) -> tuple[str, str]:
    """Merchant and date of the first line."""
    values = line.split(",")
    if (
        len(values) != 3
        or not re.fullmatch(MERCHANT_NO, values[1], re.ASCII)
        or not re.fullmatch(DATE, values[2], re.ASCII)
    ):
        raise StatementError(f"line 1: not '#{name},merchant_no,business_date'")
    return values[1], values[2]


def _check_totals(line: int, text: str, counted: tuple[int, int, int]) -> None:
    """Compare the #totals line with what the rows add up to."""
    stated = text.split(",")[1:]
    whole = [_COUNT.fullmatch(value) for value in stated[:2]]
    signed = [_SUM.fullmatch(value) for value in stated[2:]]
    if len(stated) != 3 or not all(whole + signed):
        raise StatementError(f"line {line}: not '#totals,row_count,captured_count,captured_minor'")
    names = ("rows", "captured rows", "captured minor units")
    for name, value, count in zip(names, stated, counted, strict=True):
        if int(value) != count:
            said = str(int(value)) if len(value) <= 12 else "another number of"
            raise StatementError(
                f"line {line}: the totals say {said} {name}, the lines above have {count}"
            )
