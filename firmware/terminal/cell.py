"""One small value in two flash sectors: the new one is certain before the old one may go.

A sector holds a copy from offset 0 and marks from offset 2048, all programs 16 B aligned:

    copy   "PZC1", generation u32, length u16, 0 u16, CRC-32 of those 12 bytes and the value;
           the value, zeros up to a multiple of 16
    mark   kind u32, generation u32, CRC of the copy u32, CRC-32 of those 12 bytes

A copy counts when it is good and a KEEP or ALONE mark for it is. The mark is programmed after the
copy was read back, so a good mark proves a finished copy. What load() makes of the two sectors:

    both count            the higher generation is the value, the other one is the older copy
    one counts            it is the value; the other is erased unless it is blank: a torn copy must
                          not settle and come back
    none counts           no value; what is not blank is erased
    then                  the value's copy gets one more KEEP mark: the one found may be torn and
                          only happen to read good. After that the value is certain
    no place for a mark   the value is stored again in the other sector (once in 120 starts)

ALONE is written after forget() has erased the other sector. Without it forget() erases again, as a
blank look does not prove that an erase was finished.
"""

import struct
from binascii import crc32

MAX_VALUE = 2032

_SECTOR_SIZE = 4096
_MAGIC = b"PZC1"
_COPY_HEADER = 16
_MARKS = 2048
_MARK_SIZE = 16
_KEEP = 0x4B454550
_ALONE = 0x414C4F4E
_TRIES = 3


class CellFault(Exception):
    """The flash does not take the value; the older one still counts."""


class Cell:
    """A value of 1..MAX_VALUE bytes in sectors ``first_block`` and ``first_block + 1``."""

    def __init__(self, partition, first_block: int) -> None:
        self._partition = partition
        self._first = first_block
        self._loaded = False
        self._side = 0  # the sector with the value, 0 or 1
        self._generation = 0  # of the value; 0: there is none
        self._crc = 0
        # Whether the other sector is known to be wholly erased.
        self.alone = False

    def load(self) -> bytes | None:
        """The value, made certain; None when there is none. Raises CellFault."""
        found = [self._copy(side) for side in (0, 1)]
        self._side = 1 if found[1] and (not found[0] or found[1][0] > found[0][0]) else 0
        newest = found[self._side]
        self._loaded = True
        if newest is None:
            self._generation, self.alone = 0, False
            value = None
        else:
            self._generation, self._crc, value = newest
            self.alone = self._marked(self._side, newest, _ALONE)
            if not self._mark(_KEEP):
                self.store(value)
                return value
        for side in (0, 1):
            if found[side] is None and not self._blank(side):
                self._erase(side)
        return value

    def store(self, value: bytes) -> None:
        """Keep a new value; durable when it returns. The old one counts until the new one does."""
        if not 0 < len(value) <= MAX_VALUE:
            raise ValueError("a cell holds 1..%d bytes, not %d" % (MAX_VALUE, len(value)))
        if not self._loaded:
            self.load()
        side = 1 - self._side if self._generation else self._side
        generation = self._generation + 1
        copy = bytearray((_COPY_HEADER + len(value) + 15) // 16 * 16)
        struct.pack_into("<4sIHH", copy, 0, _MAGIC, generation, len(value), 0)
        copy[_COPY_HEADER : _COPY_HEADER + len(value)] = value
        crc = _crc_of(copy, len(value))
        struct.pack_into("<I", copy, 12, crc)
        for attempt in range(_TRIES):
            try:
                self._erase(side)
                self._program(side, copy, 0)
                break
            except CellFault:
                if attempt == _TRIES - 1:
                    raise
        older = (self._side, self._generation, self._crc)
        self._side, self._generation, self._crc = side, generation, crc
        if not self._mark(_KEEP):
            self._side, self._generation, self._crc = older
            # A mark that failed may still settle: then this copy would count at a later start.
            self._erase(side)
            raise CellFault("sector %d takes no mark" % (self._first + side))
        self.alone = False

    def forget(self) -> None:
        """Erase the other sector wholly; after a cut, call it again until ``alone`` is True."""
        if not self._loaded:
            self.load()
        if self._generation and not self.alone:
            self._erase(1 - self._side)
            self._mark(_ALONE)  # when it fails the sector is only erased once more
            self.alone = True

    def clear(self) -> None:
        """Erase it all, the value last: an older one never counts again. After a cut the value
        is there or not; call it again."""
        self.forget()
        for side in (1 - self._side, self._side):
            self._erase(side)
        self._generation, self.alone = 0, False

    # Flash

    def _read(self, side: int, size: int, offset: int) -> bytearray:
        data = bytearray(size)
        for attempt in range(_TRIES):
            try:
                self._partition.readblocks(self._first + side, data, offset)
                break
            except OSError as err:
                if attempt == _TRIES - 1:
                    raise CellFault("read of sector %d failed: %r" % (self._first + side, err))
        return data

    def _program(self, side: int, data: bytes, offset: int) -> None:
        try:
            self._partition.writeblocks(self._first + side, data, offset)
        except OSError as err:
            raise CellFault("program of sector %d failed: %r" % (self._first + side, err))
        if self._read(side, len(data), offset) != data:
            raise CellFault("sector %d does not read back" % (self._first + side))

    def _erase(self, side: int) -> None:
        for _ in range(_TRIES):
            try:
                if not self._partition.ioctl(6, self._first + side) and self._blank(side):
                    return
            except OSError:
                pass
        raise CellFault("sector %d does not erase" % (self._first + side))

    def _blank(self, side: int) -> bool:
        for offset in range(0, _SECTOR_SIZE, 256):
            if self._read(side, 256, offset) != b"\xff" * 256:
                return False
        return True

    # Copies and marks

    def _copy(self, side: int) -> tuple | None:
        """(generation, crc, value) of a copy that counts, else None."""
        header = self._read(side, _COPY_HEADER, 0)
        magic, generation, length, zero, crc = struct.unpack("<4sIHHI", header)
        if magic != _MAGIC or not 0 < length <= MAX_VALUE or zero or not generation:
            return None
        data = self._read(side, _COPY_HEADER + length, 0)
        if data[:_COPY_HEADER] != header or _crc_of(data, length) != crc:
            return None
        copy = (generation, crc, bytes(data[_COPY_HEADER:]))
        if self._marked(side, copy, _KEEP) or self._marked(side, copy, _ALONE):
            return copy
        return None

    def _marked(self, side: int, copy: tuple, kind: int) -> bool:
        wanted = _mark_bytes(kind, copy[0], copy[1])
        for offset in range(_MARKS, _SECTOR_SIZE, _MARK_SIZE):
            if self._read(side, _MARK_SIZE, offset) == wanted:
                return True
        return False

    def _mark(self, kind: int) -> bool:
        """Program a mark for the value after the last used place; False when there is none."""
        mark = _mark_bytes(kind, self._generation, self._crc)
        free = _SECTOR_SIZE
        while free > _MARKS:
            if self._read(self._side, _MARK_SIZE, free - _MARK_SIZE) != b"\xff" * _MARK_SIZE:
                break
            free -= _MARK_SIZE
        # The first place that reads erased may be a torn mark: it is only used when it takes it.
        for offset in range(free, min(free + _TRIES * _MARK_SIZE, _SECTOR_SIZE), _MARK_SIZE):
            try:
                self._program(self._side, mark, offset)
                return True
            except CellFault:
                pass
        return False


def _crc_of(copy: bytes, length: int) -> int:
    view = memoryview(copy)
    return crc32(view[_COPY_HEADER : _COPY_HEADER + length], crc32(view[:12])) & 0xFFFFFFFF


def _mark_bytes(kind: int, generation: int, crc: int) -> bytes:
    body = struct.pack("<III", kind, generation, crc)
    return body + struct.pack("<I", crc32(body) & 0xFFFFFFFF)
