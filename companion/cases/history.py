"""What was done with cases: only ever added to, each entry under a digest of all before it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, select

from companion.accounts import people
from companion.store import StoreError, chained
from companion.store.schema import adjustments, case_events, cases
from companion.store.store import utc_now

# Who does what a reconciliation does.
COMPANION = "companion"
# What stands in an entry about the case as it is afterwards.
_CARRIED = ("state", "assignee", "due")
# Entries that tell of an adjustment, whose number their data has.
_OF_ADJUSTMENTS = ("proposed", "approved", "refused")


@dataclass(frozen=True)
class Event:
    """One thing that was done; ``state``, ``assignee`` and ``due`` are as it left the case."""

    seq: int
    case_id: str
    at: str
    person: str
    what: str
    state: str
    assignee: str | None
    due: str | None
    text: str
    data: dict[str, object]
    digest: str


@dataclass(frozen=True)
class Verified:
    """How many entries there are, the newest one's digest, and what does not fit them."""

    entries: int
    head: str
    problems: list[str] = field(default_factory=list)


def entry(
    case: Mapping[str, object],
    person: str,
    what: str,
    text: str,
    data: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """An entry about what was done with a case, given as it is now."""
    return {
        "case_id": case["id"],
        "at": utc_now(),
        "person": person,
        "what": what,
        **{name: case[name] for name in _CARRIED},
        "text": text,
        "data": json.dumps(data or {}, sort_keys=True, ensure_ascii=False),
    }


def add(
    connection: Connection,
    case: Mapping[str, object],
    person: str,
    what: str,
    text: str,
    data: Mapping[str, object] | None = None,
) -> None:
    """Write down what was done with a case."""
    add_all(connection, [entry(case, person, what, text, data)])


def add_all(connection: Connection, entries: Sequence[Mapping[str, object]]) -> None:
    """Write down several entries, in this order."""
    chained.extend(connection, case_events, entries)


def of(connection: Connection, case_id: str) -> list[Event]:
    """The history of one case, oldest first."""
    query = select(case_events).where(case_events.c.case_id == case_id).order_by(case_events.c.seq)
    return [_event(row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, case_id: str) -> Event | None:
    """The last thing that a person did with a case."""
    query = (
        select(case_events)
        .where(case_events.c.case_id == case_id, case_events.c.person != COMPANION)
        .order_by(case_events.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return _event(row) if row else None


def head(connection: Connection) -> tuple[int, str]:
    """How many entries there are and the newest one's digest: kept elsewhere (on paper, in an
    evidence pack), it shows later that the end was not cut."""
    return chained.head(connection, case_events)


def verify(connection: Connection, known: str = "") -> Verified:
    """Check every digest, and cases and adjustments against what their entries say; ``known`` is
    a head that was noted earlier and must be among the entries."""
    count, newest = head(connection)
    latest: dict[str, Mapping[str, object]] = {}
    decided: dict[tuple[object, object], Mapping[str, object]] = {}
    try:
        for row in chained.rows(connection, case_events):
            latest[row["case_id"]] = row
            if row["what"] in _OF_ADJUSTMENTS:
                decided[json.loads(row["data"])["adjustment"], row["what"]] = row
    except StoreError as error:
        return Verified(count, newest, [str(error)])
    problems = _adjustments(connection, decided)
    for case in connection.execute(select(cases).order_by(cases.c.id)).mappings():
        said = latest.get(case["id"])
        if said is None:
            problems.append(f"case {case['id']} has no history: entries were cut off the end")
            continue
        for name in _CARRIED:
            if case[name] != said[name]:
                problems.append(
                    f"case {case['id']}: {name} is {case[name]}, its history says {said[name]}"
                )
    if known and known != chained.FIRST:
        among = select(case_events.c.seq).where(case_events.c.digest == known)
        if connection.execute(among).first() is None:
            problems.append(f"{known} is not among the entries: they were cut off or made anew")
    return Verified(count, newest, problems)


def _adjustments(
    connection: Connection, said: Mapping[tuple[object, object], Mapping[str, object]]
) -> list[str]:
    """The adjustments that are not as the history tells of them, or that one person made alone."""
    problems = []
    for one in connection.execute(select(adjustments).order_by(adjustments.c.id)):
        made = said.get((one.id, "proposed"))
        told = json.loads(str(made["data"])) if made else {}
        fits = made is not None and (made["person"], made["text"]) == (one.maker, one.text)
        fits = fits and (told["amount_minor"], told["closes"]) == (one.amount_minor, one.closes)
        verdict = said.get((one.id, "approved" if one.approved else "refused"))
        if one.approved is None:
            fits = fits and verdict is None and (one.id, "approved") not in said
        else:
            fits = fits and verdict is not None and verdict["person"] == one.checker
        if one.approved:
            fits = fits and not people.same(one.maker, one.checker)
        if not fits:
            problems.append(f"case {one.case_id}: adjustment {one.id} is not as its history says")
    return problems


def _event(row: RowMapping) -> Event:
    return Event(**{**row, "data": json.loads(row["data"])})
