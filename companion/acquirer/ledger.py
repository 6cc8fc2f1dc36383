"""The host's own ledger: what it really moved, written before any answer leaves.

SQLite through SQLAlchemy Core. Double entry: every approved sale debits the customer's account
and credits the merchant's; a reversal posts the opposite pair. A card is known by its first six
and last four digits and by a keyed hash whose key lies in a file of its own next to the ledger
(``LEDGER.key``); session keys lie in it only as the key block, wrapped under the terminal's
master key. Clear PANs, track data and PIN blocks never get here.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from companion.acquirer.posting import Posting
from companion.acquirer.records import (
    APPROVED,
    REVERSED,
    Card,
    Identity,
    Totals,
    Transaction,
    mask,
)
from companion.acquirer.schema import SALES, accounts, entries, metadata, transactions


class LedgerError(Exception):
    """The ledger can't be opened, read or written; nothing of the change is in it."""


class Ledger:
    """One ledger file. ``busy_s`` bounds the wait for another process that holds it."""

    def __init__(self, path: Path, *, create: bool = True, busy_s: float = 5.0) -> None:
        if not create and not path.exists():
            raise LedgerError(f"{path}: no such ledger")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._engine = _engine(path, busy_s)
            with self._engine.begin() as connection:
                metadata.create_all(connection)
                cards = connection.execute(sa.select(accounts.c.id).limit(1)).first()
            self._card_key = _card_key(path.with_name(path.name + ".key"), make=cards is None)
        except (OSError, sa.exc.SQLAlchemyError) as error:
            raise LedgerError(f"{path}: {_reason(error)}") from None

    def close(self) -> None:
        self._engine.dispose()

    def card(self, pan: str) -> Card:
        token = hmac.new(self._card_key, pan.encode(), hashlib.sha256).hexdigest()[:16]
        return Card(mask(pan), token)

    @contextmanager
    def begin(self) -> Iterator[Posting]:
        """Read and write as one: all of it is durable when the block ends, or none of it."""
        try:
            with self._engine.begin() as connection:
                yield Posting(connection)
        except sa.exc.SQLAlchemyError as error:
            raise LedgerError(_reason(error)) from None

    def totals(self, business_date: str) -> Totals:
        """The sums for one business date (YYYY-MM-DD)."""
        signed = sa.case(
            (entries.c.side == "DEBIT", entries.c.amount_minor),
            else_=-entries.c.amount_minor,
        )
        query = (
            sa.select(accounts.c.kind, sa.func.sum(signed).label("total"))
            .select_from(entries.join(accounts).join(transactions))
            .where(transactions.c.business_date == business_date)
            .group_by(accounts.c.kind)
        )
        counted = sa.select(sa.func.count()).where(
            transactions.c.business_date == business_date,
            transactions.c.status == APPROVED,
        )
        sums = {row.kind: int(row.total) for row in self._rows(query)}
        (captured,) = self._rows(counted)[0]
        return Totals(sums.get("CUSTOMER", 0), -sums.get("MERCHANT", 0), captured)

    def transactions(self, business_date: str | None = None) -> list[Transaction]:
        """Every transaction in the order in which the host took them, or those of one date."""
        query = SALES.order_by(transactions.c.id)
        if business_date is not None:
            query = query.where(transactions.c.business_date == business_date)
        return [Transaction(*tuple(row)) for row in self._rows(query)]

    def unbalanced(self) -> list[Identity]:
        """Transactions whose debits and credits differ, or differ from what the status says."""
        debits = sa.func.sum(sa.case((entries.c.side == "DEBIT", entries.c.amount_minor), else_=0))
        credits = sa.func.sum(
            sa.case((entries.c.side == "CREDIT", entries.c.amount_minor), else_=0)
        )
        pairs = sa.case(
            (transactions.c.status == APPROVED, 1),
            (transactions.c.status == REVERSED, 2),
            else_=0,
        )
        expected = pairs * transactions.c.amount_minor
        query = (
            sa.select(
                transactions.c.terminal_no,
                transactions.c.batch,
                transactions.c.stan,
            )
            .select_from(transactions.outerjoin(entries))
            .group_by(transactions.c.id)
            .having(
                (sa.func.coalesce(debits, 0) != expected)
                | (sa.func.coalesce(credits, 0) != expected)
            )
        )
        return [Identity(*tuple(row)) for row in self._rows(query)]

    def _rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query))
        except sa.exc.SQLAlchemyError as error:
            raise LedgerError(_reason(error)) from None


def _engine(path: Path, busy_s: float) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_s})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver's own transaction handling begins too late for reads; BEGIN is sent below.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        # IMMEDIATE: what a posting reads can't change before it writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _card_key(path: Path, *, make: bool) -> bytes:
    if make and not path.exists():
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
    key = path.read_bytes() if path.exists() else b""
    if len(key) != 32:
        raise OSError(f"its card key {path.name} is missing or damaged")
    return key


def _reason(error: Exception) -> str:
    if isinstance(error, sa.exc.DBAPIError):
        return str(error.orig)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
