"""The ledger's tables, and the queries that more than one part of it uses."""

from __future__ import annotations

import sqlalchemy as sa

from companion.acquirer.records import Identity

metadata = sa.MetaData()
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("terminal_no", sa.String, primary_key=True),
    sa.Column("batch", sa.String, nullable=False),
    sa.Column("key_block", sa.LargeBinary, nullable=False),
    sa.Column("opened_at", sa.String, nullable=False),
)
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String, sa.CheckConstraint("kind IN ('CUSTOMER', 'MERCHANT')")),
    sa.Column("reference", sa.String, nullable=False),  # card token, or merchant number
    sa.Column("name", sa.String, nullable=False),  # masked card, or merchant number
    sa.UniqueConstraint("kind", "reference"),
)
transactions = sa.Table(
    "transactions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("merchant_no", sa.String, nullable=False),
    sa.Column("terminal_no", sa.String, nullable=False),
    sa.Column("batch", sa.String, nullable=False),
    sa.Column("stan", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("host_time", sa.String, nullable=False),  # UTC
    sa.Column("business_date", sa.String, nullable=False),
    sa.Column("rrn", sa.String, nullable=False),
    sa.Column("auth", sa.String, nullable=False),
    sa.Column("card", sa.String, nullable=False),
    sa.Column("card_token", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("amount_minor", sa.Integer, sa.CheckConstraint("amount_minor > 0")),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("f39", sa.String, nullable=False),
    sa.UniqueConstraint("terminal_no", "batch", "stan"),
)
entries = sa.Table(
    "entries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("transaction_id", sa.ForeignKey("transactions.id"), nullable=False),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("side", sa.String, sa.CheckConstraint("side IN ('DEBIT', 'CREDIT')")),
    sa.Column("amount_minor", sa.Integer, sa.CheckConstraint("amount_minor > 0")),
    sa.Column("posted_at", sa.String, nullable=False),
)
reversals = sa.Table(
    "reversals",
    metadata,
    sa.Column("terminal_no", sa.String, primary_key=True),
    sa.Column("batch", sa.String, primary_key=True),
    sa.Column("stan", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("f39", sa.String, nullable=False),  # of the last answer
    sa.Column("effect", sa.String, nullable=False),
    sa.Column("received", sa.Integer, nullable=False),  # repeats count as one
    sa.Column("last_at", sa.String, nullable=False),
)
messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("terminal_no", sa.String, nullable=False),
    sa.Column("mti", sa.String, nullable=False),
    sa.Column("batch", sa.String, nullable=False),
    sa.Column("stan", sa.String, nullable=False),
    sa.Column("amount_minor", sa.Integer),
    sa.Column("card", sa.String, nullable=False),
    sa.Column("f39", sa.String, nullable=False),  # the reversal's reason, or the answer's code
    sa.Column("fault", sa.String, nullable=False),
)


SALE_COLUMNS = [column for column in transactions.columns if column.name != "id"]
SALES = sa.select(
    *SALE_COLUMNS, sa.func.coalesce(reversals.c.f39, "").label("reversal_f39")
).select_from(
    transactions.outerjoin(
        reversals,
        (reversals.c.terminal_no == transactions.c.terminal_no)
        & (reversals.c.batch == transactions.c.batch)
        & (reversals.c.stan == transactions.c.stan),
    )
)


def same(table: sa.Table, identity: Identity) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.terminal_no == identity.terminal_no,
        table.c.batch == identity.batch,
        table.c.stan == identity.stan,
    )
