"""The proof that a stored journal is whole, from its bytes and the terminal's seal key alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from companion.store import records, terminals
from companion.store.chain import Chain

MISSING = "missing from the store"


@dataclass(frozen=True)
class Damage:
    """One finding: records first_seq to last_seq, both included, and what is wrong with them."""

    first_seq: int
    last_seq: int
    problem: str


def verify(connection: Connection, terminal: terminals.Terminal) -> tuple[int, list[Damage]]:
    """Walk the chain anew: (records checked, what is wrong).

    Trusts no flag that a sync wrote. Finds a record that was changed, one that is missing in the
    middle or at the end, and every gap that a sync reported.
    """
    found = [
        Damage(gap.first_seq, gap.last_seq, gap.reason)
        for gap in records.known_gaps(connection, terminal.device_id)
    ]
    reported = [(gap.first_seq, gap.last_seq) for gap in found]
    expected = terminals.FIRST_SEQ
    chain = Chain(terminal.seal_key, terminal.device_id)
    count = 0
    for item in records.scan(connection, terminal.device_id):
        if item.seq != expected:
            found.extend(_missing(expected, item.seq - 1, reported))
        problem = fault(item.content, chain.holds(item.seq, item.payload))
        if problem:
            found.append(Damage(item.seq, item.seq, problem))
        expected = item.seq + 1
        count += 1
    found.extend(_missing(expected, terminal.next_seq - 1, reported))
    return count, sorted(found, key=lambda damage: damage.first_seq)


def fault(content: dict[str, object] | None, seal_ok: bool | None) -> str:
    """What is wrong with a record, "" when nothing is."""
    if seal_ok is False:
        return "the seal does not match the record"
    return "" if content is not None else "sealed, but not a readable record"


def _missing(first: int, last: int, reported: list[tuple[int, int]]) -> list[Damage]:
    """The parts of first..last that no sync reported as a gap."""
    return [Damage(low, high, MISSING) for low, high in records.uncovered(first, last, reported)]
