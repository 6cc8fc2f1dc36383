"""Workloads, and the flash and the promises just before each of their programs and erases."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from terminal.journal import MAX_PAYLOAD, Journal
from tests.journal.nor import SECTOR, Nor, Operation
from tests.journal.world import SLOTS, JournalLike, Oracle, Terminal

_CHECKPOINT = 32  # changes between two images that are kept


class Target(NamedTuple):
    """What is tried: a journal, and how large its flash and its workload are."""

    name: str
    make: Callable[[Nor], JournalLike]
    sectors: tuple[int, ...]
    """Of the first, second, ... workload."""
    laps: float
    exact: bool
    """Whether room() counts slots exactly."""


JOURNAL = Target("journal", Journal, (4, 5, 6), 3, True)


class Moment(NamedTuple):
    """What there was just before an operation took effect."""

    nor: Nor
    oracle: Oracle
    operation: Operation


@dataclass
class _Promises:
    pending: bytes | None
    released: int
    released_surely: int
    next_seq: int


def terminal_on(nor: Nor, oracle: Oracle, seed: str, target: Target = JOURNAL) -> Terminal:
    """A terminal that has a past: its flash, what it promised, and its further choices."""
    return Terminal(
        nor,
        oracle,
        random.Random(seed),
        make=target.make,
        longest=MAX_PAYLOAD,
        exact_room=target.exact,
    )


def live(terminal: Terminal, rng: random.Random, until: Callable[[], bool]) -> None:
    """A terminal's life: records of 1..4 slots, syncs, idle time or none, rollovers, restarts."""
    # So many slots unreleased that a restart or two fit besides.
    kept = SLOTS * (terminal.nor.sectors - 3)
    idles = True
    while not until():
        choice = rng.random()
        if choice < 0.03:
            terminal.boot()
        elif choice < 0.05:
            idles = not idles
        elif choice < 0.12 or terminal.journal.room() < 2 * SLOTS:
            terminal.release_all_but(rng.randrange(2, kept))
        elif choice < 0.30 and idles:
            terminal.idle()
        terminal.append()


class Trace:
    """A workload from the first start after format() on, seen at every program and erase."""

    def __init__(
        self, name: str, target: Target = JOURNAL, story: list[str] | None = None
    ) -> None:
        self.name = name
        self.sectors = target.sectors[int(name.rpartition(".")[2]) % len(target.sectors)]
        self.operations: list[Operation] = []
        self._promises: list[_Promises] = []
        self._images: list[bytes] = []
        nor = Nor(self.sectors)
        terminal = terminal_on(nor, Oracle(), f"workload {name}", target)
        nor.story = terminal.story = story
        terminal.format()
        oracle = terminal.oracle

        def keep(operation: Operation) -> None:
            if len(self.operations) % _CHECKPOINT == 0:
                self._images.append(bytes(nor.data))
            self.operations.append(operation)
            self._promises.append(
                _Promises(oracle.pending, oracle.released, oracle.released_surely, oracle.next_seq)
            )

        nor.watch = keep
        terminal.boot()
        erases = nor.erases
        live(
            terminal,
            random.Random(f"life {name}"),
            lambda: nor.erases - erases >= target.laps * self.sectors,
        )
        self._truth = oracle.truth

    def __len__(self) -> int:
        return len(self.operations)

    def moment(self, number: int, seed: str) -> Moment:
        """Just before the operation of this number, which counts from 0."""
        checkpoint = number // _CHECKPOINT
        data = bytearray(self._images[checkpoint])
        for done in self.operations[checkpoint * _CHECKPOINT : number]:
            data[done.start : done.start + len(done.after)] = done.after
        promises = self._promises[number]
        # No flash this small holds older ones than these.
        first = max(1, promises.next_seq - SLOTS * self.sectors)
        oracle = Oracle(
            {seq: self._truth[seq] for seq in range(first, promises.next_seq)},
            promises.pending,
            promises.released,
            promises.released_surely,
            promises.next_seq,
        )
        nor = Nor(self.sectors, data, random.Random(seed))
        return Moment(nor, oracle, self.operations[number])

    def payloads(self) -> dict[int, set[bytes]]:
        """Every payload that was ever written under a number."""
        return {seq: {payload} for seq, payload in self._truth.items()}

    def before_erase(self, number: int, sector: int) -> bytes:
        """What was in a sector before its last erase; what is there now, if it had none."""
        for operation in reversed(self.operations[:number]):
            if operation.name == "erase" and operation.start == sector * SECTOR:
                return operation.before
        return bytes(self.moment(number, "").nor.data[sector * SECTOR : (sector + 1) * SECTOR])

    def rollovers(self) -> list[int]:
        """The operations of each rollover in the last lap: what ends and begins a sector."""
        last_lap = len(self) - len(self) // 3
        found = []
        for number in range(last_lap, len(self)):
            operation = self.operations[number]
            slot = operation.start % SECTOR // 128
            if operation.name == "erase" or slot in (0, 1, 2, 30, 31):
                found.append(number)
        return found


@lru_cache(maxsize=8)
def trace(name: str, target: Target = JOURNAL) -> Trace:
    """The trace of a workload, made once."""
    return Trace(name, target)
