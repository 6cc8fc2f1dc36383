"""How a store of an earlier version becomes one of the next, in SQL that never changes again."""

from __future__ import annotations

from companion.store import guards

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
    3: (
        "ALTER TABLE breaks ADD COLUMN channel TEXT NOT NULL DEFAULT 'card'",
        "ALTER TABLE breaks ADD COLUMN owed_minor INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE breaks ADD COLUMN match_pass INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE breaks ADD COLUMN note TEXT NOT NULL DEFAULT ''",
        """
        CREATE TABLE statements (
            sha256 TEXT NOT NULL REFERENCES files (sha256),
            part INTEGER NOT NULL,
            kind TEXT NOT NULL,
            party TEXT NOT NULL,
            channel TEXT NOT NULL,
            number TEXT NOT NULL,
            first_day INTEGER NOT NULL,
            last_day INTEGER NOT NULL,
            whole BOOLEAN NOT NULL,
            rows INTEGER NOT NULL,
            captured_count INTEGER NOT NULL,
            captured_minor INTEGER NOT NULL,
            superseded_by TEXT REFERENCES files (sha256),
            PRIMARY KEY (sha256, part)
        )
        """,
        """
        INSERT INTO statements
        SELECT sha256, 0, 'acquirer', merchant_no, 'card', '',
            CAST(julianday(business_date) - 2440587.5 AS INTEGER),
            CAST(julianday(business_date) - 2440587.5 AS INTEGER),
            1, rows, captured_count, captured_minor, superseded_by
        FROM files
        """,
        "ALTER TABLE files DROP COLUMN merchant_no",
        "ALTER TABLE files DROP COLUMN business_date",
        "ALTER TABLE files DROP COLUMN rows",
        "ALTER TABLE files DROP COLUMN captured_count",
        "ALTER TABLE files DROP COLUMN captured_minor",
        "ALTER TABLE files ADD COLUMN mapping TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE files ADD COLUMN channel TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE files ADD COLUMN party TEXT NOT NULL DEFAULT ''",
        """
        CREATE TABLE cases (
            id TEXT NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL,
            "key" TEXT NOT NULL UNIQUE,
            code TEXT NOT NULL,
            merchant_no TEXT NOT NULL,
            terminal_no TEXT NOT NULL,
            channel TEXT NOT NULL,
            first_day TEXT,
            state TEXT NOT NULL,
            touched BOOLEAN NOT NULL,
            actor TEXT NOT NULL,
            assignee TEXT,
            due TEXT,
            closed_by TEXT,
            closed_reason TEXT,
            CHECK (state IN ('open', 'evidence', 'sent', 'waiting', 'resolved', 'rejected',
                'written_off'))
        )
        """,
        "CREATE INDEX cases_by_state ON cases (state)",
        """
        CREATE TABLE case_breaks (
            break_id TEXT NOT NULL PRIMARY KEY REFERENCES breaks (id),
            case_id TEXT NOT NULL REFERENCES cases (id),
            amount_minor INTEGER NOT NULL,
            effect_minor INTEGER NOT NULL,
            owed_minor INTEGER NOT NULL,
            found BOOLEAN NOT NULL
        )
        """,
        "CREATE INDEX case_breaks_by_case ON case_breaks (case_id)",
        """
        CREATE TABLE case_events (
            seq INTEGER NOT NULL PRIMARY KEY,
            case_id TEXT NOT NULL REFERENCES cases (id),
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            what TEXT NOT NULL,
            state TEXT NOT NULL,
            assignee TEXT,
            due TEXT,
            text TEXT NOT NULL,
            data TEXT NOT NULL,
            digest TEXT NOT NULL
        )
        """,
        "CREATE INDEX case_events_by_case ON case_events (case_id)",
        *guards.statements("case_events"),
        """
        CREATE TABLE adjustments (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            case_id TEXT NOT NULL REFERENCES cases (id),
            closes TEXT NOT NULL,
            amount_minor INTEGER NOT NULL,
            text TEXT NOT NULL,
            maker TEXT NOT NULL,
            made_at TEXT NOT NULL,
            approved BOOLEAN,
            checker TEXT,
            decided_at TEXT
        )
        """,
        "CREATE INDEX adjustments_by_case ON adjustments (case_id)",
        *guards.statements("adjustments", changing=guards.DECIDING),
        """
        CREATE TABLE decisions (
            seq INTEGER NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL,
            data TEXT NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT NOT NULL,
            at TEXT NOT NULL,
            digest TEXT NOT NULL
        )
        """,
        *guards.statements("decisions"),
        """
        CREATE TABLE settings (
            name TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE alerts (
            rule TEXT NOT NULL,
            "key" TEXT NOT NULL,
            what TEXT NOT NULL,
            first_telling INTEGER NOT NULL,
            telling INTEGER NOT NULL,
            said TEXT NOT NULL,
            since TEXT NOT NULL,
            told_at TEXT NOT NULL,
            PRIMARY KEY (rule, "key"),
            CHECK (what IN ('new', 'worse', 'over', 'gone'))
        )
        """,
        """
        CREATE TABLE alert_sends (
            rule TEXT NOT NULL,
            "key" TEXT NOT NULL,
            telling INTEGER NOT NULL,
            receiver TEXT NOT NULL,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (rule, "key", telling, receiver),
            FOREIGN KEY (rule, "key") REFERENCES alerts (rule, "key"),
            CHECK (state IN ('sending', 'sent', 'failed'))
        )
        """,
    ),
}
