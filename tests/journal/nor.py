"""A NOR flash that misbehaves on demand, for the journal's proof; no code of the board's in it.

Rules: a program only clears bits, an erase sets a 4096 B sector, nothing else changes a byte.
Operations are numbered from 1: all of them (``operations``), and the programs and erases
(``changes``). At a chosen one the power can be cut (``PowerCut``) or OSError raised, once or from
then on. How much of its effect is left is a ``Tear``.

Weak bits are those a cut operation was changing. Until they settle (see ``Fate``) they read as
``weak_reads`` says: 1, 0, or None for a new choice at every read. A program or erase that runs to
its end makes the bits it drives strong again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.journal.tears import ERASE_TEARS as ERASE_TEARS
from tests.journal.tears import PROGRAM_TEARS as PROGRAM_TEARS
from tests.journal.tears import Fate, Tear
from tests.journal.tears import before as before
from tests.journal.tears import bits as bits

SECTOR = 4096
NEVER = 1 << 62

_ERASED = b"\xff" * SECTOR
_LENGTHS = {n: _ERASED[:n] for n in range(16, 513, 16)}


class PowerCut(BaseException):
    """The power is gone. Not an Exception: no handler of the firmware may see it."""


class TooManyOperations(BaseException):
    """A bound was set on the number of operations, and this is one more."""


@dataclass(frozen=True)
class Operation:
    """One program or erase as it was asked for, with the bytes it would leave."""

    name: str
    start: int
    before: bytes
    after: bytes

    def __str__(self) -> str:
        sector, at = divmod(self.start, SECTOR)
        place = "" if self.name == "erase" else f" slot {at // 128}, {len(self.after)} bytes"
        return f"{self.name} sector {sector}{place}"


class Nor:
    """A partition of ``sectors`` sectors with the protocol of esp32.Partition."""

    def __init__(
        self, sectors: int, data: bytearray | None = None, rng: random.Random | None = None
    ) -> None:
        self.sectors = sectors
        self.data = bytearray(_ERASED * sectors) if data is None else data
        self.rng = rng or random.Random(1)
        self.operations = self.changes = self.programs = self.erases = 0
        self.read_bytes = self.programmed_bytes = self.pages = 0
        # Programs of something other than zeros on bytes that were not erased.
        self.overprograms = 0
        self.wear = [0] * sectors
        # Called with each program or erase before it has an effect.
        self.watch: Callable[[Operation], None] | None = None
        # For replays: a line for each program, erase and fault.
        self.story: list[str] | None = None
        self.cut_at = 0
        self.cut_as: Tear = before
        self.cut_weak = False
        self.cut_fate: Fate | None = None
        self.fail_for_good = False
        self.fail_as: Tear = before
        # What an erase of a worn-out sector leaves, and whether it says that it failed.
        self.dead_sectors: dict[int, Tear] = {}
        self.dead_tells = False
        # Bits of a byte that stay 0, and bits that stay 1, whatever is done.
        self.stuck_low: dict[int, int] = {}
        self.stuck_high: dict[int, int] = {}
        self.weak_reads: int | None = 1
        self._weak = bytearray()
        self._weak_low = self._weak_high = 0
        self._settle_as: int | None = None
        self._settle_boots = 0
        # The next operation at which anything but the plain thing happens.
        self._attention = NEVER
        self._limit = self._fail_at = self._settle_at = NEVER

    # The protocol

    def readblocks(self, block: int, buf: bytearray | memoryview, offset: int = 0) -> None:
        length = len(buf)
        assert 0 <= block < self.sectors and 0 <= offset <= SECTOR - length
        start = block * SECTOR + offset
        self.operations += 1
        if self.operations >= self._attention and self._attend():
            raise OSError(5)
        self.read_bytes += length
        end = start + length
        if self._weak_low < end and start < self._weak_high:
            buf[:] = self._read_weak(start, end)
        else:
            buf[:] = self.data[start:end]

    def writeblocks(self, block: int, buf: bytes | memoryview, offset: int | None = None) -> None:
        assert offset is not None, "a write without an offset erases"
        length = len(buf)
        assert 0 <= block < self.sectors and 0 <= offset <= SECTOR - length
        assert offset % 16 == 0 and length % 16 == 0, "programs are 16-byte aligned"
        start = block * SECTOR + offset
        old = bytes(self.data[start : start + length])
        driven = bytes(buf)
        if old == _LENGTHS.get(length, _ERASED):
            new = driven
        else:
            cleared = int.from_bytes(old, "big") & int.from_bytes(driven, "big")
            new = cleared.to_bytes(length, "big")
            self.overprograms += cleared != 0
        self.programs += 1
        self.programmed_bytes += length
        self.pages += (start + length - 1) // 256 - start // 256 + 1
        self._change(Operation("program", start, old, new), driven)

    def ioctl(self, op: int, arg: int) -> int:
        if op == 4:
            return self.sectors
        if op == 5:
            return SECTOR
        assert op == 6, f"unknown ioctl {op}"
        assert 0 <= arg < self.sectors
        start = arg * SECTOR
        old = bytes(self.data[start : start + SECTOR])
        self.erases += 1
        self.wear[arg] += 1
        if arg in self.dead_sectors:
            left = self.dead_sectors[arg](old, _ERASED, self.rng)
            self._change(Operation("erase", start, old, left), left)
            if self.dead_tells:
                raise OSError(5)
        else:
            self._change(Operation("erase", start, old, _ERASED), b"")
        return 0

    # Faults

    @property
    def limit(self) -> int:
        """The last operation that may be asked for, 0 for no bound."""
        return self._limit if self._limit != NEVER else 0

    @limit.setter
    def limit(self, operation: int) -> None:
        self._limit = operation or NEVER
        self._update_attention()

    @property
    def fail_at(self) -> int:
        """The operation, a read or a change, that raises OSError; 0 for none."""
        return self._fail_at if self._fail_at != NEVER else 0

    @fail_at.setter
    def fail_at(self, operation: int) -> None:
        self._fail_at = operation or NEVER
        self._update_attention()

    def tear(
        self, operation: Operation, how: Tear, weakly: bool = False, fate: Fate | None = None
    ) -> None:
        """Leave what a cut amid this operation leaves; weak bits when ``weakly`` or with a fate.

        ``weakly`` makes every bit that was changing weak for good. A fate does so with all of
        them or half of them, and settles them at the second or third power-on from now, or amid
        one of the next 300 operations.
        """
        old, new = operation.before, operation.after
        self._put(operation.start, how(old, new, self.rng))
        if not weakly and fate is None:
            return
        mask = int.from_bytes(old, "big") ^ int.from_bytes(new, "big")
        if fate is not None:
            rng = self.rng
            if rng.getrandbits(1):
                mask &= rng.getrandbits(8 * len(old))
            self.weak_reads, self._settle_as = fate.reads, fate.settle_as
            self._settle_boots = rng.choice((2, 3, 0))
            self._settle_at = NEVER
            if not self._settle_boots:
                self._settle_at = self.operations + rng.randrange(1, 300)
            self._update_attention()
        self._weaken(operation.start, mask.to_bytes(len(old), "big"))

    def power_on(self) -> None:
        """Tell the flash that the terminal starts."""
        if self._settle_boots:
            self._settle_boots -= 1
            if not self._settle_boots:
                self.settle()

    def settle(self) -> None:
        """Weak bits become strong ones."""
        low, high = self._weak_low, self._weak_high
        mask = int.from_bytes(self._weak[low:high], "big")
        value = int.from_bytes(self.data[low:high], "big")
        now = self._settle_as
        ones = self.rng.getrandbits(8 * (high - low) + 1) if now is None else -now
        value = (value & ~mask) | (ones & mask)
        self.data[low:high] = value.to_bytes(high - low, "big")
        self._weak_low = self._weak_high = 0
        self._settle_at, self._settle_boots = NEVER, 0
        self._update_attention()
        if self.story is not None:
            self.story.append("weak bits settle")

    def stick(self, at: int, mask: int, high: bool) -> None:
        """From now on these bits of a byte are 1 (``high``) or 0, whatever is done."""
        stuck = self.stuck_high if high else self.stuck_low
        stuck[at] = stuck.get(at, 0) | mask
        self._put(at, self.data[at : at + 1])

    # How it works

    def _update_attention(self) -> None:
        self._attention = min(self._limit + 1, self._fail_at, self._settle_at)

    def _attend(self) -> bool:
        """Something is due at this operation; True when it is to fail."""
        if self.operations > self._limit:
            raise TooManyOperations
        if self.operations >= self._settle_at:
            self.settle()
        failing = self.operations == self._fail_at or (
            self.fail_for_good and self.operations > self._fail_at
        )
        if failing and self.story is not None:
            self.story.append(f"operation {self.operations} raises OSError")
        return failing

    def _change(self, operation: Operation, driven: bytes) -> None:
        self.operations += 1
        failing = self.operations >= self._attention and self._attend()
        self.changes += 1
        if self.story is not None:
            self.story.append(f"{self.changes}: {operation}")
        if self.watch:
            self.watch(operation)
        if self.changes == self.cut_at:
            self.tear(operation, self.cut_as, self.cut_weak, self.cut_fate)
            raise PowerCut
        if failing:
            self._put(operation.start, self.fail_as(operation.before, operation.after, self.rng))
            raise OSError(5)
        if self._weak_high:
            self._strengthen(operation.start, operation.start + len(operation.after), driven)
        self._put(operation.start, operation.after)

    def _put(self, start: int, data: bytes | bytearray) -> None:
        self.data[start : start + len(data)] = data
        if self.stuck_low or self.stuck_high:
            for at, mask in self.stuck_low.items():
                self.data[at] &= ~mask
            for at, mask in self.stuck_high.items():
                self.data[at] |= mask

    # Weak bits: a mask as large as the flash, and the part of it that is not all zeros

    def _weaken(self, start: int, mask: bytes) -> None:
        if not self._weak_high:
            self._weak = bytearray(len(self.data))
            self._weak_low, self._weak_high = start, start + len(mask)
        self._weak_low = min(self._weak_low, start)
        self._weak_high = max(self._weak_high, start + len(mask))
        both = int.from_bytes(self._weak[start : start + len(mask)], "big")
        both |= int.from_bytes(mask, "big")
        self._weak[start : start + len(mask)] = both.to_bytes(len(mask), "big")

    def _strengthen(self, start: int, end: int, driven: bytes) -> None:
        if self._weak_low < end and start < self._weak_high:
            kept = int.from_bytes(self._weak[start:end], "big") & int.from_bytes(driven, "big")
            self._weak[start:end] = kept.to_bytes(end - start, "big")

    def _read_weak(self, start: int, end: int) -> bytes:
        length = end - start
        mask = int.from_bytes(self._weak[start:end], "big")
        value = int.from_bytes(self.data[start:end], "big")
        if self.weak_reads == 1:
            value |= mask
        elif self.weak_reads == 0:
            value &= ~mask
        elif mask:
            value = (value & ~mask) | (self.rng.getrandbits(8 * length) & mask)
        return value.to_bytes(length, "big")

    # For tests

    def start_counting(self) -> None:
        """Set every counter to zero."""
        self.operations = self.changes = self.programs = self.erases = 0
        self.read_bytes = self.programmed_bytes = self.pages = 0

    def copy(self, rng: random.Random | None = None) -> Nor:
        """The same flash in another device: content and weak bits, no faults, counters at zero."""
        twin = Nor(self.sectors, bytearray(self.data), rng or random.Random(self.rng.random()))
        twin.weak_reads = self.weak_reads
        twin._weak = bytearray(self._weak)
        twin._weak_low, twin._weak_high = self._weak_low, self._weak_high
        twin._settle_as, twin._settle_boots = self._settle_as, self._settle_boots
        if self._settle_at != NEVER:
            twin._settle_at = max(1, self._settle_at - self.operations)
            twin._update_attention()
        return twin
