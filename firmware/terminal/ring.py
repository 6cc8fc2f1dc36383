"""The ring of sectors: which is being written, which are ready, which may be recycled.

An epoch fixes its sector (epoch % sectors), so that log order is plain counting:

    oldest .. head      hold the retained records; a lost sector is a hole in between
    head + 1 .. top     erased ahead ("ready"), apart from bad sectors
    the rest            released, to be erased next

A record is only written in a sector whose successor is ready. So the loss of any one sector, the
one being written included, leaves a later header that proves it, and no number is used twice.
What a restart writes (burnt slot, copy, mark) takes no number and may use that last sector too:
even a full ring survives restarts.
"""

import struct

from terminal.slot import (
    BLANK,
    LAST_SLOT,
    MARK,
    RECORD,
    TORN,
    JournalFault,
    JournalFull,
    join,
    slots_for,
)

AHEAD = 3  # sectors kept ready
_TRIES = 4  # slots tried for one append
BAD = -1  # would not erase: passed over in this lap


class Ring:
    """State of the log on a SlotFlash; recovery.recover() fills it in."""

    def __init__(self, flash) -> None:
        self.flash = flash
        self.count = flash.sectors
        self.epochs = [0] * self.count  # of each sector; 0: no good header, -1: bad
        self.reset()

    def reset(self) -> None:
        """Know nothing: no retained records, no free slot."""
        for sector in range(self.count):
            self.epochs[sector] = 0
        self.oldest = self.head = self.top = self.count
        self.slot = LAST_SLOT + 1  # of head, the next to be programmed
        self.seed = 0
        self.first_seq = self.next_seq = self.released = 0
        self.due: tuple | None = None  # what a full ring could not affirm at boot
        self._keep = 0  # the oldest sector that is not all released, 0: to be found
        self._cursor = (0, 0, 0)

    # Sectors

    def live(self, epoch: int) -> bool:
        """Whether the sector of this epoch is there."""
        return self.epochs[epoch % self.count] == epoch

    def enter(self, epoch: int, slot: int) -> None:
        """Write on in this sector, from this slot."""
        self.head = epoch
        self.slot = slot
        self.seed = self.flash.seed(epoch)

    def next_ready(self, epoch: int) -> int:
        """The first ready epoch after this one, 0 when there is none."""
        for later in range(epoch + 1, self.top + 1):
            if self.live(later):
                return later
        return 0

    def ready(self) -> int:
        """How many sectors are erased ahead."""
        ready = 0
        for epoch in range(self.head + 1, self.top + 1):
            if self.live(epoch):
                ready += 1
        return ready

    def room(self) -> int:
        """Slots for records: in what is ready, then in what is released and not known as bad."""
        if self._keep < self.oldest:
            self._keep = self._start_for(self.released)
            if 0 < self.first_after(self._keep, self.head) <= self.released:
                self._keep += 1
        sectors = 0
        for epoch in range(self.head + 1, self._keep + self.count):
            if self.epochs[epoch % self.count] != BAD:
                sectors += 1
        return self._slots(sectors)

    def most(self) -> int:
        """Slots for records when everything is released."""
        return LAST_SLOT * (self.count - 1)

    def ahead(self) -> int:
        """Slots for records in what is erased already."""
        return self._slots(self.ready())

    def _slots(self, sectors: int) -> int:
        """Slots for records in head and so many sectors after it, the last one in reserve."""
        return LAST_SLOT + 1 - self.slot + LAST_SLOT * (sectors - 1) if sectors else 0

    def set_released(self, seq: int) -> None:
        """Everything below ``seq`` may be recycled; not durable by itself."""
        self.released = seq
        self._keep = 0

    def first_in(self, epoch: int) -> int:
        """The first good slot's kind in a sector (flash.seq is its number), else TORN."""
        if self.live(epoch):
            seed = self.flash.seed(epoch)
            for slot in range(1, LAST_SLOT + 1):
                kind = self.flash.load(epoch % self.count, slot, seed)
                if kind not in (TORN, BLANK):
                    return kind
        return TORN

    def first_after(self, epoch: int, last: int) -> int:
        """A number that no record up to this sector reaches, unless it was copied to a later one.

        Judged by the sectors after it up to ``last``; 0 when nothing in them can be read.
        """
        for later in range(epoch + 1, last + 1):
            kind = self.first_in(later)
            if kind:
                # A MARK carries the number used last. Its record may be in an earlier sector, as
                # may the first parts of a long one.
                begins = kind != MARK and self.flash.part == 0
                return self.flash.seq + (0 if begins else 1)
        return 0

    def _recycle(self, epoch: int) -> bool:
        """Give up the sector of this epoch; False when something in it is not released."""
        if epoch < self.oldest:
            return True
        if epoch >= self.head:
            return False
        bound = self.first_after(epoch, self.head) or self.next_seq
        if bound > self.released:
            return False
        self.oldest = epoch + 1
        self.first_seq = max(self.first_seq, bound)
        return True

    def hole(self, last: int) -> int:
        """The first sector after head and up to this one whose erase or header was cut, or 0."""
        for epoch in range(self.head + 1, min(last, self.top) + 1):
            if self.epochs[epoch % self.count] == 0:
                return epoch
        return 0

    def prepare(self) -> bool:
        """Try to make one more sector ready; False when no sector may be erased.

        A hole among the ready ones comes first: its erase or its header was cut.
        """
        epoch = self.hole(self.top) or self.top + 1
        if epoch > self.top and not self._recycle(epoch - self.count):
            return False
        prev = self.head
        for earlier in range(self.head + 1, epoch):
            if self.live(earlier):
                prev = earlier
        self.top = max(self.top, epoch)
        sector = epoch % self.count
        self.epochs[sector] = BAD
        if self.flash.erase(sector) and self.flash.write_header(
            epoch, self.released, self.next_seq, prev, self.head
        ):
            self.epochs[sector] = epoch
        return True

    # Writing

    def _claim(self, record: bool) -> bool:
        """Have the next slot in head; erase on the spot only when idle() never had the time."""
        for _ in range(2 * self.count):
            following = self.next_ready(self.head)
            if self.slot <= LAST_SLOT and (following or not record):
                return True
            # Past a hole the next restart would take it for a lost sector.
            if self.slot > LAST_SLOT and following and not self.hole(following):
                if not record or self.next_ready(following):
                    self.enter(following, 1)
                    return True
            if not self.prepare():
                return False
        return False

    def take(self, record: bool) -> int:
        """The next slot of head, 0 when the ring is full."""
        if not self._claim(record):
            return 0
        self.slot += 1
        return self.slot - 1

    def append(self, payload: bytes) -> None:
        """Write a record, one slot for each of its parts; the last slot commits it."""
        flash = self.flash
        parts = slots_for(len(payload))
        if parts > 1:
            # Erased before the first part is written, so that the last one has its slot.
            while self._slots(self.ready()) < parts:
                if not self.prepare():
                    raise JournalFull("no %d free slots: sync, then release" % parts)
            flash.stage(payload)
        for part in range(parts):
            if parts > 1:
                flash.pack_part(self.next_seq, part, parts)
            else:
                flash.pack(RECORD, self.next_seq, payload, 0, 1)
            if not self._program(True):
                if part == 0:
                    raise JournalFull("no free slot: sync, then release")
                raise JournalFault("record %d: no slot for its part %d" % (self.next_seq, part))
        self.next_seq += 1

    def write(self, what: tuple) -> None:
        """Write a slot that is no record: a mark(), or the copy of a slot."""
        self.flash.pack(*what)
        if not self._program(False):
            raise JournalFull("no free slot: sync, then release")

    def _program(self, record: bool) -> bool:
        """Program the packed slot and read it back, in the next one when something else is there.

        False when there is no slot at all: then nothing was written.
        """
        for attempt in range(_TRIES):
            slot = self.take(record)
            if slot == 0:
                if attempt == 0:
                    return False
                break
            if self.flash.program(self.head % self.count, slot, self.seed):
                return True
            if self.flash.load(self.head % self.count, slot, self.seed) == BLANK:
                # Nothing went in, so the same slot again: a mount burns one blank slot, and a cut
                # in the next one could leave a torn one that reads blank behind it.
                self.slot = slot
        raise JournalFault("after record %d: no slot reads back as written" % (self.next_seq - 1))

    def mark(self) -> tuple:
        """A MARK of what the ring knows: (kind, seq, payload, part, parts)."""
        return (MARK, self.next_seq - 1, struct.pack("<I", self.released), 0, 1)

    # Reading

    def _start_for(self, seq: int) -> int:
        """The last sector that starts below seq (binary search; holes go to their left)."""
        best = low = self.oldest
        high = self.head
        while low <= high:
            epoch = middle = (low + high) // 2
            kind = self.first_in(epoch)
            while not kind and epoch > low:
                epoch -= 1
                kind = self.first_in(epoch)
            if kind and self.flash.seq >= seq:
                high = epoch - 1
            else:
                best = epoch if kind else best
                low = middle + 1
        return best

    def read(self, seq: int) -> bytes | None:
        """The payload of a retained record, None when it is damaged.

        What was written last under this number counts, and only when no lower number follows it:
        a torn record that settles later is overruled by what the restart wrote after it. Such a
        slot is at most one number ahead, so that the search may stop two numbers on.
        """
        flash = self.flash
        near, epoch, slot = self._cursor
        if not 0 < near <= seq <= near + LAST_SLOT or epoch < self.oldest:
            epoch, slot = self._start_for(seq), 1
        found: list = []  # the parts so far, of as many as there must be
        parts = 1
        while epoch <= self.head:
            if self.live(epoch):
                seed = flash.seed(epoch)
                end = self.slot if epoch == self.head else LAST_SLOT + 1
                while slot < end:
                    kind = flash.load(epoch % self.count, slot, seed)
                    if kind not in (TORN, BLANK):
                        if flash.seq > seq + 1:
                            return join(found, parts)
                        if flash.seq < seq:
                            found = []
                        elif flash.seq == seq and flash.holds_record(kind):
                            if flash.part == 0 and not found:
                                self._cursor = (seq, epoch, slot)
                            # Part 0 begins anew; a part that stands twice is written once more.
                            complete = len(found) >= flash.part
                            found = found[: flash.part] if complete else []
                            if complete:
                                found.append(flash.payload())
                            parts = flash.parts
                    slot += 1
            epoch += 1
            slot = 1
        return join(found, parts)
