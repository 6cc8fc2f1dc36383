"""What the acquirer may keep in an injected world, and what it kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.facts.schema import FAR, day_number
from companion.inject import days, names
from companion.inject.book import Book
from companion.inject.terms import A_CAPTURED, ADYEN, CARD, CHANNELS, FEE, WECHAT, Ints, money

_FIRST = day_number(days.OLD) - 400
CHANGE = day_number(days.CHANGED)
# This merchant of each 11 has agreed on no plan: his fees are not checked.
_PLANLESS = (11, 10)


@dataclass(frozen=True)
class Plan:
    """A plan from `first` until the day before `until`."""

    rate_ppm: int
    fixed: int
    cap: int
    back: bool
    first: int
    until: int


_PLANS: dict[tuple[int, int], tuple[Plan, ...]] = {
    (CARD, 0): (
        Plan(6000, 0, 0, True, _FIRST, CHANGE),
        Plan(5500, 0, 0, True, CHANGE, FAR),
    ),
    (CARD, 1): (Plan(6000, 0, 2000, False, _FIRST, FAR),),
    (CARD, 2): (Plan(3800, 30, 0, True, _FIRST, FAR),),
    (ADYEN, 0): (Plan(12_000, 10, 0, False, _FIRST, FAR),),
    (ADYEN, 1): (Plan(9990, 0, 8000, True, _FIRST, FAR),),
    (ADYEN, 2): (
        Plan(12_000, 10, 0, False, _FIRST, CHANGE),
        Plan(12_000, 25, 0, False, CHANGE, FAR),
    ),
    (WECHAT, 0): (Plan(6000, 0, 0, True, _FIRST, FAR),),
}


def _plans(channel: int, kind: int) -> tuple[Plan, ...]:
    return _PLANS.get((channel, kind), ())


def has_plan(merchant: Ints) -> Ints:
    """1 for merchants whose fees can be checked."""
    every, this = _PLANLESS
    checked: Ints = (merchant % every != this).astype(np.int64)
    return checked


def rows(merchants: int) -> list[dict[str, object]]:
    """The table `fee_plans`."""
    every, this = _PLANLESS
    return [
        {
            "merchant_no": names.merchant_no(merchant),
            "channel": CHANNELS[channel],
            "rate_ppm": plan.rate_ppm,
            "fixed_minor": plan.fixed,
            "cap_minor": plan.cap,
            "refund_back": int(plan.back),
            "valid_from": plan.first,
            "valid_to": plan.until,
        }
        for merchant in range(merchants)
        if merchant % every != this
        for channel in range(len(CHANNELS))
        for plan in _plans(channel, merchant % 3)
    ]


def agreed(book: Book, at: Ints, day: int | None = None) -> Ints:
    """The fee of the plan for these transactions, as of their own day or of another."""
    fee = np.zeros(len(at), np.int64)
    when = book.a_day[at] if day is None else np.full(len(at), day)
    amount = book.a_amount[at]
    taken = money(book.a_txn[at], amount)
    for (channel, kind), plans in _PLANS.items():
        mine = (book.channel[at] == channel) & (book.merchant[at] % 3 == kind)
        for plan in plans:
            valid = mine & (when >= plan.first) & (when < plan.until)
            full = (amount * plan.rate_ppm + 500_000) // 1_000_000 + plan.fixed
            if plan.cap:
                full = np.minimum(full, plan.cap)
            back = -full if plan.back else np.zeros_like(full)
            fee = np.where(valid, np.where(taken > 0, full, back), fee)
    return fee


def charge(book: Book) -> None:
    """State the agreed fee, plus what a story has put wrong, where the acquirer states one."""
    at = np.arange(book.used)
    captured = book.a_status[at] == A_CAPTURED
    # The wallet of two merchants in three does not tell.
    told = (book.channel[at] != WECHAT) | (book.merchant[at] % 3 == 0)
    told &= not book.plain
    stated = captured & told
    book.fee_stated[at] = stated
    # Without a plan the acquirer keeps what it likes.
    free = np.where(has_plan(book.merchant[at]) == 1, agreed(book, at), book.a_amount[at] // 77)
    free = np.where(book.a_txn[at] == FEE, 0, free)
    book.fee[at] = np.where(stated, book.fee[at] + free, 0)
