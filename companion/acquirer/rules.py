"""What the host answers and what it books: pure, a request and what is known in, a decision out.

No clock, no database, no socket: the caller looks up ``Known`` and carries out the writes before
the answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from companion.acquirer import closing, faults, keys, kinds, reversing, trading
from companion.acquirer.answers import (
    MALFORMED,
    OK,
    PARTLY,
    UNKNOWN_TERMINAL,
    UNSUPPORTED,
    WRONG_MERCHANT,
    Decision,
    Known,
    Moment,
    answer,
    missing,
)
from companion.acquirer.faults import Fault
from companion.acquirer.records import OpenSession, Session
from companion.acquirer.terminals import Terminal
from companion.acquirer.wire import Message

_SIGN_IN_NEEDS = (11, 41, 42, 60)
_SIGN_OFF, _ECHO = "002", "301"


def decide(request: Message, known: Known, moment: Moment, fault: Fault | None) -> Decision:
    """Decide one request, with what a fault does to the decision and to the answer's fields."""
    return _spoiled(_decided(request, known, moment, fault), known, fault)


def _decided(request: Message, known: Known, moment: Moment, fault: Fault | None) -> Decision:
    if known.terminal is None:
        return answer(request, moment, UNKNOWN_TERMINAL)
    if known.terminal.merchant_no != request.merchant_no:
        return answer(request, moment, WRONG_MERCHANT)
    if request.mti == "0800":
        return _sign_in(request, known.terminal, known, moment, fault)
    if request.mti == "0820":
        return _control(request, moment)
    if request.mti in ("0100", "0200", "0220"):
        return trading.decide(request, known, kinds.of(request), moment, fault)
    if request.mti in kinds.REVERSAL_MTIS:
        return reversing.decide(request, known, kinds.of(request), moment, fault)
    if request.mti == "0500":
        return closing.settle(request, known, moment, fault)
    if request.mti == "0320":
        return closing.upload(request, known, moment, fault)
    return answer(request, moment, UNSUPPORTED)


def is_request(mti: str) -> bool:
    """Whether an MTI asks for an answer."""
    return mti in kinds.REVERSAL_MTIS or (mti[0] == "0" and mti[2] in "02" and mti[3] == "0")


def _sign_in(
    request: Message, terminal: Terminal, known: Known, moment: Moment, fault: Fault | None
) -> Decision:
    if missing(request, _SIGN_IN_NEEDS):
        return answer(request, moment, MALFORMED)
    form = moment.policy.scheme.block
    if (request.message_type, request.network_code) != ("00", form):
        return answer(request, moment, UNSUPPORTED)
    if fault is not None and fault.do == faults.DECLINE:
        return answer(request, moment, fault.f39)
    number = _next_batch(known)
    block = keys.wrap(terminal.tmk, moment.fresh_keys, form)
    opened = OpenSession(terminal.terminal_no, Session(number, block))
    fields = {60: f"00{number}{form}", 62: block.hex().upper()}
    return answer(request, moment, OK, extra=fields, writes=(opened,))


def _next_batch(known: Known) -> str:
    """The terminal's batch, or the next one once settlement of that has begun."""
    if known.session is None:
        return "000001"
    if known.batch is None:
        return known.session.batch
    return f"{int(known.session.batch) % 999_999 + 1:06d}"


def _control(request: Message, moment: Moment) -> Decision:
    """Sign-off and echo test."""
    if missing(request, (11, 41, 42, 60)):
        return answer(request, moment, MALFORMED)
    known_code = request.network_code in (_SIGN_OFF, _ECHO)
    return answer(request, moment, OK if known_code else UNSUPPORTED)


def _spoiled(decision: Decision, known: Known, fault: Fault | None) -> Decision:
    """The decision with an answer that says something else than what was booked."""
    if fault is None:
        return decision
    fields: Mapping[int, str] = decision.fields
    sealing = decision.keys
    if fault.do == faults.SAY:
        fields = {**fields, 39: fault.f39}
        sealing = known.session_keys if fault.f39 in (OK, PARTLY) else None
    elif fault.do == faults.ECHO_AMOUNT:
        fields = {**fields, 4: f"{fault.minor:012d}"}
    elif fault.do == faults.NO_MAC:
        sealing = None
    else:
        return decision
    return replace(decision, fields=fields, keys=sealing)
