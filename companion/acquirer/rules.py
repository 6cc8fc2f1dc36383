"""What the host answers and what it books: pure, a request and what is known in, a decision out.

No clock, no database, no socket: the caller looks up ``Known`` by the request's identity
(terminal, batch, STAN), and carries out the writes before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from companion.acquirer import faults, keys
from companion.acquirer.clock import CHINA, iso
from companion.acquirer.faults import Fault
from companion.acquirer.keys import SessionKeys
from companion.acquirer.records import (
    APPROVED,
    DECLINED,
    KEPT,
    NOTHING,
    REVERSED,
    TOMBSTONE,
    UNDONE,
    Card,
    Identity,
    OpenSession,
    PostReversal,
    PostSale,
    Reversal,
    Session,
    Transaction,
    Write,
)
from companion.acquirer.terminals import Terminal
from companion.acquirer.wire import Message

OK = "00"
WRONG_MERCHANT = "03"
INVALID = "12"
WRONG_AMOUNT = "13"
NO_ORIGINAL = "25"
MALFORMED = "30"
UNSUPPORTED = "40"
NOT_AS_ORIGINAL = "64"
SIGN_IN_FIRST = "77"
DUPLICATE = "94"
UNKNOWN_TERMINAL = "97"
BAD_MAC = "A0"

CURRENCY = "156"
REVERSAL_REASONS = ("98", "96", "A0", "06")
SIGN_IN_AGAIN = 3  # the header's processing requirement

_ACQUIRER = "90000000001"  # field 32; made up
_ISSUER = "90000000002"
_SALE_NEEDS = (3, 4, 11, 22, 25, 41, 42, 49, 60)
_REVERSAL_NEEDS = (2, 3, 4, 11, 25, 39, 41, 42, 49, 60)
_SIGN_IN_NEEDS = (11, 41, 42, 60)
_ECHOED = (3, 4, 11, 25, 41, 42, 49, 60)
_SHORTEST_PAN = 13


@dataclass(frozen=True)
class Known:
    """What the host knows that bears on a request."""

    terminal: Terminal | None
    session: Session | None
    session_keys: SessionKeys | None
    card: Card | None
    original: Transaction | None
    reversal: Reversal | None


@dataclass(frozen=True)
class Moment:
    """When a request is decided, and the fresh material that a decision may use up."""

    now: datetime
    serial: int
    fresh_keys: SessionKeys

    @property
    def local(self) -> datetime:
        """The acquirer's own time of day: fields 12, 13 and 15, RRN and business date."""
        return self.now.astimezone(CHINA)


@dataclass(frozen=True)
class Decision:
    """The answer's fields, the key for its field 64 (None: it carries none), and the writes."""

    mti: str
    fields: Mapping[int, str]
    writes: tuple[Write, ...] = ()
    mac_key: bytes | None = None

    @property
    def f39(self) -> str:
        return self.fields[39]

    @property
    def requirement(self) -> int:
        return SIGN_IN_AGAIN if self.f39 in (SIGN_IN_FIRST, BAD_MAC) else 0


def identity(request: Message) -> Identity:
    return Identity(request.terminal_no, request.batch, request.stan)


def decide(request: Message, known: Known, moment: Moment, fault: Fault | None) -> Decision:
    """Decide one request. ``fault`` counts only if its action is for the decision itself."""
    forced = fault.f39 if fault is not None and fault.do == faults.DECLINE else ""
    if known.terminal is None:
        return _answer(request, moment, UNKNOWN_TERMINAL)
    if known.terminal.merchant_no != request.merchant_no:
        return _answer(request, moment, WRONG_MERCHANT)
    if request.mti == "0800":
        return _sign_in(request, known.terminal, known.session, moment, forced)
    if request.mti == "0200":
        return _sale(request, known, moment, forced)
    if request.mti == "0400":
        keep = fault is not None and fault.do == faults.CAPTURE_AFTER_REVERSAL
        return _reversal(request, known, moment, forced, keep)
    return _answer(request, moment, UNSUPPORTED)


def refuse_malformed(partial: Message) -> Decision:
    """The answer to a message that could be read only as far as the terminal's identity."""
    echoed = {number: partial.get(number) for number in (11, 41, 42)}
    return Decision(_answer_mti(partial.mti), {**echoed, 39: MALFORMED})


def is_request(mti: str) -> bool:
    """Whether an MTI asks for an answer."""
    return mti[0] == "0" and mti[2] in "02" and mti[3] == "0"


def _answer_mti(mti: str) -> str:
    return f"{int(mti) + 10:04d}"


def _answer(
    request: Message,
    moment: Moment,
    f39: str,
    *,
    extra: Mapping[int, str] | None = None,
    writes: tuple[Write, ...] = (),
    mac_key: bytes | None = None,
) -> Decision:
    now = moment.local
    fields = {number: request.get(number) for number in _ECHOED if number in request.fields}
    fields |= {
        12: f"{now:%H%M%S}",
        13: f"{now:%m%d}",
        15: f"{now:%m%d}",
        32: _ACQUIRER,
        37: _rrn(moment),
        39: f39,
        44: f"{_ISSUER}{_ACQUIRER}",
    }
    return Decision(_answer_mti(request.mti), fields | dict(extra or {}), writes, mac_key)


def _sign_in(
    request: Message, terminal: Terminal, session: Session | None, moment: Moment, forced: str
) -> Decision:
    if _missing(request, _SIGN_IN_NEEDS):
        return _answer(request, moment, MALFORMED)
    if (request.message_type, request.network_code) != ("00", "003"):
        return _answer(request, moment, UNSUPPORTED)
    if forced:
        return _answer(request, moment, forced)
    batch = f"{(int(session.batch) if session else 0) % 999_999 + 1:06d}"
    block = keys.wrap(terminal.tmk, moment.fresh_keys)
    opened = OpenSession(terminal.terminal_no, Session(batch, block))
    fields = {60: f"00{batch}003", 62: block.hex().upper()}
    return _answer(request, moment, OK, extra=fields, writes=(opened,))


def _sale(request: Message, known: Known, moment: Moment, forced: str) -> Decision:
    refusal = _refusal(request, known, _SALE_NEEDS)
    if not refusal and (known.session is None or request.batch != known.session.batch):
        refusal = SIGN_IN_FIRST
    if not refusal and known.original is not None:
        refusal = DUPLICATE
    if refusal or known.card is None or known.session_keys is None:
        return _answer(request, moment, refusal or MALFORMED)
    if known.reversal is not None and known.reversal.effect == TOMBSTONE:
        f39 = INVALID
    else:
        f39 = forced or OK
    sale = _booked(request, known.card, moment, f39)
    if f39 != OK:
        return _answer(request, moment, f39, writes=(PostSale(sale),))
    return _answer(
        request,
        moment,
        OK,
        extra={38: sale.auth},
        writes=(PostSale(sale),),
        mac_key=known.session_keys.mac,
    )


def _reversal(request: Message, known: Known, moment: Moment, forced: str, keep: bool) -> Decision:
    refusal = _refusal(request, known, _REVERSAL_NEEDS)
    if not refusal and request.get(39) not in REVERSAL_REASONS:
        refusal = MALFORMED
    original_named = request.get(61)[:12]
    if not refusal and original_named not in ("", request.batch + request.stan):
        refusal = MALFORMED  # a reversal keeps its original's batch and STAN: 60.2, 11 and 61
    if refusal or known.card is None or known.session_keys is None:
        return _answer(request, moment, refusal or MALFORMED)
    f39, effect = _undo(request, known, known.card, forced, keep)
    done = PostReversal(identity(request), request.get(39), f39, effect)
    mac_key = known.session_keys.mac if f39 == OK else None
    return _answer(request, moment, f39, writes=(done,), mac_key=mac_key)


def _undo(request: Message, known: Known, card: Card, forced: str, keep: bool) -> tuple[str, str]:
    """F39 of a good reversal, and its effect. What an earlier reversal did is never taken back."""
    before = known.reversal.effect if known.reversal else NOTHING
    original = known.original
    if forced:
        return forced, before
    if original is None:
        return NO_ORIGINAL, TOMBSTONE
    if original.status == DECLINED:
        return NO_ORIGINAL, before
    if (original.amount_minor, original.card_token) != (request.amount_minor, card.token):
        return NOT_AS_ORIGINAL, before
    if original.status == REVERSED or before == KEPT:
        return OK, before
    return OK, KEPT if keep else UNDONE


def _refusal(request: Message, known: Known, needed: tuple[int, ...]) -> str:
    """F39 of what stops a financial request before its own rules, "" if nothing does."""
    if known.session_keys is None:
        return SIGN_IN_FIRST
    if _missing(request, needed):
        return MALFORMED
    mac = bytes.fromhex(request.get(64))
    if not keys.mac_matches(known.session_keys.mac, request.mac_data, mac):
        return BAD_MAC
    if (request.get(3), request.get(25), request.message_type) != ("000000", "00", "22"):
        return UNSUPPORTED
    if request.get(49) != CURRENCY:
        return INVALID
    if not _SHORTEST_PAN <= len(request.pan) <= 19:
        return MALFORMED
    return "" if request.amount_minor else WRONG_AMOUNT


def _missing(request: Message, needed: tuple[int, ...]) -> bool:
    return len(request.get(60)) < 11 or any(not request.get(number) for number in needed)


def _booked(request: Message, card: Card, moment: Moment, f39: str) -> Transaction:
    return Transaction(
        merchant_no=request.merchant_no,
        terminal_no=request.terminal_no,
        batch=request.batch,
        stan=request.stan,
        type="SALE",
        host_time=iso(moment.now),
        business_date=f"{moment.local:%Y-%m-%d}",
        rrn=_rrn(moment),
        auth=f"{moment.serial % 1_000_000:06d}" if f39 == OK else "",
        card=card.masked,
        card_token=card.token,
        currency=CURRENCY,
        amount_minor=request.amount_minor or 0,
        status=APPROVED if f39 == OK else DECLINED,
        f39=f39,
    )


def _rrn(moment: Moment) -> str:
    return f"{moment.local:%m%d%H}{moment.serial % 1_000_000:06d}"
