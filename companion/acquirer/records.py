"""What the ledger keeps and what may be written to it, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

APPROVED = "APPROVED"
DECLINED = "DECLINED"
REVERSED = "REVERSED"

# What a reversal did: undid the original; said so but kept the money (a fault); left a tombstone
# for an original that has not come; nothing.
UNDONE = "UNDONE"
KEPT = "KEPT"
TOMBSTONE = "TOMBSTONE"
NOTHING = "NOTHING"

# A batch: taking transactions; its totals agreed; they did not, details are awaited; uploaded.
OPEN = "OPEN"
BALANCED = "BALANCED"
UNBALANCED = "UNBALANCED"
ENDED = "ENDED"
SETTLED = (BALANCED, ENDED)


@dataclass(frozen=True)
class Identity:
    """What a transaction is known by at the host. ``mti`` is the original's, of a reversal too."""

    terminal_no: str
    batch: str
    stan: str
    mti: str = "0200"


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
class Batch:
    """A terminal's batch after its first settlement request: F48 as it came, and F48 answered."""

    state: str
    asked: str
    answered: str


@dataclass(frozen=True)
class Reversal:
    f39: str
    effect: str


@dataclass(frozen=True)
class Transaction:
    """One transaction as the host booked it, with the answer to its last reversal ("" if none).

    ``amount_minor`` is what moved; ``asked_minor`` differs from it after a partial approval.
    ``original_id`` is the row that it follows, 0 if none.
    """

    merchant_no: str
    terminal_no: str
    batch: str
    stan: str
    mti: str
    type: str
    host_time: str
    business_date: str
    rrn: str
    auth: str
    card: str
    card_token: str
    currency: str
    amount_minor: int
    asked_minor: int
    original_id: int
    status: str
    f39: str
    reversal_f39: str = ""
    id: int = field(default=0, compare=False)
    """The row's number; 0 for one that is not in the ledger yet."""

    @property
    def identity(self) -> Identity:
        return Identity(self.terminal_no, self.batch, self.stan, self.mti)


@dataclass(frozen=True)
class Original:
    """What a request refers to, the state of its batch, and what followed it and still stands:
    type and amount of each."""

    transaction: Transaction
    batch_state: str
    followed_by: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Sums:
    """One batch's totals: sales and completions; refunds and voids."""

    debit_minor: int = 0
    debit_count: int = 0
    credit_minor: int = 0
    credit_count: int = 0


@dataclass(frozen=True)
class Totals:
    """Sums over one business date's transactions, reversals of them included whenever they came.

    ``customer_debit_minor`` is debits less credits over all customer accounts,
    ``merchant_credit_minor`` credits less debits over all merchant accounts: always equal.
    ``captured_count`` is how many stand that moved money.
    """

    customer_debit_minor: int
    merchant_credit_minor: int
    captured_count: int


@dataclass(frozen=True)
class Detail:
    """One line of a batch upload; of its card only first six and last four."""

    kind: str
    stan: str
    card: str
    amount_minor: int


@dataclass(frozen=True)
class OpenSession:
    """Write: a sign-in."""

    terminal_no: str
    session: Session


@dataclass(frozen=True)
class PostTransaction:
    """Write: a transaction, approved (its entries are posted) or declined (none is).
    ``release_minor`` is the hold that it gives back."""

    transaction: Transaction
    release_minor: int = 0


@dataclass(frozen=True)
class PostReversal:
    """Write: a reversal came and was answered; ``UNDONE`` posts the opposite entries."""

    identity: Identity
    reason: str
    f39: str
    effect: str


@dataclass(frozen=True)
class SetBatch:
    """Write: where a batch stands after a settlement request or a batch end."""

    terminal_no: str
    number: str
    batch: Batch


@dataclass(frozen=True)
class StoreDetails:
    """Write: uploaded details; one that comes again takes the place of itself."""

    terminal_no: str
    number: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class LogMessage:
    """Write: one message in or out, for the host's log."""

    identity: Identity
    mti: str
    amount_minor: int | None
    card: str
    f39: str
    fault: str


Write = OpenSession | PostTransaction | PostReversal | SetBatch | StoreDetails | LogMessage


def mask(pan: str) -> str:
    """First six and last four digits; nothing of a number too short to be a card's."""
    if len(pan) < 13:
        return "*" * len(pan)
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]
