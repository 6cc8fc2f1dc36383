"""What a parsed statement is, whatever layout it came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from companion.errors import CompanionError
from companion.facts import schema

# Types of transaction that give the customer money back, and those that move none.
GIVES_BACK = ("VOID", "REFUND", "COMPLETION_VOID")
HOLDS = ("PREAUTH", "PREAUTH_CANCEL")
TAKES = ("SALE", "COMPLETION", "COMPLETION_NOTICE")
TYPES = (*TAKES, *GIVES_BACK, *HOLDS)
# A charge of the acquirer that belongs to no transaction: amount 0, only fee_minor.
FEE = "FEE"

# Kinds of statement, named like the leg that their rows belong to.
ACQUIRER, PAYOUTS, BANK, TERMINAL = "acquirer", "payouts", "bank", "terminal"
# Days that one statement may tell; a date that is mistyped is not told as a century.
MAX_DAYS = 400
# The columns of a statement's rows: those of the facts but `id`, which names a row in a store.
COLUMNS = {kind: leg.remove(0) for kind, leg in schema.LEGS.items()}


class StatementError(CompanionError):
    """A file that is not a statement we can trust; the message names the line and the rule."""


@dataclass(frozen=True)
class Statement:
    """One party's rows of one kind in a file; every total that the file states is checked.

    ``rows`` has COLUMNS[kind]: ``file`` is "" and ``occurrence`` 0 until the facts are built, and
    a terminal's rows have the line in first_seq and last_seq. The days are numbers of
    facts.schema, both inclusive. ``captured_count`` and ``captured_minor`` add up what moved
    money: positive is money for the merchant.
    """

    layout: str
    kind: str
    # The merchant's number; of a bank statement the masked account.
    party: str
    channel: str
    # Of the statement or batch, "" when the layout has none; of terminals' transactions the
    # terminals that are in it.
    number: str
    first_day: int
    last_day: int
    # It tells all of its days; otherwise it is a batch, and others may have the same days.
    whole: bool
    rows: pa.Table
    captured_count: int
    captured_minor: int

    @property
    def merchant_no(self) -> str:
        """The merchant, "" for a bank statement."""
        return "" if self.kind == BANK else self.party

    @property
    def period(self) -> str:
        """The days, or the batch, as a person writes them."""
        first, last = schema.as_date(self.first_day), schema.as_date(self.last_day)
        days = first.isoformat() if first == last else f"{first} to {last}"
        return days if self.whole else f"batch {self.number} ({days})"


def day_of(text: str) -> int | None:
    """The day number of an ISO date, None when it is no date of this century."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return schema.day_number(found) if 2000 <= found.year < 2100 else None
