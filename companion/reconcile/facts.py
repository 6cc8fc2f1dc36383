"""Canonical facts as Parquet: what the rules read, made anew from records and original files.

`facts/host/<sha256>.parquet` is one imported file, `facts/terminal.parquet` the transactions of
every terminal, `facts/gaps.parquet` what is wrong with their journals and which batches were not
settled. Each row says where it came from: file hash and line, or device and sequence numbers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from companion.reconcile import batches, codes
from companion.reconcile.fold import Items, Taken, Transaction, carry_over, fold
from companion.statements import StatementError, layouts
from companion.store import Store, StoreError, findings, originals, records, terminals
from companion.store.findings import Finding
from companion.store.verify import Damage, verify

# The host's dates (F13, the business date) are China time.
_HOST_ZONE = timezone(timedelta(hours=8))

_INSTANT = pa.timestamp("us", "UTC")

TERMINAL = pa.schema(
    [
        ("merchant_no", pa.string()),
        ("terminal_no", pa.string()),
        ("batch", pa.string()),
        ("stan", pa.string()),
        ("device_id", pa.string()),
        ("first_seq", pa.int64()),
        ("last_seq", pa.int64()),
        ("business_date", pa.date32()),
        ("wall", _INSTANT),
        ("txn", pa.string()),
        ("status", pa.string()),
        ("amount_minor", pa.int64()),
        ("sent_minor", pa.int64()),
        ("echoed_minor", pa.int64()),
        ("currency", pa.string()),
        ("card", pa.string()),
        ("token", pa.string()),
        ("entry", pa.string()),
        ("host_time", pa.string()),
        ("code", pa.string()),
        ("rrn", pa.string()),
        ("auth", pa.string()),
        ("reversal_reason", pa.string()),
        ("reversal_attempts", pa.int64()),
        ("reversal_code", pa.string()),
        ("late_code", pa.string()),
        ("receipts", pa.int64()),
        ("remarks", pa.string()),
    ]
)

HOST = pa.schema(
    [
        ("merchant_no", pa.string()),
        ("terminal_no", pa.string()),
        ("batch", pa.string()),
        ("stan", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("business_date", pa.date32()),
        ("host_time", _INSTANT),
        ("txn", pa.string()),
        ("status", pa.string()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("card", pa.string()),
        ("rrn", pa.string()),
        ("auth", pa.string()),
        ("f39", pa.string()),
        ("reversal_f39", pa.string()),
    ]
)

DAYS = pa.schema([("merchant_no", pa.string()), ("business_date", pa.date32())])

GAPS = pa.schema(
    [
        ("code", pa.string()),
        ("merchant_no", pa.string()),
        ("terminal_no", pa.string()),
        ("device_id", pa.string()),
        ("first_seq", pa.int64()),
        ("last_seq", pa.int64()),
        ("problem", pa.string()),
        ("evidence", pa.string()),
    ]
)


@dataclass(frozen=True)
class Journal:
    """A terminal's records as far as the store has them: None stands for a damaged one."""

    items: Items
    received: dict[int, str]
    damages: list[Damage]
    # The newest record was read from the flash itself: there were none behind it.
    whole: bool


@dataclass(frozen=True)
class Facts:
    """Paths of the Parquet files of one run; `host` is one path for each live file."""

    terminal: Path
    host: list[Path]
    days: Path
    gaps: Path


def build(store: Store) -> Facts:
    """Write the facts of everything in the store; the caller holds the reconcile lock."""
    with store.read() as connection:
        live = originals.live(connection)
        days: dict[str, list[date]] = {}
        for original in live:
            day = date.fromisoformat(original.business_date)
            days.setdefault(original.merchant_no, []).append(day)
        rows: list[dict[str, object]] = []
        gaps: list[dict[str, object]] = []
        known = sorted(terminals.every(connection), key=lambda terminal: terminal.created_at)
        done: dict[str, list[Transaction]] = {}
        taken: dict[str, list[Taken]] = {}
        received: dict[str, dict[int, str]] = {}
        for terminal in known:
            device = terminal.device_id
            found = journal(connection, terminal)
            taken[device] = []
            done[device] = fold(found.items, taken[device])
            received[device] = found.received
            wrong = _wrong(found.damages, findings.of(connection, device))
            wrong += batches.problems(found.items, done[device])
            gaps += [{**_who(terminal), "evidence": "{}", **row} for row in wrong]
    for device in done:
        carry_over(done, device, taken[device])
    for terminal in known:
        merchant_days = days.get(terminal.merchant_no, [])
        for transaction in done[terminal.device_id]:
            seen = datetime.fromisoformat(received[terminal.device_id][transaction.first_seq])
            rows.append({**_who(terminal), **_terminal_row(transaction, merchant_days, seen)})
    host = [_host(store, original) for original in live]
    dated = [{"merchant_no": m, "business_date": d} for m, dates in days.items() for d in dates]
    return Facts(
        terminal=_write(store.facts / "terminal.parquet", TERMINAL, rows),
        host=host or [_write(store.facts / "host" / "none.parquet", HOST, [])],
        days=_write(store.facts / "days.parquet", DAYS, dated),
        gaps=_write(store.facts / "gaps.parquet", GAPS, gaps),
    )


def journal(connection: Connection, terminal: terminals.Terminal) -> Journal:
    """What the store has of a terminal's journal, checked against its seals."""
    _, damages = verify(connection, terminal)
    # A longer range has no records in it, and what a rollback lost was sealed all the same.
    damaged = {
        one.first_seq
        for one in damages
        if one.first_seq == one.last_seq and one.code != codes.JOURNAL_ROLLBACK
    }
    items: Items = []
    received: dict[int, str] = {}
    whole = False
    for item in records.scan(connection, terminal.device_id):
        items.append((item.seq, None if item.seq in damaged else item.content))
        received[item.seq] = item.received_at
        whole = item.image is not None
    return Journal(items, received, damages, whole)


def _wrong(damages: list[Damage], noted: list[Finding]) -> list[dict[str, object]]:
    """A fact row for each thing that is wrong with a journal; what a sync noted of a record comes
    before what the stored record itself shows."""
    rows: dict[tuple[str, int], dict[str, object]] = {}
    found: list[Finding | Damage] = [*noted, *damages]
    for one in found:
        row = {
            "code": one.code,
            "first_seq": one.first_seq,
            "last_seq": one.last_seq,
            "problem": one.problem,
            "evidence": json.dumps(one.evidence, sort_keys=True),
        }
        rows.setdefault((one.code, one.first_seq), row)
    return list(rows.values())


def _who(terminal: terminals.Terminal) -> dict[str, object]:
    return {
        "merchant_no": terminal.merchant_no,
        "terminal_no": terminal.terminal_no,
        "device_id": terminal.device_id,
    }


def _terminal_row(item: Transaction, days: list[date], received: datetime) -> dict[str, object]:
    wall = datetime.fromtimestamp(item.wall, timezone.utc) if item.wall else None
    return {
        **item.__dict__,
        "wall": wall,
        "business_date": business_date(item.host_time, days, wall or received),
        "currency": "156",
        "remarks": "; ".join(item.remarks),
    }


def business_date(host_time: str, days: Sequence[date], near: datetime) -> date:
    """The host's date of a terminal transaction, from MMDDhhmmss; ISO 8583 dates have no year.

    The year is that of an imported host file of the same month and day if there is one, else the
    last one that does not put it after `near` (the terminal's clock, or when we received it).
    """
    today = near.astimezone(_HOST_ZONE).date()
    if len(host_time) < 4 or not host_time[:4].isdigit():
        return today
    month, day = int(host_time[:2]), int(host_time[2:4])
    years = [known.year for known in days if (known.month, known.day) == (month, day)]
    # A day of grace for clocks that differ. Five years back there is a 29 February.
    latest = today + timedelta(days=1)
    candidates = []
    for year in years or range(today.year - 4, today.year + 2):
        try:
            candidates.append(date(year, month, day))
        except ValueError:
            continue
    past = [item for item in candidates if item <= latest]
    return max(past) if past else min(candidates, default=today)


def _host(store: Store, original: originals.Original) -> Path:
    path = store.facts / "host" / (original.sha256 + ".parquet")
    if path.exists():
        return path  # named by its content and written whole: it cannot be out of date
    try:
        statement = layouts.parse(originals.load(store, original))
    except StatementError as error:
        raise StoreError(f"{original.name}, imported before, cannot be read: {error}") from error
    rows = [{**row.__dict__, "file": original.sha256} for row in statement.rows]
    return _write(path, HOST, rows)


def _write(path: Path, schema: pa.Schema, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    columns = {
        name: pa.array([row[name] for row in rows], schema.field(name).type)
        for name in schema.names
    }
    part = path.with_suffix(".part")
    pq.write_table(pa.table(columns, schema=schema), part)
    os.replace(part, path)
    return path
