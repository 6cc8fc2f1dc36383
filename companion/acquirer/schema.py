"""The ledger's tables in SQLite."""

from __future__ import annotations

VERSION = 2
"""In ``PRAGMA user_version``; a ledger of another version is refused."""

TABLES = """
CREATE TABLE sessions (
    terminal_no TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    key_block BLOB NOT NULL,
    opened_at TEXT NOT NULL
);
CREATE TABLE batches (
    terminal_no TEXT NOT NULL,
    batch TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('BALANCED', 'UNBALANCED', 'ENDED')),
    asked TEXT NOT NULL,     -- F48 of the 0500
    answered TEXT NOT NULL,  -- F48 of the 0510
    last_at TEXT NOT NULL,
    PRIMARY KEY (terminal_no, batch)
);
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('CUSTOMER', 'MERCHANT', 'HOLD', 'HELD')),
    reference TEXT NOT NULL,  -- card token, or merchant number
    name TEXT NOT NULL,       -- masked card, or merchant number
    net_minor INTEGER NOT NULL DEFAULT 0,  -- debits less credits, kept by a trigger
    UNIQUE (kind, reference)
);
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY,
    merchant_no TEXT NOT NULL,
    terminal_no TEXT NOT NULL,
    batch TEXT NOT NULL,
    stan TEXT NOT NULL,
    mti TEXT NOT NULL,
    type TEXT NOT NULL,
    host_time TEXT NOT NULL,  -- UTC
    business_date TEXT NOT NULL,
    rrn TEXT NOT NULL,
    auth TEXT NOT NULL,
    card TEXT NOT NULL,
    card_token TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    asked_minor INTEGER NOT NULL CHECK (asked_minor >= amount_minor),
    original_id INTEGER REFERENCES transactions (id),
    status TEXT NOT NULL,
    f39 TEXT NOT NULL,
    UNIQUE (terminal_no, batch, stan, mti)
);
CREATE INDEX transactions_rrn ON transactions (merchant_no, rrn);
CREATE INDEX transactions_auth ON transactions (merchant_no, auth);
CREATE INDEX transactions_original ON transactions (original_id);
CREATE INDEX transactions_time ON transactions (host_time);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    side TEXT NOT NULL CHECK (side IN ('DEBIT', 'CREDIT')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    posted_at TEXT NOT NULL
);
CREATE INDEX entries_transaction ON entries (transaction_id);
CREATE TABLE reversals (
    terminal_no TEXT NOT NULL,
    batch TEXT NOT NULL,
    stan TEXT NOT NULL,
    mti TEXT NOT NULL,  -- of the original
    reason TEXT NOT NULL,
    f39 TEXT NOT NULL,  -- of the last answer
    effect TEXT NOT NULL,
    received INTEGER NOT NULL,  -- repeats count as one
    last_at TEXT NOT NULL,
    PRIMARY KEY (terminal_no, batch, stan, mti)
);
CREATE TABLE details (
    terminal_no TEXT NOT NULL,
    batch TEXT NOT NULL,
    stan TEXT NOT NULL,
    kind TEXT NOT NULL,
    card TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (terminal_no, batch, stan, kind)
);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    terminal_no TEXT NOT NULL,
    mti TEXT NOT NULL,
    batch TEXT NOT NULL,
    stan TEXT NOT NULL,
    amount_minor INTEGER,
    card TEXT NOT NULL,
    f39 TEXT NOT NULL,  -- the reversal's reason, or the answer's code
    fault TEXT NOT NULL
);
"""

NET = """
CREATE TRIGGER net AFTER INSERT ON entries BEGIN
    UPDATE accounts SET net_minor = net_minor
        + CASE new.side WHEN 'DEBIT' THEN new.amount_minor ELSE -new.amount_minor END
        WHERE id = new.account_id;
END
"""

WRITTEN = (
    "merchant_no",
    "terminal_no",
    "batch",
    "stan",
    "mti",
    "type",
    "host_time",
    "business_date",
    "rrn",
    "auth",
    "card",
    "card_token",
    "currency",
    "amount_minor",
    "asked_minor",
    "original_id",
    "status",
    "f39",
)
"""The columns of a transaction, in the order of ``records.Transaction``."""

TRANSACTIONS = (
    "SELECT "
    + ", ".join(
        f"coalesce(t.{name}, 0)" if name == "original_id" else f"t.{name}" for name in WRITTEN
    )
    + ", coalesce(r.f39, ''), t.id FROM transactions t"
    " LEFT JOIN reversals r USING (terminal_no, batch, stan, mti)"
)
"""Every column of ``records.Transaction``, in its order."""
