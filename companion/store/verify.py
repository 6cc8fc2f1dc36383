"""The proof that a stored journal is whole, from its bytes and the terminal's seal key alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from companion.store import findings, records, terminals
from companion.store.chain import Chain

MISSING = "missing from the store"


@dataclass(frozen=True)
class Damage:
    """One finding: records first_seq to last_seq, both included, and what is wrong with them."""

    first_seq: int
    last_seq: int
    problem: str
    code: str = findings.GAP
    evidence: Mapping[str, object] = field(default_factory=dict)


def verify(connection: Connection, terminal: terminals.Terminal) -> tuple[int, list[Damage]]:
    """Walk the chain anew: (records checked, what is wrong).

    Trusts no flag that a sync wrote. Finds a record that was changed or inserted, one that is
    missing in the middle or at the end, and every gap that a sync reported.
    """
    found = [
        Damage(gap.first_seq, gap.last_seq, gap.reason)
        for gap in records.known_gaps(connection, terminal.device_id)
    ]
    reported = [(gap.first_seq, gap.last_seq) for gap in found]
    expected = terminals.FIRST_SEQ
    chain = Chain(terminals.seal_keys(connection, terminal), terminal.device_id)
    run: list[Damage] = []  # what stands before this record without its seal
    count = 0
    for item in records.scan(connection, terminal.device_id):
        if item.seq != expected:
            found.extend(_missing(expected, item.seq - 1, reported))
        holds = chain.holds(item.seq, item.payload)
        if holds is False:
            run.append(_unsealed(item, chain))
        else:
            inserted = holds and chain.stands_on != item.seq - 1
            found += map(_inserted, run) if inserted else run
            run = []
            if item.content is None:
                found.append(Damage(item.seq, item.seq, fault(None, holds)))
        expected = item.seq + 1
        count += 1
    found += run
    found.extend(_missing(expected, terminal.next_seq - 1, reported))
    return count, sorted(found, key=lambda damage: damage.first_seq)


def fault(content: dict[str, object] | None, seal_ok: bool | None) -> str:
    """What is wrong with a record, "" when nothing is."""
    if seal_ok is False:
        return "the seal does not match the record"
    return "" if content is not None else "sealed, but not a readable record"


def _unsealed(item: records.Stored, chain: Chain) -> Damage:
    """A record that does not stand on the one before it."""
    code, problem = findings.ALTERED, fault(item.content, False)
    if chain.stands_on is not None:
        code = findings.ROLLBACK
        problem = f"it stands on record {chain.stands_on}: the terminal lost those between"
    evidence = {
        "payload": records.shown(item.payload),
        "expected_seal": chain.expected.hex(),
        "received_at": item.received_at,
        "image": item.image,
    }
    return Damage(item.seq, item.seq, problem, code, evidence)


def _inserted(damage: Damage) -> Damage:
    return replace(damage, problem="inserted: the chain goes on without it")


def _missing(first: int, last: int, reported: list[tuple[int, int]]) -> list[Damage]:
    """The parts of first..last that no sync reported as a gap."""
    return [Damage(low, high, MISSING) for low, high in records.uncovered(first, last, reported)]
