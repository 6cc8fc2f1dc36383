"""The transactions of a part of a day as arrays: what happened, and what each side says of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from companion.inject.terms import A_AUTHORISED, A_CAPTURED, Ints, holds, money

_FIELDS = (
    "merchant",
    "terminal",
    "channel",
    "batch",
    "stan",
    "card",
    "auth",
    "on_terminal",
    "t_day",
    "t_at",
    "t_txn",
    "t_status",
    "t_amount",
    "t_rrn",
    "of_stan",
    "on_acquirer",
    "a_day",
    "a_at",
    "a_txn",
    "a_status",
    "a_amount",
    "a_rrn",
    "a_batch",
    "a_stan",
    "a_occurrence",
    "a_terminal",
    "a_token",
    "orig_rrn",
    "fee",
    "fee_stated",
    "chargeback",
    "late",
)


@dataclass(frozen=True)
class Truth:
    """Breaks of one kind: a row of the book each, and their figures."""

    code: str
    rows: Ints
    amount: Ints
    effect: Ints
    provisional: Ints
    match_pass: int
    variant: str
    # Of a key that a break of this code has had on an earlier day.
    again: bool


@dataclass
class Breaks:
    """What was put wrong, as it was put wrong."""

    truths: list[Truth] = field(default_factory=list)

    def add(
        self,
        code: str,
        rows: Ints,
        amount: Ints,
        effect: Ints | int = 0,
        provisional: Ints | int = 0,
        match_pass: int = 0,
        variant: str = "",
        again: bool = False,
    ) -> None:
        """Breaks of `code`, one for each of `rows`; amounts in minor units, never negative."""
        size = len(rows)
        self.truths.append(
            Truth(
                code,
                rows.copy(),
                np.array(np.broadcast_to(amount, size)),
                np.array(np.broadcast_to(effect, size)),
                np.array(np.broadcast_to(provisional, size)),
                match_pass,
                variant,
                again,
            )
        )


class Book:
    """Parallel arrays of int64, one place a transaction; 0 in a number means that none is given.

    ``on_terminal`` and ``on_acquirer`` say which side has it. ``merchant``, ``terminal`` and
    ``card`` are places in the world's lists (card -1: none), the rest is as in the facts, with
    words as places in `terms`. The acquirer's own batch and STAN are ``a_batch`` and ``a_stan``;
    ``a_terminal`` and ``a_token`` say whether it names terminal and token, ``late`` whether it
    came with a later file.
    """

    merchant: Ints
    terminal: Ints
    channel: Ints
    batch: Ints
    stan: Ints
    card: Ints
    auth: Ints
    on_terminal: Ints
    t_day: Ints
    t_at: Ints
    t_txn: Ints
    t_status: Ints
    t_amount: Ints
    t_rrn: Ints
    of_stan: Ints
    on_acquirer: Ints
    a_day: Ints
    a_at: Ints
    a_txn: Ints
    a_status: Ints
    a_amount: Ints
    a_rrn: Ints
    a_batch: Ints
    a_stan: Ints
    a_occurrence: Ints
    a_terminal: Ints
    a_token: Ints
    orig_rrn: Ints
    fee: Ints
    fee_stated: Ints
    chargeback: Ints
    late: Ints

    def __init__(self, rows: int, spare: int, first_rrn: int, plain: bool = False) -> None:
        """Room for `rows` transactions and for `spare` more that stories add.

        `plain`: the acquirer tells neither fees nor settlements.
        """
        for name in _FIELDS:
            setattr(self, name, np.zeros(rows + spare, np.int64))
        self.rows = rows
        self.used = rows
        self.plain = plain
        self.first_rrn = first_rrn
        self.a_occurrence[:] = 1
        self.breaks = Breaks()

    @property
    def capacity(self) -> int:
        """Rows that it has room for; each has an RRN of its own, used or not."""
        return len(self.merchant)

    def own_rrn(self, rows: Ints) -> Ints:
        """RRNs that no other transaction has."""
        return rows + self.first_rrn

    def again(self, rows: Ints) -> Ints:
        """The same transactions once more, as new rows."""
        more = np.arange(self.used, self.used + len(rows))
        if self.used + len(rows) > self.capacity:
            raise ValueError("the book has no more room")
        self.used += len(rows)
        for name in _FIELDS:
            values: Ints = getattr(self, name)
            values[more] = values[rows]
        return more

    def set_txn(self, rows: Ints, txn: int) -> None:
        """Make them transactions of this type, as far as both sides know."""
        self.t_txn[rows] = txn
        self.a_txn[rows] = txn
        self._authorised(rows)

    def set_amount(self, rows: Ints, amount: Ints | int) -> None:
        """Give them this amount on both sides, minor units."""
        self.t_amount[rows] = amount
        self.a_amount[rows] = amount

    def set_status(self, rows: Ints, terminal: int, acquirer: int) -> None:
        """What either side says of them; a hold is authorised where money would be captured."""
        self.t_status[rows] = terminal
        self.a_status[rows] = acquirer
        self._authorised(rows)

    def _authorised(self, rows: Ints) -> None:
        status = self.a_status[rows]
        good = (status == A_CAPTURED) | (status == A_AUTHORISED)
        word = np.where(holds(self.a_txn[rows]), A_AUTHORISED, A_CAPTURED)
        self.a_status[rows] = np.where(good, word, status)

    def goes_back(self, rows: Ints, to: Ints) -> None:
        """Make `rows` go back to the transactions `to`: same card, original's STAN and RRN."""
        self.card[rows] = self.card[to]
        self.of_stan[rows] = self.stan[to]
        self.orig_rrn[rows] = self.a_rrn[to]

    def not_on_terminal(self, rows: Ints) -> None:
        """Only the acquirer has them."""
        self.on_terminal[rows] = 0

    def not_on_acquirer(self, rows: Ints) -> None:
        """Only the terminal has them."""
        self.on_acquirer[rows] = 0

    def t_money(self, rows: Ints) -> Ints:
        """What the terminal says was taken of the customer."""
        return money(self.t_txn[rows], self.t_amount[rows])

    def a_money(self, rows: Ints) -> Ints:
        """What the acquirer says was taken of the customer."""
        return money(self.a_txn[rows], self.a_amount[rows])
