"""What the host really moved, from its own writes at its own door; never from the terminal."""

from __future__ import annotations

from collections import Counter
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

    type: str
    amount_minor: int
    card: str
    approved: bool
    reversed: bool = False
    of: Key | None = None

    @property
    def stands(self) -> bool:
        return self.approved and not self.reversed


class Book:
    """Rows by batch and STAN, and the two sides of every posting."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.customers: Counter[str] = Counter()
        self.merchant_minor = 0
        self.fees_minor = 0
        self.reversals: Counter[Key] = Counter()
        self.overtaken: set[Key] = set()
        # Told otherwise than it was booked, by the host's own fault: for reconciliation to find.
        self.misled: set[Key] = set()
        # Answers with a wrong MAC or none, another amount or no F39: nothing may rest on them.
        self.spoiled: set[bytes] = set()
        self._tombstones: set[Key] = set()
        self._order: list[Key] = []

    def note(self, change: records.Write) -> None:
        """A write of the host's, as it is made."""
        if isinstance(change, records.PostTransaction):
            self._booked(change.transaction)
        elif isinstance(change, records.PostReversal):
            self._reversed(change)

    def _booked(self, booked: records.Transaction) -> None:
        key = int(booked.batch), int(booked.stan)
        approved = booked.status == records.APPROVED
        row = Row(booked.type, booked.amount_minor, booked.card, approved)
        if booked.original_id:
            row.of = self._order[booked.original_id - 1]
        self._order.append(key)
        self.rows[key] = row
        if key in self._tombstones:
            self.overtaken.add(key)
        if approved:
            self._move(row, row.amount_minor)

    def _reversed(self, change: records.PostReversal) -> None:
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
