"""The partition table: the stock image's rows, and ours behind them.

Read by companion/flash/partitions.py, as the image of a dead terminal is. Rows of 32 bytes, then
one with the MD5 of those before it: ESP-IDF, "Partition Tables".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import replace

from boards.flash.errors import Refused
from companion.flash.partitions import TABLE_OFFSET, Partition, TableError, table

SIZE = 0x1000  # the sector that it has for itself
SECTOR = 0x1000
_BLOCK = 0x10000
APP, DATA = 0, 1
_OTA_0 = 0x10
_OTA_DATA = 0x00
_ROW = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MD5 = b"\xeb\xeb" + b"\xff" * 14
_LONGEST = 0xC00 // _ROW.size - 2  # its MD5 and its end
# MicroPython >= 1.26 makes its file system behind the last row; less would be of no use.
SMALLEST_VFS = 64 * 1024


def read(sector: bytes, what: str) -> list[Partition] | None:
    """The rows of a table, None for an erased sector; Refused when it is damaged."""
    if sector.count(0xFF) == len(sector):
        return None
    try:
        rows = table(b"\xff" * TABLE_OFFSET + sector)
    except TableError as error:
        raise Refused(f"{what}: the partition table is damaged: {error}") from None
    if rows is None:
        raise Refused(f"{what}: there is no partition table at 0x{TABLE_OFFSET:x}")
    return rows


def with_ours(
    stock: Sequence[Partition], ours: Sequence[Partition], flash: int
) -> list[Partition]:
    """The stock rows and ours; Refused when they do not fit.

    Ours lie where the board says. Where that is the image's own (it has two slots for the
    application), all of them move behind it together. ``flash`` is the size of the board's.
    """
    labels = [row.label for row in stock]
    taken = sorted({row.label for row in ours} & set(labels))
    if taken:
        raise Refused(f"the image has a partition {', '.join(taken)} already: not a stock image")
    if "vfs" in labels:
        raise Refused(
            "the image has a row for vfs, so nothing can be put before it: MicroPython 1.26 or "
            "newer has none, and makes it behind the last row"
        )
    if len(stock) + len(ours) > _LONGEST:
        raise Refused(f"{len(stock)} rows, there is no room for {len(ours)} more")
    end = max(row.offset + row.size for row in stock)
    first = min(row.offset for row in ours)
    shift = max(0, -(-end // _BLOCK) * _BLOCK - first)
    moved = [replace(row, offset=row.offset + shift) for row in ours]
    end = max(row.offset + row.size for row in moved)
    if end + SMALLEST_VFS > flash:
        raise Refused(
            f"the rows end at 0x{end:x}: a flash of {flash >> 20} MB has no room for them and a "
            f"file system of {SMALLEST_VFS >> 10} KB"
        )
    return [*stock, *moved]


def encoded(stock: bytes, rows: Sequence[Partition]) -> bytes:
    """The sector with these rows; those of the stock image keep their bytes."""
    known = {
        stock[at : at + 32][12:28].rstrip(b"\0"): stock[at : at + 32] for at in _starts(stock)
    }
    data = b""
    for row in rows:
        label = row.label.encode()
        data += known.get(label) or _ROW.pack(
            _MAGIC, row.type, row.subtype, row.offset, row.size, label, int(row.encrypted)
        )
    data += _MD5 + hashlib.md5(data, usedforsecurity=False).digest()
    return data.ljust(SIZE, b"\xff")


def _starts(sector: bytes) -> range:
    count = 0
    while sector[count * 32 : count * 32 + 2] == _MAGIC:
        count += 1
    return range(0, count * 32, 32)


def apps(rows: Sequence[Partition]) -> list[Partition]:
    """The application's partitions: one, or ota_0 and ota_1."""
    return [row for row in rows if row.type == APP]


def slots(rows: Sequence[Partition]) -> list[Partition]:
    """ota_0 and those behind it, in the order in which they take turns."""
    return sorted((r for r in apps(rows) if r.subtype >= _OTA_0), key=lambda row: row.subtype)


def ota_data(rows: Sequence[Partition]) -> Partition | None:
    """Which slot starts, where there are slots; erased it is the first."""
    return next((r for r in rows if r.type == DATA and r.subtype == _OTA_DATA), None)


def labelled(rows: Sequence[Partition], label: str) -> Partition:
    """The row of this label, which must be there."""
    return next(row for row in rows if row.label == label)


def told(rows: Sequence[Partition]) -> str:
    """The rows as text, for a person."""
    return "\n".join(
        f"  {row.label:10} 0x{row.offset:06x} .. 0x{row.offset + row.size:06x} {row.size:8}"
        for row in rows
    )
