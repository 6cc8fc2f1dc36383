"""The host's day file, layout `pingzhang-host-1`.

UTF-8 text of comma-separated lines: a first line that names the layout, merchant and business
day, a line of column names, one line a transaction, and a last line of control totals. Every value
is checked against its pattern, so a shifted or cut file is refused and never half read.

Amounts are positive; what gives money back (``GIVES_BACK``) counts negative in the control total.
A pre-authorisation or its cancel moves none: it is AUTHORISED, never CAPTURED.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import rows
from companion.statements.cards import MASKED
from companion.statements.columns import Columns
from companion.statements.options import CARD, Options
from companion.statements.source import Lines, Source
from companion.statements.statement import (
    ACQUIRER,
    HOLDS,
    TYPES,
    Statement,
    StatementError,
    day_of,
)

NAME = "pingzhang-host-1"
EXPECTED = f"a first line '#{NAME},merchant_no,business_date'"

# Column -> what its values look like. The card must be masked: a clear card number has no place
# in the store, so such a file is refused as a whole.
COLUMNS = {
    "business_date": r"\d{4}-\d{2}-\d{2}",
    "host_time": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|\+00:00)",
    "merchant_no": r"[0-9A-Za-z]{15}",
    "terminal_no": r"[0-9A-Za-z]{8}",
    "batch": r"\d{6}",
    "stan": r"\d{6}",
    "rrn": r"[0-9A-Za-z]{0,12}",
    "auth": r"[0-9A-Za-z]{0,6}",
    "type": "|".join(TYPES),
    "card": MASKED,
    "currency": r"156",
    "amount_minor": r"\d{1,12}",
    "status": r"CAPTURED|AUTHORISED|REVERSED|DECLINED",
    "f39": r"[0-9A-Z]{2}|",
    "reversal_f39": r"[0-9A-Z]{2}|",
}
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_SUM = re.compile(r"-?\d{1,18}", re.ASCII)


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return head.startswith(b"#" + NAME.encode() + b",")


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole day file; raises StatementError with the line at the first thing wrong."""
    lines = Lines(source)
    merchant_no, written = first_line(lines.first(), NAME)
    day = day_of(written)
    if day is None:
        raise StatementError(f"line 1: {written} is no date")
    names = lines.first()
    totals = lines.last()
    if not totals.startswith("#totals,"):
        raise StatementError(
            f"line {lines.behind()}: the file ends without its #totals line; it was cut short"
        )
    if names != ",".join(COLUMNS):
        raise StatementError(f"line 2: the columns are not {','.join(COLUMNS)}")
    found = rows.Collected(ACQUIRER)
    try:
        for block in lines.blocks():
            found.add(_batch(Columns.read(block, tuple(COLUMNS)), merchant_no, day, options))
        table = found.table()
    finally:
        found.close()
    count, total = rows.totals(ACQUIRER, table)
    check_totals(lines.behind(), totals, (table.num_rows, count, total))
    channel = options.channel or CARD
    return [
        Statement(NAME, ACQUIRER, merchant_no, channel, "", day, day, True, table, count, total)
    ]


def first_line(line: str, name: str) -> tuple[str, str]:
    """Merchant and date of the first line."""
    values = line.split(",")
    if (
        len(values) != 3
        or not re.fullmatch(COLUMNS["merchant_no"], values[1], re.ASCII)
        or not re.fullmatch(COLUMNS["business_date"], values[2], re.ASCII)
    ):
        raise StatementError(f"line 1: not '#{name},merchant_no,business_date'")
    return values[1], values[2]


def _batch(columns: Columns, merchant_no: str, day: int, options: Options) -> pa.RecordBatch:
    columns.check(COLUMNS, hidden=("card",))
    days = columns.days("business_date")
    same = pc.and_(pc.equal(columns["merchant_no"], merchant_no), pc.equal(days, day))
    at = pc.index(same, pa.scalar(False)).as_py()
    if at >= 0:
        other, date = columns["merchant_no"][at].as_py(), columns["business_date"][at].as_py()
        raise StatementError(
            f"line {columns.line + at}: merchant {other} on {date}, but line 1 says {merchant_no} "
            "on another day or for another merchant"
        )
    hold = pc.is_in(columns["type"], pa.array(HOLDS))
    wrong = pc.if_else(hold, "CAPTURED", "AUTHORISED")
    at = pc.index(pc.equal(columns["status"], wrong), pa.scalar(True)).as_py()
    if at >= 0:
        kind, status = columns["type"][at].as_py(), columns["status"][at].as_py()
        raise StatementError(f"line {columns.line + at}: a {kind} is not {status}")
    same_names = ("terminal_no", "batch", "stan", "rrn", "auth", "card", "currency", "status")
    return rows.shaped(
        ACQUIRER,
        columns.rows,
        {
            **{name: columns[name] for name in (*same_names, "f39", "reversal_f39")},
            "merchant_no": merchant_no,
            "channel": options.channel or CARD,
            "day": days,
            "at": columns.instants("host_time"),
            "txn": columns["type"],
            "amount_minor": columns["amount_minor"].cast(pa.int64()),
            "line": rows.lines(columns),
        },
    )


def check_totals(line: int, text: str, counted: tuple[int, int, int]) -> None:
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
