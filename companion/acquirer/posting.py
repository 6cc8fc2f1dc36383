"""One change of the ledger: what is known, then what is written, in one database transaction."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from companion.acquirer.clock import iso
from companion.acquirer.kinds import KINDS
from companion.acquirer.records import (
    APPROVED,
    OPEN,
    REVERSED,
    UNDONE,
    Batch,
    Identity,
    LogMessage,
    OpenSession,
    Original,
    PostReversal,
    PostTransaction,
    Reversal,
    Session,
    SetBatch,
    StoreDetails,
    Sums,
    Transaction,
    Write,
)
from companion.acquirer.schema import TRANSACTIONS, WRITTEN

_SAME = " WHERE terminal_no = ? AND batch = ? AND stan = ? AND mti = ?"
_INSERT = (
    f"INSERT INTO transactions ({', '.join(WRITTEN)}) VALUES ({', '.join('?' * len(WRITTEN))})"
)


class Posting:
    """One open change of the ledger."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._execute = database.execute

    # What is known.

    def session(self, terminal_no: str) -> Session | None:
        query = "SELECT batch, key_block FROM sessions WHERE terminal_no = ?"
        found = self._execute(query, (terminal_no,)).fetchone()
        return None if found is None else Session(*found)

    def batch(self, terminal_no: str, number: str) -> Batch | None:
        query = "SELECT state, asked, answered FROM batches WHERE terminal_no = ? AND batch = ?"
        found = self._execute(query, (terminal_no, number)).fetchone()
        return None if found is None else Batch(*found)

    def transaction(self, identity: Identity) -> Transaction | None:
        return self._one(TRANSACTIONS + _SAME, _key(identity))

    def by_stan(
        self, terminal_no: str, batch: str | None, stan: str, types: tuple[str, ...]
    ) -> Transaction | None:
        """By F61; without a batch the oldest one with that STAN, whatever its day."""
        query = f"{TRANSACTIONS} WHERE t.terminal_no = ? AND t.stan = ?{_in('t.type', types)}"
        values = (terminal_no, stan, *types)
        if batch is not None:
            query, values = query + " AND t.batch = ?", (*values, batch)
        return self._one(query + " ORDER BY t.id LIMIT 1", values)

    def by_rrn(self, merchant_no: str, rrn: str, types: tuple[str, ...]) -> Transaction | None:
        query = f"{TRANSACTIONS} WHERE t.merchant_no = ? AND t.rrn = ?{_in('t.type', types)}"
        return self._one(query + " ORDER BY t.id DESC LIMIT 1", (merchant_no, rrn, *types))

    def by_auth(
        self, merchant_no: str, auth: str, month_day: str, token: str, types: tuple[str, ...]
    ) -> Transaction | None:
        query = (
            f"{TRANSACTIONS} WHERE t.merchant_no = ? AND t.auth = ?{_in('t.type', types)}"
            " AND t.card_token = ? AND t.business_date LIKE ? ORDER BY t.id DESC LIMIT 1"
        )
        date = f"%-{month_day[:2]}-{month_day[2:]}"
        return self._one(query, (merchant_no, auth, *types, token, date))

    def original(self, found: Transaction) -> Original:
        """A transaction with the state of its batch and what followed it."""
        batch = self.batch(found.terminal_no, found.batch)
        query = "SELECT type, amount_minor FROM transactions WHERE original_id = ? AND status = ?"
        rows = self._execute(query, (found.id, APPROVED)).fetchall()
        return Original(found, batch.state if batch else OPEN, tuple(rows))

    def reversal(self, identity: Identity) -> Reversal | None:
        found = self._execute(
            "SELECT f39, effect FROM reversals" + _SAME, _key(identity)
        ).fetchone()
        return None if found is None else Reversal(*found)

    def sums(self, terminal_no: str, number: str) -> Sums:
        query = (
            "SELECT type, count(*), sum(amount_minor) FROM transactions"
            " WHERE terminal_no = ? AND batch = ? AND status = ? GROUP BY type"
        )
        debit, credit = [0, 0], [0, 0]
        for name, count, amount in self._execute(query, (terminal_no, number, APPROVED)):
            side = {1: debit, -1: credit}.get(KINDS[name].sign)
            if side is not None:
                side[0] += amount
                side[1] += count
        return Sums(*debit, *credit)

    def detail_count(self, terminal_no: str, number: str) -> int:
        query = "SELECT count(*) FROM details WHERE terminal_no = ? AND batch = ?"
        return int(self._execute(query, (terminal_no, number)).fetchone()[0])

    def exposure(self, token: str) -> int:
        """What a card has spent and has on hold, in minor units."""
        query = (
            "SELECT coalesce(sum(net_minor), 0) FROM accounts"
            " WHERE kind IN ('CUSTOMER', 'HOLD') AND reference = ?"
        )
        return int(self._execute(query, (token,)).fetchone()[0])

    def next_serial(self) -> int:
        """A number that rises with every message: RRN and authorisation code come from it."""
        return int(self._execute("SELECT coalesce(max(id), 0) + 1 FROM messages").fetchone()[0])

    def booked_since(self, start: datetime) -> int:
        query = "SELECT count(*) FROM transactions WHERE host_time >= ?"
        return int(self._execute(query, (iso(start),)).fetchone()[0])

    # What is written.

    def write(self, change: Write, at: datetime) -> None:
        if isinstance(change, LogMessage):
            self._log(change, at)
        elif isinstance(change, PostTransaction):
            self._post_transaction(change, at)
        elif isinstance(change, PostReversal):
            self._post_reversal(change, at)
        elif isinstance(change, OpenSession):
            session = change.session
            values = (change.terminal_no, session.batch, session.key_block, iso(at))
            self._execute("REPLACE INTO sessions VALUES (?, ?, ?, ?)", values)
        elif isinstance(change, SetBatch):
            batch = change.batch
            row = (change.terminal_no, change.number, batch.state, batch.asked, batch.answered)
            self._execute("REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?)", (*row, iso(at)))
        else:
            self._store(change, at)

    def _post_transaction(self, change: PostTransaction, at: datetime) -> None:
        booked = change.transaction
        values = [getattr(booked, name) for name in WRITTEN]
        values[WRITTEN.index("original_id")] = booked.original_id or None
        row = self._execute(_INSERT, values).lastrowid
        if booked.status != APPROVED or row is None:
            return
        kind = KINDS[booked.type]
        amount = booked.amount_minor
        self._pair(row, booked, ("CUSTOMER", "MERCHANT"), kind.sign * amount, at)
        held = amount if kind.hold > 0 else -change.release_minor
        self._pair(row, booked, ("HOLD", "HELD"), held, at)

    def _pair(
        self,
        row: int,
        booked: Transaction,
        accounts: tuple[str, str],
        debit_minor: int,
        at: datetime,
    ) -> None:
        """Debit the card's account and credit the merchant's; the other way when negative."""
        if not debit_minor:
            return
        card = self._account(accounts[0], booked.card_token, booked.card)
        merchant = self._account(accounts[1], booked.merchant_no, booked.merchant_no)
        debited, credited = (card, merchant) if debit_minor > 0 else (merchant, card)
        for account, side in ((debited, "DEBIT"), (credited, "CREDIT")):
            self._execute(
                "INSERT INTO entries VALUES (NULL, ?, ?, ?, ?, ?)",
                (row, account, side, abs(debit_minor), iso(at)),
            )

    def _account(self, kind: str, reference: str, name: str) -> int:
        query = "SELECT id FROM accounts WHERE kind = ? AND reference = ?"
        found = self._execute(query, (kind, reference)).fetchone()
        if found is not None:
            return int(found[0])
        insert = "INSERT INTO accounts (kind, reference, name) VALUES (?, ?, ?) RETURNING id"
        return int(self._execute(insert, (kind, reference, name)).fetchone()[0])

    def _post_reversal(self, change: PostReversal, at: datetime) -> None:
        key = _key(change.identity)
        self._execute(
            "INSERT INTO reversals VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)"
            " ON CONFLICT DO UPDATE SET reason = excluded.reason, f39 = excluded.f39,"
            " effect = excluded.effect, received = received + 1, last_at = excluded.last_at",
            (*key, change.reason, change.f39, change.effect, iso(at)),
        )
        original = self.transaction(change.identity)
        if change.effect == UNDONE and original is not None and original.status == APPROVED:
            self._execute("UPDATE transactions SET status = ?" + _SAME, (REVERSED, *key))
            self._execute(
                "INSERT INTO entries (transaction_id, account_id, side, amount_minor, posted_at)"
                " SELECT transaction_id, account_id,"
                " CASE side WHEN 'DEBIT' THEN 'CREDIT' ELSE 'DEBIT' END, amount_minor, ?"
                " FROM entries WHERE transaction_id = ?",
                (iso(at), original.id),
            )

    def _store(self, change: StoreDetails, at: datetime) -> None:
        for detail in change.details:
            row = (change.terminal_no, change.number, detail.stan, detail.kind, detail.card)
            self._execute(
                "REPLACE INTO details VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, detail.amount_minor, iso(at)),
            )

    def _log(self, change: LogMessage, at: datetime) -> None:
        identity = change.identity
        row = (iso(at), identity.terminal_no, change.mti, identity.batch, identity.stan)
        self._execute(
            "INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, change.amount_minor, change.card, change.f39, change.fault),
        )

    def _one(self, query: str, values: tuple[str, ...]) -> Transaction | None:
        found = self._execute(query, values).fetchone()
        return None if found is None else Transaction(*found)


def _key(identity: Identity) -> tuple[str, str, str, str]:
    return identity.terminal_no, identity.batch, identity.stan, identity.mti


def _in(column: str, names: tuple[str, ...]) -> str:
    return f" AND {column} IN ({', '.join('?' * len(names))})" if names else ""
