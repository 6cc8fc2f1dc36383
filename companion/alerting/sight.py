"""What the rules look at: the store at one instant, each part read when the first rule asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Connection, Select, select

from companion.alerting.live import LONGEST_S, Sold, sold
from companion.alerting.rules import Chosen
from companion.cases import states
from companion.facts.journals import HOST_ZONE
from companion.facts.schema import day_number
from companion.store import Store, terminals
from companion.store.schema import breaks, case_breaks, cases
from companion.store.terminals import Terminal

DAY_S = 86400


@dataclass
class Sight:
    """The store as it is at ``now``, seconds since 1970-01-01 UTC."""

    store: Store
    connection: Connection
    now: int
    rules: Mapping[str, Chosen]
    _breaks: list[dict[str, Any]] | None = field(default=None, init=False)

    def number(self, rule: str, name: str) -> int:
        """A limit of a rule."""
        return self.rules[rule].numbers[name]

    @property
    def today(self) -> int:
        """The day number in China."""
        return self.day_of(self.now)

    def day_of(self, instant: int) -> int:
        """The day number of an instant in China."""
        return day_number(datetime.fromtimestamp(instant, HOST_ZONE).date())

    @cached_property
    def terminals(self) -> list[Terminal]:
        """Every terminal that has ever answered."""
        return [one for one in terminals.every(self.connection) if one.state != "offered"]

    @cached_property
    def sold(self) -> list[Sold]:
        """What the terminals' newest records tell; nothing here waits for a reconciliation."""
        since = self.now - LONGEST_S
        return [row for one in self.terminals for row in sold(self.connection, one, since)]

    def open_breaks(self, codes: Collection[str]) -> list[dict[str, Any]]:
        """Open breaks of these codes, but not those of closed cases: a person has decided."""
        if self._breaks is None:
            closed = _in_closed_cases(case_breaks.c.break_id)
            names = "id code row_key merchant_no terminal_no channel business_date amount_minor"
            columns = [breaks.c[name] for name in names.split()]
            query = select(*columns).where(breaks.c.state == "open", breaks.c.id.not_in(closed))
            self._breaks = [dict(row._mapping) for row in self.connection.execute(query)]
        return [row for row in self._breaks if row["code"] in codes]

    @cached_property
    def decided(self) -> set[tuple[str, str]]:
        """Code and row key of the breaks of closed cases."""
        query = _in_closed_cases(breaks.c.code, breaks.c.row_key).join(
            breaks, breaks.c.id == case_breaks.c.break_id
        )
        return {(row.code, row.row_key) for row in self.connection.execute(query)}


def _in_closed_cases(*columns: Column[Any]) -> Select[Any]:
    return (
        select(*columns)
        .select_from(case_breaks)
        .join(cases, cases.c.id == case_breaks.c.case_id)
        .where(cases.c.state.in_(states.CLOSED))
    )


def instant(text: str) -> int:
    """The instant of a time as the store writes it."""
    return int(datetime.fromisoformat(text).timestamp())


def iso_day(text: str) -> int:
    """The day number of a date as the store writes it."""
    return day_number(date.fromisoformat(text))


def as_text(moment: int) -> str:
    """An instant as the store writes it."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="seconds")
