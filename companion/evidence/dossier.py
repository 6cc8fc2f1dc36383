"""Everything that an evidence pack is made of, taken out of the store: no pack reads further.

Amounts are minor units, instants seconds since 1970-01-01 UTC, days ISO dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from companion.statements import currencies

# Characters of a SHA-256.
_HASH = 64
# Digits of a currency's number.
_CURRENCY = 3

# A row of the facts, by column.
Row = Mapping[str, object]


@dataclass(frozen=True)
class Item:
    """One break, with the rows that it is about; None for a leg that has none."""

    id: str
    code: str
    row_key: str
    merchant_no: str
    terminal_no: str
    channel: str
    day: str | None
    amount_minor: int
    effect_minor: int
    owed_minor: int
    match_pass: int
    # It may go away with the next sync or statement.
    provisional: bool
    reason: str
    terminal: Row | None = None
    acquirer: Row | None = None
    bank: Row | None = None
    payout: Row | None = None
    # Of a journal or a batch: where it is, and what is wrong.
    gap: Row | None = None
    note: Mapping[str, str] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The number of the currency of its amounts."""
        for row in (self.acquirer, self.bank, self.payout, self.terminal):
            if text(row, "currency"):
                return text(row, "currency")
        # "…|PAYOUT|978", and behind it a day when such a key came more than once.
        _, _, behind = self.row_key.partition("|PAYOUT|")
        name = behind.partition("|")[0]
        return name if len(name) == _CURRENCY else currencies.CNY

    def rows(self) -> Iterator[tuple[str, Row]]:
        """The rows that come from files: (leg, row)."""
        exported = export_of(self.terminal)
        if exported is not None:
            yield "terminal", exported
        for leg, row in (
            ("acquirer", self.acquirer),
            ("payouts", self.payout),
            ("bank", self.bank),
        ):
            if row is not None:
                yield leg, row


@dataclass(frozen=True)
class Record:
    """One journal record as the terminal sealed it."""

    device_id: str
    seq: int
    # The seal that it stands on and whose it is, 0 for the chain's beginning; None where that
    # record is missing.
    before: bytes | None
    stands_on: int | None
    payload: bytes
    content: Mapping[str, object]
    # None: it cannot be checked, for what it stands on is missing.
    holds: bool | None
    # Which of the terminal's seal keys, from 0.
    generation: int
    received_at: str

    @property
    def key(self) -> tuple[object, object]:
        """Batch and STAN, None where its kind has none."""
        return self.content.get("batch"), self.content.get("stan")


@dataclass(frozen=True)
class Journal:
    """What a pack has of one terminal's journal."""

    device_id: str
    terminal_no: str
    merchant_name: str
    # What the terminal is set to now, as its configuration says it.
    language: int
    utc_offset_min: int
    records: tuple[Record, ...]
    # Whoever keeps these of the newest stored record holds the journal to all before it. The
    # digest is SHA-256 over every payload so far, each behind its number in eight bytes.
    newest_seq: int
    newest_seal: bytes
    digest: str


@dataclass(frozen=True)
class SourceLine:
    """One line of a file from outside, where it is still to be had as text."""

    leg: str
    sha256: str
    name: str
    layout: str
    line: int
    text: str
    imported_at: str


@dataclass(frozen=True)
class Searched:
    """A statement of the acquirer that should have had a row and does not; days are ISO dates."""

    sha256: str
    name: str
    merchant_no: str
    channel: str
    first_day: str
    last_day: str
    rows: int

    def tells(self, merchant_no: str, channel: str, day: str | None) -> bool:
        """Whether it tells this day of a merchant's channel."""
        same = (self.merchant_no, self.channel) == (merchant_no, channel)
        return same and day is not None and self.first_day <= day <= self.last_day


@dataclass(frozen=True)
class Event:
    """One step of the case itself, of those that concern the other side. Number and digest are
    those of the entry in the store's history, and hold it to all before."""

    at: str
    what: str
    text: str
    seq: int
    digest: str


@dataclass(frozen=True)
class Dossier:
    """A case: what disagrees, and the proof of it."""

    case_id: str
    merchant_no: str
    merchant_name: str
    # The day that the pack is dated, and the case's deadline; "" for none.
    day: str
    due: str
    items: tuple[Item, ...]
    journals: tuple[Journal, ...] = ()
    lines: tuple[SourceLine, ...] = ()
    searched: tuple[Searched, ...] = ()
    history: tuple[Event, ...] = ()
    # (id of an item, the acquirer's rows that its payout is for).
    members: tuple[tuple[str, tuple[Row, ...]], ...] = ()
    # The likeliest causes, in words, with what speaks for each.
    causes: tuple[str, ...] = ()
    # The merchant's terminals that keep a sealed journal, by number; of others we have exports.
    sealed: frozenset[str] = frozenset()

    @property
    def answer_by(self) -> str:
        """The day by which an answer is asked for; "" when that is over on the pack's day."""
        return self.due if self.due >= self.day else ""

    def records_of(self, item: Item) -> tuple[Record, ...]:
        """The records of an item's transaction, without what only happened meanwhile."""
        row = item.terminal
        if row is None:
            return ()
        key = number(row, "batch"), number(row, "stan")
        first, last = number(row, "first_seq"), number(row, "last_seq")
        return tuple(
            one
            for journal in self.journals
            if journal.device_id == row.get("device_id")
            for one in journal.records
            if first <= one.seq <= last and one.key == key
        )


def export_of(row: Row | None) -> Row | None:
    """Where a terminal's row stands that comes from another maker's export and no journal of ours:
    such a row has the file's hash for a device, and its line for a record."""
    device = text(row, "device_id")
    if len(device) != _HASH:
        return None
    return {**(row or {}), "file": device, "line": number(row, "first_seq")}


def currency_of(row: Row | None) -> str:
    """The number of a row's currency."""
    return text(row, "currency") or currencies.CNY


def number(row: Row | None, name: str) -> int:
    """An integer of a row; one written as text counts, anything else is 0."""
    value = (row or {}).get(name)
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return value if isinstance(value, int) else 0


def text(row: Row | None, name: str) -> str:
    """A text of a row, "" when there is none."""
    value = (row or {}).get(name)
    return "" if value is None else str(value)
