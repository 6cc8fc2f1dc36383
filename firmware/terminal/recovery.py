"""What a mount makes of the flash: a total decision table. It never formats and never loops.

The whole partition, one of (nothing is written, read-only):

    TOO_SMALL         fewer than 4 sectors
    UNREADABLE        a read fails three times in a row
    UNFORMATTED       no sector header, and every header place reads erased
    FOREIGN           no sector header, and something else is there

The newest good slot, one of:

    EMPTY             there is none: nothing was ever appended
    CLEAN             nothing but erased slots after it
    TORN_TAIL         what follows it is not good: a cut. Its number goes to the next record
    UNFINISHED_RECORD (with one of those) it is of a record whose last part is not there: so too

Sectors, any of:

    STALE_SECTOR      a header from an earlier lap: would not erase then, holds nothing of ours
    HEADER_LOST       no good header, but slots that are good under the epoch it must have: kept
    TORN_HEADER       ready, but only the first part of the header is good: erased again in idle
    UNFINISHED_ERASE  no header where a ready or released one was, or ready but not blank: so too
    BAD_SECTOR        passed over when it was to be made ready; a later header says so
    SECTOR_LOST       no header, no good slot, and unreleased: its numbers read as damaged
    HEAD_LOST         so, and it may have held the newest; or more than 16 slots at the end are
                      not good; or a header knows of more numbers: all that may have been in use
                      are passed over and read as damaged

Then, in this order, each before the mount returns:

    burn              all that is not good after the newest good slot, and one that reads erased
                      (it may be a torn one that has not settled), is programmed with zeros
    affirm            the newest good slot is written again, for it may be torn and happen to read
                      good. From here on its record is certain
    FULL_AT_BOOT      no slot is left for that: made up when a release frees one, before an append
    CANNOT_AFFIRM     four slots did not take it: read-only
"""

from terminal.ring import BAD
from terminal.slot import BLANK, COPY, LAST_SLOT, MARK, RECORD, TORN, JournalFault, JournalFull

MIN_SECTORS = 4
_TAIL = 16  # slots that are not good at the end and may be no more than cuts
READ_ONLY = ("TOO_SMALL", "UNREADABLE", "UNFORMATTED", "FOREIGN", "CANNOT_AFFIRM")
ALARMS = READ_ONLY + ("HEAD_LOST", "SECTOR_LOST", "FULL_AT_BOOT")


def recover(ring) -> list:
    """Fill in the ring from its flash; returns the names of the rows that applied."""
    ring.reset()
    if ring.count < MIN_SECTORS:
        return ["TOO_SMALL"]
    rows: list = []
    try:
        _Recovery(ring, rows).run()
    except JournalFault:
        ring.reset()
        return ["UNREADABLE"]
    return rows


class _Recovery:
    def __init__(self, ring, rows: list) -> None:
        self.ring = ring
        self.flash = ring.flash
        self.rows = rows
        self.bottom = 0  # the lowest epoch the ring can hold
        self.entered = 0  # the highest epoch with a slot that is not erased, and that slot
        self.last = 0
        self.kind = TORN  # the newest good slot: kind, number, payload, place
        self.seq = 0
        self.content = (b"", 0, 1)  # payload, part, parts
        self.epoch = self.slot = 0
        self.floor_head = 0  # what was written when the newest header was
        self.headers: dict = {}  # of the sectors around the head

    def run(self) -> None:
        if not self._read_epochs():
            return
        self._find_head()
        self._find_newest()
        self._find_released()
        lost = self._count_lost()
        self._place_head()
        self._check_ready()
        self._set_numbers(lost)
        self._bound_retained()
        self._make_way()
        self._burn()
        self._affirm()

    def _row(self, name: str) -> None:
        if name not in self.rows:
            self.rows.append(name)

    def _header(self, epoch: int) -> tuple | None:
        if epoch not in self.headers:
            self.headers[epoch] = self.flash.header(epoch)
        return self.headers[epoch]

    # Which sectors there are

    def _read_epochs(self) -> bool:
        ring = self.ring
        newest = blank = 0
        for sector in range(ring.count):
            epoch = self.flash.epoch_of(sector)
            blank += epoch == -1
            ring.epochs[sector] = max(epoch, 0)
            newest = max(newest, epoch)
        if newest <= 0:
            self._row("UNFORMATTED" if blank == ring.count else "FOREIGN")
            ring.reset()
            return False
        ring.top = newest
        # Records may follow under headers that were good when they were written and are not now.
        while self._adopt(ring.top + 1):
            ring.top += 1
        self.bottom = max(ring.top - ring.count + 1, ring.count)
        for sector in range(ring.count):
            if 0 < ring.epochs[sector] < self.bottom:
                ring.epochs[sector] = 0
                self._row("STALE_SECTOR")
        return True

    def _adopt(self, epoch: int) -> bool:
        """Keep a sector without a header when a slot in it proves its epoch."""
        ring, flash = self.ring, self.flash
        sector = epoch % ring.count
        if ring.epochs[sector]:
            return False
        seed = flash.seed(epoch)
        for slot in range(1, LAST_SLOT + 1):
            if flash.peek(sector, slot) != BLANK:
                if flash.load(sector, slot, seed) not in (TORN, BLANK):
                    ring.epochs[sector] = epoch
                    self._row("HEADER_LOST")
                    return True
        return False

    def _passed_over(self, epoch: int) -> bool:
        """Whether the next sector's header says that this epoch was skipped as bad."""
        ring = self.ring
        later = ring.next_ready(epoch)
        header = self._header(later) if later else None
        if header is None or header[2] >= epoch:
            return False
        # Were it used in this lap after all, its loss would pass for a bad sector.
        ring.epochs[epoch % ring.count] = BAD
        return True

    # What was written last

    def _find_head(self) -> None:
        ring = self.ring
        for epoch in range(ring.top, self.bottom - 1, -1):
            if not ring.live(epoch) and not self._adopt(epoch):
                continue
            self.last = self._last_used(epoch)
            if self.last:
                self.entered = epoch
                return

    def _last_used(self, epoch: int) -> int:
        """The last slot of a sector that does not read erased, 0 when all do."""
        for slot in range(LAST_SLOT, 0, -1):
            if self.flash.peek(epoch % self.ring.count, slot) != BLANK:
                return slot
        return 0

    def _find_newest(self) -> None:
        ring, flash = self.ring, self.flash
        last = self.last
        for epoch in range(self.entered, self.bottom - 1, -1):
            if ring.live(epoch) or self._adopt(epoch):
                seed = flash.seed(epoch)
                for slot in range(last, 0, -1):
                    kind = flash.load(epoch % ring.count, slot, seed)
                    if kind not in (TORN, BLANK):
                        self.epoch = epoch
                        self.slot = slot
                        self._take_newest(kind)
                        return
            last = LAST_SLOT

    def _take_newest(self, kind: int) -> None:
        flash = self.flash
        self.kind = kind if flash.holds_record(kind) else MARK
        self.seq = flash.seq
        self.content = (flash.payload(), flash.part, flash.parts)
        if self.kind != MARK and flash.part + 1 < flash.parts:
            # As good as a MARK of the number before it; the one written next overrules it.
            self.kind = MARK
            self.seq -= 1
            self._row("UNFINISHED_RECORD")

    def _find_released(self) -> None:
        ring, flash = self.ring, self.flash
        lowest = self.bottom
        ring.released = ring.next_seq = 1
        for epoch in range(ring.top, self.bottom - 1, -1):
            header = self._header(epoch) if ring.live(epoch) else None
            if header:
                ring.released, ring.next_seq, _, self.floor_head = header
                lowest = max(lowest, self.floor_head)
                break
        # Marks older than that header are in it. One behind the newest good slot was not good a
        # moment ago and will be burnt: a release that it says would be forgotten again.
        copied = 0
        for epoch in range(self.epoch, lowest - 1, -1):
            if not ring.live(epoch):
                continue
            seed = flash.seed(epoch)
            for slot in range(self.slot if epoch == self.epoch else LAST_SLOT, 0, -1):
                kind = flash.peek(epoch % ring.count, slot)
                if kind == COPY:
                    copied = flash.seq
                elif kind == MARK and flash.load(epoch % ring.count, slot, seed) == MARK:
                    # Nor one before a copy of its number: a restart copied because it was torn.
                    if flash.seq != copied:
                        ring.released = max(ring.released, flash.released())
                        return

    # What that means

    def _count_lost(self) -> int:
        """How many numbers after the newest good one may have been in use and are gone.

        A sector is entered when the one before it is full. So what follows the newest good slot
        in this way was written; anything else that is not erased is a damaged ready sector. Leaves
        ``entered`` and ``last`` at the end of what was written.
        """
        ring = self.ring
        highest = self.entered
        if self.kind:
            self.last = self.last if highest == self.epoch else self._last_used(self.epoch)
            self.entered = self.epoch
        else:
            self.last = self.slot = LAST_SLOT
            self.entered = self.bottom - 1
        tail = self.last - self.slot
        lost = 0
        may_go_on = self.last == LAST_SLOT
        for epoch in range(self.entered + 1, ring.top + 1):
            if not ring.live(epoch):
                if may_go_on and not self._passed_over(epoch):
                    lost += LAST_SLOT
                    self.entered = epoch
                continue
            used = self._last_used(epoch) if epoch <= highest else 0
            if used and may_go_on:
                tail += used
                self.entered, self.last = epoch, used
            elif used and epoch == self.entered + 1 and self.last > LAST_SLOT - _TAIL:
                # Slots before it may only read erased: a restart may have gone on here.
                self.entered, self.last = epoch, used
            elif used:
                ring.epochs[epoch % ring.count] = 0
            may_go_on = may_go_on and used == LAST_SLOT
        return lost + (tail if tail > _TAIL else 0)

    def _place_head(self) -> None:
        ring = self.ring
        live = ring.live(self.entered)
        following = ring.next_ready(self.entered)
        if live or not following:
            ring.enter(self.entered, self.last + 1 if live else LAST_SLOT + 1)
        else:
            ring.enter(following, 1)

    def _check_ready(self) -> None:
        ring = self.ring
        for epoch in range(ring.head + 1, ring.top + 1):
            if not ring.live(epoch) and not self._passed_over(epoch):
                self._row("UNFINISHED_ERASE")
            elif ring.live(epoch) and self._header(epoch) is None:
                ring.epochs[epoch % ring.count] = 0
                self._row("TORN_HEADER")

    def _set_numbers(self, lost: int) -> None:
        ring = self.ring
        found = (self.seq + 1 if self.kind else 1) + lost
        known_more = ring.next_seq > found
        if known_more or (lost and not self.kind):  # since then at most these sectors were filled
            lost = LAST_SLOT * max(self.entered - self.floor_head + 1, 0)
            found = ring.next_seq + lost
        if lost or known_more:
            self._row("HEAD_LOST")
        ring.next_seq = max(found, ring.released)
        if not self.kind:
            self._row("EMPTY")
        elif self.entered > self.epoch or self.last > self.slot:
            self._row("TORN_TAIL")
        else:
            self._row("CLEAN")

    def _bound_retained(self) -> None:
        """Where the retained records begin: after the newest released hole."""
        ring = self.ring
        ring.oldest = self.bottom
        bound, known = ring.next_seq, ring.head
        for epoch in range(ring.head - 1, self.bottom - 1, -1):
            if ring.live(epoch):
                continue
            bound = ring.first_after(epoch, known) or bound
            known = epoch
            if bound <= ring.released:
                ring.oldest = epoch + 1
                self._row("UNFINISHED_ERASE")
                break
            if self._passed_over(epoch):
                self._row("BAD_SECTOR")
            elif not self._adopt(epoch):
                self._row("SECTOR_LOST")
        first = ring.first_after(ring.oldest - 1, ring.head) or ring.next_seq
        # Nothing unreleased is ever erased: what is missing from the watermark on is damage.
        ring.first_seq = min(first, ring.released)

    # What is written before anything is served

    def _make_way(self) -> None:
        """Erase a hole after the head now when the next writes, at most five, may fill the head:
        behind a full sector the next restart would have to take it for a lost one."""
        ring = self.ring
        if ring.slot > LAST_SLOT - 5 and ring.hole(ring.head + 1):
            ring.prepare()

    def _burn(self) -> None:
        ring, flash = self.ring, self.flash
        first = self.slot + 1 if self.kind and self.epoch == ring.head else 1
        for slot in range(first, ring.slot if ring.live(ring.head) else 0):
            flash.burn(ring.head % ring.count, slot)
        slot = ring.take(False)
        if slot:
            flash.burn(ring.head % ring.count, slot)

    def _affirm(self) -> None:
        """Write the newest slot again; a full ring keeps it for later."""
        ring = self.ring
        what = ring.mark()
        if self.kind in (RECORD, COPY) and self.seq + 1 == ring.next_seq:
            what = (COPY, self.seq) + self.content
        try:
            ring.write(what)
            ring.due = None
        except JournalFull:
            ring.due = what
            self._row("FULL_AT_BOOT")
        except JournalFault:
            self._row("CANNOT_AFFIRM")
