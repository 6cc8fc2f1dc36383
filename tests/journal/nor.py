"""A NOR flash that misbehaves on demand, for the journal's proof; no code of the board's in it.

Rules: a program only clears bits, an erase sets a 4096 B sector, nothing else changes a byte.
Every operation has a number. At a chosen one the power can be cut (``PowerCut``, before, amid or
after its effect) or OSError raised, once or from then on.

Weak bits: what a cut operation was changing may read either way afterwards. ``weak`` keeps those
bits; ``weak_reads`` says how they read now: 1, 0, or None for a new choice at every read. A
program or erase that runs to its end makes the bits it drives strong again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

SECTOR = 4096

Image = bytearray
Tear = Callable[[bytes, bytes, random.Random], bytes]


class PowerCut(BaseException):
    """The power is gone. Not an Exception: no handler of the firmware may see it."""


class TooManyOperations(BaseException):
    """A bound was set on the number of operations, and this is one more."""


@dataclass
class Operation:
    """One program or erase as it was asked for, with the bytes it would leave."""

    name: str
    start: int
    before: bytes
    after: bytes


def before(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """The cut came before the operation had any effect."""
    return old


def after(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """The cut came when the operation was done and nobody had been told."""
    return new


def prefix(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Only the first bytes changed; at least one, not all."""
    split = rng.randrange(1, len(old)) if len(old) > 1 else 0
    return new[:split] + old[split:]


def suffix(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Only the last bytes changed."""
    split = rng.randrange(1, len(old)) if len(old) > 1 else 0
    return old[:split] + new[split:]


def some_bits(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """A random subset of the bits changed."""
    pick = rng.randbytes(len(old))
    return bytes((o & ~p) | (n & p) for o, n, p in zip(old, new, pick, strict=True))


def most_bits(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """All but one of the bytes changed."""
    at = rng.randrange(len(old))
    return new[:at] + old[at : at + 1] + new[at + 1 :]


TEARS: tuple[Tear, ...] = (prefix, suffix, some_bits, most_bits)


@dataclass
class Nor:
    """A partition of ``sectors`` sectors with the protocol of esp32.Partition."""

    sectors: int
    data: Image = field(default_factory=bytearray)
    # How many operations were done, of all and of each kind; the numbers count from 1.
    operations: int = 0
    changes: int = 0
    programs: int = 0
    erases: int = 0
    read_bytes: int = 0
    programmed_bytes: int = 0
    pages: int = 0
    limit: int = 0
    wear: list[int] = field(default_factory=list)
    # Called with each program or erase before it has an effect.
    watch: Callable[[Operation], None] | None = None
    cut_at: int = 0
    cut_as: Tear = before
    cut_weak: bool = False
    fail_at: int = 0
    fail_for_good: bool = False
    fail_late: bool = False
    dead_sectors: frozenset[int] = frozenset()
    # Bits of a byte that stay 0, and bits that stay 1, whatever is done.
    stuck_low: dict[int, int] = field(default_factory=dict)
    stuck_high: dict[int, int] = field(default_factory=dict)
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    weak: dict[int, int] = field(default_factory=dict)
    weak_reads: int | None = 1

    def __post_init__(self) -> None:
        if not self.data:
            self.data = bytearray(b"\xff" * (self.sectors * SECTOR))
        self.wear = [0] * self.sectors

    # The protocol

    def readblocks(self, block: int, buf: bytearray | memoryview, offset: int = 0) -> None:
        start = self._place(block, offset, len(buf))
        failing = self._count()
        if failing:
            raise OSError(5)
        self.read_bytes += len(buf)
        seen = self.data[start : start + len(buf)]
        if self.weak:
            for at, mask in self.weak.items():
                if start <= at < start + len(buf):
                    seen[at - start] = self._weak_value(seen[at - start], mask)
        buf[:] = seen

    def writeblocks(self, block: int, buf: bytes | memoryview, offset: int | None = None) -> None:
        assert offset is not None, "a write without an offset erases"
        assert offset % 16 == 0 and len(buf) % 16 == 0, "programs are 16-byte aligned"
        start = self._place(block, offset, len(buf))
        old = bytes(self.data[start : start + len(buf)])
        new = bytes(o & b for o, b in zip(old, buf, strict=True))
        self.programs += 1
        self.programmed_bytes += len(buf)
        self.pages += (start + len(buf) - 1) // 256 - start // 256 + 1
        self._change(Operation("program", start, old, new), bytes(buf))

    def ioctl(self, op: int, arg: int) -> int:
        if op == 4:
            return self.sectors
        if op == 5:
            return SECTOR
        assert op == 6, f"unknown ioctl {op}"
        start = self._place(arg, 0, SECTOR)
        old = bytes(self.data[start : start + SECTOR])
        self.erases += 1
        self.wear[arg] += 1
        if arg in self.dead_sectors:
            self._count()
            return 0
        self._change(Operation("erase", start, old, b"\xff" * SECTOR), b"")
        return 0

    # How it works, and fails

    def _place(self, block: int, offset: int, length: int) -> int:
        assert 0 <= block < self.sectors and 0 <= offset <= SECTOR - length
        return block * SECTOR + offset

    def _count(self) -> bool:
        self.operations += 1
        if self.limit and self.operations > self.limit:
            raise TooManyOperations
        if not self.fail_at:
            return False
        return self.operations == self.fail_at or (
            self.fail_for_good and self.operations > self.fail_at
        )

    def _change(self, operation: Operation, driven: bytes) -> None:
        failing = self._count()
        self.changes += 1
        if self.watch:
            self.watch(operation)
        if self.changes == self.cut_at:
            self.tear(operation, self.cut_as, self.cut_weak)
            raise PowerCut
        if failing and not self.fail_late:
            raise OSError(5)
        self._settle(operation, driven)
        self._put(operation.start, operation.after)
        if failing:
            raise OSError(5)

    def tear(self, operation: Operation, how: Tear, weakly: bool) -> None:
        """Leave what a cut amid this operation leaves."""
        left = how(operation.before, operation.after, self.rng)
        self._put(operation.start, left)
        if weakly:
            for i, (old, new) in enumerate(zip(operation.before, operation.after, strict=True)):
                if old != new:
                    at = operation.start + i
                    self.weak[at] = self.weak.get(at, 0) | (old ^ new)

    def _settle(self, operation: Operation, driven: bytes) -> None:
        if not self.weak:
            return
        for at in range(operation.start, operation.start + len(operation.after)):
            mask = self.weak.get(at, 0)
            if mask:
                kept = mask & driven[at - operation.start] if driven else 0
                if kept:
                    self.weak[at] = kept
                else:
                    del self.weak[at]

    def _put(self, start: int, data: bytes) -> None:
        self.data[start : start + len(data)] = data
        for at, mask in self.stuck_low.items():
            self.data[at] &= ~mask
        for at, mask in self.stuck_high.items():
            self.data[at] |= mask

    def _weak_value(self, byte: int, mask: int) -> int:
        if self.weak_reads == 1:
            return byte | mask
        if self.weak_reads == 0:
            return byte & ~mask
        return (byte & ~mask) | (self.rng.randrange(256) & mask)

    # For tests

    def start_counting(self) -> None:
        """Set every counter to zero."""
        self.operations = self.changes = self.programs = self.erases = 0
        self.read_bytes = self.programmed_bytes = self.pages = 0

    def copy(self) -> Nor:
        """The same flash in another device, without the faults that were set."""
        twin = Nor(self.sectors, bytearray(self.data), rng=random.Random(self.rng.random()))
        twin.weak = dict(self.weak)
        twin.weak_reads = self.weak_reads
        return twin
