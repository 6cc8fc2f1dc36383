"""The terminal leg: transactions folded from the records of the store.

The terminals of one number belong together, for one takes over what another left open. Their rows
are made anew when any of their records has changed, else they stay as they were.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from sqlalchemy import Connection

from companion.facts import schema
from companion.reconcile import batches, codes
from companion.reconcile.fold import Items, Taken, Transaction, carry_over, fold
from companion.store import findings, records, terminals
from companion.store.findings import Finding
from companion.store.verify import Damage, verify

# The host's dates (F13, the business date) are China time.
HOST_ZONE = timezone(timedelta(hours=8))
CHANNEL = "card"


@dataclass(frozen=True)
class Journal:
    """A terminal's records as far as the store has them: None stands for a damaged one."""

    items: Items
    received: dict[int, str]
    damages: list[Damage]
    # The newest record was read from the flash itself: there were none behind it.
    whole: bool


@dataclass(frozen=True)
class Told:
    """What the terminals of one number tell: rows of the terminal leg, and what is wrong."""

    rows: list[dict[str, object]]
    gaps: list[dict[str, object]]


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


def told(
    connection: Connection,
    same_number: Sequence[terminals.Terminal],
    source_numbers: Mapping[str, int],
    days: Sequence[date],
) -> Told:
    """Fold the journals of the terminals of one number, the oldest terminal first.

    ``days``: the business days of the merchant's statements; ``source_numbers``: by device id.
    """
    done: dict[str, list[Transaction]] = {}
    taken: dict[str, list[Taken]] = {}
    received: dict[str, dict[int, str]] = {}
    gaps: list[dict[str, object]] = []
    for terminal in same_number:
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
    rows = [
        {**_who(terminal), **_row(item, days, received[terminal.device_id], number)}
        for terminal in same_number
        for number in [source_numbers[terminal.device_id]]
        for item in done[terminal.device_id]
    ]
    return Told(rows, gaps)


def digest(
    connection: Connection, same_number: Iterable[terminals.Terminal], days: Sequence[date]
) -> str:
    """A hash over everything that `told` depends on."""
    hashed = hashlib.sha256(repr(sorted(days)).encode())
    for terminal in same_number:
        device = terminal.device_id
        keys = [key.hex() for key in terminals.seal_keys(connection, terminal)]
        known = [
            _who(terminal),
            terminal.next_seq,
            hashlib.sha256("".join(keys).encode()).hexdigest(),
            [gap.__dict__ for gap in records.known_gaps(connection, device)],
            [finding.__dict__ for finding in findings.of(connection, device)],
        ]
        hashed.update(json.dumps(known, sort_keys=True, default=str).encode())
        for line in records.raw(connection, device):
            hashed.update(line)
    return hashed.hexdigest()


def business_date(host_time: str, days: Sequence[date], near: datetime) -> date:
    """The host's date of a terminal transaction, from MMDDhhmmss; ISO 8583 dates have no year.

    The year is that of an imported host file of the same month and day if there is one, else the
    last one that does not put it after `near` (the terminal's clock, or when we received it).
    """
    today = near.astimezone(HOST_ZONE).date()
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


def _row(
    item: Transaction, days: Sequence[date], received: Mapping[int, str], number: int
) -> dict[str, object]:
    seen = datetime.fromisoformat(received[item.first_seq])
    wall = datetime.fromtimestamp(item.wall, timezone.utc) if item.wall else seen
    day = business_date(item.host_time, days, wall)
    of_batch, of_stan = item.of or ("", "")
    return {
        **item.__dict__,
        "id": schema.row_id(number, item.first_seq),
        "channel": CHANNEL,
        "occurrence": 0,
        "day": schema.day_number(day),
        "at": item.wall,
        "host_at": _host_at(item.host_time, day),
        "currency": "156",
        "of_batch": of_batch,
        "of_stan": of_stan,
        "remarks": "; ".join(item.remarks),
    }


def _host_at(host_time: str, day: date) -> int:
    """The instant of MMDDhhmmss on that business date, 0 when it is none."""
    clock = host_time[4:10]
    if len(clock) != 6 or not clock.isdigit():
        return 0
    hours, minutes, seconds = int(clock[:2]), int(clock[2:4]), int(clock[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        return 0
    midnight = datetime(day.year, day.month, day.day, tzinfo=HOST_ZONE)
    return int(midnight.timestamp()) + hours * 3600 + minutes * 60 + seconds


def _who(terminal: terminals.Terminal) -> dict[str, object]:
    return {
        "merchant_no": terminal.merchant_no,
        "terminal_no": terminal.terminal_no,
        "device_id": terminal.device_id,
    }


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
