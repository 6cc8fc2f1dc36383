"""What causes are found in: a break with its rows, the journals around it, what else is open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection, select

from companion.accounts import channels, settlement
from companion.accounts.channels import Channel
from companion.cases.listing import Case
from companion.facts import calendar
from companion.facts.schema import as_date
from companion.reconcile.words import money, notes
from companion.store.schema import breaks

CHINA = timezone(timedelta(hours=8))
_MOST_DAYS = 40

Row = Mapping[str, object]


@dataclass(frozen=True)
class Clue:
    """Something that speaks for a cause: how strongly, and the sentence with its values."""

    cause: str
    weight: int
    line: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass
class Scene:
    """A case and what there is around it."""

    connection: Connection
    case: Case
    # Open breaks of the same merchant, of any case.
    others: Sequence[Row]
    # The breaks of the case, all of them.
    found: Sequence[Row]
    account_changes: Sequence[settlement.Account]
    country: str

    def free_days(self, first: int, last: int) -> list[str]:
        """The days from first to last, both included, that are no business days."""
        days = range(first, min(last, first + _MOST_DAYS) + 1)
        free = [day for day in days if not calendar.is_business_day(day, self.country)]
        return [as_date(day).isoformat() for day in free]


def scene(connection: Connection, case: Case, found: Sequence[Row]) -> Scene:
    """The surroundings of a case."""
    query = select(
        breaks.c.id,
        breaks.c.code,
        breaks.c.terminal_no,
        breaks.c.channel,
        breaks.c.business_date,
        breaks.c.amount_minor,
        breaks.c.row_key,
    ).where(breaks.c.state == "open", breaks.c.merchant_no == case.merchant_no)
    accounts = settlement.accounts(settlement.history(connection))
    known = channels.every(connection)
    return Scene(
        connection,
        case,
        [dict(row._mapping) for row in connection.execute(query.order_by(breaks.c.id))],
        found,
        [one for one in accounts if one.valid_from > settlement.ALWAYS],
        known.get(case.channel, Channel(case.channel)).country,
    )


def sides(item: Row) -> tuple[Row, Row, Row, Row]:
    """The rows of a break: terminal, acquirer, bank, announced payout; empty if it has none."""
    evidence = item["evidence"]
    if isinstance(evidence, str):
        evidence = json.loads(evidence)
    assert isinstance(evidence, Mapping)
    rows = [evidence.get(name) or {} for name in ("terminal", "acquirer", "bank", "payout")]
    return rows[0], rows[1], rows[2], rows[3]


def evidence_of(item: Row) -> Row:
    """The evidence of a break, of a journal's too."""
    evidence = item["evidence"]
    found: Row = json.loads(evidence) if isinstance(evidence, str) else evidence  # type: ignore[assignment]
    return found


def noted(item: Row) -> dict[str, str]:
    """What the rules noted with a break."""
    return notes(str(item["note"]))


def number(row: Row, name: str) -> int:
    """A number of a row, 0 when it is not there."""
    value = row.get(name)
    return value if isinstance(value, int) else 0


def amount(row: Row, name: str = "amount_minor") -> str:
    """An amount of a row, as a person reads it."""
    return money(number(row, name))


def clock(at: int) -> str:
    """An instant in China time."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def told(row: Row, what: str) -> dict[str, object]:
    """The values of the line that names a row of a file."""
    return {"line": row.get("line", "?"), "file": str(row.get("file", "?"))[:16], "what": what}
