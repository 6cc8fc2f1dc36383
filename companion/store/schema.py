"""The tables of store.sqlite. Truth is `records` and the originals behind `files`.

Times are ISO 8601 text in UTC, dates are YYYY-MM-DD, amounts are integer minor units.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from companion.store.guards import DECIDING, guard
from companion.store.steps import STEPS as STEPS

# SQLite keeps both numbers in the file's header: whose file it is, and which schema it has.
APPLICATION_ID = 0x505A4A31  # "PZJ1"
SCHEMA_VERSION = 4

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
    # What was said at the import (see companion.store.originals).
    Column("mapping", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("imported_at", Text, nullable=False),
    # A corrected file takes the place of the earlier one.
    Column("superseded_by", Text, ForeignKey("files.sha256")),
)

statements = Table(
    "statements",
    metadata,
    # What a file tells: one party's rows of one kind.
    Column("sha256", Text, ForeignKey("files.sha256"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("number", Text, nullable=False),
    # Days since 1970-01-01, both inclusive.
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("captured_count", Integer, nullable=False),
    Column("captured_minor", Integer, nullable=False),
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
    # What it is about: merchant|terminal|batch|stan|occurrence, or device|first_seq of a gap, and
    # the like for payouts and statements.
    Column("row_key", Text, nullable=False),
    Column("merchant_no", Text, nullable=False),
    Column("terminal_no", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("business_date", Text),
    Column("amount_minor", Integer, nullable=False),
    # What it adds to (customer debit - merchant books): the sign gives the direction.
    Column("effect_minor", Integer, nullable=False),
    # What it adds to (acquirer's debt - bank credits).
    Column("owed_minor", Integer, nullable=False),
    # 1 exact, 2 RRN and card, 3 by amount and time (of low confidence), 0 no pair.
    Column("match_pass", Integer, nullable=False),
    # What the rules know and no row has, as "name=value;name=value".
    Column("note", Text, nullable=False),
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

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    # The cause that makes one case of several breaks, and the key of what it is about.
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    # Of the break that leads it.
    Column("code", Text, nullable=False),
    Column("merchant_no", Text, nullable=False),
    Column("terminal_no", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("first_day", Text),
    Column("state", Text, nullable=False),
    # Once a person has done something with it, it keeps its breaks.
    Column("touched", Boolean, nullable=False),
    Column("actor", Text, nullable=False),
    Column("assignee", Text),
    Column("due", Text),
    Column("closed_by", Text),
    Column("closed_reason", Text),
    CheckConstraint(
        "state IN ('open', 'evidence', 'sent', 'waiting', 'resolved', 'rejected', 'written_off')"
    ),
    Index("cases_by_state", "state"),
)

case_breaks = Table(
    "case_breaks",
    metadata,
    # A break is in one case; those of a closed case stay in it.
    Column("break_id", Text, ForeignKey("breaks.id"), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    # As the last reconciliation had it: a case that was closed opens again when this changes.
    Column("amount_minor", Integer, nullable=False),
    Column("effect_minor", Integer, nullable=False),
    Column("owed_minor", Integer, nullable=False),
    Column("found", Boolean, nullable=False),
    Index("case_breaks_by_case", "case_id"),
)

# What was done with cases, only ever added to (see companion.store.chained).
case_events = Table(
    "case_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("at", Text, nullable=False),
    # Whoever did it; "companion" for what a reconciliation did.
    Column("person", Text, nullable=False),
    Column("what", Text, nullable=False),
    # The case as it is afterwards.
    Column("state", Text, nullable=False),
    Column("assignee", Text),
    Column("due", Text),
    Column("text", Text, nullable=False),
    # JSON.
    Column("data", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("case_events_by_case", "case_id"),
)
guard(case_events)

# What one person proposes and another one decides: money that is given up, given back or booked.
adjustments = Table(
    "adjustments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    # The state of the case when it is approved.
    Column("closes", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    # NULL: nobody has decided.
    Column("approved", Boolean),
    Column("checker", Text),
    Column("decided_at", Text),
    Index("adjustments_by_case", "case_id"),
)
guard(adjustments, changing=DECIDING)

# What people decided about accounts, fees, channels and own cards (see companion.store.decisions).
decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    # JSON.
    Column("data", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
guard(decisions)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# What people were told of, and how often: each telling has a number of its own.
alerts = Table(
    "alerts",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    # What the last telling says: new, worse or over. Gone: nothing is to be told of it any more.
    Column("what", Text, nullable=False),
    # The telling that said it was new.
    Column("first_telling", Integer, nullable=False),
    Column("telling", Integer, nullable=False),
    # JSON: the alarm as that telling has it.
    Column("said", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("told_at", Text, nullable=False),
    CheckConstraint("what IN ('new', 'worse', 'over', 'gone')"),
)

alert_sends = Table(
    "alert_sends",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("telling", Integer, primary_key=True, autoincrement=False),
    Column("receiver", Text, primary_key=True),
    # sending: begun, and nobody knows how it ended.
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("at", Text, nullable=False),
    ForeignKeyConstraint(["rule", "key"], ["alerts.rule", "alerts.key"]),
    CheckConstraint("state IN ('sending', 'sent', 'failed')"),
)
