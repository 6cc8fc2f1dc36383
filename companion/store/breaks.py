"""Runs and breaks: what a reconciliation found, upserted so that a replay changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from companion.rules import hashing
from companion.store.schema import breaks, runs
from companion.store.store import Store, utc_now


@dataclass(frozen=True)
class Break:
    """One disagreement, in the words and amounts that a person needs (minor units)."""

    code: str
    row_key: str
    merchant_no: str
    terminal_no: str
    business_date: str | None
    amount_minor: int
    effect_minor: int
    provisional: bool
    reason: str
    actor: str
    evidence: dict[str, object]
    channel: str = "card"
    owed_minor: int = 0
    match_pass: int = 0
    note: str = ""

    @property
    def id(self) -> str:
        """The same break has the same id in every run, on every engine."""
        return hashing.break_id(self.code, self.row_key)


@dataclass(frozen=True)
class Changes:
    """What one run changed among the breaks of the store."""

    run: int
    opened: int
    closed: int
    open_effect_minor: int
    break_set_hash: str


def record_run(
    store: Store,
    rules: str,
    found: list[Break],
    summary: dict[str, object],
    closing: Mapping[str, str],
) -> Changes:
    """`record` in a transaction of its own."""
    with store.write() as connection:
        return record(connection, rules, found, summary, closing)


def record(
    connection: Connection,
    rules: str,
    found: list[Break],
    summary: dict[str, object],
    closing: Mapping[str, str],
) -> Changes:
    """Store a run and bring the breaks to what it found.

    A break that is no longer found closes, with the words that `closing` has for its id; one that
    comes back is opened again under the same id. The caller holds the reconcile lock.
    """
    digest = hashing.break_set_hash(found)
    run = connection.execute(
        insert(runs)
        .values(
            rules=rules,
            finished_at=utc_now(),
            summary=json.dumps(summary, sort_keys=True),
            break_set_hash=digest,
        )
        .returning(runs.c.id)
    ).scalar_one()
    state = {row.id: row.state for row in connection.execute(select(breaks.c.id, breaks.c.state))}
    now = {item.id: _values(item, run) for item in found}
    known = [{"key": key, **values} for key, values in now.items() if key in state]
    fresh = [
        {"id": key, "first_run": run, **values} for key, values in now.items() if key not in state
    ]
    if known:
        connection.execute(update(breaks).where(breaks.c.id == bindparam("key")), known)
    if fresh:
        connection.execute(insert(breaks), fresh)
    gone = [
        {"key": key, "why": closing[key]}
        for key, value in state.items()
        if value == "open" and key not in now
    ]
    if gone:
        connection.execute(
            update(breaks)
            .where(breaks.c.id == bindparam("key"))
            .values(state="closed", closed_run=run, closed_reason=bindparam("why")),
            gone,
        )
    opened = sum(state.get(key) != "open" for key in now)
    return Changes(run, opened, len(gone), open_effect(connection), digest)


def _values(item: Break, run: int) -> dict[str, object]:
    return {
        **item.__dict__,
        "evidence": json.dumps(item.evidence, sort_keys=True),
        "state": "open",
        "last_run": run,
        "closed_run": None,
        "closed_reason": None,
    }


def open_keys(connection: Connection) -> dict[str, tuple[str, str]]:
    """The open breaks: id -> (code, row key)."""
    query = select(breaks.c.id, breaks.c.code, breaks.c.row_key).where(breaks.c.state == "open")
    return {row.id: (row.code, row.row_key) for row in connection.execute(query)}


def open_effect(connection: Connection) -> int:
    """The sum of the open breaks' effects, minor units."""
    total = select(func.coalesce(func.sum(breaks.c.effect_minor), 0)).where(
        breaks.c.state == "open"
    )
    return int(connection.execute(total).scalar_one())


def listed(
    connection: Connection,
    state: str | None = "open",
    code: str | None = None,
    date: str | None = None,
) -> list[dict[str, object]]:
    """Breaks as dicts, by date, code and key; None for a filter means all.

    A journal gap has no date: it may hide something on any day, so every date has it.
    """
    query = select(breaks).order_by(
        breaks.c.business_date, breaks.c.code, breaks.c.row_key, breaks.c.id
    )
    for column, value in ((breaks.c.state, state), (breaks.c.code, code)):
        if value is not None:
            query = query.where(column == value)
    if date is not None:
        day = breaks.c.business_date
        query = query.where((day == date) | day.is_(None))
    return [_dict(row) for row in connection.execute(query)]


def last_run(connection: Connection) -> dict[str, object] | None:
    """The newest run with its summary, or None before the first."""
    row = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    return {**row._mapping, "summary": json.loads(row.summary)}


def _dict(row: Row[tuple[object, ...]]) -> dict[str, object]:
    return {**row._mapping, "evidence": json.loads(row.evidence)}


def row_ids(connection: Connection, ids: Iterable[str]) -> dict[str, list[int]]:
    """The ids of the terminal's and acquirer's rows of these breaks, from their evidence."""
    found: dict[str, list[int]] = {}
    for id_ in ids:
        query = select(breaks.c.evidence).where(breaks.c.id == id_)
        evidence = json.loads(connection.execute(query).scalar_one())
        rows = [evidence.get(leg) or {} for leg in ("terminal", "acquirer")]
        found[id_] = [row["id"] for row in rows if "id" in row]
    return found
