"""Stories of transactions that both sides have and tell differently."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from companion.inject.days import EVE, TODAY, TRADING
from companion.inject.stage import Stage, Story, Tell, midnight
from companion.inject.terms import (
    A_CAPTURED,
    A_DECLINED,
    A_REVERSED,
    ADYEN,
    APPROVED,
    CARD,
    COMPLETION,
    COMPLETION_VOID,
    DECLINED,
    NEEDS_RECON,
    NOTICE,
    PENDING,
    PREAUTH,
    PREAUTH_CANCEL,
    REFUND,
    REVERSED,
    SALE,
    SUSPENDED,
    T_STATUS,
    TXN,
    VOID,
    WECHAT,
    Ints,
)
from companion.inject.trades import HELD, PASS, PASS_UNANSWERED, made, unanswered
from companion.reconcile import codes

USUAL = TRADING[1:]
WITH_NEXT = tuple(day for day in USUAL if day != TODAY)
_ANY = (CARD, ADYEN, WECHAT)
_TOLD = (CARD, ADYEN)  # who has holds

_STUCK = codes.REVERSAL_STUCK
_UNPAID = codes.NOT_CAPTURED

# code, types, what the terminal says, what the acquirer says
_PAIRS = (
    (codes.DECLINED_BUT_CAPTURED, (SALE, REFUND, VOID, COMPLETION), (DECLINED,), (A_CAPTURED,)),
    (
        codes.REVERSED_BUT_SETTLED,
        (SALE, REFUND, VOID, COMPLETION, COMPLETION_VOID),
        (REVERSED,),
        (A_CAPTURED,),
    ),
    (_STUCK, (SALE, VOID, COMPLETION), (PENDING, SUSPENDED, NEEDS_RECON), (A_CAPTURED,)),
    (_STUCK, (PREAUTH,), (PENDING,), (A_CAPTURED,)),
    (_UNPAID, (SALE, REFUND, COMPLETION), (APPROVED,), (A_DECLINED, A_REVERSED)),
    (_UNPAID, (PREAUTH, NOTICE), (APPROVED,), (A_DECLINED,)),
    (codes.REFUND_UNKNOWN, (REFUND,), (PENDING, SUSPENDED, NEEDS_RECON), (A_CAPTURED,)),
    (codes.VOID_NOT_APPLIED, (VOID, COMPLETION_VOID), (APPROVED,), (A_DECLINED, A_REVERSED)),
    (
        codes.PREAUTH_NOT_RELEASED,
        (PREAUTH,),
        (DECLINED, REVERSED, SUSPENDED, NEEDS_RECON),
        (A_CAPTURED,),
    ),
    (codes.PREAUTH_NOT_RELEASED, (PREAUTH_CANCEL,), (APPROVED,), (A_DECLINED, A_REVERSED)),
)


def _channels(txn: int) -> tuple[int, ...]:
    return _TOLD if txn in (*HELD, COMPLETION, COMPLETION_VOID, NOTICE) else _ANY


def _pair(code: str, txn: int, terminal: int, acquirer: int, answered: bool, later: int) -> Tell:
    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        it = made(stage, rows, txn)
        book.set_status(it, terminal, acquirer)
        if later:
            _across(stage, it, later)
        if not answered:
            unanswered(stage, it)
        effect = -book.t_money(it) if terminal == APPROVED else book.a_money(it)
        book.breaks.add(
            code,
            it,
            np.where(effect == 0, book.a_amount[it], np.abs(effect)),
            effect,
            provisional=int(terminal == PENDING),
            match_pass=(PASS if answered else PASS_UNANSWERED)[channel],
            variant=f"{TXN[txn]} {T_STATUS[terminal]}",
        )

    return tell


def _across(stage: Stage, rows: Ints, later: int) -> None:
    """The terminal has them just before midnight, the acquirer just after, on a later day."""
    book, day = stage.book, stage.day_after(later)
    before = stage.random.integers(1, 120, len(rows))
    book.t_at[rows] = midnight(stage.day + 1) - before
    book.a_at[rows] = midnight(stage.day + 1) + stage.random.integers(0, 120, len(rows))
    book.a_day[rows] = day


def _differing(change: int, other: int, txn: int, acquirer: int | None, later: int) -> Tell:
    """The acquirer has amount * change / 100 + other, or another type of transaction."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        it = made(stage, rows, txn, percent=80)
        book.a_amount[it] = book.t_amount[it] * change // 100 + other
        if acquirer is not None:
            book.a_txn[it] = acquirer
        if later:
            _across(stage, it, later)
        effect = book.a_money(it) - book.t_money(it)
        book.breaks.add(
            codes.AMOUNT_MISMATCH,
            it,
            np.abs(effect),
            effect,
            match_pass=PASS[channel],
            variant=f"{TXN[txn]} x{change}%{other:+}",
        )

    return tell


def _held(code: str, change: int, other: int) -> Tell:
    """The acquirer holds more or less than was agreed."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        it = made(stage, rows, PREAUTH)
        book.a_amount[it] = book.t_amount[it] * change // 100 + other
        amount = np.abs(book.a_amount[it] - book.t_amount[it])
        variant = f"held x{change}%{other:+}"
        book.breaks.add(code, it, amount, match_pass=PASS[channel], variant=variant)

    return tell


def _batch_differs(stage: Stage, channel: int, rows: Ints) -> None:
    """The acquirer booked them under another batch: only RRN and card say what they are."""
    book, it = stage.book, rows[0]
    book.a_batch[it] = 900_000 + stage.book.batch[it]
    book.a_amount[it] += 1
    book.breaks.add(
        codes.AMOUNT_MISMATCH, it, np.ones_like(it), 1, match_pass=2, variant="other batch"
    )


def stories() -> Iterator[Story]:
    """All of this kind."""
    for code, types, terminal_says, acquirer_says in _PAIRS:
        for txn in types:
            for terminal in terminal_says:
                for acquirer in acquirer_says:
                    name = f"{code} {TXN[txn]} {T_STATUS[terminal]} {acquirer}"
                    answered = terminal in (APPROVED, DECLINED)
                    tell = _pair(code, txn, terminal, acquirer, answered, 0)
                    yield Story(name, _channels(txn), tell, USUAL)
    for later in (1, 2):
        tell = _pair(codes.DECLINED_BUT_CAPTURED, SALE, DECLINED, A_CAPTURED, True, later)
        yield Story(
            f"declined, captured {later} later", _ANY, tell, WITH_NEXT[: 1 - later or None]
        )
    tell = _pair(codes.DECLINED_BUT_CAPTURED, SALE, DECLINED, A_CAPTURED, True, 4)
    yield Story("declined, captured nine days later", (CARD, ADYEN), tell, (EVE,))
    tell = _pair(codes.REVERSED_BUT_SETTLED, SALE, REVERSED, A_CAPTURED, False, 1)
    yield Story("reversed, settled later", _ANY, tell, WITH_NEXT)
    tell = _pair(_UNPAID, SALE, APPROVED, A_REVERSED, True, 1)
    yield Story("approved, reversed later", _ANY, tell, WITH_NEXT)
    for change, other in ((100, 1), (100, -1), (10_000, 0), (90, 0)):
        for txn in (SALE, REFUND, COMPLETION):
            tell = _differing(change, other, txn, None, 0)
            if txn != SALE and change > 100:
                continue  # more than its hold, or than was ever sold
            yield Story(f"differs {txn} {change} {other}", _TOLD, tell, USUAL)
    yield Story("booked as refund", _TOLD, _differing(100, 0, SALE, REFUND, 0), USUAL)
    yield Story("booked as sale", _TOLD, _differing(100, 0, REFUND, SALE, 0), USUAL)
    yield Story("differs later", _TOLD, _differing(100, 5, SALE, None, 1), WITH_NEXT)
    yield Story("booked in another batch", (CARD,), _batch_differs, USUAL)
    for change, other in ((100, 1), (200, 0)):
        yield Story(
            f"held {change}{other}", _TOLD, _held(codes.PREAUTH_OVER, change, other), USUAL
        )
    for change, other in ((100, -1), (50, 0)):
        tell = _held(codes.PREAUTH_UNDER, change, other)
        yield Story(f"held {change}{other}", _TOLD, tell, USUAL)
