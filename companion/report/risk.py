"""How much money a break puts at risk, and whose it is: one rule for every figure of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from companion.reconcile import codes

# Their amount is at stake although no book is out by it: it was kept, sent elsewhere, or is held.
_BY_AMOUNT = (
    codes.FEE_DIFFERS,
    codes.PAYOUT_OLD_ACCOUNT,
    codes.PAYOUT_WRONG_ACCOUNT,
    codes.PREAUTH_OVER,
    codes.PREAUTH_UNDER,
    codes.PREAUTH_EXPIRED,
    codes.PREAUTH_NOT_RELEASED,
    codes.COMPLETION_DUPLICATE,
)
# What is owed for the whole payout is told by the break of the payout.
PAYOUTS = tuple(code for code in codes.BREAKS if code.startswith("PAYOUT_"))

NOTE = (
    "At risk is what an open break adds to customers' debit or to what the acquirer owes, either "
    "way; of fees, holds and payouts to another account their amount. What may go away by itself "
    "(provisional) is not in it, nor what is in a closed case."
)


def at_risk(row: Mapping[str, Any]) -> int:
    """Minor units at risk by one row of the table of breaks; 0 when it is closed, or its case."""
    if row["state"] != "open" or row["provisional"] or row["case_closed"]:
        return 0
    out = abs(int(row["effect_minor"])) + abs(int(row["owed_minor"]))
    return out or (int(row["amount_minor"]) if row["code"] in _BY_AMOUNT else 0)


def total(rows: Iterable[Mapping[str, Any]]) -> int:
    """Minor units at risk by all of them."""
    return sum(at_risk(row) for row in rows)
