"""What is on a board before anything is written there, and what follows from it."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from boards.flash import program, table
from boards.flash.build import Build
from boards.flash.errors import Refused
from companion import flash
from companion.flash.partitions import Partition
from companion.flash.slots import SECTOR, head_at

_ANEW = "esptool erase-flash makes it a new board: all that is on it is lost"
# ESP-IDF, esp_flash_partitions.h: number, label, state, CRC-32 of the number.
_OTA_ENTRY = struct.Struct("<I20sII")
_UNDEFINED = 0xFFFFFFFF
_GIVEN_UP = (3, 4)  # invalid, aborted
# MARK of firmware/terminal/__init__.py.
_MARKED = re.compile(rb"pingzhang firmware (\d+\.\d+\.\d+)")
# firmware/terminal/cell.py: magic, generation, length, zero, CRC-32; then the value.
_COPY = struct.Struct("<4sIHHI")
_COPY_MAGIC = b"PZC1"


def rows_of(sector: Path) -> list[Partition] | None:
    """The partition table out of the sector read from the board, None on an erased flash."""
    try:
        return table.read(sector.read_bytes(), "the board")
    except Refused as error:
        raise Refused(f"{error}. Encrypted, or another program's; {_ANEW}") from None


def is_ours(build: Build, rows: list[Partition] | None) -> bool:
    """Whether the board is one of ours with the same partitions. Refused when it is ours and they
    differ: what is in its journal would be lost. The beginning of our table is none yet: somebody
    was cut off when he wrote it."""
    if rows is None or not any(row.label == "journal" for row in rows):
        return False
    if len(rows) < len(build.rows) and rows == build.rows[: len(rows)]:
        return False
    if rows != build.rows:
        raise Refused(
            "the board has another partition table, and its journal would move:\n"
            f"{table.told(rows)}\nnot\n{table.told(build.rows)}\n"
            f"Sync it and settle it; then {_ANEW}"
        )
    return True


def check_size(build: Build, found: int) -> None:
    """Refused when the flash is smaller than the board's should be."""
    if found < build.target.flash_size:
        raise Refused(
            f"the board has {found >> 20} MB of flash, {build.target.name} "
            f"has {build.target.flash_size >> 20} MB"
        )


def check_version(build: Build, head: Path) -> str | None:
    """The firmware's version on the board; Refused when it is newer than what would come."""
    version = program.version_in(head.read_bytes())
    if version:
        _check_version(build, version)
    return version


def check_board(build: Build, head: Path) -> None:
    """Refused when the firmware on the board was made for another one."""
    board = program.board_in(head.read_bytes())
    if board not in (None, build.target.name):
        raise Refused(f"the board has the firmware of {board}, not of {build.target.name}")


def check_slot(build: Build, slot: Path) -> str | None:
    """The same for an application that an update over the network brought (update.py)."""
    found = _MARKED.search(slot.read_bytes())
    if found is None:
        return None
    version = found[1].decode()
    _check_version(build, version)
    return version


def _check_version(build: Build, version: str) -> None:
    if program.numbers(version) > program.numbers(build.program.version):
        raise Refused(
            f"the board has firmware {version}, newer than {build.program.version}: an older one "
            "may not understand its journal"
        )


def updated_slot(build: Build, ota_data: Path) -> Partition | None:
    """The slot that starts, None while it is the first one as flashed: then nothing was updated
    over the network."""
    data = ota_data.read_bytes()
    numbers = []
    for at in range(0, len(data), table.SECTOR):
        number, _, state, crc = _OTA_ENTRY.unpack_from(data, at)
        good = crc == zlib.crc32(number.to_bytes(4, "little"), _UNDEFINED)
        if good and number not in (0, _UNDEFINED) and state not in _GIVEN_UP:
            numbers.append(number)
    slots = table.slots(build.rows)
    return slots[(max(numbers) - 1) % len(slots)] if numbers else None


def has_configuration(vault: Path) -> bool:
    """Whether the board was provisioned, out of the first two sectors of its vault. A copy that
    was not finished counts as well: the terminal decides about that at its next start."""
    data = vault.read_bytes()
    for at in range(0, len(data), table.SECTOR):
        magic, _, length, _, crc = _COPY.unpack_from(data, at)
        value = data[at + _COPY.size : at + _COPY.size + length]
        if magic == _COPY_MAGIC and crc == zlib.crc32(value, zlib.crc32(data[at : at + 12])):
            return True
    return False


def has_records(journal: Path) -> bool:
    """Whether there is a journal, or a part of one, with something in it, readable or not."""
    try:
        found = flash.read(flash.load(journal).partition)
    except flash.FlashError:
        # Of another place or size, perhaps.
        data = journal.read_bytes()
        sectors = len(data) // SECTOR
        return any(head_at(data, sector, sectors).epoch for sector in range(sectors))
    return found.next_seq > 1 or bool(found.gaps or found.damage)


def check_no_records(build: Build, journal: Path) -> None:
    """Refused when a journal with records lies where a new one would be made."""
    if not has_records(journal):
        return
    row = table.labelled(build.rows, "journal")
    raise Refused(
        f"the board's partition table has no journal, but one lies at 0x{row.offset:x}. Save it: "
        f"esptool read-flash 0x{row.offset:x} 0x{row.size:x} journal.bin, then "
        f"companion journal read journal.bin --load; then {_ANEW}"
    )
