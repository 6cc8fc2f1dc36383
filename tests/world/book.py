"""What the host really moved, from its own writes at its own door; never from a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from companion.acquirer import records

Key = tuple[int, int]
"""Batch and STAN."""

# What the customer pays, by the host's name of a transaction; what is not here moves no money.
SIGNS = {
    "SALE": 1,
    "COMPLETION": 1,
    "COMPLETION_NOTICE": 1,
    "VOID": -1,
    "REFUND": -1,
    "COMPLETION_VOID": -1,
}


@dataclass
class Row:
    """One transaction at the host."""

    key: Key
    type: str
    amount_minor: int
    card: str
    approved: bool
    reversed: bool = False
    of: Row | None = None

    @property
    def stands(self) -> bool:
        return self.approved and not self.reversed


class Books:
    """The host's, one for each terminal number; what a row goes back to may be in another's."""

    def __init__(self, terminals: Iterable[str]) -> None:
        # Answers with a wrong MAC or none, another amount or no F39: nothing may rest on them.
        self.spoiled: set[bytes] = set()
        self.of = {terminal_no: Book(self.spoiled) for terminal_no in terminals}
        self._order: list[Row] = []

    def note(self, change: records.Write) -> None:
        """A write of the host's, as it is made."""
        if isinstance(change, records.PostTransaction):
            booked = change.transaction
            of = self._order[booked.original_id - 1] if booked.original_id else None
            self._order.append(self.of[booked.terminal_no].booked(booked, of))
        elif isinstance(change, records.PostReversal):
            self.of[change.identity.terminal_no].reversed(change)

    def rows(self) -> Iterator[Row]:
        """All of them, in the order in which they were booked."""
        return iter(self._order)


class Book:
    """A terminal's rows by batch and STAN, and the two sides of every posting."""

    def __init__(self, spoiled: set[bytes]) -> None:
        self.spoiled = spoiled
        self.rows: dict[Key, Row] = {}
        self.customers: Counter[str] = Counter()
        self.merchant_minor = 0
        self.fees_minor = 0
        self.reversals: Counter[Key] = Counter()
        self.overtaken: set[Key] = set()
        # Told otherwise than it was booked, by the host's own fault: for reconciliation to find.
        self.misled: set[Key] = set()
        self._tombstones: set[Key] = set()

    def booked(self, booked: records.Transaction, of: Row | None) -> Row:
        """A transaction, and what it goes back to."""
        key = int(booked.batch), int(booked.stan)
        approved = booked.status == records.APPROVED
        row = Row(key, booked.type, booked.amount_minor, booked.card, approved, of=of)
        self.rows[key] = row
        if key in self._tombstones:
            self.overtaken.add(key)
        if approved:
            self._move(row, row.amount_minor)
        return row

    def reversed(self, change: records.PostReversal) -> None:
        """A reversal, whatever came of it."""
        key = int(change.identity.batch), int(change.identity.stan)
        self.reversals[key] += 1
        if change.effect == records.TOMBSTONE:
            self._tombstones.add(key)
        row = self.rows.get(key)
        if row is None or not row.stands:
            return
        if change.effect == records.UNDONE:
            row.reversed = True
            self._move(row, -row.amount_minor)
        elif change.f39 == "12":
            self.misled.add(key)  # "what is settled stays": REV_ABSENT, flagged high

    def _move(self, row: Row, amount_minor: int) -> None:
        signed = SIGNS.get(row.type, 0) * amount_minor
        self.customers[row.card] += signed
        self.merchant_minor += signed
