"""Stories of transactions that only one side has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from companion.inject.days import EVE
from companion.inject.stage import (
    APART_CENTS,
    CARDS,
    HOST_CENTS,
    MASKS,
    TERMINAL_CENTS,
    Stage,
    Story,
    Tell,
)
from companion.inject.terms import (
    A_CAPTURED,
    A_DECLINED,
    A_REVERSED,
    ADYEN,
    APPROVED,
    CARD,
    COMPLETION,
    COMPLETION_VOID,
    PREAUTH,
    PREAUTH_CANCEL,
    REFUND,
    SALE,
    TXN,
    VOID,
    WECHAT,
    Ints,
)
from companion.inject.told_pairs import USUAL
from companion.inject.trades import HELD, cents, made
from companion.reconcile import codes

_ANY = (CARD, ADYEN, WECHAT)
_TOLD = (CARD, ADYEN)
# Their amount is that of what they undo or complete.
_BOUND = (VOID, COMPLETION, COMPLETION_VOID, PREAUTH, PREAUTH_CANCEL)


def _host_only(txn: int, acquirer: int, chargeback: bool = False) -> Tell:
    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        it = made(stage, rows, txn)
        book.set_status(it, APPROVED, acquirer)
        if txn not in _BOUND:
            cents(stage, it, HOST_CENTS)
        book.not_on_terminal(it)
        book.chargeback[it] = int(chargeback)
        if acquirer == A_DECLINED:
            return
        effect = book.a_money(it) if acquirer == A_CAPTURED else np.zeros_like(it)
        amount = np.where(effect == 0, book.a_amount[it], np.abs(effect))
        wait = stage.provisional(channel)
        book.breaks.add(codes.HOST_ONLY, it, amount, effect, wait, 0, f"{TXN[txn]} {acquirer}")

    return tell


def _terminal_only(code: str, txn: int) -> Tell:
    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        it = made(stage, rows, txn)
        if txn not in _BOUND:
            cents(stage, it, TERMINAL_CENTS)
        book.not_on_acquirer(it)
        effect = -book.t_money(it)
        amount = np.where(effect == 0, book.t_amount[it], np.abs(effect))
        wait = stage.provisional(channel)
        book.breaks.add(code, it, amount, effect, wait, 0, f"{TXN[txn]} unknown to the acquirer")

    return tell


def _too_far_apart(stage: Stage, channel: int, rows: Ints) -> None:
    """The same amount on both sides, but more than 300 seconds between them: no pair."""
    book, it = stage.book, rows[0]
    cents(stage, it, APART_CENTS)
    other = book.again(it)
    book.not_on_acquirer(it)
    book.not_on_terminal(other)
    book.a_rrn[other] = book.own_rrn(other)
    book.a_at[other] = book.t_at[it] + np.where(it % 2, 301, -301)
    amount, wait = book.t_amount[it], stage.provisional(channel)
    book.breaks.add(codes.TERMINAL_ONLY, it, amount, -amount, wait, 0, "301 s before or after")
    book.breaks.add(codes.HOST_ONLY, other, amount, amount, wait, 0, "301 s before or after")


def _other_token(stage: Stage, channel: int, rows: Ints) -> None:
    """RRN and masked card agree, but the tokens say two cards; the amounts differ too."""
    book, it = stage.book, rows[0]
    cents(stage, it, TERMINAL_CENTS)
    other = book.again(it)
    book.not_on_acquirer(it)
    book.not_on_terminal(other)
    # Masks repeat before tokens do.
    book.card[other] = (book.card[it] + MASKS) % CARDS
    book.a_token[other] = 1
    book.a_amount[other] = stage.amounts(len(it), HOST_CENTS)
    wait = stage.provisional(channel)
    here, there = book.t_amount[it], book.a_amount[other]
    book.breaks.add(codes.TERMINAL_ONLY, it, here, -here, wait, 0, "another token")
    book.breaks.add(codes.HOST_ONLY, other, there, there, wait, 0, "another token")


def _alike(same_card: bool) -> Tell:
    """Two customers pay the same at once, or one twice; each side lacks one of the two."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book, it, other = stage.book, rows[0], rows[1]
        cents(stage, it, TERMINAL_CENTS)
        book.set_amount(other, book.t_amount[it])
        for at in (book.t_at, book.a_at):
            at[other] = at[it] + 20
        if same_card:
            book.card[other] = book.card[it]
        book.not_on_acquirer(it)
        book.not_on_terminal(other)
        amount, wait = book.t_amount[it], stage.provisional(channel)
        book.breaks.add(codes.TERMINAL_ONLY, it, amount, -amount, wait, 0, "beside one alike")
        book.breaks.add(codes.HOST_ONLY, other, amount, amount, wait, 0, "beside one alike")

    return tell


def _other_terminal(stage: Stage, channel: int, rows: Ints) -> None:
    """RRN, card and amount agree, but each side names another terminal."""
    book, it = stage.book, rows[0]
    cents(stage, it, HOST_CENTS)
    other = book.again(it)
    book.not_on_acquirer(it)
    book.not_on_terminal(other)
    book.terminal[other] -= 1
    book.a_terminal[other] = 1
    amount, wait = book.t_amount[it], stage.provisional(channel)
    book.breaks.add(codes.TERMINAL_ONLY, it, amount, -amount, wait, 0, "another terminal")
    book.breaks.add(codes.HOST_ONLY, other, amount, amount, wait, 0, "another terminal")


def stories() -> Iterator[Story]:
    """All of this kind."""
    for txn in (SALE, REFUND, VOID):
        yield Story(f"host only {txn}", _ANY, _host_only(txn, A_CAPTURED), USUAL)
    for txn in (PREAUTH, PREAUTH_CANCEL, COMPLETION):
        yield Story(f"host only {txn}", _TOLD, _host_only(txn, A_CAPTURED), USUAL)
    yield Story("host only reversed", _ANY, _host_only(SALE, A_REVERSED), USUAL)
    # Of a day so long ago that the row is carried no more.
    yield Story("host only reversed, long ago", _ANY, _host_only(SALE, A_REVERSED), (EVE,))
    yield Story("host only declined", _ANY, _host_only(SALE, A_DECLINED), USUAL)
    yield Story("chargeback", (ADYEN,), _host_only(REFUND, A_CAPTURED, True), USUAL)
    for txn in (SALE, REFUND):
        tell = _terminal_only(codes.TERMINAL_ONLY, txn)
        yield Story(f"terminal only {txn}", _ANY, tell, USUAL)
    for txn in (COMPLETION, PREAUTH):
        tell = _terminal_only(codes.TERMINAL_ONLY, txn)
        yield Story(f"terminal only {txn}", _TOLD, tell, USUAL)
    tell = _terminal_only(codes.VOID_NOT_APPLIED, VOID)
    yield Story("void unknown", _ANY, tell, USUAL)
    tell = _terminal_only(codes.VOID_NOT_APPLIED, COMPLETION_VOID)
    yield Story("completion void unknown", _TOLD, tell, USUAL)
    tell = _terminal_only(codes.PREAUTH_NOT_RELEASED, PREAUTH_CANCEL)
    yield Story("cancel unknown", _TOLD, tell, USUAL)
    yield Story("too far apart", (WECHAT,), _too_far_apart, USUAL)
    yield Story("another token", (ADYEN,), _other_token, USUAL)
    yield Story("another terminal", (ADYEN,), _other_terminal, USUAL)
    yield Story("beside one alike", (CARD,), _alike(False), USUAL)
    yield Story("beside one alike, same card", (CARD,), _alike(True), USUAL)


assert set(HELD) <= set(_BOUND)
