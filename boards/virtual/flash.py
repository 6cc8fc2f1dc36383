"""NOR flash in a file: a program only clears bits, an erase sets whole sectors; all counted."""

import mmap
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

SECTOR = 4096
PAGE = 256


class FlashError(ValueError):
    """An address outside the part, an erase that is not of whole sectors, an unfit image."""


@dataclass(frozen=True)
class FlashCounts:
    """Operations so far. Subtract an earlier reading to get those in between."""

    reads: int = 0
    bytes_read: int = 0
    programs: int = 0
    bytes_programmed: int = 0
    pages: int = 0
    """256-byte pages touched by programs: each costs a page program time."""
    reprogrammed: int = 0
    """Bytes programmed that were not 0xFF: legal on plain NOR, refused by some parts."""
    erases: int = 0

    def __sub__(self, earlier: "FlashCounts") -> "FlashCounts":
        return FlashCounts(
            *(getattr(self, field.name) - getattr(earlier, field.name) for field in fields(self))
        )


class NorFlash:
    """One partition, kept in ``path``. Thread-safe. Addresses and sizes in bytes."""

    def __init__(self, path: Path, size: int) -> None:
        if size <= 0 or size % SECTOR:
            raise FlashError(f"{path.name}: {size} bytes are not whole sectors of {SECTOR}")
        if not path.exists():
            path.write_bytes(b"\xff" * size)
        if path.stat().st_size != size:
            raise FlashError(f"{path}: {path.stat().st_size} bytes, the partition has {size}")
        self.path = path
        self.size = size
        self.by_chip: Callable[[], tuple[int, int]] = lambda: (0, 0)
        """Reads and bytes read by a chip, which reads the file."""
        self._lock = threading.Lock()
        self._counts = dict.fromkeys((field.name for field in fields(FlashCounts)), 0)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._cells = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    @property
    def counts(self) -> FlashCounts:
        reads, size = self.by_chip()
        with self._lock:
            counts = FlashCounts(**self._counts)
        return replace(counts, reads=counts.reads + reads, bytes_read=counts.bytes_read + size)

    def check(self, address: int, length: int) -> None:
        """Raise FlashError unless the range lies in the partition."""
        if address < 0 or length < 0 or address + length > self.size:
            raise FlashError(f"{self.path.name}: {length} bytes at {address} of {self.size}")

    def check_erase(self, address: int, length: int) -> None:
        """Raise FlashError unless the range is whole sectors of the partition."""
        self.check(address, length)
        if address % SECTOR or length % SECTOR:
            raise FlashError(f"{self.path.name}: erase of {length} bytes at {address}")

    def read(self, address: int, length: int) -> bytes:
        self.check(address, length)
        with self._lock:
            self._counts["reads"] += 1
            self._counts["bytes_read"] += length
            return self._cells[address : address + length]

    def program(self, address: int, data: bytes) -> None:
        """Clear the bits that are 0 in ``data``; a bit that is 0 already stays 0."""
        self._program(address, data, data)

    def program_torn(self, address: int, data: bytes, seed: int) -> None:
        """A program that lost its power: a prefix is done, or any subset of the bits."""
        chance = random.Random(seed)
        if chance.random() < 0.5:
            done = chance.randrange(len(data) + 1)
            torn = data[:done] + b"\xff" * (len(data) - done)
        else:
            noise = chance.randbytes(len(data))
            torn = bytes(wanted | hole for wanted, hole in zip(data, noise, strict=True))
        self._program(address, data, torn)

    def erase(self, address: int, length: int = SECTOR) -> None:
        self._erase(address, length, b"\xff" * length)

    def erase_torn(self, address: int, length: int, seed: int) -> None:
        """An erase that lost its power: any mixture of set and old bits."""
        self._erase(address, length, random.Random(seed).randbytes(length))

    def image(self) -> bytes:
        """The whole partition, not counted as a read."""
        with self._lock:
            return self._cells[:]

    def load(self, image: bytes) -> None:
        """Replace the whole partition, as an external programmer does. Not counted."""
        if len(image) != self.size:
            raise FlashError(f"{self.path.name}: image of {len(image)} bytes for {self.size}")
        with self._lock:
            self._cells[:] = image

    def save(self, path: Path) -> None:
        path.write_bytes(self.image())

    def close(self) -> None:
        with self._lock:
            self._cells.close()

    def _program(self, address: int, wanted: bytes, data: bytes) -> None:
        self.check(address, len(data))
        with self._lock:
            old = self._cells[address : address + len(data)]
            result = int.from_bytes(old, "big") & int.from_bytes(data, "big")
            self._cells[address : address + len(data)] = result.to_bytes(len(data), "big")
            self._counts["programs"] += 1
            self._counts["bytes_programmed"] += len(wanted)
            self._counts["reprogrammed"] += len(old) - old.count(0xFF)
            if wanted:
                last = address + len(wanted) - 1
                self._counts["pages"] += last // PAGE - address // PAGE + 1

    def _erase(self, address: int, length: int, set_bits: bytes) -> None:
        self.check_erase(address, length)
        with self._lock:
            old = int.from_bytes(self._cells[address : address + length], "big")
            result = old | int.from_bytes(set_bits, "big")
            self._cells[address : address + length] = result.to_bytes(length, "big")
            self._counts["erases"] += length // SECTOR
