"""On-flash format of the journal, and checked access to it.

A sector (4096 B) is 32 places of 128 B: place 0 holds the sector header, places 1..31 are slots.
All numbers are little-endian u32 unless said otherwise; every CRC is CRC-32 (IEEE).

Sector header, 32 bytes, programmed once, after the erase and after every byte was seen to be 0xFF:

    0  epoch      lap * sectors + sector number; the first lap is 1. Tells order and place at once.
    4  epoch crc  over "PZJ1" and the epoch, so that a mount reads 8 bytes a sector
    8  released   the watermark at the time of the erase
   12  next_seq   at the time of the erase
   16  prev       the epoch made ready before this one; those between them are bad sectors
   20  head       the epoch being written at the time of the erase
   24  "PZJ1"
   28  crc        over bytes 0..27

Slot, programmed once, by one call of 16 * n bytes (n = 1..8, as few as the payload needs):

    0  crc        over bytes 4..(16 n - 1), started with the CRC of the sector's epoch: a slot is
                  good only in the sector and the lap it was written for
    4  kind u8    RECORD, COPY (of the newest record, made at boot) or MARK
    5  length u8  of the payload
    6  part u8    0..parts-1
    7  parts u8   of the record: 1, or 2..4 for one that is longer than a slot
    8  seq        of the record; for a MARK the last one used
   12  payload    then zeros up to 16 n; the rest of the slot stays erased

A MARK's payload is the released watermark. A burnt slot is all zeros, or whatever a cut left.

A record of more than 116 bytes is followed by its CRC-32 and cut into parts of 116 bytes, a slot
each, in order, with one seq. The last part commits it. The CRC over the whole says that the parts
belong together: those of a torn record and of its successor have the same seq.
"""

import struct
from binascii import crc32

SECTOR_SIZE = 4096
SLOT_SIZE = 128
LAST_SLOT = 31
SLOT_PAYLOAD = 116
MAX_PARTS = 4
MAX_PAYLOAD = MAX_PARTS * SLOT_PAYLOAD - 4

RECORD = 0x52
COPY = 0x43
MARK = 0x4D
TORN = 0  # not blank and not good
BLANK = 0xFF  # reads erased, which is no proof that it is

_MAGIC = b"PZJ1"
_EPOCH_SEED = crc32(_MAGIC)
_HEADER_SIZE = 32
_PEEK_SIZE = 12
_CHUNK = 256
_READ_TRIES = 3
_ERASED = b"\xff" * _CHUNK
_BLANK_PEEK = b"\xff" * _PEEK_SIZE
_BLANK_SLOT = b"\xff" * SLOT_SIZE
_ZEROS = b"\0" * SLOT_SIZE


class JournalFull(Exception):
    """No slot is free and nothing may be recycled: sync and release first."""


class JournalFault(Exception):
    """The flash does not do as told; the message says which operation and where."""


def slots_for(length: int) -> int:
    """How many slots a record of so many bytes takes."""
    return 1 if length <= SLOT_PAYLOAD else (length + 4 + SLOT_PAYLOAD - 1) // SLOT_PAYLOAD


def join(found: list, parts: int) -> bytes | None:
    """The record of these payloads of slots, None unless all its parts are there and belong."""
    if len(found) != parts:
        return None
    if parts == 1:
        return found[0]
    data = b"".join(found)
    payload = data[:-4]
    return payload if data[-4:] == struct.pack("<I", crc32(payload)) else None


class SlotFlash:
    """Sectors and slots of one partition. All buffers are made here, none later."""

    def __init__(self, partition) -> None:
        """``partition`` has readblocks, writeblocks and ioctl as esp32.Partition has them."""
        self._partition = partition
        self.sectors = partition.ioctl(4, 0)
        if partition.ioctl(5, 0) != SECTOR_SIZE:
            raise ValueError("the journal needs blocks of %d bytes" % SECTOR_SIZE)
        # Of the slot that load() or peek() read last.
        self.seq = 0
        self.length = 0
        self.part = 0
        self.parts = 0
        self._record = bytearray(MAX_PARTS * SLOT_PAYLOAD)
        self._record_length = 0
        self._out = bytearray(SLOT_SIZE)
        self._in = bytearray(SLOT_SIZE)
        self._chunk = bytearray(_CHUNK)
        self._word = bytearray(4)
        # A slice of a memoryview allocates, so that every one that append needs is made now.
        out, back, chunk = memoryview(self._out), memoryview(self._in), memoryview(self._chunk)
        sizes = range(16, SLOT_SIZE + 1, 16)
        self._out_views = [out[:n] for n in sizes]
        self._out_bodies = [out[4:n] for n in sizes]
        self._in_views = [back[:n] for n in sizes]
        self._in_bodies = [back[4:n] for n in sizes]
        self._peek = chunk[:_PEEK_SIZE]
        self._epoch = chunk[:8]
        self._header = chunk[:_HEADER_SIZE]
        self._packed = 0

    def _read(self, sector: int, buf, offset: int) -> None:
        for attempt in range(_READ_TRIES):
            try:
                self._partition.readblocks(sector, buf, offset)
                return
            except OSError as err:
                if attempt == _READ_TRIES - 1:
                    raise JournalFault(
                        "read of sector %d at %d failed: %r" % (sector, offset, err)
                    )

    def seed(self, epoch: int) -> int:
        """What the CRC of every slot in a sector of this epoch starts with."""
        struct.pack_into("<I", self._word, 0, epoch)
        return crc32(self._word)

    # Slots

    def peek(self, sector: int, slot: int) -> int:
        """Read 12 bytes: BLANK, or the kind the slot claims (TORN when none); kind and seq are
        not checked."""
        self._read(sector, self._peek, slot * SLOT_SIZE)
        if self._peek == _BLANK_PEEK:
            return BLANK
        kind = self._chunk[4]
        self.seq = struct.unpack_from("<I", self._chunk, 8)[0]
        return TORN if kind == BLANK else kind

    def load(self, sector: int, slot: int, seed: int) -> int:
        """Read and check a slot: its kind, BLANK or TORN. Sets what it says when it is good."""
        self._read(sector, self._in, slot * SLOT_SIZE)
        crc, kind, length, part, parts, seq = struct.unpack_from("<IBBBBI", self._in, 0)
        if kind in (TORN, BLANK) or length > SLOT_PAYLOAD:
            return BLANK if self._in == _BLANK_SLOT else TORN
        if crc32(self._in_bodies[(length + 27) // 16 - 1], seed) != crc:
            return TORN
        self.seq = seq
        self.length = length
        self.part = part
        self.parts = parts
        return kind

    def holds_record(self, kind: int) -> bool:
        """Whether the slot just loaded is of a record, in a form that this version can read."""
        return kind in (RECORD, COPY) and self.part < self.parts <= MAX_PARTS

    def payload(self) -> bytes:
        """The payload of the slot just loaded."""
        return bytes(self._in[12 : 12 + self.length])

    def released(self) -> int:
        """The watermark in the MARK just loaded."""
        return struct.unpack_from("<I", self._in, 12)[0]

    def pack(self, kind: int, seq: int, payload: bytes, part: int, parts: int) -> None:
        """Lay out the slot that program() will write; the CRC waits for the sector."""
        struct.pack_into("<116s", self._out, 12, payload)
        self._pack_head(kind, seq, len(payload), part, parts)

    def stage(self, payload: bytes) -> None:
        """Take a record that is longer than a slot, for pack_part()."""
        length = len(payload)
        struct.pack_into("<460s", self._record, 0, payload)
        struct.pack_into("<I", self._record, length, crc32(payload))
        self._record_length = length + 4

    def pack_part(self, seq: int, part: int, parts: int) -> None:
        """Lay out the slot of one part of the staged record."""
        start = part * SLOT_PAYLOAD
        length = self._record_length - start
        if length > SLOT_PAYLOAD:
            length = SLOT_PAYLOAD
        # Byte by byte, because a slice would be an allocation.
        for i in range(SLOT_PAYLOAD):
            self._out[12 + i] = self._record[start + i] if i < length else 0
        self._pack_head(RECORD, seq, length, part, parts)

    def _pack_head(self, kind: int, seq: int, length: int, part: int, parts: int) -> None:
        struct.pack_into("<BBBBI", self._out, 4, kind, length, part, parts, seq)
        self._packed = (length + 27) // 16 - 1

    def program(self, sector: int, slot: int, seed: int) -> bool:
        """Write the packed slot with one call and read it back; False when it is not there."""
        size = self._packed
        struct.pack_into("<I", self._out, 0, crc32(self._out_bodies[size], seed))
        offset = slot * SLOT_SIZE
        try:
            self._partition.writeblocks(sector, self._out_views[size], offset)
            self._partition.readblocks(sector, self._in_views[size], offset)
        except OSError:
            return False
        return self._in_views[size] == self._out_views[size]

    def burn(self, sector: int, slot: int) -> None:
        """Clear every bit of a slot that a cut may have touched: weak bits settle then."""
        try:
            self._partition.writeblocks(sector, _ZEROS, slot * SLOT_SIZE)
        except OSError:
            pass  # the slot is passed over all the same

    # Sectors

    def erase(self, sector: int) -> bool:
        """Erase a sector and see that every byte of it reads 0xFF."""
        try:
            if self._partition.ioctl(6, sector):
                return False
            for offset in range(0, SECTOR_SIZE, _CHUNK):
                self._partition.readblocks(sector, self._chunk, offset)
                if self._chunk != _ERASED:
                    return False
        except OSError:
            return False
        return True

    def write_header(self, epoch: int, released: int, next_seq: int, prev: int, head: int) -> bool:
        """Say that the sector of this epoch is erased; True when it reads back."""
        sector = epoch % self.sectors
        header = bytearray(_HEADER_SIZE)
        crc = crc32(struct.pack("<I", epoch), _EPOCH_SEED)
        struct.pack_into("<6I", header, 0, epoch, crc, released, next_seq, prev, head)
        header[24:28] = _MAGIC
        struct.pack_into("<I", header, 28, crc32(memoryview(header)[:28]))
        try:
            self._partition.writeblocks(sector, header, 0)
            self._partition.readblocks(sector, self._header, 0)
        except OSError:
            return False
        return self._header == header

    def epoch_of(self, sector: int) -> int:
        """Read 8 bytes: the sector's epoch; 0 when it has none, -1 when those bytes are erased."""
        self._read(sector, self._epoch, 0)
        if self._epoch == _BLANK_PEEK[:8]:
            return -1
        epoch, crc = struct.unpack_from("<II", self._chunk, 0)
        if crc32(self._epoch[:4], _EPOCH_SEED) != crc:
            return 0
        # In another place than its own the sector was copied there: nothing in it counts.
        if epoch < self.sectors or epoch % self.sectors != sector:
            return 0
        return epoch

    def header(self, epoch: int) -> tuple | None:
        """(released, next_seq, prev, head) of a sector of this epoch, None when damaged."""
        self._read(epoch % self.sectors, self._header, 0)
        found, _, released, next_seq, prev, head = struct.unpack_from("<6I", self._chunk, 0)
        crc = struct.unpack_from("<I", self._chunk, 28)[0]
        if found != epoch or crc32(self._header[:28]) != crc:
            return None
        return (released, next_seq, prev, head)
