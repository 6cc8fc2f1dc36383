"""Cases without statements: breaks as a reconciliation finds them, straight into a store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from companion import cases
from companion.cases import listing
from companion.cases.acts import Desk
from companion.cases.listing import Case, Filter
from companion.facts.schema import day_number
from companion.reconcile import codes
from companion.store import Store, breaks
from companion.store.breaks import Break
from tests.companion.sealed import MERCHANT, TERMINAL

DAY = date(2026, 3, 2)
AS_OF = day_number(DAY) + 5


def later(channel: str, day: int, count: int) -> int:
    """Every day is a business day here."""
    return day + count


def broken(
    code: str = codes.AMOUNT_MISMATCH,
    stan: int = 1,
    effect: int = 100,
    owed: int = 0,
    day: str | None = "2026-03-02",
    number: str = TERMINAL,
    key: str = "",
    provisional: bool = False,
    note: str = "",
    channel: str = "card",
    actor: str = "acquirer",
    match_pass: int = 1,
    **evidence: object,
) -> Break:
    """A break; what is given as a leg's name is its row."""
    legs = {"terminal": None, "acquirer": None, "bank": None, "payout": None}
    return Break(
        code=code,
        row_key=key or f"{MERCHANT}|{number}|000001|{stan:06d}|1",
        merchant_no=MERCHANT,
        terminal_no=number,
        business_date=day,
        amount_minor=abs(effect) or abs(owed) or 100,
        effect_minor=effect,
        provisional=provisional,
        reason=f"reason of {stan}",
        actor=actor,
        evidence={**legs, **evidence},
        channel=channel,
        owed_minor=owed,
        match_pass=match_pass,
        note=note,
    )


class Book:
    """A store and the cases in it."""

    def __init__(self, directory: Path) -> None:
        self.store = Store.open(directory, create=True)

    def found(
        self, *now: Break, why: str = "both sides agree", as_of: int = AS_OF
    ) -> cases.Changes:
        """A reconciliation that found these breaks, and closed the others with `why`."""
        with self.store.write() as connection:
            gone = dict.fromkeys(breaks.open_keys(connection), why)
            breaks.record(connection, "test", list(now), {}, gone)
            return cases.update(connection, list(now), as_of, later)

    def listed(self, **wanted: object) -> list[Case]:
        with self.store.read() as connection:
            return listing.listed(connection, Filter(**wanted))  # type: ignore[arg-type]

    def open(self) -> list[Case]:
        return self.listed(states=("open", "evidence", "sent", "waiting"))

    def only(self) -> Case:
        """The only case there is."""
        (one,) = self.listed()
        return one

    def members(self, case_id: str, found: bool = True) -> list[str]:
        """The ids of the breaks in a case that are still found, or of all."""
        with self.store.read() as connection:
            rows = listing.breaks_of(connection, case_id)
        return sorted(str(row["id"]) for row in rows if row["found"] or not found)

    def act(self, name: str, what: str, *values: object, day: int = AS_OF) -> object:
        """Something that a person does; one transaction."""
        with self.store.write() as connection:
            return getattr(Desk(connection, name, day, later), what)(*values)

    def shape(self) -> list[tuple[object, ...]]:
        """What cases are open and what is in them: the same for the same breaks."""
        return [
            (one.id, one.kind, one.code, one.actor, one.due, one.state, *self.members(one.id))
            for one in self.open()
        ]


def ids(found: Sequence[Break]) -> list[str]:
    return sorted(item.id for item in found)
