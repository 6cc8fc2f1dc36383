"""A flash image file, and the journal's partition in it."""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from companion.errors import CompanionError
from companion.flash.partitions import TABLE_OFFSET, Partition, TableError, table
from companion.flash.slots import SECTOR, head_at

LABEL = "journal"
MAX_SIZE = 32 * 1024 * 1024
MIN_SECTORS = 4

_DATA = 1
_SAMPLE = 1 << 20
# Bits a byte: text and code stay well below, cipher text does not.
_RANDOM = 7.8


class FlashError(CompanionError):
    """An image that holds no journal that can be read; the message says what was seen."""


@dataclass(frozen=True)
class Image:
    """The journal's partition out of an image file; `offset` is its place in the file."""

    path: Path
    sha256: str
    offset: int
    partition: bytes = field(repr=False)


def load(path: Path, offset: int | None = None, size: int | None = None) -> Image:
    """Read an image of a whole flash or of the partition alone; offset and size name another part.

    Raises FlashError, with what was seen and what was expected.
    """
    data = _bytes(path)
    try:
        start, length = _place(data, offset, size)
        _check(data[start : start + length])
    except FlashError as error:
        raise FlashError(f"{path}: {error}") from None
    digest = hashlib.sha256(data).hexdigest()
    return Image(path, digest, start, data[start : start + length])


def _bytes(path: Path) -> bytes:
    # Opened without waiting: a named pipe would keep us for ever.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise FlashError(f"{path}: not a file; a flash image is expected")
        if status.st_size > MAX_SIZE:
            raise FlashError(
                f"{path}: {status.st_size} bytes; a flash image has at most {MAX_SIZE}"
            )
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(status.st_size)
    finally:
        os.close(handle)


def _place(data: bytes, offset: int | None, size: int | None) -> tuple[int, int]:
    """Where the journal's partition is: (offset, size), both within the data."""
    if offset is None and size is None:
        partition = _from_table(data)
        if partition is not None:
            offset, size = partition.offset, partition.size
    start = offset or 0
    length = len(data) - start if size is None else size
    what = f"{length} bytes at 0x{start:x}"
    if start < 0 or length <= 0 or start + length > len(data):
        raise FlashError(f"the journal should be {what}, but the image has {len(data)} bytes")
    if start % SECTOR or length % SECTOR:
        raise FlashError(f"{what} are not whole sectors of {SECTOR}; was the read cut short?")
    if length < MIN_SECTORS * SECTOR:
        raise FlashError(f"{what}: a journal has at least {MIN_SECTORS} sectors of {SECTOR}")
    return start, length


def _from_table(data: bytes) -> Partition | None:
    """The entry of the journal; None when the image is no whole flash."""
    try:
        entries = table(data)
    except TableError as error:
        # A journal alone may happen to have these two bytes at that place.
        if any(head_at(data, sector, len(data) // SECTOR).placed for sector in _sectors(data)):
            return None
        raise FlashError(
            f"the partition table at 0x{TABLE_OFFSET:x} is damaged: {error}"
        ) from None
    if entries is None:
        return None
    named = [entry for entry in entries if entry.label == LABEL]
    if len(named) != 1:
        labels = ", ".join(entry.label for entry in entries)
        count = "no partition is" if not named else f"{len(named)} partitions are"
        raise FlashError(f"{count} called {LABEL} in the partition table; it has {labels}")
    (entry,) = named
    if entry.type != _DATA:
        raise FlashError(f"the partition {LABEL} has type {entry.type}, not {_DATA} (data)")
    if entry.encrypted:
        raise FlashError(f"the partition {LABEL} is encrypted: its key is in the chip alone")
    return entry


def _sectors(data: bytes) -> range:
    return range(len(data) // SECTOR)


def _check(partition: bytes) -> None:
    """Raise FlashError unless there is a journal of this size."""
    sectors = _sectors(partition)
    heads = [head_at(partition, sector, len(sectors)) for sector in sectors]
    placed = sum(head.placed for head in heads)
    strays = [head for head in heads if head.epoch and not head.placed]
    if placed and placed >= len(strays):
        return
    if strays:
        raise FlashError(
            f"{len(strays)} sectors of a journal, but none of {len(sectors)} sectors at this "
            "place: cut short, or the wrong offset or size"
            if not placed
            else f"{len(strays)} of {placed + len(strays)} sector headers belong to a journal of "
            "another size or place: cut short, or the wrong offset or size"
        )
    if partition.count(0xFF) == len(partition):
        raise FlashError("erased, all of it: there is no journal, or it was never formatted")
    seen = f"it begins with {partition[:8].hex()}"
    if _entropy(partition) > _RANDOM:
        seen = "it looks random: encrypted?"
    raise FlashError(f"no journal: none of {len(sectors)} sectors has a header of one; {seen}")


def _entropy(data: bytes) -> float:
    """Bits a byte, of what is not erased."""
    counts = Counter(data[:_SAMPLE])
    del counts[0xFF]
    total = sum(counts.values()) or 1
    return -sum(n / total * math.log2(n / total) for n in counts.values())
