"""Sectors and slots of the journal as bytes: the format of firmware/terminal/JOURNAL.md."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import Enum

SECTOR = 4096
SLOTS = 31

RECORD = ord("R")
COPY = ord("C")
MARK = ord("M")

_PLACE = 128
_HEADER = struct.Struct("<6I4sI")
_SLOT = struct.Struct("<I4BI")
_MAGIC = b"PZJ1"
_CAPACITY = _PLACE - _SLOT.size
_MAX_PARTS = 4
_ERASED = b"\xff" * _PLACE
_BURNT = bytes(_PLACE)


@dataclass(frozen=True)
class Header:
    """What a sector's header says beyond the epoch: the journal's state when it was erased."""

    released: int
    next_seq: int
    prev: int
    head: int


@dataclass(frozen=True)
class Head:
    """The place of a header. `epoch` is 0 without one; `placed`: it belongs to this very sector;
    `header` is None when only the epoch can be read."""

    epoch: int
    placed: bool
    header: Header | None


class State(Enum):
    """What a slot's bytes are."""

    ERASED = "erased"
    BURNT = "burnt"
    DAMAGED = "damaged"
    GOOD = "good"


@dataclass(frozen=True)
class Slot:
    """One slot; what is behind `used` is only set when it is GOOD.

    `used`: writing came as far as this slot, as a restart judges it, by its first 12 bytes.
    """

    epoch: int
    sector: int
    number: int
    state: State
    used: bool
    kind: int = 0
    seq: int = 0
    part: int = 0
    parts: int = 0
    content: bytes = b""

    @property
    def of_record(self) -> bool:
        """Whether it is a record or a part of one, in a form that is known here."""
        return self.kind in (RECORD, COPY) and self.part < self.parts <= _MAX_PARTS

    @property
    def commits(self) -> bool:
        """Whether a record is complete with it."""
        return self.of_record and self.part == self.parts - 1

    @property
    def watermark(self) -> int:
        """The released watermark of a MARK."""
        return int.from_bytes(self.content[:4], "little")


def head_at(image: bytes, sector: int, sectors: int) -> Head:
    """The header of a sector out of so many."""
    data = image[sector * SECTOR : sector * SECTOR + _HEADER.size]
    epoch, epoch_crc, released, next_seq, prev, head, magic, crc = _HEADER.unpack(data)
    if zlib.crc32(data[:4], zlib.crc32(_MAGIC)) != epoch_crc or epoch == 0:
        return Head(0, False, None)
    whole = magic == _MAGIC and zlib.crc32(data[:28]) == crc
    return Head(
        epoch,
        epoch >= sectors and epoch % sectors == sector,
        Header(released, next_seq, prev, head) if whole else None,
    )


def slots_at(image: bytes, sector: int, epoch: int) -> list[Slot]:
    """The slots of a sector, as they are if it has this epoch."""
    seed = zlib.crc32(struct.pack("<I", epoch))
    found = []
    for number in range(1, SLOTS + 1):
        start = sector * SECTOR + number * _PLACE
        found.append(_slot(image[start : start + _PLACE], epoch, sector, number, seed))
    return found


def _slot(data: bytes, epoch: int, sector: int, number: int, seed: int) -> Slot:
    if data == _ERASED:
        return Slot(epoch, sector, number, State.ERASED, used=False)
    if data == _BURNT:
        return Slot(epoch, sector, number, State.BURNT, used=True)
    crc, kind, length, part, parts, seq = _SLOT.unpack_from(data)
    end = _SLOT.size + length
    if (
        kind in (0, 0xFF)
        or length > _CAPACITY
        or zlib.crc32(data[4 : -(-end // 16) * 16], seed) != crc
    ):
        used = data[: _SLOT.size] != _ERASED[: _SLOT.size]
        return Slot(epoch, sector, number, State.DAMAGED, used)
    content = data[_SLOT.size : end]
    return Slot(epoch, sector, number, State.GOOD, True, kind, seq, part, parts, content)
