"""Stock images like those that MicroPython publishes, but synthetic, checksums and all."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from boards.flash import chips

ROW = tuple[str, int, int, int, int]  # label, type, subtype, offset, size
ROMFS = b"VfsRom\0rom_ioctl\0"

SINGLE: tuple[ROW, ...] = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, 0x10000, 0x1F0000),
)
TWO_SLOTS: tuple[ROW, ...] = (
    ("nvs", 1, 2, 0x9000, 0x4000),
    ("otadata", 1, 0, 0xD000, 0x2000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("ota_0", 0, 0x10, 0x10000, 0x180000),
    ("ota_1", 0, 0x11, 0x190000, 0x180000),
)


def image(chip: int, segments: Sequence[bytes], megabytes: int = 4, hashed: bool = True) -> bytes:
    """An image of ESP-IDF with these segments."""
    size_bits = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4}[megabytes] << 4
    header = struct.pack(
        "<BBBBIB3sHBHH4sB",
        *(0xE9, len(segments), 2, size_bits, 0x40080000, 0xEE, bytes(3)),
        *(chip, 0, 0, 399, bytes(4), hashed),
    )
    data = header
    checksum = 0xEF
    for number, segment in enumerate(segments):
        data += struct.pack("<II", 0x3F400020 + 0x10000 * number, len(segment)) + segment
        for byte in segment:
            checksum ^= byte
    data += bytes(15 - len(data) % 16) + bytes([checksum])
    return data + hashlib.sha256(data).digest() if hashed else data


def sector(rows: Sequence[ROW]) -> bytes:
    """A partition table."""
    data = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, label.encode(), 0)
        for label, kind, subtype, offset, size in rows
    )
    data += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(data).digest()
    return data.ljust(0x1000, b"\xff")


def stock(
    chip: str = "esp32",
    rows: Sequence[ROW] = SINGLE,
    *,
    banner: bytes = b"MicroPython v1.28.0 on 2026-01-01",
    romfs: bool = True,
    megabytes: int = 4,
    filling: int = 40_000,
) -> bytes:
    """What one downloads: from the bootloader's place on."""
    number = chips.NUMBERS[chip]
    start = 0x1000 if chip == "esp32" else 0
    text = banner + b"\0" + (ROMFS if romfs else b"") + bytes(range(256)) * (filling // 256)
    # Segments are whole words.
    app = image(number, [text + bytes(-len(text) % 4), b"code" * 100], megabytes)
    flash = bytearray(b"\xff" * 0x10000)
    boot = image(number, [b"boot" * 1000], megabytes)
    flash[start : start + len(boot)] = boot
    flash[0x8000:0x9000] = sector(rows)
    return bytes(flash[start:]) + app
