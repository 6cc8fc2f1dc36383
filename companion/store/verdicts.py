"""How cases ended, for the terminal of that number: it shows them and frees what they lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from companion.store.schema import verdicts
from companion.store.store import utc_now

_MOST_BYTES = 40


@dataclass(frozen=True)
class Verdict:
    """How the case of a batch and STAN ended; ``result`` is as protocol.record has it, ``text`` is
    for the cashier, and cut to what a record holds."""

    merchant_no: str
    terminal_no: str
    batch: int
    stan: int
    result: int
    text: str

    def row(self) -> list[object]:
        """As it goes to the terminal."""
        return [self.batch, self.stan, self.result, _cut(self.text)]


def propose(connection: Connection, found: Iterable[Verdict]) -> None:
    """Keep these for the terminals, where nothing was decided yet."""
    for verdict in found:
        statement = insert(verdicts).values(**verdict.__dict__, decided_at=utc_now())
        connection.execute(statement.on_conflict_do_nothing())


def decide(connection: Connection, decided: Iterable[Verdict]) -> None:
    """Keep these for the terminals; one that says the same as before changes nothing."""
    for verdict in decided:
        statement = insert(verdicts).values(**verdict.__dict__, decided_at=utc_now())
        new = statement.excluded
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["merchant_no", "terminal_no", "batch", "stan"],
                set_={
                    "result": new.result,
                    "text": new.text,
                    "decided_at": new.decided_at,
                    "given_at": None,
                },
                where=(verdicts.c.result != new.result) | (verdicts.c.text != new.text),
            )
        )


def waiting(connection: Connection, merchant_no: str, terminal_no: str) -> list[Verdict]:
    """What the terminal of this number was not told yet, the oldest first."""
    query = (
        select(verdicts)
        .where(
            verdicts.c.merchant_no == merchant_no,
            verdicts.c.terminal_no == terminal_no,
            verdicts.c.given_at.is_(None),
        )
        .order_by(verdicts.c.decided_at, verdicts.c.batch, verdicts.c.stan)
    )
    names = Verdict.__dataclass_fields__
    rows = connection.execute(query).mappings()
    return [Verdict(**{name: row[name] for name in names}) for row in rows]


def decided(connection: Connection, merchant_no: str, terminal_no: str) -> set[tuple[int, int]]:
    """Batch and STAN of every case of this number that has a verdict, told or not."""
    query = select(verdicts.c.batch, verdicts.c.stan).where(
        verdicts.c.merchant_no == merchant_no, verdicts.c.terminal_no == terminal_no
    )
    return {(row.batch, row.stan) for row in connection.execute(query)}


def given(connection: Connection, told: Iterable[Verdict]) -> None:
    """The terminal has these in its journal."""
    for verdict in told:
        same = [verdicts.c[name] == value for name, value in verdict.__dict__.items()]
        connection.execute(update(verdicts).where(*same).values(given_at=utc_now()))


def _cut(text: str) -> str:
    shown = "".join(char if char >= " " else " " for char in text)
    return shown.encode()[:_MOST_BYTES].decode(errors="ignore")
