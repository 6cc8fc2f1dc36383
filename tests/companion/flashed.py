"""Flash images as the firmware's own journal leaves them, on a NOR that fails by seed."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from terminal.journal import Journal, JournalFault, JournalFull
from tests.companion.sealed import Device
from tests.journal import nor as model
from tests.journal.nor import SECTOR, Nor, PowerCut

# On both sides of every limit of a slot and of a record's parts.
LENGTHS = (5, 50, 115, 116, 117, 228, 229, 300, 344, 345, 460)


def torn(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """What some cut leaves of a program or an erase."""
    tears = model.ERASE_TEARS if len(old) == SECTOR else model.PROGRAM_TEARS
    return rng.choice(tears)(old, new, rng)


@dataclass
class Life:
    """A terminal that sells, syncs, idles and restarts while the power and the flash fail."""

    seed: int
    rng: random.Random = field(init=False)
    nor: Nor = field(init=False)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.nor = Nor(self.rng.choice((4, 5, 7, 12)), rng=random.Random(self.seed))
        self.journal = Journal(self.nor)
        self.journal.format()
        self.journal.mount()

    def images(self) -> Iterator[bytes]:
        """The flash after each cut, and at the end."""
        worn = self.rng.randrange(self.nor.sectors) if self.rng.random() < 0.3 else -1
        for _ in range(self.rng.randrange(1, 300)):
            if self.rng.random() < 0.06:
                self.nor.cut_at = self.nor.changes + self.rng.randrange(1, 6)
                self.nor.cut_as = torn
            elif self.rng.random() < 0.03:
                self.nor.fail_at = self.nor.operations + self.rng.randrange(1, 8)
            elif worn >= 0 and self.rng.random() < 0.02:
                self.nor.dead_sectors = {} if self.nor.dead_sectors else {worn: model.before}
            try:
                self._step()
            except PowerCut:
                yield from self._restart()
            except JournalFault:
                self.nor.cut_at = 0
                self._mount()
        yield bytes(self.nor.data)

    def _step(self) -> None:
        chance, journal = self.rng.random(), self.journal
        if chance < 0.7:
            try:
                journal.append(self.rng.randbytes(self.rng.choice(LENGTHS)))
            except JournalFull:
                journal.release(max(1, journal.next_seq - self.rng.randrange(1, 10)))
        elif chance < 0.8:
            journal.release(max(1, journal.next_seq - self.rng.randrange(40)))
        elif chance < 0.95:
            journal.idle()
        else:
            self._mount()

    def _mount(self) -> None:
        self.nor.fail_at = 0
        self.journal = Journal(self.nor)
        self.journal.mount()

    def _restart(self) -> Iterator[bytes]:
        """Cuts in the restart too, now and then."""
        while True:
            self.nor.cut_at = 0
            yield bytes(self.nor.data)
            if self.rng.random() < 0.3:
                self.nor.cut_at = self.nor.changes + self.rng.randrange(1, 4)
            try:
                self._mount()
            except PowerCut:
                continue
            self.nor.cut_at = 0
            return


def damaged(image: bytes, rng: random.Random) -> bytes:
    """The image with a few of its bits, slots, headers or sectors changed."""
    data = bytearray(image)
    for _ in range(rng.randrange(1, 4)):
        sector = rng.randrange(len(data) // SECTOR) * SECTOR
        slot = sector + rng.randrange(1, 32) * 128
        start, end = rng.choice(
            (
                (sector, sector + SECTOR),
                (sector + 128, sector + SECTOR),
                (sector, sector + 32),
                (slot, slot + 128),
                (slot, slot + 16),
            )
        )
        if rng.random() < 0.2:
            data[rng.randrange(start, end)] ^= 1 << rng.randrange(8)
        else:
            size = end - start
            data[start:end] = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size)))
    return bytes(data)


def header(
    epoch: int, released: int = 1, next_seq: int = 1, prev: int = 0, head: int = 0
) -> bytes:
    """A sector header, written down independently."""
    start = struct.pack("<I", epoch)
    crc = zlib.crc32(b"PZJ1" + start)
    body = start + struct.pack("<5I4s", crc, released, next_seq, prev, head, b"PZJ1")
    return body + struct.pack("<I", zlib.crc32(body))


def slot(
    epoch: int, kind: bytes, seq: int, content: bytes, part: int = 0, parts: int = 1
) -> bytes:
    """A slot, written down independently."""
    body = struct.pack("<cBBBI", kind, len(content), part, parts, seq) + content
    body += bytes(-(len(body) + 4) % 16)
    data = struct.pack("<I", zlib.crc32(struct.pack("<I", epoch) + body)) + body
    return data.ljust(128, b"\xff")


def entry(label: str, offset: int, size: int, type_: int = 1, flags: int = 0) -> bytes:
    """An entry of ESP-IDF's partition table."""
    return struct.pack(
        "<2sBBII16sI", b"\xaa\x50", type_, 0x81, offset, size, label.encode(), flags
    )


def whole_flash(journal: bytes, *entries: bytes, md5: bool = True) -> bytes:
    """A flash of 4 MB with the journal at 0x310000 and a table at 0x8000."""
    rows = entries or (
        entry("nvs", 0x9000, 0x6000),
        entry("factory", 0x10000, 0x1F0000, type_=0),
        entry("vfs", 0x200000, 0x100000),
        entry("vault", 0x300000, 0x4000),
        entry("journal", 0x310000, len(journal)),
    )
    table = b"".join(rows)
    if md5:
        table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
    flash = bytearray(b"\xff" * 0x400000)
    flash[0x8000 : 0x8000 + len(table)] = table
    flash[0x310000 : 0x310000 + len(journal)] = journal
    return bytes(flash)


@dataclass
class Shop:
    """A device whose sealed records go through the firmware's journal."""

    sectors: int = 8
    device: Device = field(default_factory=Device)
    nor: Nor = field(init=False)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.nor = Nor(self.sectors)
        self.journal = Journal(self.nor)
        self.journal.format()
        self.journal.mount()

    def write(self) -> None:
        """Append what the device has written since."""
        for payload in self.device.payloads[self.journal.next_seq - 1 :]:
            assert payload is not None
            self.journal.append(payload)
            while self.journal.idle():
                pass

    def sell(self, first: int, last: int, end: str = "approved") -> None:
        """One sale of 100 a number for each STAN."""
        for stan in range(first, last + 1):
            self.device.sale(stan, 100 * stan, end)
        self.write()

    def image(self) -> bytes:
        return bytes(self.nor.data)
