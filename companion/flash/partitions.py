"""The partition table of ESP-IDF: 32-byte entries at 0x8000, closed by their MD5 or by 0xFF."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

TABLE_OFFSET = 0x8000
_TABLE_SIZE = 0xC00
_ENTRY_SIZE = 32
_ENTRY_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_END = b"\xff" * _ENTRY_SIZE
_SECTOR = 4096
_ENCRYPTED = 1


class TableError(ValueError):
    """There is a partition table, but it cannot be trusted; the message says why."""


@dataclass(frozen=True)
class Partition:
    """One entry; offset and size in bytes."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int
    encrypted: bool


def table(flash: bytes) -> list[Partition] | None:
    """The partition table of a whole flash, None when there is none; TableError when damaged."""
    data = flash[TABLE_OFFSET : TABLE_OFFSET + _TABLE_SIZE]
    if data[:2] != _ENTRY_MAGIC:
        return None
    found: list[Partition] = []
    for start in range(0, len(data) - _ENTRY_SIZE + 1, _ENTRY_SIZE):
        entry = data[start : start + _ENTRY_SIZE]
        if entry == _END:
            return found
        if entry[:16] == _MD5_MAGIC:
            if hashlib.md5(data[:start], usedforsecurity=False).digest() != entry[16:]:
                raise TableError("its MD5 does not match")
            return found
        found.append(_entry(entry, len(found)))
    raise TableError("it has no end")


def _entry(entry: bytes, number: int) -> Partition:
    magic, type_, subtype, offset, size, label, flags = struct.unpack("<2sBBII16sI", entry)
    if magic != _ENTRY_MAGIC:
        raise TableError(f"entry {number} begins with {magic.hex()}, not {_ENTRY_MAGIC.hex()}")
    name, _, rest = label.partition(b"\0")
    if (
        not name
        or rest.strip(b"\0")
        or not (name.isascii() and name.decode("ascii").isprintable())
    ):
        raise TableError(f"entry {number} has no readable label")
    if offset % _SECTOR or size == 0:
        raise TableError(f"{name.decode()} is {size} bytes at 0x{offset:x}")
    return Partition(name.decode(), type_, subtype, offset, size, bool(flags & _ENCRYPTED))
