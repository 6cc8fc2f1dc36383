"""What the ledger keeps and what may be written to it, as values."""

from __future__ import annotations

from dataclasses import dataclass

APPROVED = "APPROVED"
DECLINED = "DECLINED"
REVERSED = "REVERSED"

# What a reversal did: undid the sale; said so but kept the money (a fault); left a tombstone for
# an original that has not come; nothing.
UNDONE = "UNDONE"
KEPT = "KEPT"
TOMBSTONE = "TOMBSTONE"
NOTHING = "NOTHING"


@dataclass(frozen=True)
class Identity:
    """What a transaction is known by at the host."""

    terminal_no: str
    batch: str
    stan: str


@dataclass(frozen=True)
class Card:
    """A card as the ledger knows it."""

    masked: str
    token: str


@dataclass(frozen=True)
class Session:
    """A terminal's last sign-in."""

    batch: str
    key_block: bytes


@dataclass(frozen=True)
class Reversal:
    f39: str
    effect: str


@dataclass(frozen=True)
class Transaction:
    """One sale as the host saw it, with the answer to the last reversal of it ("" if none)."""

    merchant_no: str
    terminal_no: str
    batch: str
    stan: str
    type: str
    host_time: str
    business_date: str
    rrn: str
    auth: str
    card: str
    card_token: str
    currency: str
    amount_minor: int
    status: str
    f39: str
    reversal_f39: str = ""


@dataclass(frozen=True)
class Totals:
    """Sums over one business date's transactions, reversals of them included whenever they came.

    ``customer_debit_minor`` is debits less credits over all customer accounts,
    ``merchant_credit_minor`` credits less debits over all merchant accounts: always equal.
    """

    customer_debit_minor: int
    merchant_credit_minor: int
    captured_count: int


@dataclass(frozen=True)
class OpenSession:
    """Write: a sign-in."""

    terminal_no: str
    session: Session


@dataclass(frozen=True)
class PostSale:
    """Write: a sale, approved (both entries are posted) or declined (none is)."""

    transaction: Transaction


@dataclass(frozen=True)
class PostReversal:
    """Write: a reversal came and was answered; ``UNDONE`` posts the opposite entries."""

    identity: Identity
    reason: str
    f39: str
    effect: str


@dataclass(frozen=True)
class LogMessage:
    """Write: one message in or out, for the host's log."""

    identity: Identity
    mti: str
    amount_minor: int | None
    card: str
    f39: str
    fault: str


Write = OpenSession | PostSale | PostReversal | LogMessage


def mask(pan: str) -> str:
    """First six and last four digits; nothing of a number too short to be a card's."""
    if len(pan) < 13:
        return "*" * len(pan)
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]
