"""Whose journal an image holds, as the seals of its records prove it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from companion.flash.journal import Reading
from companion.store import records
from companion.store.chain import Chain
from companion.store.terminals import Terminal, seal_keys


@dataclass(frozen=True)
class Verdict:
    """The seals of an image under one terminal's key: for each number, whether its seal holds;
    None when the record before it is neither in the image nor in the store."""

    terminal: Terminal
    seals: dict[int, bool | None]

    @property
    def proven(self) -> int:
        """How many seals hold: with one, the image is this terminal's."""
        return sum(ok is True for ok in self.seals.values())


def verify(connection: Connection, reading: Reading, terminal: Terminal) -> Verdict:
    """Walk the chain of an image; what stands before its first record may be in the store."""
    chain = Chain(seal_keys(connection, terminal), terminal.device_id)
    seals: dict[int, bool | None] = {}
    for record in reading.records:
        if record.seq - 1 not in seals:
            before = records.payload_of(connection, terminal.device_id, record.seq - 1)
            if before is not None:
                chain.after(record.seq - 1, before)
        seals[record.seq] = chain.holds(record.seq, record.payload)
    return Verdict(terminal, seals)


def owner(
    connection: Connection, reading: Reading, candidates: Iterable[Terminal]
) -> Verdict | None:
    """The terminal whose key most seals hold under; None when none holds under any."""
    verdicts = [verify(connection, reading, terminal) for terminal in candidates]
    best = max(verdicts, key=lambda verdict: verdict.proven, default=None)
    return best if best and best.proven else None
