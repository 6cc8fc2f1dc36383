"""One change of the ledger: what is known, then what is written, in one database transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from companion.acquirer.clock import iso
from companion.acquirer.records import (
    APPROVED,
    REVERSED,
    UNDONE,
    Identity,
    LogMessage,
    OpenSession,
    PostReversal,
    PostSale,
    Reversal,
    Session,
    Transaction,
    Write,
)
from companion.acquirer.schema import (
    SALE_COLUMNS,
    SALES,
    accounts,
    entries,
    messages,
    reversals,
    same,
    sessions,
    transactions,
)


class Posting:
    """One open change of the ledger: what is known, then what is written."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def session(self, terminal_no: str) -> Session | None:
        columns = sa.select(sessions.c.batch, sessions.c.key_block)
        row = self._connection.execute(columns.where(sessions.c.terminal_no == terminal_no))
        found = row.first()
        return None if found is None else Session(*tuple(found))

    def transaction(self, identity: Identity) -> Transaction | None:
        query = SALES.where(same(transactions, identity))
        found = self._connection.execute(query).first()
        return None if found is None else Transaction(*tuple(found))

    def reversal(self, identity: Identity) -> Reversal | None:
        columns = sa.select(reversals.c.f39, reversals.c.effect)
        found = self._connection.execute(columns.where(same(reversals, identity))).first()
        return None if found is None else Reversal(*tuple(found))

    def next_serial(self) -> int:
        """A number that rises with every message: RRN and authorisation code come from it."""
        last = self._connection.execute(sa.select(sa.func.max(messages.c.id))).scalar()
        return (last or 0) + 1

    def sales_since(self, start: datetime) -> int:
        query = sa.select(sa.func.count()).where(transactions.c.host_time >= iso(start))
        return int(self._connection.execute(query).scalar_one())

    def write(self, change: Write, at: datetime) -> None:
        if isinstance(change, OpenSession):
            self._open_session(change, at)
        elif isinstance(change, PostSale):
            self._post_sale(change.transaction, at)
        elif isinstance(change, PostReversal):
            self._post_reversal(change, at)
        else:
            self._log(change, at)

    def _open_session(self, change: OpenSession, at: datetime) -> None:
        values = {
            "batch": change.session.batch,
            "key_block": change.session.key_block,
            "opened_at": iso(at),
        }
        self._upsert(sessions, {"terminal_no": change.terminal_no}, values)

    def _post_sale(self, sale: Transaction, at: datetime) -> None:
        values = {column.name: getattr(sale, column.name) for column in SALE_COLUMNS}
        self._connection.execute(transactions.insert(), values)
        if sale.status == APPROVED:
            self._post(sale, at, customer="DEBIT", merchant="CREDIT")

    def _post_reversal(self, change: PostReversal, at: datetime) -> None:
        identity = change.identity
        key = {
            "terminal_no": identity.terminal_no,
            "batch": identity.batch,
            "stan": identity.stan,
        }
        values = {
            "reason": change.reason,
            "f39": change.f39,
            "effect": change.effect,
            "last_at": iso(at),
        }
        self._upsert(
            reversals,
            key,
            values | {"received": 1},
            {"received": reversals.c.received + 1},
        )
        sale = self.transaction(identity)
        if change.effect == UNDONE and sale is not None and sale.status == APPROVED:
            self._connection.execute(
                transactions.update().where(same(transactions, identity)),
                {"status": REVERSED},
            )
            self._post(sale, at, customer="CREDIT", merchant="DEBIT")

    def _post(self, sale: Transaction, at: datetime, *, customer: str, merchant: str) -> None:
        identity = Identity(sale.terminal_no, sale.batch, sale.stan)
        query = sa.select(transactions.c.id).where(same(transactions, identity))
        transaction_id = self._connection.execute(query).scalar_one()
        for kind, reference, name, side in (
            ("CUSTOMER", sale.card_token, sale.card, customer),
            ("MERCHANT", sale.merchant_no, sale.merchant_no, merchant),
        ):
            entry = {
                "transaction_id": transaction_id,
                "account_id": self._account(kind, reference, name),
                "side": side,
                "amount_minor": sale.amount_minor,
                "posted_at": iso(at),
            }
            self._connection.execute(entries.insert(), entry)

    def _account(self, kind: str, reference: str, name: str) -> int:
        self._upsert(accounts, {"kind": kind, "reference": reference}, {"name": name})
        query = sa.select(accounts.c.id).where(
            accounts.c.kind == kind, accounts.c.reference == reference
        )
        return int(self._connection.execute(query).scalar_one())

    def _log(self, change: LogMessage, at: datetime) -> None:
        row = {
            "at": iso(at),
            "terminal_no": change.identity.terminal_no,
            "mti": change.mti,
            "batch": change.identity.batch,
            "stan": change.identity.stan,
            "amount_minor": change.amount_minor,
            "card": change.card,
            "f39": change.f39,
            "fault": change.fault,
        }
        self._connection.execute(messages.insert(), row)

    def _upsert(
        self,
        table: sa.Table,
        key: dict[str, Any],
        values: dict[str, Any],
        instead: dict[str, Any] | None = None,
    ) -> None:
        statement = insert(table).values(key | values)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(key), set_=values | (instead or {})
            )
        )
