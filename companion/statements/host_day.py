"""The host's day file, layout `pingzhang-host-1`.

UTF-8 text of comma-separated lines in the frame of our own layouts (`framed`).

Amounts are positive; what gives money back (``GIVES_BACK``) counts negative in the control total.
A pre-authorisation or its cancel moves none: it is AUTHORISED, never CAPTURED.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import framed, rows
from companion.statements.cards import MASKED
from companion.statements.columns import Columns
from companion.statements.options import CARD, Options
from companion.statements.source import Source
from companion.statements.statement import ACQUIRER, HOLDS, TYPES, Statement, StatementError

NAME = "pingzhang-host-1"
EXPECTED = framed.expected(NAME)

# Column -> what its values look like. The card must be masked: a clear card number has no place
# in the store, so such a file is refused as a whole.
COLUMNS = {
    "business_date": framed.DATE,
    "host_time": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|\+00:00)",
    "merchant_no": framed.MERCHANT_NO,
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


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return framed.recognises(head, NAME)


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole day file; raises StatementError with the line at the first thing wrong."""
    return [framed.read(source, NAME, ACQUIRER, options.channel or CARD, COLUMNS, _batch)]


def _batch(columns: Columns, merchant_no: str, channel: str, day: int) -> pa.RecordBatch:
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
            "channel": channel,
            "day": days,
            "at": columns.instants("host_time"),
            "txn": columns["type"],
            "amount_minor": columns["amount_minor"].cast(pa.int64()),
            "line": rows.lines(columns),
        },
    )
