"""What a rule gets and gives: the known, the moment, the decision; and how an answer is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from companion.acquirer.clock import CHINA, iso
from companion.acquirer.keys import Scheme, SessionKeys
from companion.acquirer.kinds import REVERSAL_MTIS, Kind
from companion.acquirer.records import (
    APPROVED,
    DECLINED,
    Batch,
    Card,
    Identity,
    Original,
    Reversal,
    Session,
    Sums,
    Transaction,
    Write,
)
from companion.acquirer.terminals import Terminal
from companion.acquirer.wire import Message

OK = "00"
WRONG_MERCHANT = "03"
PARTLY = "10"
INVALID = "12"
WRONG_AMOUNT = "13"
NO_ORIGINAL = "25"
MALFORMED = "30"
UNSUPPORTED = "40"
NOT_AS_ORIGINAL = "64"
SIGN_IN_FIRST = "77"
DUPLICATE = "94"
COUNT_DIFFERS = "95"
TOO_OLD = "96"
UNKNOWN_TERMINAL = "97"
BAD_MAC = "A0"
OVER_LIMIT = "C8"

CURRENCY = "156"
SIGN_IN_AGAIN = 3  # the header's processing requirement

_ACQUIRER = "90000000001"  # field 32; made up
_ISSUER = "90000000002"
_ECHOED = (3, 4, 11, 25, 41, 42, 49, 60)
_SHORTEST_PAN = 13


@dataclass(frozen=True)
class Policy:
    """What differs from acquirer to acquirer."""

    completion_percent: int = 115
    """The largest completion, of its pre-authorisation's amount."""
    days: int = 30
    """How old the original of a refund, a cancel or a completion may be."""
    scheme: Scheme = field(default_factory=Scheme)
    reasons: tuple[str, ...] = ("98", "96", "A0", "06")
    """F39 that a reversal may have."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """F39 that the dialect spells otherwise than the rules."""


@dataclass(frozen=True)
class Known:
    """What the host knows that bears on a request; only what its kind needs is looked up."""

    terminal: Terminal | None = None
    session: Session | None = None
    session_keys: SessionKeys | None = None
    card: Card | None = None
    booked: Transaction | None = None
    """With the request's identity; of a reversal, its original."""
    reversal: Reversal | None = None
    original: Original | None = None
    """What the request refers to; of a reversal, ``booked`` with what followed it."""
    batch: Batch | None = None
    sums: Sums = field(default_factory=Sums)
    details: int = 0
    exposure: int = 0


@dataclass(frozen=True)
class Moment:
    """When a request is decided, and the fresh material that a decision may use up."""

    now: datetime
    serial: int
    fresh_keys: SessionKeys
    policy: Policy = Policy()

    @property
    def local(self) -> datetime:
        """The acquirer's own time of day: fields 12, 13 and 15, RRN and business date."""
        return self.now.astimezone(CHINA)

    @property
    def rrn(self) -> str:
        return f"{self.local:%m%d%H}{self.serial % 1_000_000:06d}"


@dataclass(frozen=True)
class Decision:
    """The answer's fields, the keys for its MAC (None: it carries none), and the writes."""

    mti: str
    fields: Mapping[int, str]
    writes: tuple[Write, ...] = ()
    keys: SessionKeys | None = None

    @property
    def f39(self) -> str:
        return self.fields[39]

    @property
    def requirement(self) -> int:
        return SIGN_IN_AGAIN if self.f39 in (SIGN_IN_FIRST, BAD_MAC) else 0


def answer_mti(mti: str) -> str:
    """0200 -> 0210; a repeat (0401, 0421) is answered as what it repeats."""
    return f"{mti[:2]}{int(mti[2]) + 1}0"


def answer(
    request: Message,
    moment: Moment,
    f39: str,
    *,
    extra: Mapping[int, str] | None = None,
    writes: tuple[Write, ...] = (),
    keys: SessionKeys | None = None,
) -> Decision:
    now = moment.local
    fields = {number: request.get(number) for number in _ECHOED if number in request.fields}
    fields |= {
        12: f"{now:%H%M%S}",
        13: f"{now:%m%d}",
        15: f"{now:%m%d}",
        32: _ACQUIRER,
        37: moment.rrn,
        39: moment.policy.codes.get(f39, f39),
        44: f"{_ISSUER}{_ACQUIRER}",
    }
    return Decision(answer_mti(request.mti), fields | dict(extra or {}), writes, keys)


def refuse_malformed(partial: Message) -> Decision:
    """The answer to a message that could be read only as far as the terminal's identity."""
    echoed = {number: partial.get(number) for number in (11, 41, 42)}
    return Decision(answer_mti(partial.mti), {**echoed, 39: MALFORMED})


def identity(request: Message, kind: Kind | None = None) -> Identity:
    """Whose a request is; a reversal has its original's identity."""
    mti = kind.mti if kind is not None and request.mti in REVERSAL_MTIS else request.mti
    return Identity(request.terminal_no, request.batch, request.stan, mti)


def missing(request: Message, needed: tuple[int, ...]) -> bool:
    return len(request.get(60)) < 11 or any(not request.get(number) for number in needed)


def mac_is_wrong(request: Message, session_keys: SessionKeys) -> bool:
    return not session_keys.sealed(request.mac_data, bytes.fromhex(request.get(64)))


def refusal(request: Message, known: Known, kind: Kind | None, needed: tuple[int, ...]) -> str:
    """F39 of what stops a financial request before its own rules, "" if nothing does."""
    if known.session_keys is None:
        return SIGN_IN_FIRST
    if missing(request, needed):
        return MALFORMED
    if mac_is_wrong(request, known.session_keys):
        return BAD_MAC
    if kind is None:
        return UNSUPPORTED
    if request.get(49) != CURRENCY:
        return INVALID
    if not _SHORTEST_PAN <= len(request.pan) <= 19 or known.card is None:
        return MALFORMED
    return WRONG_AMOUNT if request.amount_minor == 0 else ""


def booking(
    request: Message, kind: Kind, card: Card, moment: Moment, f39: str, amount_minor: int
) -> Transaction:
    """The ledger's row of a request that was approved (00 or 10) or declined."""
    approved = f39 in (OK, PARTLY)
    return Transaction(
        merchant_no=request.merchant_no,
        terminal_no=request.terminal_no,
        batch=request.batch,
        stan=request.stan,
        mti=request.mti,
        type=kind.name,
        host_time=iso(moment.now),
        business_date=f"{moment.local:%Y-%m-%d}",
        rrn=moment.rrn,
        auth=f"{moment.serial % 1_000_000:06d}" if approved else "",
        card=card.masked,
        card_token=card.token,
        currency=CURRENCY,
        amount_minor=amount_minor,
        asked_minor=request.amount_minor or 0,
        original_id=0,
        status=APPROVED if approved else DECLINED,
        f39=moment.policy.codes.get(f39, f39),
    )
