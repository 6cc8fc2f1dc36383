"""Transactions of another maker's terminals, layout `pingzhang-terminal-1`.

Like the host's day file: UTF-8 text of comma-separated lines, a first line that names the layout,
merchant and business day, a line of column names, one line a transaction, and a last line of
totals: rows, approved ones that moved money, and how much (what gives money back is negative).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import rows
from companion.statements.cards import MASKED
from companion.statements.columns import Columns
from companion.statements.host_day import check_totals, first_line
from companion.statements.options import CARD, Options
from companion.statements.source import Lines, Source
from companion.statements.statement import TERMINAL, TYPES, Statement, StatementError, day_of

NAME = "pingzhang-terminal-1"
EXPECTED = f"a first line '#{NAME},merchant_no,business_date'"

COLUMNS = {
    # By the terminal's clock.
    "terminal_time": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})",
    "terminal_no": r"[0-9A-Za-z]{8}",
    "batch": r"\d{6}",
    "stan": r"\d{6}",
    "type": "|".join(TYPES),
    "status": r"APPROVED|DECLINED|REVERSED|PENDING|SUSPENDED|NEEDS_RECON",
    "amount_minor": r"\d{1,12}",
    "currency": r"156",
    "card": rf"{MASKED}|",
    "entry": r"[a-z]{0,12}",
    "code": r"[0-9A-Z]{2}|",
    "rrn": r"[0-9A-Za-z]{0,12}",
    "auth": r"[0-9A-Za-z]{0,6}",
    # Batch and STAN of the transaction that this one goes back to.
    "of_batch": r"\d{6}|",
    "of_stan": r"\d{6}|",
}


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return head.startswith(b"#" + NAME.encode() + b",")


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole file; raises StatementError with the line at the first thing wrong."""
    lines = Lines(source)
    merchant_no, date = first_line(lines.first(), NAME)
    day = day_of(date)
    if day is None:
        raise StatementError(f"line 1: {date} is no date")
    names = lines.first()
    totals = lines.last()
    if not totals.startswith("#totals,"):
        raise StatementError(
            f"line {lines.behind()}: the file ends without its #totals line; it was cut short"
        )
    if names != ",".join(COLUMNS):
        raise StatementError(f"line 2: the columns are not {','.join(COLUMNS)}")
    channel = options.channel or CARD
    found = rows.Collected(TERMINAL)
    try:
        for block in lines.blocks():
            columns = Columns.read(block, tuple(COLUMNS))
            columns.check(COLUMNS, hidden=("card",))
            found.add(_batch(columns, merchant_no, channel, day))
        table = found.table()
    finally:
        found.close()
    count, total = rows.totals(TERMINAL, table)
    check_totals(lines.behind(), totals, (table.num_rows, count, total))
    return [
        Statement(
            *(NAME, TERMINAL, merchant_no, channel, rows.terminals(table), day, day, True),
            *(table, count, total),
        )
    ]


def _batch(columns: Columns, merchant_no: str, channel: str, day: int) -> pa.RecordBatch:
    amount = columns["amount_minor"].cast(pa.int64())
    line = rows.lines(columns)
    same = ("terminal_no", "batch", "stan", "status", "currency", "card", "entry", "code")
    # Who was charged knows what was sent; an answer came where there is a code.
    answered = pc.not_equal(columns["code"], "")
    return rows.shaped(
        TERMINAL,
        columns.rows,
        {
            **{name: columns[name] for name in (*same, "rrn", "auth", "of_batch", "of_stan")},
            "merchant_no": merchant_no,
            "channel": channel,
            "day": day,
            "at": columns.instants("terminal_time"),
            "txn": columns["type"],
            "amount_minor": amount,
            "sent_minor": amount,
            "echoed_minor": pc.if_else(answered, amount, pa.scalar(0, pa.int64())),
            "first_seq": line,
            "last_seq": line,
        },
    )
