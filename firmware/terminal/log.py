"""The log: lines of text that survive, for whoever has to find out why a terminal misbehaved.

Never money, never card data. It is kept in the partition ``log``, a ring of sectors; a board
without one, or a flash that fails, only means that nothing is logged.

A sector begins with "PZL1", its epoch u32 (epoch % sectors is its place) and the CRC-32 of both. A
line is CRC-32 u32 of what follows, seeded with the epoch; when u32; flags u8 (1: ``when`` counts
seconds from the start, as the clock was not set); length u8; the text, zeros up to a multiple of
16. Programs are 16 B aligned and never touch a place twice. A line's number is
epoch * 4096 + offset.
"""

import struct
from binascii import crc32

_SECTOR = 4096
_MAGIC = b"PZL1"
_HEAD = 16
_LINE = 10
_STEP = 256
_TRIES = 4
MOST = 120  # bytes of a line
_UPTIME = 1
# A PAN has 12 digits or more. What might hold one in another form is bytes, and those have
# backslashes or quotes behind a b.
_DIGITS = 11
_WITHHELD = "(withheld)"


def cleaned(text: str) -> str:
    """One line that can hold no card number: a text that might is withheld as a whole."""
    digits = 0
    for byte in text.encode():
        digits += 0x30 <= byte <= 0x39
        if byte < 0x20 or byte == 0x5C:
            return _WITHHELD
    if digits > _DIGITS or "b'" in text or 'b"' in text:
        return _WITHHELD
    return text


class Log:
    """``partition`` may be None. Nothing here raises. ``clock``: what gives Unix seconds, once it
    is there; ``seconds``: since the start, for as long as the clock is not set."""

    def __init__(self, partition) -> None:
        self.clock = None
        self.seconds = 0
        self._partition = partition
        self._epoch = 0  # of the sector that is written; 0: there is none yet
        self._at = 0
        self._last = ""
        self._count = partition.ioctl(4, 0) if partition else 0
        self._works = self._count > 1
        try:
            if self._works:
                self._mount()
        except (OSError, MemoryError):
            self._works = False

    def line(self, text: str) -> None:
        """Keep a line. The same one again, right behind it, is not kept."""
        if not self._works:
            return
        try:
            text = cleaned(text)
            if text == self._last:
                return
            self._last = text
            text = text[:MOST]
            while len(text.encode()) > MOST:
                text = text[:-1]
            self._append(text.encode())
        except OSError:
            # A flash that fails is left alone until the next start: logging stops no sale.
            self._works = False
        except MemoryError:
            pass  # there may be room for the next line, which says so

    def read(self, number: int, most: int) -> tuple:
        """(number to go on at, lines of at most ``most`` bytes) from a line's number on: each is
        "when text", with "+" before ``when`` when that counts from the start. "" is the end."""
        rows: list[str] = []
        at = number
        try:
            at = self._read(number, most, rows)
        except OSError:
            pass
        return at, "\n".join(rows)

    def _mount(self) -> None:
        for sector in range(self._count):
            self._epoch = max(self._epoch, self._epoch_of(sector))
        self._at = self._end() if self._epoch else _SECTOR

    def _epoch_of(self, sector: int) -> int:
        magic, epoch, crc = struct.unpack("<4sII", self._bytes(sector, _HEAD, 0)[:12])
        good = magic == _MAGIC and crc == _crc(struct.pack("<4sI", magic, epoch), 0)
        return epoch if good and epoch % self._count == sector else 0

    def _end(self) -> int:
        """Behind the last place of the newest sector that is not erased."""
        sector = self._epoch % self._count
        for at in range(_SECTOR - _STEP, -1, -_STEP):
            used = len(self._bytes(sector, _STEP, at).rstrip(b"\xff"))
            if used:
                return at + (used + 15) // 16 * 16
        return _SECTOR

    def _append(self, data: bytes) -> None:
        entry = bytearray((_LINE + len(data) + 15) // 16 * 16)
        wall = self.clock.wall() if self.clock else 0
        when, flags = (wall, 0) if wall else (self.seconds, _UPTIME)
        struct.pack_into("<IBB", entry, 4, when, flags, len(data))
        entry[_LINE : _LINE + len(data)] = data
        for _ in range(_TRIES):
            if self._at + len(entry) > _SECTOR:
                self._next_sector()
            struct.pack_into("<I", entry, 0, _crc(memoryview(entry)[4:], self._epoch))
            sector, at = self._epoch % self._count, self._at
            self._at += len(entry)
            self._partition.writeblocks(sector, entry, at)
            # What a cut has torn there may have looked erased: then the line goes behind it.
            if self._bytes(sector, len(entry), at) == entry:
                return
        raise OSError(5)

    def _next_sector(self) -> None:
        self._epoch = max(self._epoch + 1, self._count)
        sector = self._epoch % self._count
        if self._partition.ioctl(6, sector):
            raise OSError(5)
        head = struct.pack("<4sI", _MAGIC, self._epoch)
        head += struct.pack("<II", _crc(head, 0), 0xFFFFFFFF)
        self._partition.writeblocks(sector, head, 0)
        self._at = _HEAD

    def _read(self, number: int, most: int, rows: list) -> int:
        oldest = max(self._epoch - self._count + 1, 1) * _SECTOR
        at = max(number, oldest)
        end = self._epoch * _SECTOR + self._at
        size = 0
        while at + 16 <= end:
            epoch, offset = at // _SECTOR, at % _SECTOR
            sector = epoch % self._count
            if self._epoch_of(sector) != epoch:
                at = (epoch + 1) * _SECTOR
                continue
            if offset < _HEAD:
                offset = _HEAD
            while offset < _SECTOR and epoch * _SECTOR + offset < end:
                row, length = self._row(sector, offset, epoch)
                size += len(row.encode()) + 1
                if row:
                    if size > most and rows:
                        return epoch * _SECTOR + offset
                    rows.append(row)
                offset += length
            at = (epoch + 1) * _SECTOR
        return end

    def _row(self, sector: int, offset: int, epoch: int) -> tuple:
        """(text, bytes it takes) of the line there; "" for none, and the next place."""
        head = self._bytes(sector, 16, offset)
        crc, seconds, flags, length = struct.unpack_from("<IIBB", head, 0)
        size = (_LINE + length + 15) // 16 * 16
        if length > MOST or offset + size > _SECTOR:
            return "", 16
        data = self._bytes(sector, size, offset)
        if _crc(memoryview(data)[4:], epoch) != crc:
            return "", 16
        text = str(bytes(data[_LINE : _LINE + length]), "utf-8")
        return "%s%d %s" % ("+" if flags & _UPTIME else "", seconds, text), size

    def _bytes(self, sector: int, size: int, offset: int) -> bytearray:
        data = bytearray(size)
        self._partition.readblocks(sector, data, offset)
        return data


def _crc(data, seed: int) -> int:
    return crc32(data, seed) & 0xFFFFFFFF
