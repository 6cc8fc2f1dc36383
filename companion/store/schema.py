"""The tables of store.sqlite. Truth is `records` and the originals behind `files`.

Times are ISO 8601 text in UTC, dates are YYYY-MM-DD, amounts are integer minor units.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

# SQLite keeps both numbers in the file's header: whose file it is, and which schema it has.
APPLICATION_ID = 0x505A4A31  # "PZJ1"
SCHEMA_VERSION = 3

# What makes of a store of one version one of the next.
STEPS = {
    1: (
        """
        CREATE TABLE images (
            sha256 TEXT NOT NULL PRIMARY KEY,
            device_id TEXT NOT NULL REFERENCES terminals (device_id),
            name TEXT NOT NULL,
            first_seq INTEGER NOT NULL,
            next_seq INTEGER NOT NULL,
            unsure_seq INTEGER,
            loaded_at TEXT NOT NULL
        )
        """,
        "ALTER TABLE records ADD COLUMN image TEXT REFERENCES images (sha256)",
    ),
    2: (
        """
        CREATE TABLE rotations (
            device_id TEXT NOT NULL REFERENCES terminals (device_id),
            generation INTEGER NOT NULL,
            seal_key BLOB NOT NULL,
            sync_key BLOB NOT NULL,
            PRIMARY KEY (device_id, generation)
        )
        """,
        """
        CREATE TABLE findings (
            device_id TEXT NOT NULL REFERENCES terminals (device_id),
            code TEXT NOT NULL,
            first_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            problem TEXT NOT NULL,
            evidence TEXT NOT NULL,
            noticed_at TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            PRIMARY KEY (device_id, code, first_seq)
        )
        """,
        """
        CREATE TABLE changes (
            device_id TEXT NOT NULL PRIMARY KEY REFERENCES terminals (device_id),
            data BLOB NOT NULL,
            wanted_at TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE verdicts (
            merchant_no TEXT NOT NULL,
            terminal_no TEXT NOT NULL,
            batch INTEGER NOT NULL,
            stan INTEGER NOT NULL,
            result INTEGER NOT NULL,
            text TEXT NOT NULL,
            decided_at TEXT NOT NULL,
            given_at TEXT,
            PRIMARY KEY (merchant_no, terminal_no, batch, stan)
        )
        """,
    ),
}

metadata = MetaData()

terminals = Table(
    "terminals",
    metadata,
    Column("device_id", Text, primary_key=True),
    Column("terminal_no", Text, nullable=False),
    Column("merchant_no", Text, nullable=False),
    Column("merchant_name", Text, nullable=False),
    # The rest of the configuration without its secrets, as JSON.
    Column("config", Text, nullable=False),
    Column("seal_key", LargeBinary, nullable=False),
    Column("sync_key", LargeBinary, nullable=False),
    Column("token_key", LargeBinary, nullable=False),
    # offered: saved, not yet heard from; provisioned: it has answered; retired: replaced.
    Column("state", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("last_sync_at", Text),
    # The high-water mark of what is stored; without it a cut tail would look like an early end.
    Column("next_seq", Integer, nullable=False),
    CheckConstraint("state IN ('offered', 'provisioned', 'retired')"),
)

rotations = Table(
    "rotations",
    metadata,
    # Keys after the first ones, durable before the terminal hears of them.
    Column("device_id", Text, ForeignKey("terminals.device_id"), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("seal_key", LargeBinary, nullable=False),
    Column("sync_key", LargeBinary, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("device_id", Text, ForeignKey("terminals.device_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    # The record's bytes and its seal, exactly as the terminal has them on flash.
    Column("payload", LargeBinary, nullable=False),
    # NULL: bytes that this version cannot decode.
    Column("kind", Integer),
    # NULL: the record before it is missing, so the chain cannot say.
    Column("seal_ok", Boolean),
    Column("received_at", Text, nullable=False),
    # NULL: a sync brought it.
    Column("image", Text, ForeignKey("images.sha256")),
)

images = Table(
    "images",
    metadata,
    # Of the whole file, as it was given.
    Column("sha256", Text, primary_key=True),
    Column("device_id", Text, ForeignKey("terminals.device_id"), nullable=False),
    Column("name", Text, nullable=False),
    # What a terminal that starts on it would serve.
    Column("first_seq", Integer, nullable=False),
    Column("next_seq", Integer, nullable=False),
    # The newest record, as long as nobody can say that a restart of the terminal keeps it.
    Column("unsure_seq", Integer),
    Column("loaded_at", Text, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("device_id", Text, ForeignKey("terminals.device_id"), primary_key=True),
    Column("first_seq", Integer, primary_key=True),
    Column("last_seq", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("noticed_at", Text, nullable=False),
    CheckConstraint("last_seq >= first_seq"),
)

findings = Table(
    "findings",
    metadata,
    # What a sync or an image proved wrong with a journal, and the stored records cannot show.
    Column("device_id", Text, ForeignKey("terminals.device_id"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("first_seq", Integer, primary_key=True),
    Column("last_seq", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    # JSON: both sides of it, as they were when it was noticed first.
    Column("evidence", Text, nullable=False),
    Column("noticed_at", Text, nullable=False),
    # The last time.
    Column("seen_at", Text, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("device_id", Text, ForeignKey("terminals.device_id"), primary_key=True),
    # The CONFIG push that waits for the next sync; it may hold the Wi-Fi password until then.
    Column("data", LargeBinary, nullable=False),
    Column("wanted_at", Text, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    # How a case ended; for the terminal that has this number, be it the one of then or another.
    Column("merchant_no", Text, primary_key=True),
    Column("terminal_no", Text, primary_key=True),
    Column("batch", Integer, primary_key=True, autoincrement=False),
    Column("stan", Integer, primary_key=True, autoincrement=False),
    Column("result", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    # NULL: the terminal was not told yet.
    Column("given_at", Text),
)

files = Table(
    "files",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("layout", Text, nullable=False),
    Column("merchant_no", Text, nullable=False),
    Column("business_date", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("captured_count", Integer, nullable=False),
    Column("captured_minor", Integer, nullable=False),
    Column("imported_at", Text, nullable=False),
    # A corrected file for the same merchant and day takes the place of the earlier one.
    Column("superseded_by", Text, ForeignKey("files.sha256")),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rules", Text, nullable=False),
    Column("finished_at", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("break_set_hash", Text, nullable=False),
)

breaks = Table(
    "breaks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    # What it is about: merchant|terminal|batch|stan|occurrence, or device|first_seq of a gap.
    Column("row_key", Text, nullable=False),
    Column("merchant_no", Text, nullable=False),
    Column("terminal_no", Text, nullable=False),
    Column("business_date", Text),
    Column("amount_minor", Integer, nullable=False),
    # What it adds to (customer debit - merchant books): the sign gives the direction.
    Column("effect_minor", Integer, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("first_run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("last_run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("closed_run", Integer, ForeignKey("runs.id")),
    Column("closed_reason", Text),
    CheckConstraint("state IN ('open', 'closed')"),
    Index("breaks_by_state", "state", "code"),
)
