"""Rules for what moves or holds money, and for the balance: pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

from companion.acquirer import faults, kinds
from companion.acquirer.answers import (
    CURRENCY,
    DUPLICATE,
    INVALID,
    MALFORMED,
    NO_ORIGINAL,
    NOT_AS_ORIGINAL,
    OK,
    OVER_LIMIT,
    PARTLY,
    SIGN_IN_FIRST,
    TOO_OLD,
    Decision,
    Known,
    Moment,
    answer,
    booking,
    refusal,
)
from companion.acquirer.faults import Fault
from companion.acquirer.kinds import Kind
from companion.acquirer.records import OPEN, TOMBSTONE, Original, PostTransaction, Transaction
from companion.acquirer.wire import Message

_NEEDS = (11, 22, 25, 41, 42, 49, 60)
_ALSO_NEEDS = {
    kinds.VOID: (61,),
    kinds.REFUND: (37, 61),
    kinds.PREAUTH_CANCEL: (38, 61),
    kinds.COMPLETION: (38, 61),
    kinds.COMPLETION_NOTICE: (38, 61),
    kinds.COMPLETION_VOID: (61,),
}
_WITH_DATE = (kinds.REFUND, kinds.PREAUTH_CANCEL, *kinds.COMPLETIONS)
_CREDIT_LINE_MINOR = 10_000_000  # of every card, for F54; made up


def decide(
    request: Message, known: Known, kind: Kind | None, moment: Moment, fault: Fault | None
) -> Decision:
    stopped = refusal(request, known, kind, _needs(kind))
    if not stopped and known.booked is not None:
        return _repeated(request, known, known.booked, moment)
    if not stopped and (known.session is None or request.batch != known.session.batch):
        stopped = SIGN_IN_FIRST
    if not stopped and known.batch is not None:
        stopped = SIGN_IN_FIRST  # being settled: the next sign-in opens the next batch
    if not stopped and kind is not None and kind.name in _WITH_DATE and len(request.get(61)) < 16:
        stopped = MALFORMED
    if stopped or kind is None or known.card is None or known.session_keys is None:
        return answer(request, moment, stopped or MALFORMED)
    forced = fault.f39 if fault is not None and fault.do == faults.DECLINE else ""
    if kind.name == kinds.BALANCE:
        return _balance(request, known, moment, forced)
    amount = request.amount_minor or 0
    f39 = forced
    if known.reversal is not None and known.reversal.effect == TOMBSTONE:
        f39 = INVALID
    elif kind.originals:
        f39 = forced or judge(kind, amount, known.original, moment)
    elif not forced and fault is not None and fault.do == faults.PARTIAL and fault.minor < amount:
        f39, amount = PARTLY, fault.minor
    row = booking(request, kind, known.card, moment, f39 or OK, amount)
    if known.original is not None:
        row = replace(row, original_id=known.original.transaction.id)
    extra = _issuers_word(request, row)
    if f39 not in ("", OK, PARTLY):
        return answer(request, moment, f39, extra=extra, writes=(PostTransaction(row),))
    extra |= {38: row.auth} | ({4: f"{amount:012d}"} if f39 == PARTLY else {})
    release = known.original.transaction.amount_minor if known.original and kind.hold < 0 else 0
    return answer(
        request,
        moment,
        f39 or OK,
        extra=extra,
        writes=(PostTransaction(row, release),),
        keys=known.session_keys,
    )


def _issuers_word(request: Message, row: Transaction) -> dict[int, str]:
    """F55 for a chip that sent one: tag 91, eight made-up bytes and F39, as a card wants it."""
    asked = bytes.fromhex(request.get(55))
    if not asked:
        return {}
    word = hashlib.sha256(asked).digest()[:8] + row.f39.encode()
    return {55: f"91{len(word):02X}{word.hex().upper()}"}


def judge(kind: Kind, amount: int, original: Original | None, moment: Moment) -> str:
    """F39 of a request that refers to an original; OK when it may go on."""
    if original is None:
        return NO_ORIGINAL
    found = original.transaction
    rest = found.amount_minor - sum(
        minor for name, minor in original.followed_by if kinds.KINDS[name].sign < 0
    )
    if kind.name in (kinds.VOID, kinds.COMPLETION_VOID):
        if amount != found.amount_minor:
            return NOT_AS_ORIGINAL
        # Nothing of it given back yet; from settlement on it takes a refund.
        return OK if rest == amount and original.batch_state == OPEN else INVALID
    age = (moment.local.date() - date.fromisoformat(found.business_date)).days
    if age > moment.policy.days:
        return TOO_OLD
    if kind.name == kinds.REFUND:
        if age < 1:
            return NO_ORIGINAL
        return OK if amount <= rest else NOT_AS_ORIGINAL
    if original.followed_by:
        return INVALID  # cancelled or completed already
    if kind.name == kinds.PREAUTH_CANCEL:
        return OK if amount == found.amount_minor else NOT_AS_ORIGINAL
    return (
        OK if amount * 100 <= found.amount_minor * moment.policy.completion_percent else OVER_LIMIT
    )


def _needs(kind: Kind | None) -> tuple[int, ...]:
    if kind is None:
        return (3, *_NEEDS)
    amount = () if kind.name == kinds.BALANCE else (4,)
    processing = (3,) if kind.processing else ()
    return (*_NEEDS, *amount, *processing, *_ALSO_NEEDS.get(kind.name, ()))


def _repeated(request: Message, known: Known, booked: Transaction, moment: Moment) -> Decision:
    """94; a notice, which terminals send until they are told, gets its first answer again."""
    same = (
        booked.type == kinds.COMPLETION_NOTICE == kinds.type_name(request)
        and booked.asked_minor == request.amount_minor
        and known.card is not None
        and booked.card_token == known.card.token
    )
    if not same or known.session_keys is None:
        return answer(request, moment, DUPLICATE)
    approved = booked.f39 == OK
    extra = {37: booked.rrn} | ({38: booked.auth} if approved else {})
    keys = known.session_keys if approved else None
    return answer(request, moment, booked.f39, extra=extra, keys=keys)


def _balance(request: Message, known: Known, moment: Moment, forced: str) -> Decision:
    if forced or known.session_keys is None:
        return answer(request, moment, forced or SIGN_IN_FIRST)
    left = _CREDIT_LINE_MINOR - known.exposure
    # Account type 10, amount type 02 (available), currency, C or D, amount.
    balances = f"1002{CURRENCY}{'C' if left >= 0 else 'D'}{abs(left):012d}"
    return answer(request, moment, OK, extra={54: balances}, keys=known.session_keys)
