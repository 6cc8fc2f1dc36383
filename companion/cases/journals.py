"""What the terminals' journals say about the time in which something happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from companion.reconcile import codes
from companion.store import records, schema
from companion.store.breaks import Break

# How far to look for a record that has a time: the clock may have been unset for some.
_NEAR = 20
# China time, the business day's.
_ZONE_S = 8 * 3600
_DAY_S = 86400

Row = Mapping[str, object]


@dataclass(frozen=True)
class Window:
    """Lost records of a device, and the times of the records around them (0: not known)."""

    device_id: str
    first_seq: int
    last_seq: int
    since: int
    until: int

    def covers(self, at: int) -> bool:
        """Whether something at that time may have been among them."""
        known = self.since or self.until
        return bool(known) and self.since <= at and (not self.until or at <= self.until)


@dataclass
class Journals:
    """The journals as far as grouping needs them, read once for a reconciliation."""

    # Terminal numbers (merchant, terminal) of the store, and their devices.
    devices: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    # Merchants whose terminals (also) come from files of another maker.
    exported: set[str] = field(default_factory=set)
    # The time of the last known record of a terminal number.
    until: dict[tuple[str, str], int] = field(default_factory=dict)
    windows: dict[tuple[str, str], list[Window]] = field(default_factory=dict)
    # The business day of what has none, by break: that of the records around it.
    days: dict[str, int | None] = field(default_factory=dict)


def read(connection: Connection, found: list[Break]) -> Journals:
    """The journals of the terminals that have breaks."""
    known = Journals()
    wanted = {(one.merchant_no, one.terminal_no) for one in found}
    every = schema.terminals
    for row in connection.execute(select(every).order_by(every.c.created_at)):
        key = (row.merchant_no, row.terminal_no)
        known.devices.setdefault(key, []).append(row.device_id)
        if key in wanted:
            until = _time(connection, row.device_id, row.next_seq, -1)
            known.until[key] = max(until, known.until.get(key, 0))
    told = schema.statements
    query = select(told.c.party).where(told.c.kind == "terminal").distinct()
    known.exported = {row.party for row in connection.execute(query)}
    for item in found:
        if "device_id" not in item.evidence:
            continue
        window = _window(connection, item)
        known.days[item.id] = business_day(window.since or window.until)
        if item.code in codes.JOURNAL:
            where = (item.merchant_no, item.terminal_no)
            known.windows.setdefault(where, []).append(window)
    return known


def records_between(
    connection: Connection, device_id: str, first: int, last: int
) -> list[tuple[int, Row]]:
    """The readable records of a device from first to last, both included."""
    held = schema.records
    query = (
        select(held.c.seq, held.c.payload)
        .where(held.c.device_id == device_id, held.c.seq >= first, held.c.seq <= last)
        .order_by(held.c.seq)
    )
    read = [(row.seq, records.decoded(row.payload)) for row in connection.execute(query)]
    return [(seq, content) for seq, content in read if content is not None]


def business_day(wall: int) -> int | None:
    """The day of an instant in China time; None for a clock that was not set."""
    return (wall + _ZONE_S) // _DAY_S if wall else None


def _window(connection: Connection, item: Break) -> Window:
    evidence = item.evidence
    device, first = str(evidence["device_id"]), int(str(evidence["first_seq"]))
    last = int(str(evidence["last_seq"]))
    since = _time(connection, device, first, -1)
    return Window(device, first, last, since, _time(connection, device, last, 1))


def _time(connection: Connection, device_id: str, seq: int, way: int) -> int:
    """The clock of the nearest record before (way -1) or behind (way 1) a number."""
    held = schema.records
    beyond = held.c.seq < seq if way < 0 else held.c.seq > seq
    order = held.c.seq.desc() if way < 0 else held.c.seq
    query = (
        select(held.c.payload)
        .where(held.c.device_id == device_id, beyond)
        .order_by(order)
        .limit(_NEAR)
    )
    for row in connection.execute(query):
        wall = (records.decoded(row.payload) or {}).get("wall")
        if isinstance(wall, int) and wall:
            return wall
    return 0
