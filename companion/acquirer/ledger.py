"""The host's own ledger: what it really moved, written before any answer leaves.

SQLite. Double entry: what takes money debits the customer's account and credits the merchant's,
what gives it back the other way; a pre-authorisation does the same between the card's HOLD and
the merchant's HELD account; a reversal posts the opposite of all that its original posted. A card
is known by its first six and last four digits and by a keyed hash whose key lies in a file of its
own next to the ledger (``LEDGER.key``); session keys lie in it only as the key block, wrapped
under the terminal's master key. Clear PANs, track data and PIN blocks never get here.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from companion.acquirer import schema
from companion.acquirer.kinds import KINDS
from companion.acquirer.posting import Posting
from companion.acquirer.records import (
    APPROVED,
    DECLINED,
    REVERSED,
    Batch,
    Card,
    Detail,
    Identity,
    Totals,
    Transaction,
    mask,
)

_KEY_BYTES = 32
_SIGNED = "sum(CASE e.side WHEN 'DEBIT' THEN e.amount_minor ELSE -e.amount_minor END)"


class LedgerError(Exception):
    """The ledger can't be opened, read or written; nothing of the change is in it."""


class Ledger:
    """One ledger. ``busy_s`` bounds the wait for another process that holds it."""

    def __init__(self, path: Path, *, create: bool = True, busy_s: float = 5.0) -> None:
        if not create and not path.exists():
            raise LedgerError(f"{path}: no such ledger")
        try:
            with _opening(path.parent):
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
                self._database = _connect(str(path), busy_s)
                try:
                    self._card_key = self._find_card_key(path.with_name(path.name + ".key"))
                except BaseException:
                    self._database.close()
                    raise
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"{path}: {_reason(error)}") from None

    def _find_card_key(self, path: Path) -> bytes:
        cards = self._database.execute("SELECT id FROM accounts LIMIT 1").fetchone()
        return _card_key(path, make=cards is None)

    @classmethod
    def in_memory(cls, card_key: bytes = bytes(_KEY_BYTES)) -> Ledger:
        """A ledger that is gone with the object, for simulations."""
        ledger = cls.__new__(cls)
        ledger._database = _connect(":memory:", 0.0)
        ledger._card_key = card_key
        return ledger

    def close(self) -> None:
        self._database.close()

    def card(self, pan: str) -> Card:
        token = hmac.digest(self._card_key, pan.encode(), hashlib.sha256).hex()[:16]
        return Card(mask(pan), token)

    @contextmanager
    def begin(self) -> Iterator[Posting]:
        """Read and write as one: all of it is durable when the block ends, or none of it."""
        try:
            # IMMEDIATE: what a posting reads can't change before it writes.
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield Posting(self._database)
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise LedgerError(_reason(error)) from None

    def totals(self, business_date: str) -> Totals:
        """The sums for one business date (YYYY-MM-DD)."""
        query = (
            f"SELECT a.kind, {_SIGNED} FROM entries e JOIN accounts a ON a.id = e.account_id"
            " JOIN transactions t ON t.id = e.transaction_id"
            " WHERE t.business_date = ? GROUP BY a.kind"
        )
        sums = {str(kind): int(total) for kind, total in self._rows(query, business_date)}
        captured = sum(
            row.status == APPROVED and KINDS[row.type].sign != 0
            for row in self.transactions(business_date)
        )
        return Totals(sums.get("CUSTOMER", 0), -sums.get("MERCHANT", 0), captured)

    def transactions(self, business_date: str | None = None) -> list[Transaction]:
        """Every transaction in the order in which the host took them, or those of one date."""
        where = "" if business_date is None else " WHERE t.business_date = ?"
        values = () if business_date is None else (business_date,)
        rows = self._rows(f"{schema.TRANSACTIONS}{where} ORDER BY t.id", *values)
        return [Transaction(*row) for row in rows]

    def batch(self, terminal_no: str, number: str) -> Batch | None:
        """How a batch was settled; None when no settlement request has come for it."""
        return Posting(self._database).batch(terminal_no, number)

    def details(self, terminal_no: str, number: str) -> list[Detail]:
        """What a terminal uploaded of a batch, in the order in which it came."""
        query = (
            "SELECT kind, stan, card, amount_minor FROM details"
            " WHERE terminal_no = ? AND batch = ? ORDER BY rowid"
        )
        return [Detail(*row) for row in self._rows(query, terminal_no, number)]

    def unbalanced(self) -> list[Identity]:
        """Transactions whose debits and credits differ, or differ from what the status says."""
        query = (
            "SELECT e.transaction_id, a.kind, sum(e.amount_minor),"
            f" {_SIGNED} FROM entries e JOIN accounts a ON a.id = e.account_id"
            " GROUP BY e.transaction_id, a.kind"
        )
        posted: dict[int, dict[str, tuple[int, int]]] = {}
        for row, kind, gross, net in self._rows(query):
            posted.setdefault(row, {})[kind] = (gross, net)
        known = {row.id: row for row in self.transactions()}
        return [
            row.identity for row in known.values() if posted.get(row.id, {}) != _due(row, known)
        ]

    def _rows(self, query: str, *values: str) -> list[Any]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(_reason(error)) from None


def _due(row: Transaction, known: dict[int, Transaction]) -> dict[str, tuple[int, int]]:
    """By account kind, the gross and the net debit that a transaction must have posted."""
    kind = KINDS[row.type]
    if row.status == DECLINED:
        return {}
    held = known[row.original_id].amount_minor if kind.hold < 0 else row.amount_minor
    due = {}
    pairs = (
        ("CUSTOMER", "MERCHANT", kind.sign * row.amount_minor),
        ("HOLD", "HELD", kind.hold * held),
    )
    for card, merchant, debit in pairs:
        if debit and row.status == REVERSED:
            due[card] = due[merchant] = (2 * abs(debit), 0)
        elif debit:
            due[card], due[merchant] = (abs(debit), debit), (abs(debit), -debit)
    return due


@contextmanager
def _opening(directory: Path) -> Iterator[None]:
    """One process at a time: SQLite does not wait for another that turns the same new file into
    a ledger, and two must not make two card keys. The kernel frees the lock of a dead one."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _connect(name: str, busy_s: float) -> sqlite3.Connection:
    # The driver's own transaction handling begins too late for reads: BEGIN is sent by hand.
    database = sqlite3.connect(name, timeout=busy_s, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA foreign_keys=ON")
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            for statement in (*schema.TABLES.split(";"), schema.NET):
                database.execute(statement)
            database.execute(f"PRAGMA user_version={schema.VERSION}")
        elif version != schema.VERSION:
            raise OSError(f"a ledger of version {version}, not {schema.VERSION}: start a new one")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def _card_key(path: Path, *, make: bool) -> bytes:
    if make and not path.exists():
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    key = path.read_bytes() if path.exists() else b""
    if len(key) != _KEY_BYTES:
        raise OSError(f"its card key {path.name} is missing or damaged")
    return key


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
