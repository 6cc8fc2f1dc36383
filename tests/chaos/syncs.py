"""Syncs that each break off at a random byte: nothing may be lost and nothing come twice."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from companion.link import LinkError
from companion.store import Store, records, schema, terminals, verify
from companion.syncing import sync_terminal
from tests.chaos.terminal import TIMEOUT, Terminal

_SALES = 30  # at most, between two syncs
# Of a session, both ways, without its records; and what a record takes besides its own bytes.
_SESSION_BYTES, _RECORD_BYTES = 290, 4


@dataclass
class Tally:
    """What a campaign did: ``syncs`` broke off, ``stored`` of them when they had stored something,
    ``released`` when the terminal had released it; ``through`` got through."""

    syncs: int = 0
    stored: int = 0
    released: int = 0
    through: int = 0
    restarts: int = 0
    records: int = 0
    line_bytes: int = 0


def campaign(directory: Path, syncs: int, seed: int, serial: bool) -> Tally:
    """So many syncs of one terminal that goes on selling; AssertionError when one does harm.

    Now and then one gets through, or the terminal would have no room to sell.
    """
    rng = random.Random(seed)
    terminal = Terminal(seed)
    tally = Tally()
    with Store.open(directory, create=True) as store:
        terminals.offer(store, terminal.config, replace=False)
        checked = 0
        while tally.syncs < syncs:
            terminal.sell(rng.randrange(_SALES))
            if rng.random() < 0.05:
                terminal.restart()
                tally.restarts += 1
            released = terminal.ledger.released
            line = terminal.plug(rng.randrange(_most_bytes(terminal, checked)), serial)
            try:
                sync_terminal(store, line, pushes=(), timeout=TIMEOUT)
                tally.through += 1
            except LinkError:
                assert line.broken, "it failed by itself"
                tally.syncs += 1
                tally.released += terminal.ledger.released > released
            line.close()
            tally.line_bytes += line.carried
            before, checked = checked, check(store, terminal, checked)
            tally.stored += line.broken and checked > before
            if rng.random() < 0.2:
                checked = through(store, terminal, serial, checked)
        for _ in range(2):
            checked = through(store, terminal, serial, checked)
        check(store, terminal, 0)
        prove(store, terminal)
    tally.records = len(terminal.written)
    terminal.close()
    return tally


def through(store: Store, terminal: Terminal, serial: bool, stored: int) -> int:
    """A sync without a break: it brings what is missing and no more. Returns all there is."""
    line = terminal.plug(serial=serial)
    missing = len(terminal.written) - stored
    assert sync_terminal(store, line, timeout=TIMEOUT).done.records == missing
    line.close()
    return check(store, terminal, stored)


def _most_bytes(terminal: Terminal, stored: int) -> int:
    """A sync carries hardly more than these."""
    waiting = range(stored + 1, terminal.ledger.next_seq)
    return _SESSION_BYTES + sum(len(terminal.written[seq]) + _RECORD_BYTES for seq in waiting)


def check(store: Store, terminal: Terminal, checked: int) -> int:
    """The store has the terminal's first n records, and the terminal all that it has not; returns
    n. Looks at the bytes of those above ``checked`` only."""
    with store.read() as connection:
        known = terminals.find(connection, terminal.device_id)
        assert known is not None
        had = known.next_seq - 1
        count = connection.execute(select(func.count()).select_from(schema.records)).scalar_one()
        new = records.payloads(connection, terminal.device_id, checked + 1, had + 1)
    assert count == had, f"{count} records stored of {had}"
    assert terminal.ledger.released <= had + 1, "the terminal forgets what is not stored"
    for seq in range(checked + 1, had + 1):
        assert new[seq] == terminal.written[seq], f"record {seq}"
    return had


def prove(store: Store, terminal: Terminal) -> None:
    """The store's own proof: every record is there, sealed, and none besides."""
    with store.read() as connection:
        known = terminals.find(connection, terminal.device_id)
        assert known is not None
        assert verify.verify(connection, known) == (len(terminal.written), [])
