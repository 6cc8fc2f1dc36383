"""How a case ended, for the terminals whose cases its transactions are."""

from __future__ import annotations

import json

from sqlalchemy import Connection, select

from companion.reconcile import fold
from companion.store import verdicts
from companion.store.schema import breaks, case_breaks
from companion.store.verdicts import Verdict

# What a terminal keeps as a case, or may.
_ITS_CASES = (fold.SUSPENDED, fold.NEEDS_RECON, fold.PENDING)


def tell(connection: Connection, case_id: str, result: int, text: str) -> None:
    """Give the verdict to the terminals with their next sync; `result` is one of VERDICT's."""
    query = (
        select(breaks.c.merchant_no, breaks.c.terminal_no, breaks.c.evidence)
        .where(breaks.c.id == case_breaks.c.break_id, case_breaks.c.case_id == case_id)
        .order_by(breaks.c.id)
    )
    decided = []
    for row in connection.execute(query):
        side = json.loads(row.evidence).get("terminal")
        if not side or side.get("status") not in _ITS_CASES:
            continue
        batch, stan = str(side.get("batch", "")), str(side.get("stan", ""))
        if batch.isdigit() and stan.isdigit():
            decided.append(
                Verdict(row.merchant_no, row.terminal_no, int(batch), int(stan), result, text)
            )
    verdicts.decide(connection, decided)
