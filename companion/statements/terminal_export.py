"""Transactions of another maker's terminals, layout `pingzhang-terminal-1`.

In the frame of the host's day file (`framed`); its totals are rows, approved ones that moved
money, and how much (what gives money back is negative).
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import framed, rows
from companion.statements.cards import MASKED
from companion.statements.columns import Columns
from companion.statements.options import CARD, Options
from companion.statements.source import Source
from companion.statements.statement import TERMINAL, TYPES, Statement

NAME = "pingzhang-terminal-1"
EXPECTED = framed.expected(NAME)

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
    return framed.recognises(head, NAME)


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole file; raises StatementError with the line at the first thing wrong."""
    one = framed.read(source, NAME, TERMINAL, options.channel or CARD, COLUMNS, _batch)
    return [replace(one, number=rows.terminals(one.rows))]


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
