"""The bootloader of a virtual board with two slots for the application, and what it starts.

As ESP-IDF's with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE ("Over The Air Updates", "App rollback"):
partition ``otadata`` has two sectors with an entry each; of those that are whole and not given up
the one with the higher number says which slot starts. A new image starts once on trial; when the
application has not said that it is good by the next start, the other slot is started again.

A slot holds an image of ESP-IDF. What runs here is the ROMFS image that is somewhere in it, in
place of firmware that is frozen into MicroPython.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from boards.virtual.flash import SECTOR, NorFlash

SLOTS = ("ota_0", "ota_1")
NEW, TRIAL, VALID, INVALID, ABORTED = range(5)
UNDEFINED = 0xFFFFFFFF
_ENTRY = struct.Struct("<I20sII")  # number, label, state, CRC-32 of the number
_ROMFS = b"\xd2\xcd\x31"


def entry(number: int, state: int) -> bytes:
    """What stands at the beginning of a sector of ``otadata``."""
    crc = zlib.crc32(number.to_bytes(4, "little"), 0xFFFFFFFF)
    return _ENTRY.pack(number, b"\xff" * 20, state, crc)


def choose(flash: Mapping[str, NorFlash]) -> str:
    """The slot that starts now, "" for a board without slots; an image on trial is noted."""
    if "otadata" not in flash:
        return ""
    ota = flash["otadata"]
    entries = _entries(ota)
    for sector, (number, state) in entries.items():
        if state == TRIAL:  # it had its start, and did not say that it is good
            _write(ota, sector, number, ABORTED)
    started = [
        (number, state, sector)
        for sector, (number, state) in _entries(ota).items()
        if state not in (INVALID, ABORTED)
    ]
    if not started:
        return SLOTS[0]
    number, state, sector = max(started)
    if state == NEW:
        _write(ota, sector, number, TRIAL)
    return SLOTS[(number - 1) % len(SLOTS)]


def firmware_in(slot: NorFlash) -> bytes:
    """The ROMFS image in a slot; b"" when there is none."""
    data = slot.image()
    at = data.find(_ROMFS)
    return data[at:] if at >= 0 else b""


def _entries(ota: NorFlash) -> dict[int, tuple[int, int]]:
    """Number and state by sector, of the entries that are whole."""
    found = {}
    for sector in range(2):
        number, _, state, crc = _ENTRY.unpack(ota.read(sector * SECTOR, _ENTRY.size))
        if number != UNDEFINED and crc == zlib.crc32(number.to_bytes(4, "little"), 0xFFFFFFFF):
            found[sector] = (number, state)
    return found


def _write(ota: NorFlash, sector: int, number: int, state: int) -> None:
    ota.erase(sector * SECTOR)
    ota.program(sector * SECTOR, entry(number, state))
