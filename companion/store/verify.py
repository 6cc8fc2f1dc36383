"""The proof that a stored journal is whole, from its bytes and the terminal's seal key alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from companion.store import records, terminals
from companion.store.records import expected_seal, seal_of
from protocol import seal

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
    mac = seal.Hmac(terminal.seal_key)
    before = [seal.first(terminal.seal_key, terminal.device_id)]
    count = 0
    for item in records.scan(connection, terminal.device_id):
        if item.seq != expected:
            found.extend(_missing(expected, item.seq - 1, reported))
            before = []
        own = seal_of(item.payload)
        should = [expected_seal(mac, value, item.payload) for value in before]
        if before and own not in should:
            found.append(Damage(item.seq, item.seq, "the seal does not match the record"))
        elif item.content is None:
            found.append(Damage(item.seq, item.seq, "sealed, but not a readable record"))
        # After a bad seal either half may be the changed one, so the next record may stand on
        # the seal as stored or as it ought to be: one change is then one finding.
        before = [own] if own in should else [own, *should[:1]]
        expected = item.seq + 1
        count += 1
    found.extend(_missing(expected, terminal.next_seq - 1, reported))
    return count, sorted(found, key=lambda damage: damage.first_seq)


def _missing(first: int, last: int, reported: list[tuple[int, int]]) -> list[Damage]:
    """The parts of first..last that no sync reported as a gap."""
    found = []
    for low, high in sorted(reported):
        if low > last or high < first:
            continue
        if first < low:
            found.append(Damage(first, low - 1, MISSING))
        first = high + 1
    if first <= last:
        found.append(Damage(first, last, MISSING))
    return found
