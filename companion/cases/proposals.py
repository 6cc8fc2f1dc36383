"""Adjustments that wait for a second person, and the money that they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from sqlalchemy import case as sql_case

from companion.cases.errors import CaseError
from companion.reconcile import codes
from companion.reconcile.words import money
from companion.store.schema import adjustments, breaks, case_breaks

# No book is out by them, and whoever closes one gives its amount up all the same.
_BY_AMOUNT = (
    codes.FEE_DIFFERS,
    codes.PAYOUT_OLD_ACCOUNT,
    codes.PAYOUT_WRONG_ACCOUNT,
    codes.COMPLETION_DUPLICATE,
    codes.PREAUTH_OVER,
)


@dataclass(frozen=True)
class Proposal:
    """An adjustment that waits for a second person."""

    id: int
    closes: str
    amount_minor: int
    text: str
    maker: str
    made_at: str


def of(connection: Connection, case_id: str) -> Proposal | None:
    """What waits for a second person in a case."""
    row = connection.execute(
        select(adjustments).where(
            adjustments.c.case_id == case_id, adjustments.c.approved.is_(None)
        )
    ).first()
    names = Proposal.__dataclass_fields__
    return Proposal(**{name: getattr(row, name) for name in names}) if row else None


def check(connection: Connection, case: Mapping[str, object]) -> None:
    """CaseError when something of this case waits for a second person."""
    waiting = of(connection, str(case["id"]))
    if waiting is not None:
        raise CaseError(
            f"case {case['id']}: {money(waiting.amount_minor)} was proposed by {waiting.maker} "
            "and waits for a second person (case approve, case refuse)"
        )


def found(connection: Connection, case_id: str) -> int:
    """How many breaks of a case the last reconciliation has found."""
    query = select(func.count()).where(
        case_breaks.c.case_id == case_id, case_breaks.c.found.is_(True)
    )
    return int(connection.execute(query).scalar_one())


def differs(connection: Connection, case_id: str) -> int:
    """The money of its breaks that is not adjusted yet, minor units; negative: what was
    adjusted has come after all."""
    booked = func.abs(breaks.c.effect_minor) + func.abs(breaks.c.owed_minor)
    besides = sql_case((breaks.c.code.in_(_BY_AMOUNT), breaks.c.amount_minor), else_=0)
    sums = select(
        func.coalesce(func.sum(sql_case((booked != 0, booked), else_=besides)), 0)
    ).where(
        breaks.c.id == case_breaks.c.break_id,
        case_breaks.c.case_id == case_id,
        case_breaks.c.found.is_(True),
    )
    adjusted = select(func.coalesce(func.sum(adjustments.c.amount_minor), 0)).where(
        adjustments.c.case_id == case_id, adjustments.c.approved.is_(True)
    )
    there = int(connection.execute(sums).scalar_one())
    return there - int(connection.execute(adjusted).scalar_one())
