"""The day file ``pingzhang-host-1``: what the host says it took, for one merchant and one date.

UTF-8 CSV. Line 1 ``#pingzhang-host-1,merchant_no,business_date``, line 2 the column names, then
one row a transaction in the host's order, last ``#totals,rows,captured_rows,captured_minor``.
Amounts are positive; ``type`` gives the sign, which captured_minor adds up with: SALE, COMPLETION
and COMPLETION_NOTICE take money, VOID, REFUND and COMPLETION_VOID give it back. PREAUTH and
PREAUTH_CANCEL move none: while they stand they are AUTHORISED, not CAPTURED.
Everything is read from the ledger, so the same ledger gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from companion.acquirer.kinds import KINDS
from companion.acquirer.ledger import Ledger
from companion.acquirer.records import APPROVED, Transaction

LAYOUT = "pingzhang-host-1"
CAPTURED = "CAPTURED"
AUTHORISED = "AUTHORISED"
COLUMNS = (
    "business_date",
    "host_time",
    "merchant_no",
    "terminal_no",
    "batch",
    "stan",
    "rrn",
    "auth",
    "type",
    "card",
    "currency",
    "amount_minor",
    "status",
    "f39",
    "reversal_f39",
)


class DayFileError(ValueError):
    """No day file can be written as asked; the text says why."""


def choose_merchant(ledger: Ledger, business_date: str, wanted: str | None) -> str:
    """The merchant of a day file: the one asked for, or the only one that traded that day."""
    if wanted is not None:
        return wanted
    found = sorted({row.merchant_no for row in ledger.transactions(business_date)})
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise DayFileError(f"{business_date} has {len(found)} merchants ({names}): name one")
    return found[0]


def render(ledger: Ledger, business_date: str, merchant_no: str) -> str:
    """The text of a day file."""
    rows = [row for row in ledger.transactions(business_date) if row.merchant_no == merchant_no]
    captured = [
        KINDS[row.type].sign * row.amount_minor
        for row in rows
        if row.status == APPROVED and KINDS[row.type].sign
    ]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((f"#{LAYOUT}", merchant_no, business_date))
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_cell(row, column) for column in COLUMNS)
    writer.writerow(("#totals", len(rows), len(captured), sum(captured)))
    return text.getvalue()


def write(path: Path, text: str) -> None:
    """Put a file in place whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _cell(row: Transaction, column: str) -> str | int:
    if column == "status" and row.status == APPROVED:
        return CAPTURED if KINDS[row.type].sign else AUTHORISED
    value: str | int = getattr(row, column)
    return value
