"""What belongs together at a terminal: a void and its sale, a completion and its hold."""

from __future__ import annotations

import numpy as np

from companion.inject.stage import ORDINARY, Stage
from companion.inject.terms import (
    ADYEN,
    CARD,
    COMPLETION,
    COMPLETION_VOID,
    NOTICE,
    PREAUTH,
    PREAUTH_CANCEL,
    REFUND,
    SALE,
    VOID,
    WECHAT,
    Ints,
)

# The pass in which a pair is found when nothing stands in the way, and when the terminal never
# heard the RRN.
PASS = {CARD: 1, ADYEN: 2, WECHAT: 3}
PASS_UNANSWERED = {CARD: 1, ADYEN: 3, WECHAT: 3}

HELD = (PREAUTH, PREAUTH_CANCEL)
COMPLETES = (COMPLETION, NOTICE)


def hold(stage: Stage, rows: Ints) -> Ints:
    """Make `rows` pre-authorisations of whole yuan that both sides know; their amounts."""
    amount: Ints = stage.random.integers(5, 90, len(rows)) * 10_000
    stage.book.set_txn(rows, PREAUTH)
    stage.book.set_amount(rows, amount)
    return amount


def completion(
    stage: Stage, rows: Ints, of: Ints, percent: int = 100, txn: int = COMPLETION
) -> None:
    """Make `rows` completions of the holds `of`, for a part of each."""
    book = stage.book
    book.set_txn(rows, txn)
    book.set_amount(rows, book.a_amount[of] // 100 * percent)
    book.auth[rows] = book.auth[of]
    book.goes_back(rows, of)


def made(stage: Stage, rows: Ints, txn: int, percent: int = 100) -> Ints:
    """Make transactions of type `txn`, with what must go before them; where they are in `rows`.

    `rows` has a slot a column; what goes before is known to both sides and nothing is wrong.
    """
    book = stage.book
    first: Ints = rows[0]
    second: Ints = rows[1]
    third: Ints = rows[2]
    if txn == SALE:
        return first
    if txn == PREAUTH:
        hold(stage, first)
        return first
    if txn in (VOID, REFUND):
        book.set_txn(second, txn)
        part = book.t_amount[first] if txn == VOID else book.t_amount[first] * 3 // 4
        book.set_amount(second, np.maximum(part, 100))
        book.goes_back(second, first)
        return second
    hold(stage, first)
    if txn == PREAUTH_CANCEL:
        completion(stage, second, first, txn=PREAUTH_CANCEL)
        return second
    completion(stage, second, first, percent, NOTICE if txn == NOTICE else COMPLETION)
    if txn != COMPLETION_VOID:
        return second
    book.set_txn(third, COMPLETION_VOID)
    book.set_amount(third, book.a_amount[second])
    book.auth[third] = book.auth[second]
    book.goes_back(third, second)
    return third


def unanswered(stage: Stage, rows: Ints) -> None:
    """The terminal never got an answer to these, so it has no RRN of them."""
    stage.book.t_rrn[rows] = 0


def cents(stage: Stage, rows: Ints, ending: int) -> None:
    """Give both sides another amount with these cents, which no ordinary sale has."""
    assert ending >= ORDINARY
    stage.book.set_amount(rows, stage.amounts(len(rows), ending))
