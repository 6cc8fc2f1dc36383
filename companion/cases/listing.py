"""Cases as they stand: which there are, and how much is in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from companion.cases import actions, history, states
from companion.cases.errors import CaseError
from companion.store.schema import adjustments, breaks, case_breaks, case_events, cases

_SHORTEST = 3
_AT_ONCE = 500
_BREAK = case_breaks.c.break_id


@dataclass(frozen=True)
class Filter:
    """Which cases; what is empty or None leaves none out. Days as YYYY-MM-DD, both included."""

    ids: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    kind: str = ""
    code: str = ""
    merchant_no: str = ""
    terminal_no: str = ""
    channel: str = ""
    actor: str = ""
    assignee: str = ""
    overdue_on: str = ""
    since: str = ""
    until: str = ""
    at_least_minor: int | None = None
    at_most_minor: int | None = None
    proposed: bool = False


@dataclass(frozen=True)
class Case:
    """One case with its sums in minor units; ``breaks`` counts those that are still found, of a
    closed case those that were in it. ``revision`` is the number of its newest entry."""

    id: str
    kind: str
    code: str
    merchant_no: str
    terminal_no: str
    channel: str
    first_day: str | None
    state: str
    touched: bool
    actor: str
    assignee: str | None
    due: str | None
    closed_by: str | None
    closed_reason: str | None
    breaks: int
    amount_minor: int
    effect_minor: int
    owed_minor: int
    proposed_minor: int | None
    adjusted_minor: int
    provisional: bool
    squared: bool
    revision: int

    def action(self) -> actions.Action:
        """What to do next."""
        proposed = self.proposed_minor is not None
        return actions.following(
            self.kind, self.code, self.state, proposed, self.squared, self.provisional
        )


def listed(connection: Connection, wanted: Filter) -> list[Case]:
    """The cases of a filter, the most urgent first: by deadline, then the largest sum."""
    found = [_case(row._mapping) for row in connection.execute(_query(wanted))]
    if wanted.at_least_minor is not None:
        found = [one for one in found if one.amount_minor >= wanted.at_least_minor]
    if wanted.at_most_minor is not None:
        found = [one for one in found if one.amount_minor <= wanted.at_most_minor]
    if wanted.proposed:
        found = [one for one in found if one.proposed_minor is not None]
    return sorted(found, key=lambda one: (one.due or "9", -one.amount_minor, one.id))


def one(connection: Connection, prefix: str) -> Case:
    """The case of an id, or of its beginning when only one begins so."""
    found = listed(connection, Filter(ids=(complete(connection, prefix),)))
    return found[0]


def complete(connection: Connection, prefix: str) -> str:
    """The whole id of the case that begins so, or that has a break which begins so; CaseError when
    there is none, or several."""
    shown = prefix.lower()
    if len(shown) >= _SHORTEST and shown.isalnum():
        for column, where in ((cases.c.id, cases.c.id), (case_breaks.c.case_id, _BREAK)):
            found = connection.execute(
                select(column).where(where.startswith(shown, autoescape=True)).distinct().limit(2)
            ).all()
            if len(found) == 1:
                return str(found[0][0])
            if found:
                raise CaseError(f"case {prefix}: several begin so; give more of the id")
    raise CaseError(f"case {prefix}: there is none (companion case list --all)")


def breaks_of(connection: Connection, case_id: str) -> list[dict[str, object]]:
    """The breaks of a case as dicts, those that are still found first, the largest first; each
    with ``found`` and its evidence as JSON text."""
    query = (
        select(breaks, case_breaks.c.found)
        .where(breaks.c.id == case_breaks.c.break_id, case_breaks.c.case_id == case_id)
        .order_by(
            case_breaks.c.found.desc(),
            breaks.c.amount_minor.desc(),
            breaks.c.business_date,
            breaks.c.id,
        )
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def of_break(connection: Connection, break_id: str) -> str | None:
    """The id of the case that a break is in."""
    query = select(case_breaks.c.case_id).where(case_breaks.c.break_id == break_id)
    found: str | None = connection.execute(query).scalar()
    return found


def adjustments_of(connection: Connection, case_id: str) -> list[dict[str, object]]:
    """What was proposed and decided in a case, oldest first."""
    query = select(adjustments).where(adjustments.c.case_id == case_id).order_by(adjustments.c.id)
    return [dict(row._mapping) for row in connection.execute(query)]


def _query(wanted: Filter) -> Select[tuple[object, ...]]:
    open_now = case_breaks.c.found.is_(True)
    sums = (
        select(
            case_breaks.c.case_id,
            func.count().filter(open_now).label("open_breaks"),
            func.count().label("all_breaks"),
            func.coalesce(func.sum(breaks.c.amount_minor).filter(open_now), 0).label(
                "open_amount"
            ),
            func.sum(breaks.c.amount_minor).label("all_amount"),
            func.coalesce(func.sum(breaks.c.effect_minor).filter(open_now), 0).label("effect"),
            func.coalesce(func.sum(breaks.c.owed_minor).filter(open_now), 0).label("owed"),
            func.min(breaks.c.provisional).filter(open_now).label("all_provisional"),
        )
        .where(case_breaks.c.break_id == breaks.c.id)
        .group_by(case_breaks.c.case_id)
        .subquery()
    )
    booked = (
        select(
            adjustments.c.case_id,
            func.sum(adjustments.c.amount_minor)
            .filter(adjustments.c.approved.is_(None))
            .label("proposed"),
            func.coalesce(
                func.sum(adjustments.c.amount_minor).filter(adjustments.c.approved.is_(True)), 0
            ).label("adjusted"),
        )
        .group_by(adjustments.c.case_id)
        .subquery()
    )
    newest = (
        select(case_events.c.case_id, func.max(case_events.c.seq).label("revision"))
        .group_by(case_events.c.case_id)
        .subquery()
    )
    joined = (
        cases.outerjoin(sums, sums.c.case_id == cases.c.id)
        .outerjoin(booked, booked.c.case_id == cases.c.id)
        .outerjoin(newest, newest.c.case_id == cases.c.id)
    )
    columns = [*cases.c, *_but_id(sums), *_but_id(booked), newest.c.revision]
    return select(*columns).select_from(joined).where(*_conditions(wanted))


def _but_id(table: object) -> list[ColumnElement[object]]:
    return [column for column in table.c if column.key != "case_id"]  # type: ignore[attr-defined]


def _conditions(wanted: Filter) -> Sequence[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.ids:
        parts = [wanted.ids[at : at + _AT_ONCE] for at in range(0, len(wanted.ids), _AT_ONCE)]
        found.append(or_(*(cases.c.id.in_(part) for part in parts)))
    if wanted.states:
        found.append(cases.c.state.in_(wanted.states))
    for name in ("kind", "code", "merchant_no", "terminal_no", "channel", "actor", "assignee"):
        value = getattr(wanted, name)
        if value:
            found.append(cases.c[name] == value)
    if wanted.overdue_on:
        found.append(cases.c.due < wanted.overdue_on)
        found.append(cases.c.state.in_(states.ACTIVE))
    if wanted.since:
        found.append(cases.c.first_day >= wanted.since)
    if wanted.until:
        found.append(cases.c.first_day <= wanted.until)
    return found


def _case(row: object) -> Case:
    values = dict(row)  # type: ignore[call-overload]
    closed = values["state"] in states.CLOSED
    names = ("id", "kind", "code", "merchant_no", "terminal_no", "channel", "first_day", "state")
    more = ("touched", "actor", "assignee", "due", "closed_by", "closed_reason")
    return Case(
        **{name: values[name] for name in (*names, *more)},
        breaks=(values["all_breaks"] if closed else values["open_breaks"]) or 0,
        amount_minor=(values["all_amount"] if closed else values["open_amount"]) or 0,
        effect_minor=values["effect"] or 0,
        owed_minor=values["owed"] or 0,
        proposed_minor=values["proposed"],
        adjusted_minor=values["adjusted"] or 0,
        provisional=bool(values["all_provisional"]) and not closed,
        squared=not values["open_breaks"],
        revision=values["revision"] or 0,
    )


def head(connection: Connection) -> str:
    """The newest digest of the history, for whoever keeps it elsewhere."""
    return history.head(connection)[1]
