"""Stories in which both sides agree: ordinary trade, and what is wrong with it all the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from companion.facts.schema import day_number
from companion.inject import fees
from companion.inject.days import OLD, REOPENED, TODAY, TRADING
from companion.inject.stage import (
    CARDS,
    HOST_CENTS,
    OWN_CARDS,
    TERMINAL_CENTS,
    UNANSWERED,
    Stage,
    Story,
    Tell,
    midnight,
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
    DECLINED,
    FEE,
    NEEDS_RECON,
    NOTICE,
    PENDING,
    PREAUTH,
    PREAUTH_CANCEL,
    REFUND,
    REVERSED,
    SALE,
    SUSPENDED,
    VOID,
    WECHAT,
    Ints,
)
from companion.inject.told_pairs import USUAL, WITH_NEXT
from companion.inject.trades import PASS, cents, completion, hold, made, unanswered
from companion.reconcile import codes

_ANY = (CARD, ADYEN, WECHAT)
_TOLD = (CARD, ADYEN)


def _plain(txn: int, terminal: int = APPROVED, acquirer: int = A_CAPTURED) -> Tell:
    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        it = made(stage, rows, txn)
        stage.book.set_status(it, terminal, acquirer)
        if terminal not in (APPROVED, DECLINED):
            unanswered(stage, it)

    return tell


def _nowhere(terminal: int) -> Tell:
    """It never came to the acquirer, and the terminal did not say that it was approved."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        cents(stage, rows[0], UNANSWERED)
        stage.book.set_status(rows[0], terminal, A_DECLINED)
        unanswered(stage, rows[0])
        stage.book.not_on_acquirer(rows[0])

    return tell


def _other_day(terminal_first: bool) -> Tell:
    """One side has it on the next day: it waits for the other."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book, it = stage.book, rows[0]
        book.t_at[it] = midnight(stage.day + 1) - stage.random.integers(1, 100, len(it))
        book.a_at[it] = midnight(stage.day + 1) + stage.random.integers(0, 100, len(it))
        (book.a_day if terminal_first else book.t_day)[it] = stage.next_day

    return tell


def _other_batch(stage: Stage, channel: int, rows: Ints) -> None:
    """Same RRN and card, other batch and STAN: found in the second pass."""
    stage.book.a_batch[rows[0]] = 900_000
    stage.book.a_stan[rows[0]] = 900_000 + rows[0] % 99_999


def _own_card(stage: Stage, channel: int, rows: Ints) -> None:
    book, it = stage.book, made(stage, rows, SALE)
    book.card[it] = own_card(book.merchant[it])
    amount = book.t_amount[it]
    book.breaks.add(codes.SELF_SWIPE, it, amount, 0, 0, PASS[channel], "a sale")


def _own_card_completed(stage: Stage, channel: int, rows: Ints) -> None:
    book = stage.book
    hold(stage, rows[0])
    book.card[rows[0]] = own_card(book.merchant[rows[0]])
    completion(stage, rows[1], rows[0])
    amount = book.t_amount[rows[1]]
    book.breaks.add(codes.SELF_SWIPE, rows[1], amount, 0, 0, PASS[channel], "a completion")


def _own_card_unknown(stage: Stage, channel: int, rows: Ints) -> None:
    """The acquirer does not know of it at all."""
    book, it = stage.book, rows[0]
    cents(stage, it, TERMINAL_CENTS)
    book.card[it] = own_card(book.merchant[it])
    book.not_on_acquirer(it)
    amount, wait = book.t_amount[it], stage.provisional(channel)
    book.breaks.add(codes.SELF_SWIPE, it, amount, 0, 0, 0, "unknown to the acquirer")
    book.breaks.add(codes.TERMINAL_ONLY, it, amount, -amount, wait, 0, "with an own card")


def _own_card_declined(stage: Stage, channel: int, rows: Ints) -> None:
    """No money moved: nothing to tell."""
    stage.book.card[rows[0]] = own_card(stage.book.merchant[rows[0]])
    stage.book.set_status(rows[0], DECLINED, A_DECLINED)


def _anothers_card(stage: Stage, channel: int, rows: Ints) -> None:
    """Another merchant's card is a customer's card here."""
    stage.book.card[rows[0]] = own_card(stage.book.merchant[rows[0]] + 1)


def own_card(merchant: Ints) -> Ints:
    """The card of a merchant that is his own."""
    return CARDS - 1 - merchant % OWN_CARDS


def _fee(kind: str) -> Tell:
    """The acquirer kept something else than agreed."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book, it = stage.book, rows[0]
        book.set_amount(it, stage.random.integers(2000, 90_000, len(it)) * 10 + 7)
        if kind == "refund":
            it = made(stage, rows, REFUND)
        told = fees.has_plan(book.merchant[it]) == 1
        it = it[told]
        right = fees.agreed(book, it)
        book.fee[it] = {
            "more": np.ones_like(it),
            "less": -np.ones_like(it),
            "nothing": -right,
            "double": right,
            "before": fees.agreed(book, it, fees.CHANGE - 1) - right,
            "refund": np.full_like(it, 5),
        }[kind]
        wrong = it[book.fee[it] != 0]
        amount = np.abs(book.fee[wrong])
        match = PASS[channel]
        book.breaks.add(codes.FEE_DIFFERS, wrong, amount, 0, 0, match, f"fee: {kind}")

    return tell


def _fee_unknown(stage: Stage, channel: int, rows: Ints) -> None:
    """The terminal does not know the sale, and its fee is wrong too."""
    book = stage.book
    it = rows[0][fees.has_plan(book.merchant[rows[0]]) == 1]
    cents(stage, it, HOST_CENTS)
    book.not_on_terminal(it)
    book.fee[it] = 3
    amount, wait = book.a_amount[it], stage.provisional(channel)
    book.breaks.add(codes.FEE_DIFFERS, it, np.full_like(it, 3), 0, 0, 0, "fee: of one unknown")
    book.breaks.add(codes.HOST_ONLY, it, amount, amount, wait, 0, "with a wrong fee")


def _without_time(stage: Stage, channel: int, rows: Ints) -> None:
    """The acquirer does not say when: that is no clock that is wrong."""
    stage.book.a_at[rows[0]] = 0


def _monthly_fee(stage: Stage, channel: int, rows: Ints) -> None:
    """What the acquirer keeps for itself is no transaction; it is part of the settlement."""
    book, it = stage.book, rows[0]
    more = book.again(it)
    book.not_on_terminal(more)
    book.a_txn[more] = FEE
    book.a_amount[more] = 0
    book.a_rrn[more] = book.auth[more] = 0
    book.card[more] = -1
    book.a_token[more] = 0
    book.fee[more] = 1900


def _held_long_ago(stage: Stage, channel: int, rows: Ints) -> None:
    amount = hold(stage, rows[0])
    match = PASS[channel]
    stage.book.breaks.add(codes.PREAUTH_EXPIRED, rows[0], amount, 0, 0, match, "on both sides")


def _held_unknown(stage: Stage, channel: int, rows: Ints) -> None:
    """Held long ago, and the terminal does not know of it."""
    amount = hold(stage, rows[0])
    stage.book.not_on_terminal(rows[0])
    stage.book.breaks.add(codes.PREAUTH_EXPIRED, rows[0], amount, 0, 0, 0, "the acquirer alone")
    stage.book.breaks.add(codes.HOST_ONLY, rows[0], amount, 0, 0, 0, "an old hold")


def _ended_later(txn: int) -> Tell:
    """Held long ago, completed or cancelled weeks later: nothing is wrong."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        hold(stage, rows[0])
        completion(stage, rows[1], rows[0], txn=txn)
        day = day_number(REOPENED)
        for days, at in ((book.t_day, book.t_at), (book.a_day, book.a_at)):
            at[rows[1]] += 86_400 * (day - stage.day)
            days[rows[1]] = day

    return tell


def stories() -> Iterator[Story]:
    """All of this kind."""
    yield Story("void", _ANY, _plain(VOID), TRADING, 0.02)
    yield Story("refund", _ANY, _plain(REFUND), TRADING, 0.02)
    yield Story("hold", _TOLD, _plain(PREAUTH), USUAL, 0.02)
    yield Story("cancel", _TOLD, _plain(PREAUTH_CANCEL), TRADING, 0.02)
    yield Story("completion", _TOLD, _plain(COMPLETION), TRADING, 0.03)
    yield Story("notice", _TOLD, _plain(NOTICE), TRADING, 0.01)
    yield Story("completion void", _TOLD, _plain(COMPLETION_VOID), USUAL, 0.01)
    yield Story("declined", _TOLD, _plain(SALE, DECLINED, A_DECLINED), TRADING, 0.05)
    yield Story("reversed", _TOLD, _plain(SALE, REVERSED, A_REVERSED), TRADING, 0.02)
    for status in (PENDING, SUSPENDED, NEEDS_RECON):
        yield Story(f"healed {status}", _TOLD, _plain(SALE, status, A_REVERSED), USUAL, 0.002)
        yield Story(f"nowhere {status}", _ANY, _nowhere(status), USUAL, 0.002)
    yield Story("declined, unknown", _ANY, _nowhere(DECLINED), TRADING, 0.02)
    yield Story("reversed, unknown", _ANY, _nowhere(REVERSED), TRADING, 0.01)
    yield Story("acquirer a day later", _ANY, _other_day(True), WITH_NEXT, 0.004)
    yield Story("terminal a day later", _ANY, _other_day(False), WITH_NEXT, 0.004)
    yield Story("other batch", (CARD,), _other_batch, USUAL, 0.004)
    yield Story("own card", _TOLD, _own_card, USUAL)
    yield Story("own card completed", _TOLD, _own_card_completed, USUAL)
    yield Story("own card, unknown", _TOLD, _own_card_unknown, USUAL)
    yield Story("own card declined", _TOLD, _own_card_declined, USUAL, 0.002)
    yield Story("fee of one unknown", _TOLD, _fee_unknown, USUAL)
    yield Story("without time", (ADYEN,), _without_time, USUAL, 0.004)
    yield Story("another merchant's card", _TOLD, _anothers_card, USUAL, 0.002)
    for kind in ("more", "less", "nothing", "double", "refund"):
        yield Story(f"fee {kind}", _TOLD, _fee(kind), USUAL)
    changed = tuple(day for day in USUAL if REOPENED <= day < TODAY)
    yield Story("fee of the plan before", _TOLD, _fee("before"), changed)
    yield Story("monthly fee", (ADYEN,), _monthly_fee, USUAL, 0.002)
    yield Story("hold expired", _TOLD, _held_long_ago, (OLD,))
    yield Story("hold expired, unknown", _TOLD, _held_unknown, (OLD,))
    yield Story("old hold completed", _TOLD, _ended_later(COMPLETION), (OLD,), 0.02)
    yield Story("old hold cancelled", _TOLD, _ended_later(PREAUTH_CANCEL), (OLD,), 0.02)
