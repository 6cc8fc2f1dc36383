"""One image of ESP-IDF (a bootloader or an application): where it ends, and that it is whole.

Layout: ESP-IDF, "App Image Format": a header of 24 bytes, segments of 8 + n bytes, padding so that
the checksum is the last byte of 16, and the SHA-256 of all before it when the header says so.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

from boards.flash.errors import Refused

MAGIC = 0xE9
_HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT = struct.Struct("<II")
_MAX_SEGMENTS = 16
_SIZE_AT, _HASHED_AT = 3, 23
_SEED = 0xEF
_MEGABYTE = 1 << 20
# MICROPY_BANNER_NAME_AND_VERSION: one string that every MicroPython has, shown by its REPL.
_BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class AppImage:
    """A checked image; ``data`` is exactly its bytes, ``flash_size`` what its header says."""

    data: bytes
    chip: int
    flash_size: int

    @property
    def micropython(self) -> tuple[int, int, int] | None:
        """The version of MicroPython in it, None when it is something else."""
        found = _BANNER.search(self.data)
        if found is None:
            return None
        major, minor, patch = (int(number or 0) for number in found.groups())
        return major, minor, patch

    @property
    def romfs(self) -> bool:
        """Whether this MicroPython can run code from a ``romfs`` partition: the names of the class
        and of the function that finds the partition are among its interned strings."""
        return b"VfsRom\0" in self.data and b"rom_ioctl\0" in self.data

    def for_flash(self, size: int) -> bytes:
        """The image with another size of flash in its header, as esptool does it: a bootloader
        checks every row of the partition table against that (ESP-IDF, bootloader_support,
        flash_partitions.c). The checksum leaves the header out, the SHA-256 does not."""
        data = bytearray(self.data)
        data[_SIZE_AT] = data[_SIZE_AT] & 0x0F | (size // _MEGABYTE).bit_length() - 1 << 4
        if data[_HASHED_AT]:
            data[-32:] = hashlib.sha256(data[:-32]).digest()
        return bytes(data)


def image_at(data: bytes, start: int, what: str) -> AppImage:
    """The image that begins at ``start``; Refused when there is none or it is damaged."""
    if len(data) < start + _HEADER.size or data[start] != MAGIC:
        raise Refused(f"{what}: no image of ESP-IDF at 0x{start:x}")
    header = _HEADER.unpack_from(data, start)
    segments, size_and_speed, chip, hashed = header[1], header[3], header[7], header[12]
    if not 1 <= segments <= _MAX_SEGMENTS or hashed > 1:
        raise Refused(f"{what}: its header at 0x{start:x} is damaged")
    at = start + _HEADER.size
    checksum = _SEED
    for number in range(segments):
        if at + _SEGMENT.size > len(data):
            raise Refused(f"{what}: cut short in segment {number}")
        _, length = _SEGMENT.unpack_from(data, at)
        at += _SEGMENT.size
        if at + length > len(data):
            raise Refused(f"{what}: cut short in segment {number}")
        checksum ^= _folded(data[at : at + length])
        at += length
    end = at + 16 - (at - start) % 16
    if end > len(data) or data[end - 1] != checksum:
        raise Refused(f"{what}: the checksum does not match")
    if hashed:
        digest = hashlib.sha256(data[start:end]).digest()
        if data[end : end + 32] != digest:
            raise Refused(f"{what}: the SHA-256 does not match")
        end += 32
    flash_size = _MEGABYTE << (size_and_speed >> 4)
    return AppImage(data[start:end], chip, flash_size)


def _folded(data: bytes) -> int:
    """All bytes XORed; halved as one large number, which is much faster than byte by byte."""
    length = 1 << max(0, (len(data) - 1).bit_length())
    number = int.from_bytes(data, "little")
    while length > 1:
        length //= 2
        number = (number >> (8 * length)) ^ (number & ((1 << (8 * length)) - 1))
    return number
