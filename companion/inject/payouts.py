"""The third leg: settlements, what the bank books of them, and the accounts for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from companion.facts.schema import FAR, as_date, day_number
from companion.inject import days, legs, names
from companion.inject.book import Book
from companion.inject.terms import A_CAPTURED, CHANNELS, Ints, money
from companion.inject.truth import Known

_FIRST = day_number(days.OLD) - 400
_CHANGED = day_number(days.CHANGED)
# Other merchants have always had the same account.
_CHANGING = (7, 3)


@dataclass(frozen=True)
class Group:
    """What is settled together: merchant and channel by place, `net` in minor units."""

    merchant: int
    channel: int
    settled: date
    net: int
    # The acquirer's reference, "" where it gives none.
    ref: str

    @property
    def key(self) -> str:
        """As breaks name it."""
        name = self.ref or str(day_number(self.settled))
        return f"{names.merchant_no(self.merchant)}|{CHANNELS[self.channel]}|{name}|PAYOUT"

    @property
    def pay(self) -> date:
        """When it should be paid."""
        return days.pay_day(CHANNELS[self.channel], self.settled)

    @property
    def last(self) -> date:
        """Until when it is not late."""
        return days.late_day(CHANNELS[self.channel], self.settled)


@dataclass
class Nets:
    """Sums what is captured, by merchant, channel and day of settlement."""

    merchants: int
    plain: bool = False
    _sums: dict[tuple[int, int], Ints] = field(default_factory=dict)
    _rows: dict[tuple[int, int], Ints] = field(default_factory=dict)

    def add(self, book: Book, at: Ints) -> None:
        """Add the acquirer's rows `at`."""
        at = at[book.a_status[at] == A_CAPTURED]
        value = money(book.a_txn[at], book.a_amount[at]) - book.fee[at]
        for channel, name in enumerate(CHANNELS):
            for day in np.unique(book.a_day[at]):
                settled = days.settle_day(name, as_date(int(day)))
                mine = (book.channel[at] == channel) & (book.a_day[at] == day)
                place = (channel, day_number(settled))
                for sums, weight in ((self._sums, value), (self._rows, np.ones_like(value))):
                    total = sums.setdefault(place, np.zeros(self.merchants, np.int64))
                    np.add.at(total, book.merchant[at[mine]], weight[mine])

    def groups(self) -> list[Group]:
        """Every group that has rows."""
        found = []
        for (channel, settled), rows in sorted(self._rows.items()):
            for merchant in np.flatnonzero(rows):
                net = int(self._sums[channel, settled][merchant])
                ref = "" if self.plain else legs.ref(channel, int(merchant), settled)
                found.append(Group(int(merchant), channel, as_date(settled), net, ref))
        return found


@dataclass
class Ledger:
    """Bookings and announcements, as rows of the facts without their ids, and the breaks."""

    bank: list[dict[str, object]] = field(default_factory=list)
    payouts: list[dict[str, object]] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)

    def book(
        self, group: Group, amount: int, day: date, account: str = "", kind: str = "CREDIT"
    ) -> None:
        """The bank books something for a group, on the right account unless another is named."""
        self.booking(
            account or valid_account(group.merchant, day),
            CHANNELS[group.channel],
            day,
            amount,
            group.ref,
            kind,
        )

    def booking(
        self, account: str, channel: str, day: date, amount: int, ref: str, kind: str = "CREDIT"
    ) -> None:
        """The bank books something."""
        self.bank.append(
            {
                "account": account,
                "channel": channel,
                "day": day_number(day),
                "amount_minor": amount,
                "currency": "156",
                "ref": ref,
                "kind": kind,
                "text": f"{channel} {ref}".strip(),
            }
        )

    def announce(self, group: Group, account: str, status: str = "SENT") -> None:
        """The acquirer says that it has paid, or that the bank sent it back."""
        self.payouts.append(
            {
                "merchant_no": names.merchant_no(group.merchant),
                "channel": CHANNELS[group.channel],
                "ref": group.ref,
                "settle_day": day_number(group.settled),
                "day": day_number(group.pay),
                "gross_minor": group.net,
                "fee_minor": 0,
                "net_minor": group.net,
                "currency": "156",
                "account": account,
                "status": status,
                "reason": "ACCOUNT FROZEN" if status == "RETURNED" else "",
            }
        )

    def tell(self, code: str, key: str, amount: int, owed: int, variant: str) -> None:
        """What is wrong."""
        self.known.append(Known(code, key, abs(amount), 0, owed, 0, 0, variant))


def changes(merchant: int) -> bool:
    """Whether his account changed on days.CHANGED."""
    every, this = _CHANGING
    return merchant % every == this


def valid_account(merchant: int, day: date) -> str:
    """The account that is the right one on a day."""
    before = changes(merchant) and day < days.CHANGED
    return names.account(merchant, int(before))


def account_rows(merchants: int, plain: bool) -> list[dict[str, object]]:
    """The table `accounts`; a plain world has cards only."""
    rows: list[dict[str, object]] = []
    for merchant in range(merchants):
        spans = [(0, _FIRST, FAR)]
        if changes(merchant):
            spans = [(1, _FIRST, _CHANGED), (0, _CHANGED, FAR)]
        for kind, first, until in spans:
            for channel in CHANNELS[:1] if plain else CHANNELS:
                rows.append(
                    {
                        "merchant_no": names.merchant_no(merchant),
                        "channel": channel,
                        "account": names.account(merchant, kind),
                        "valid_from": first,
                        "valid_to": until,
                    }
                )
    return rows
