"""What goes wrong with payouts: late, short, to another account, sent back, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from companion.facts.schema import day_number
from companion.inject import days, marks, names, payouts, size
from companion.inject.payouts import Group, Ledger, Nets
from companion.inject.terms import CHANNELS
from companion.reconcile import codes

# How long a booking may stay unexplained.
_UNEXPLAINED_DAYS = 5


def _late(group: Group) -> date:
    return days.after(group.last, 1)


def _missing(ledger: Ledger, group: Group) -> None:
    ledger.tell(codes.PAYOUT_MISSING, group.key, group.net, group.net, "nothing came")


def _announced_missing(ledger: Ledger, group: Group) -> None:
    ledger.announce(group, payouts.valid_account(group.merchant, group.pay))
    ledger.tell(codes.PAYOUT_MISSING, group.key, group.net, group.net, "announced")


def _short(parts: int) -> Callable[[Ledger, Group], None]:
    def story(ledger: Ledger, group: Group) -> None:
        short = group.net // 9 + 1
        for part in range(parts):
            share = (group.net - short) // parts
            first = group.net - short - share * (parts - 1)
            ledger.book(group, share if part else first, group.pay)
        ledger.tell(codes.PAYOUT_SHORT, group.key, short, short, f"in {parts}")

    return story


def _over(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net + 777, group.pay)
    ledger.tell(codes.PAYOUT_OVER, group.key, 777, -777, "more than was due")


def _twice(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, group.pay)
    ledger.book(group, group.net, group.pay)
    ledger.tell(codes.PAYOUT_OVER, group.key, group.net, -group.net, "paid twice")


def _paid_late(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, _late(group))
    ledger.tell(codes.PAYOUT_LATE, group.key, group.net, 0, "whole")


def _late_and_short(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net - 5, _late(group))
    ledger.tell(codes.PAYOUT_LATE, group.key, group.net, 0, "and short")
    ledger.tell(codes.PAYOUT_SHORT, group.key, 5, 5, "and late")


def _old_account(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, group.pay, names.account(group.merchant, 1))
    ledger.tell(codes.PAYOUT_OLD_ACCOUNT, group.key, group.net, 0, "the bank shows it")


def _wrong_account(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, group.pay, names.account(group.merchant, 2))
    ledger.tell(codes.PAYOUT_WRONG_ACCOUNT, group.key, group.net, 0, "the bank shows it")


def _announced(kind: int, code: str) -> Callable[[Ledger, Group], None]:
    def story(ledger: Ledger, group: Group) -> None:
        ledger.announce(group, names.account(group.merchant, kind))
        ledger.tell(code, group.key, group.net, group.net, "the acquirer says so")

    return story


def _returned(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, group.pay)
    ledger.book(group, -group.net, days.after(group.pay, 1), kind="RETURN")
    ledger.tell(codes.PAYOUT_RETURNED, group.key, group.net, group.net, "the bank shows it")


def _told_returned(ledger: Ledger, group: Group) -> None:
    ledger.announce(group, payouts.valid_account(group.merchant, group.pay), "RETURNED")
    ledger.tell(codes.PAYOUT_RETURNED, group.key, group.net, group.net, "the acquirer says so")


def _paid_again(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, group.pay)
    ledger.book(group, -group.net, days.after(group.pay, 1), kind="RETURN")
    ledger.book(group, group.net, days.after(group.pay, 1))


def _in_two(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net // 3, group.pay)
    ledger.book(group, group.net - group.net // 3, group.last)


def _unexplained(ledger: Ledger, group: Group) -> None:
    """It is paid, and something else comes besides."""
    _whole(ledger, group)
    account, amount = payouts.valid_account(group.merchant, group.pay), 1_234_567
    channel = CHANNELS[group.channel]
    ref = f"X{group.merchant}{channel.upper()}{day_number(group.settled)}"
    ledger.booking(account, channel, group.pay, amount, ref)
    key = f"BANK|{account}|{day_number(group.pay)}|{ref}|{amount}|1"
    if (days.TODAY - group.pay).days > _UNEXPLAINED_DAYS:
        ledger.tell(codes.PAYOUT_OVER, key, amount, -amount, "nothing explains it")


def _whole(ledger: Ledger, group: Group) -> None:
    ledger.book(group, group.net, group.pay)


@dataclass(frozen=True)
class _Story:
    tell: Callable[[Ledger, Group], None]
    # Whether it needs a reference to be known for what it is; an account that changed before.
    named: bool = False
    changed: bool = False
    announced: bool = False

    def fits(self, group: Group, plain: bool) -> bool:
        if (self.named and not group.ref) or (self.announced and plain):
            return False
        return not self.changed or (payouts.changes(group.merchant) and group.pay >= days.CHANGED)


_STORIES = (
    _Story(_old_account, changed=True),
    _Story(_announced(1, codes.PAYOUT_OLD_ACCOUNT), changed=True, announced=True),
    _Story(_missing),
    _Story(_announced_missing, announced=True),
    _Story(_short(1), named=True),
    _Story(_short(2), named=True),
    _Story(_over, named=True),
    _Story(_twice, named=True),
    _Story(_paid_late),
    _Story(_late_and_short, named=True),
    _Story(_wrong_account, named=True),
    _Story(_announced(2, codes.PAYOUT_WRONG_ACCOUNT), announced=True),
    _Story(_returned),
    _Story(_told_returned, announced=True),
    _Story(_paid_again, named=True),
    _Story(_in_two, named=True),
    _Story(_unexplained),
)


def pay(nets: Nets, random: np.random.Generator, untold: frozenset[int]) -> Ledger:
    """Pay what is due by days.TODAY; merchants of `untold` have only what is right."""
    ledger = Ledger()
    groups = list(_alone(ledger, nets.groups(), random))
    wrong = _wrong(groups, nets.plain, random, untold)
    for place, group in enumerate(groups):
        wrong.get(place, _whole)(ledger, group)
    return ledger


def _wrong(
    groups: list[Group], plain: bool, random: np.random.Generator, untold: frozenset[int]
) -> dict[int, Callable[[Ledger, Group], None]]:
    """What goes wrong with which group: everything once, then in turns."""
    free = [
        int(place)
        for place in random.permutation(len(groups))
        if groups[place].merchant not in untold and groups[place].last < days.TODAY
    ]
    most = int(len(free) * max(0.03, min(0.4, 60 / max(1, len(free)))))
    chosen: dict[int, Callable[[Ledger, Group], None]] = {}
    found = True
    while found:
        found = False
        for story in _STORIES:
            fits = (place for place in free if place not in chosen)
            place = next((one for one in fits if story.fits(groups[one], plain)), None)
            if place is not None and len(chosen) < most:
                chosen[place] = story.tell
                found = True
    return chosen


def _alone(ledger: Ledger, groups: list[Group], random: np.random.Generator) -> Iterator[Group]:
    """The groups that are due and whose bank tells, without those that are paid together."""
    bundles: dict[tuple[int, int, date], list[Group]] = {}
    for group in groups:
        if group.net <= 0:
            raise ValueError(f"{group.key}: nothing is to be paid")
        silent = group.merchant == size.BANK_SILENT and group.pay >= marks.SILENT_FROM
        if group.pay <= days.TODAY and not silent:
            bundles.setdefault((group.merchant, group.channel, group.pay), []).append(group)
    for bundle in bundles.values():
        first = bundle[0]
        if len(bundle) > 1 and not first.ref and random.random() < 0.5:
            ledger.booking(
                payouts.valid_account(first.merchant, first.pay),
                CHANNELS[first.channel],
                first.pay,
                sum(group.net for group in bundle),
                "",
            )
        else:
            yield from bundle
