"""What ESP-IDF does with ``otadata`` for esp32.Partition; the other end is virtual/slots.py."""

import struct
from binascii import crc32

_NEW = 0
_VALID = 2
_GIVEN_UP = (3, 4)  # invalid, aborted
_SIZE = 32


def _active(ota) -> tuple:
    """(number, sector) of the newest entry that was not given up; (0, 1) when there is none."""
    best = (0, 1)
    for sector in range(2):
        entry = bytearray(_SIZE)
        ota.readblocks(sector, entry)
        number, _, state, crc = struct.unpack("<I20sII", entry)
        if crc == _crc(number) and state not in _GIVEN_UP and number > best[0]:
            best = (number, sector)
    return best


def _crc(number: int) -> int:
    return crc32(number.to_bytes(4, "little"), 0xFFFFFFFF)


def _write(ota, sector: int, number: int, state: int):
    ota.ioctl(6, sector)
    entry = struct.pack("<I20sII", number, b"\xff" * 20, state, _crc(number))
    ota.writeblocks(sector, entry, 0)


def boot(ota, slot: int):
    """A new entry in the other sector: this slot, not started yet."""
    number, sector = _active(ota)
    number += 1
    while (number - 1) % 2 != slot:
        number += 1
    _write(ota, 1 - sector, number, _NEW)


def keep(ota):
    """What runs is good."""
    number, sector = _active(ota)
    if number:
        _write(ota, sector, number, _VALID)
