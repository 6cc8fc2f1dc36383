"""The watch after a change of account: whether the first payouts came to the new one.

It is made anew each time of the decisions, the bank's bookings and the breaks, and goes on until
so many payouts have been seen on the new account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from companion.accounts.settlement import Change, accounts
from companion.facts.schema import day_number
from companion.reconcile import codes, words

# So many payouts on the new account, and the change has taken effect.
ENOUGH = 3

FUTURE = "not yet"  # the new account is not valid yet
WATCHING = "watching"  # not enough payouts have come
OVERDUE = "overdue"  # the first one should be there by now
TROUBLE = "trouble"  # a payout is open that went elsewhere, came back or did not come
SEEN = "seen"

_TELLING = (
    codes.PAYOUT_OLD_ACCOUNT,
    codes.PAYOUT_WRONG_ACCOUNT,
    codes.PAYOUT_RETURNED,
    codes.PAYOUT_MISSING,
    codes.PAYOUT_SHORT,
    codes.PAYOUT_LATE,
)
# It came, only later.
_CAME = (codes.PAYOUT_LATE,)
# Of any payout, not only of the first ones.
_ELSEWHERE = (codes.PAYOUT_OLD_ACCOUNT, codes.PAYOUT_WRONG_ACCOUNT)


@dataclass(frozen=True)
class Credit:
    """A payout as the bank booked it; the day as in facts."""

    account: str
    channel: str
    day: int
    amount_minor: int
    ref: str


@dataclass(frozen=True)
class Trouble:
    """A break of the store about a payout that the change may have to do with."""

    id: str
    code: str
    merchant_no: str
    channel: str
    # The day on which the payout was, or should have been, paid; of its settlement if unknown.
    day: int
    amount_minor: int
    reason: str


@dataclass(frozen=True)
class Watched:
    """One approved change, and what has come since."""

    change: Change
    state: str
    # Until when the first payout is not late.
    expected: int
    seen: list[Credit]
    troubles: list[Trouble]

    @property
    def over(self) -> bool:
        """Whether the watch has seen what it waits for."""
        return self.state == SEEN


def watched(
    changes: Sequence[Change],
    credits: Iterable[Credit],
    troubles: Iterable[Trouble],
    as_of: int,
    late: Callable[[str, int], int],
) -> list[Watched]:
    """What became of each approved change, the newest first.

    `late(channel, day)` is until when the payout of a settlement day is not late. A change whose
    place another one has taken is watched for the days that it was valid.
    """
    ends = {(one.merchant_no, one.channel, one.valid_from): one for one in accounts(list(changes))}
    all_credits, all_troubles = list(credits), list(troubles)
    made = []
    for change in changes:
        mine = ends.get((change.merchant_no, change.channel, change.valid_from))
        if change.state != "approved" or mine is None or mine.account != change.account:
            continue
        days = range(mine.valid_from, mine.valid_to)
        seen = _first(change, days, all_credits)
        until = seen[-1].day if len(seen) == ENOUGH else mine.valid_to
        bad = [
            one
            for one in all_troubles
            if (one.merchant_no, one.channel) == (change.merchant_no, change.channel)
            and one.day in days
            and (one.day <= until or one.code in _ELSEWHERE)
        ]
        expected = late(change.channel, change.valid_from)
        made.append(
            Watched(change, _state(change, seen, bad, as_of, expected), expected, seen, bad)
        )
    return sorted(made, key=lambda one: (-one.change.valid_from, one.change.number))


def trouble_of(row: Mapping[str, object]) -> Trouble | None:
    """A break of the store as one that a change may have to do with, or None."""
    code, settled = str(row["code"]), row["business_date"]
    if code not in _TELLING or settled is None:
        return None
    pay_day = words.notes(str(row["note"])).get("pay_day", "")
    evidence = row["evidence"]
    bank = evidence.get("bank") if isinstance(evidence, dict) else None
    if bank:
        day = int(bank["day"])
    else:
        day = int(pay_day) if pay_day.isdigit() else day_number(date.fromisoformat(str(settled)))
    return Trouble(
        id=str(row["id"]),
        code=code,
        merchant_no=str(row["merchant_no"]),
        channel=str(row["channel"]),
        day=day,
        amount_minor=int(str(row["amount_minor"])),
        reason=str(row["reason"]),
    )


def _first(change: Change, days: range, credits: list[Credit]) -> list[Credit]:
    seen = [
        one
        for one in credits
        if (one.account, one.channel) == (change.account, change.channel)
        and one.day in days
        and one.amount_minor > 0
    ]
    return sorted(seen, key=lambda one: (one.day, one.ref, one.amount_minor))[:ENOUGH]


def _state(
    change: Change, seen: list[Credit], bad: list[Trouble], as_of: int, expected: int
) -> str:
    if as_of < change.valid_from:
        return FUTURE
    if any(one.code not in _CAME for one in bad):
        return TROUBLE
    if len(seen) == ENOUGH:
        return SEEN
    return OVERDUE if not seen and as_of > expected else WATCHING
