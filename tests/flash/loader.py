"""The chip's end of esptool's serial protocol, around a flash in memory: ROM, then stub loader.

After "Serial Protocol" in the documentation of esptool: SLIP packets, 8 bytes of header. What it
does here it does with a chip: it uploads its stub, detects the flash, erases, writes compressed
data and compares MD5s. Time, noise and resets by DTR and RTS are not modelled.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SECTOR = 4096
_FRAME, _ESCAPE = 0xC0, 0xDB
# What begins every talk of esptool with a chip: SYNC, in its frame.
SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20"
_JEDEC = 0x9F  # asks a flash for its maker, type and size


@dataclass(frozen=True)
class Silicon:
    """Registers by which esptool tells a chip and talks to its flash."""

    number: int
    security: bool  # answers GET_SECURITY_INFO with its number
    command: int
    user2: int
    data: int
    fixed: dict[int, int]


SILICON = {
    "esp32": Silicon(
        *(0, False, 0x3FF42000, 0x3FF42024, 0x3FF42080),
        # Which chip, the divider of its UART (40 MHz / 115200), and two eFuse words of its MAC.
        {0x40001000: 0x00F01D83, 0x3FF40014: 347, 0x3FF5A004: 0xAABBCCDD, 0x3FF5A008: 0x24EE},
    ),
    "esp32s3": Silicon(*(9, True, 0x60002000, 0x60002020, 0x60002058), {}),
}


def slip(packet: bytes) -> bytes:
    """A packet in its frame."""
    inner = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + inner + b"\xc0"


@dataclass
class Deslip:
    """Packets out of bytes; ``foreign`` bytes stood outside of any frame."""

    foreign: bytearray = field(default_factory=bytearray)
    _packet: bytearray | None = None
    _escaped: bool = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for byte in data:
            if self._packet is None:
                if byte == _FRAME:
                    self._packet = bytearray()
                else:
                    self.foreign.append(byte)
            elif byte == _FRAME:
                packet, self._packet = bytes(self._packet), None
                yield packet
            elif self._escaped:
                self._packet.append({0xDC: _FRAME, 0xDD: _ESCAPE}[byte])
                self._escaped = False
            elif byte == _ESCAPE:
                self._escaped = True
            else:
                self._packet.append(byte)


class Loader:
    """One chip with ``flash``, changed in place. ``send`` takes the bytes of its answers;
    ``written`` has (what, offset, size) of every write and erase."""

    def __init__(self, chip: str, flash: bytearray, send: Callable[[bytes], None]) -> None:
        self._silicon = SILICON[chip]
        self.flash = flash
        self._send = send
        self.written: list[tuple[str, int, int]] = []
        self._registers = dict(self._silicon.fixed)
        self._stub = False
        self._reading: list[bytes] = []
        self._inflate = zlib.decompressobj()
        self._at = 0
        self._do: dict[int, Callable[[bytes], bytes]] = {
            0x02: self._begin,
            0x03: self._plain,
            0x04: self._nothing,  # FLASH_END
            0x05: self._nothing,  # MEM_BEGIN
            0x07: self._nothing,  # MEM_DATA
            0x0B: self._nothing,  # SPI_SET_PARAMS
            0x0D: self._nothing,  # SPI_ATTACH
            0x0F: self._nothing,  # CHANGE_BAUDRATE
            0x09: self._write_register,
            0x10: self._begin,
            0x11: self._data,
            0x12: self._nothing,  # FLASH_DEFL_END
            0x13: self._md5,
            0xD0: self._erase_all,
            0xD1: self._erase_region,
        }

    def packet(self, packet: bytes) -> None:
        """Act on one packet and answer it."""
        if self._reading:
            self._send(slip(self._reading.pop(0)))  # the packet says how much it has
            return
        _, number, length, _ = struct.unpack_from("<BBHI", packet)
        data = packet[8 : 8 + length]
        if number == 0x08:  # SYNC: the chip was reset, its ROM answers, eight times
            self._stub = False
            for _ in range(8):
                self._answer(number, value=0x20120707)
        elif number == 0x0A:  # READ_REG
            (address,) = struct.unpack("<I", data)
            self._answer(number, value=self._registers.get(address, 0))
        elif number == 0x06:  # MEM_END: the stub runs
            self._answer(number)
            self._stub = True
            self._send(slip(b"OHAI"))
        elif number == 0x14:
            self._security(number)
        elif number == 0xD2:
            self._read(number, data)
        elif number in self._do:
            self._answer(number, self._do[number](data))
        else:
            self._answer(number, failed=True)

    def _answer(
        self, number: int, data: bytes = b"", value: int = 0, failed: bool = False
    ) -> None:
        status = b"\x01\x05" if failed else b"\0\0"
        body = data + status + (b"" if self._stub else b"\0\0")
        self._send(slip(struct.pack("<BBHI", 1, number, len(body), value) + body))

    def _nothing(self, data: bytes) -> bytes:
        return b""

    def _security(self, number: int) -> None:
        info = struct.pack("<IB7sII", 0, 0, bytes(7), self._silicon.number, 0)
        if self._silicon.security:
            self._answer(number, info)
        else:
            self._answer(number, failed=True)

    def _write_register(self, data: bytes) -> bytes:
        silicon = self._silicon
        for address, value, *_ in struct.iter_unpack("<IIII", data):
            self._registers[address] = value
        if self._registers.get(silicon.command):  # a command to the flash: done at once
            self._registers[silicon.command] = 0
            if self._registers.get(silicon.user2, 0) & 0xFF == _JEDEC:
                size = (len(self.flash) - 1).bit_length()
                self._registers[silicon.data] = size << 16 | 0x40 << 8 | 0xC8
        return b""

    def _begin(self, data: bytes) -> bytes:
        size, _, _, offset = struct.unpack_from("<IIII", data)
        self._at, self._inflate = offset, zlib.decompressobj()
        if size:
            self._erase("write", offset, size)
        return b""

    def _plain(self, data: bytes) -> bytes:
        """A block of what does not get smaller by compression, filled up with 0xFF."""
        self._flash(self._at, data[16:])
        self._at += len(data) - 16
        return b""

    def _data(self, data: bytes) -> bytes:
        block = self._inflate.decompress(data[16:])
        self._flash(self._at, block)
        self._at += len(block)
        return b""

    def _flash(self, at: int, data: bytes) -> None:
        old = self.flash[at : at + len(data)]
        self.flash[at : at + len(data)] = bytes(a & b for a, b in zip(old, data, strict=True))

    def _erase(self, why: str, offset: int, size: int) -> None:
        first, end = offset // SECTOR * SECTOR, -(-(offset + size) // SECTOR) * SECTOR
        self.flash[first:end] = b"\xff" * (end - first)
        self.written.append((why, offset, size))

    def _erase_all(self, data: bytes) -> bytes:
        self._erase("erase", 0, len(self.flash))
        return b""

    def _erase_region(self, data: bytes) -> bytes:
        self._erase("erase", *struct.unpack("<II", data))
        return b""

    def _md5(self, data: bytes) -> bytes:
        offset, size = struct.unpack_from("<II", data)
        digest = hashlib.md5(self.flash[offset : offset + size])
        return digest.digest() if self._stub else digest.hexdigest().encode()

    def _read(self, number: int, data: bytes) -> None:
        offset, length, block, _ = struct.unpack("<IIII", data)
        wanted = bytes(self.flash[offset : offset + length])
        frames = [wanted[at : at + block] for at in range(0, length, block)]
        self._answer(number)
        # The first at once, each next one when the one before was acknowledged.
        self._reading = [*frames[1:], hashlib.md5(wanted).digest()]
        self._send(slip(frames[0]))
