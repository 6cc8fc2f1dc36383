"""Rules for reversals: pure. What an earlier one did is never taken back."""

from __future__ import annotations

from companion.acquirer import faults
from companion.acquirer.answers import (
    INVALID,
    MALFORMED,
    NO_ORIGINAL,
    NOT_AS_ORIGINAL,
    OK,
    UNSUPPORTED,
    Decision,
    Known,
    Moment,
    answer,
    identity,
    refusal,
)
from companion.acquirer.faults import Fault
from companion.acquirer.kinds import Kind
from companion.acquirer.records import (
    DECLINED,
    KEPT,
    NOTHING,
    REVERSED,
    SETTLED,
    TOMBSTONE,
    UNDONE,
    Card,
    PostReversal,
)
from companion.acquirer.wire import Message

_NEEDS = (2, 4, 11, 25, 39, 41, 42, 49, 60)


def decide(
    request: Message, known: Known, kind: Kind | None, moment: Moment, fault: Fault | None
) -> Decision:
    needs = (3, *_NEEDS) if kind is None or kind.processing else _NEEDS
    stopped = refusal(request, known, kind, needs)
    if not stopped and request.get(39) not in moment.policy.reasons:
        stopped = MALFORMED
    if not stopped and kind is not None and not _names_itself(request, kind):
        stopped = MALFORMED
    refused = fault is not None and fault.do == faults.REFUSE_REVERSAL
    if not stopped and (kind is None or not kind.reversible or refused):
        stopped = UNSUPPORTED
    if stopped or kind is None or known.card is None or known.session_keys is None:
        return answer(request, moment, stopped or MALFORMED)
    f39, effect = _undo(request, known, known.card, fault)
    # With a loose look-up the original found need not be the one that was meant.
    undone = known.booked.identity if known.booked is not None else identity(request, kind)
    done = PostReversal(undone, request.get(39), f39, effect)
    keys = known.session_keys if f39 == OK else None
    return answer(request, moment, f39, writes=(done,), keys=keys)


def _names_itself(request: Message, kind: Kind) -> bool:
    """A reversal keeps its original's batch and STAN in 60.2 and 11. F61 may repeat them; when
    the original itself refers to something, F61 may be the original's own."""
    named = request.get(61)[:12]
    return bool(kind.originals) or named in ("", request.batch + request.stan)


def _undo(request: Message, known: Known, card: Card, fault: Fault | None) -> tuple[str, str]:
    """F39 of a good reversal, and its effect."""
    before = known.reversal.effect if known.reversal else NOTHING
    booked = known.booked
    if fault is not None and fault.do == faults.DECLINE:
        return fault.f39, before
    if booked is None:
        return NO_ORIGINAL, TOMBSTONE
    if booked.status == DECLINED:
        return NO_ORIGINAL, before
    amounts = (booked.amount_minor, booked.asked_minor)
    if request.amount_minor not in amounts or booked.card_token != card.token:
        return NOT_AS_ORIGINAL, before
    if booked.status == REVERSED or before == KEPT:
        return OK, before
    if known.original is not None:
        if known.original.batch_state in SETTLED:
            return INVALID, before  # which is not "it never was": the money stays moved
        if known.original.followed_by:
            return INVALID, before  # voided, refunded or completed meanwhile: undo that first
    keep = fault is not None and fault.do == faults.CAPTURE_AFTER_REVERSAL
    return OK, KEPT if keep else UNDONE
