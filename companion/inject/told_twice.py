"""Stories of charges that came once more, and of completions of one hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from companion.inject import fees
from companion.inject.stage import HOST_CENTS, Stage, Story, Tell, midnight
from companion.inject.terms import (
    A_CAPTURED,
    A_DECLINED,
    A_REVERSED,
    ADYEN,
    CARD,
    COMPLETION_VOID,
    DECLINED,
    REVERSED,
    WECHAT,
    Ints,
)
from companion.inject.told_pairs import USUAL, WITH_NEXT
from companion.inject.trades import PASS, cents, completion, hold
from companion.reconcile import codes

_ANY = (CARD, ADYEN, WECHAT)
_TOLD = (CARD, ADYEN)
# What may be taken of a hold, percent.
_MOST = 115
# STANs that no terminal gave.
_HOST_STAN = 500_000


def _extra(stage: Stage, of: Ints, seconds: int, same_key: bool = False) -> Ints:
    """The acquirer has `of` once more, that much later; `same_key`: under the same numbers."""
    book = stage.book
    more = book.again(of)
    book.not_on_terminal(more)
    book.a_at[more] = book.a_at[of] + seconds
    if same_key:
        book.a_occurrence[more] = 2
    else:
        _new_numbers(stage, more)
    return more


def _new_numbers(stage: Stage, rows: Ints) -> None:
    book = stage.book
    book.a_rrn[rows] = book.own_rrn(rows)
    given = book.a_stan[rows] > 0
    book.a_stan[rows] = np.where(given, _HOST_STAN + rows - book.rows, 0)


def _charged(stage: Stage, rows: Ints, variant: str, later: int = 0) -> None:
    book = stage.book
    amount = book.a_money(rows)
    wait = stage.provisional(int(book.channel[rows[0]]), later)
    book.breaks.add(codes.DUPLICATE_CHARGE, rows, amount, amount, wait, 0, variant)


def _again(seconds: int, same_key: bool = False) -> Tell:
    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        more = _extra(stage, rows[0], seconds, same_key)
        _charged(stage, more, f"{seconds} s later" + ", same numbers" * same_key)

    return tell


def _twice_more(stage: Stage, channel: int, rows: Ints) -> None:
    _charged(stage, _extra(stage, rows[0], 40), "first of two")
    _charged(stage, _extra(stage, rows[0], 95), "second of two")


def _of_declined(stage: Stage, channel: int, rows: Ints) -> None:
    """Declined at the terminal, and captured twice."""
    book, it = stage.book, rows[0]
    book.set_status(it, DECLINED, A_CAPTURED)
    amount = book.a_money(it)
    match = PASS[channel]
    book.breaks.add(codes.DECLINED_BUT_CAPTURED, it, amount, amount, 0, match, "and once more")
    _charged(stage, _extra(stage, it, 61), "of a declined one")


def _unknown_twice(stage: Stage, channel: int, rows: Ints) -> None:
    """The terminal knows of neither: the first is the acquirer's alone, the second a duplicate."""
    book, it = stage.book, rows[0]
    cents(stage, it, HOST_CENTS)
    book.not_on_terminal(it)
    amount, wait = book.a_money(it), stage.provisional(channel)
    book.breaks.add(codes.HOST_ONLY, it, amount, amount, wait, 0, "the first of two")
    _charged(stage, _extra(stage, it, 33), "of one that the terminal does not know")


def _after_midnight(stage: Stage, channel: int, rows: Ints) -> None:
    book, it = stage.book, rows[0]
    book.t_at[it] = book.a_at[it] = midnight(stage.day + 1) - 100
    more = _extra(stage, it, 220)
    book.a_day[more] = stage.next_day
    _charged(stage, more, "after midnight", later=1)


def _before_midnight(stage: Stage, channel: int, rows: Ints) -> None:
    """The one too many comes first, the one that the terminal knows on the next day."""
    book, it = stage.book, rows[0]
    book.t_at[it] = book.a_at[it] = midnight(stage.day + 1) + 90
    more = _extra(stage, it, -200)
    book.t_day[it] = book.a_day[it] = stage.next_day
    _charged(stage, more, "before midnight")


def _unknown_after_midnight(stage: Stage, channel: int, rows: Ints) -> None:
    """The terminal knows of neither, and the second is in the next day's file."""
    book, it = stage.book, rows[0]
    cents(stage, it, HOST_CENTS)
    book.not_on_terminal(it)
    book.a_at[it] = midnight(stage.day + 1) - 100
    amount, wait = book.a_money(it), stage.provisional(channel)
    book.breaks.add(codes.HOST_ONLY, it, amount, amount, wait, 0, "the first, before midnight")
    more = _extra(stage, it, 300)
    book.a_day[more] = stage.next_day
    _charged(stage, more, "of one unknown, after midnight", later=1)


def _bought_twice_late(stage: Stage, channel: int, rows: Ints) -> None:
    """The terminal's record of the second purchase is of the next day: nothing is wrong."""
    book, (first, second) = stage.book, rows[:2]
    book.card[second] = book.card[first]
    book.set_amount(second, book.t_amount[first])
    for at in (book.t_at, book.a_at):
        at[first], at[second] = midnight(stage.day + 1) - 100, midnight(stage.day + 1) - 40
    book.t_at[second] += 60
    book.t_day[second] = stage.next_day


def _completion_twice_late(stage: Stage, channel: int, rows: Ints) -> None:
    """The terminal's record of the second completion is of the next day."""
    book = stage.book
    _, again = _completed_twice(stage, rows, (60, 50))
    book.a_at[again] = midnight(stage.day + 1) - 30
    book.t_at[again] = midnight(stage.day + 1) + 30
    book.t_day[again] = stage.next_day
    amount, match = book.a_money(again), PASS[channel]
    variant = "the terminal's a day later"
    book.breaks.add(codes.COMPLETION_DUPLICATE, again, amount, 0, 0, match, variant)


def _same_numbers_next_day(stage: Stage, channel: int, rows: Ints) -> None:
    """The acquirer's next file has it again, under the same numbers."""
    book = stage.book
    more = _extra(stage, rows[0], 86_400, same_key=True)
    book.a_day[more] = stage.next_day
    # The first of that day: the other belongs to the day before.
    book.a_occurrence[more] = 1
    _charged(stage, more, "in the next file", later=1)


def _wrong_fee_twice(stage: Stage, channel: int, rows: Ints) -> None:
    """A wrong fee, and the acquirer's next file has row and fee again: one key on two days."""
    book = stage.book
    it = rows[0][fees.has_plan(book.merchant[rows[0]]) == 1]
    if not len(it):
        return
    book.fee[it] = 9
    more = _extra(stage, it, 86_400, same_key=True)
    book.a_day[more] = stage.next_day
    book.a_occurrence[more] = 1
    _charged(stage, more, "in the next file, with a wrong fee", later=1)
    amount, match = np.full_like(it, 9), PASS[channel]
    book.breaks.add(codes.FEE_DIFFERS, it, amount, 0, 0, match, "fee: again in the next file")
    variant = "fee: of a row that came again"
    book.breaks.add(codes.FEE_DIFFERS, more, amount, 0, 0, 0, variant, again=True)


def _alone(change: int, seconds: int) -> Tell:
    """Near to a charge, but no duplicate: too late, or another amount."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        cents(stage, rows[0], HOST_CENTS)
        more = _extra(stage, rows[0], seconds)
        book.a_amount[more] += change
        amount, wait = book.a_money(more), stage.provisional(channel)
        variant = f"{seconds} s later, {change:+}"
        book.breaks.add(codes.HOST_ONLY, more, amount, amount, wait, 0, variant)

    return tell


def _of_reversed(stage: Stage, channel: int, rows: Ints) -> None:
    """The first was reversed on both sides, so the second is no duplicate."""
    book, it = stage.book, rows[0]
    cents(stage, it, HOST_CENTS)
    book.set_status(it, REVERSED, A_REVERSED)
    more = _extra(stage, it, 20)
    book.a_status[more] = A_CAPTURED
    amount, wait = book.a_money(more), stage.provisional(channel)
    book.breaks.add(codes.HOST_ONLY, more, amount, amount, wait, 0, "after a reversed one")


def _tried_again(stage: Stage, channel: int, rows: Ints) -> None:
    """The acquirer's file has the attempt that it declined as well, under the same numbers."""
    book, it = stage.book, rows[0]
    more = book.again(it)
    book.not_on_terminal(more)
    book.a_status[more] = A_DECLINED
    book.a_at[more] -= 6


def _bought_twice(stage: Stage, channel: int, rows: Ints) -> None:
    """The customer bought the same again: both sides know both, nothing is wrong."""
    book, (first, second) = stage.book, rows[:2]
    book.card[second] = book.card[first]
    book.set_amount(second, book.t_amount[first])
    for at in (book.t_at, book.a_at):
        at[second] = at[first] + 45


def _completed_twice(stage: Stage, rows: Ints, percent: tuple[int, int]) -> tuple[Ints, Ints]:
    first, second = rows[1], rows[2]
    hold(stage, rows[0])
    for part, it in zip(percent, (first, second), strict=True):
        completion(stage, it, rows[0], part)
    return first, second


def _over(stage: Stage, held: Ints, at: Ints, percent: int, match: int, wait: int = 0) -> None:
    book = stage.book
    amount = book.a_amount[held] // 100 * (percent - _MOST)
    book.breaks.add(codes.PREAUTH_OVER, at, amount, 0, wait, match, f"completed for {percent} %")


def _completion_twice(first: int, second: int) -> Tell:
    """Both sides have a second completion."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        _, again = _completed_twice(stage, rows, (first, second))
        book.a_at[again] = book.a_at[rows[1]] + 900
        book.t_at[again] = book.a_at[again]
        amount, match = book.a_money(again), PASS[channel]
        variant = f"{first} % and {second} %, on both sides"
        book.breaks.add(codes.COMPLETION_DUPLICATE, again, amount, 0, 0, match, variant)
        if first + second > _MOST:
            _over(stage, rows[0], again, first + second, match)

    return tell


def _completion_unknown(named: bool) -> Tell:
    """The terminal does not know the second one, which has the auth code or else the RRN."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        book = stage.book
        _, again = _completed_twice(stage, rows, (60, 50))
        book.a_at[again] = book.a_at[rows[1]] + 700
        book.not_on_terminal(again)
        book.auth[again] = book.auth[rows[0]] if named else 0
        book.orig_rrn[again] = 0 if named else book.orig_rrn[again]
        amount, wait = book.a_money(again), stage.provisional(channel)
        variant = "known by its " + ("auth code" if named else "RRN")
        book.breaks.add(codes.COMPLETION_DUPLICATE, again, amount, amount, wait, 0, variant)

    return tell


def _completion_repeated(part: int) -> Tell:
    """The acquirer repeats a completion at once: a duplicate charge."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        hold(stage, rows[0])
        completion(stage, rows[1], rows[0], part)
        more = _extra(stage, rows[1], 30)
        _charged(stage, more, "of a completion")
        if 2 * part > _MOST:
            _over(stage, rows[0], more, 2 * part, 0)

    return tell


def _completed_next_days(stage: Stage, channel: int, rows: Ints) -> None:
    """Held today, completed on the next day and once more on the one after it."""
    book = stage.book
    first, again = _completed_twice(stage, rows, (100, 100))
    for later, it in ((1, first), (2, again)):
        day = stage.day_after(later)
        for days, at in ((book.t_day, book.t_at), (book.a_day, book.a_at)):
            at[it] += 86_400 * (day - stage.day)
            days[it] = day
    amount, match = book.a_money(again), PASS[channel]
    book.breaks.add(codes.COMPLETION_DUPLICATE, again, amount, 0, 0, match, "days later")
    _over(stage, rows[0], again, 200, match)


def _completed_for(percent: int) -> Tell:
    """One completion, for more than the hold; up to 115 % is fine."""

    def tell(stage: Stage, channel: int, rows: Ints) -> None:
        hold(stage, rows[0])
        completion(stage, rows[1], rows[0], percent)
        if percent > _MOST:
            _over(stage, rows[0], rows[1], percent, PASS[channel])

    return tell


def _voided_and_completed(stage: Stage, channel: int, rows: Ints) -> None:
    """Completed, voided, completed again: nothing is wrong."""
    book = stage.book
    hold(stage, rows[0])
    completion(stage, rows[1], rows[0], 90)
    book.set_txn(rows[2], COMPLETION_VOID)
    book.set_amount(rows[2], book.a_amount[rows[1]])
    book.auth[rows[2]] = book.auth[rows[1]]
    book.goes_back(rows[2], rows[1])
    completion(stage, rows[3], rows[0], 100)


def stories() -> Iterator[Story]:
    """All of this kind."""
    yield Story("again at once, same numbers", (CARD, ADYEN), _again(5, same_key=True), USUAL)
    yield Story("again an hour later, same numbers", (CARD, ADYEN), _again(3600, True), USUAL)
    yield Story("again", _ANY, _again(31), USUAL)
    yield Story("again after 600 s", _TOLD, _again(600), USUAL)
    yield Story("twice more", _TOLD, _twice_more, USUAL)
    yield Story("of a declined one", _TOLD, _of_declined, USUAL)
    yield Story("unknown twice", _ANY, _unknown_twice, USUAL)
    yield Story("again after midnight", _TOLD, _after_midnight, WITH_NEXT[:3])
    yield Story("again before midnight", _TOLD, _before_midnight, WITH_NEXT[:3])
    yield Story("unknown twice after midnight", _TOLD, _unknown_after_midnight, WITH_NEXT[:3])
    yield Story("bought twice, late", _TOLD, _bought_twice_late, WITH_NEXT, share=0.002)
    yield Story("completed twice, late", _TOLD, _completion_twice_late, WITH_NEXT)
    yield Story("again in the next file", (CARD,), _same_numbers_next_day, WITH_NEXT[:3])
    yield Story("again in the next file, wrong fee", (CARD,), _wrong_fee_twice, WITH_NEXT[:3])
    yield Story("601 s later", _ANY, _alone(0, 601), USUAL)
    yield Story("another amount", _ANY, _alone(1, 30), USUAL)
    yield Story("after a reversed one", _TOLD, _of_reversed, USUAL)
    yield Story("tried again, same numbers", _TOLD, _tried_again, USUAL, share=0.002)
    yield Story("bought twice", _ANY, _bought_twice, USUAL, share=0.004)
    for parts in ((60, 50), (100, 100), (60, 60)):
        yield Story(f"completed twice {parts}", _TOLD, _completion_twice(*parts), USUAL)
    yield Story("completed once more, auth", _TOLD, _completion_unknown(True), USUAL)
    yield Story("completed once more, RRN", (ADYEN,), _completion_unknown(False), USUAL)
    for part in (50, 100):
        yield Story(f"completion repeated {part}", _TOLD, _completion_repeated(part), USUAL)
    yield Story("completed days later", _TOLD, _completed_next_days, WITH_NEXT[:4])
    for percent in (120, 116):
        yield Story(f"completed for {percent}", _TOLD, _completed_for(percent), USUAL)
    yield Story("completed for 115", _TOLD, _completed_for(115), USUAL, share=0.002)
    yield Story("voided, completed again", _TOLD, _voided_and_completed, USUAL, share=0.002)
