"""The sectors of a journal in the order of the log, and what a restart concludes from them.

It follows the recovery table of firmware/terminal/JOURNAL.md, but has the whole image before it
where a terminal reads as little as it can.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from companion.flash.slots import MARK, SECTOR, SLOTS, Head, Header, Slot, State, head_at, slots_at

# So many slots that are not good at the end may be cuts that came one upon the other.
_CUTS = 16
_LAST_EPOCH = 0xFFFFFFFF


@dataclass(frozen=True)
class Sector:
    """A sector that belongs to the log. `headed`: its header's first part is good, so that its
    epoch is known from there; else from its slots."""

    number: int
    epoch: int
    headed: bool
    header: Header | None
    slots: list[Slot]

    @property
    def good(self) -> list[Slot]:
        """Its good slots, in order."""
        return [slot for slot in self.slots if slot.state is State.GOOD]

    @property
    def last_used(self) -> int:
        """The last slot that writing reached, 0 for none."""
        return max((slot.number for slot in self.slots if slot.used), default=0)


class Ring:
    """What is in an image, by epoch; the image has a header at least (see companion.flash.image).

    ``first_seq``, ``next_seq`` and ``released`` are those of a terminal that starts on it.
    """

    def __init__(self, image: bytes) -> None:
        self._image = image
        self.count = len(image) // SECTOR
        self._heads = [head_at(image, sector, self.count) for sector in range(self.count)]
        self.sectors: dict[int, Sector] = {}
        self._find_sectors()
        # Of an earlier lap: they would not erase since.
        self.stale = sorted(epoch for epoch in self.sectors if epoch < self.bottom)
        self.newest: Slot | None = None
        self._find_newest()
        self._find_watermark()
        self._find_end()
        self._find_first()

    # Which sectors there are

    def _find_sectors(self) -> None:
        for number, head in enumerate(self._heads):
            if head.placed:
                self._add(number, head.epoch, head)
        self.top = max(self.sectors)
        # Records go on under headers that are damaged now.
        while not self._heads[(self.top + 1) % self.count].placed and self._prove(self.top + 1):
            self.top += 1
        self.bottom = max(self.top - self.count + 1, self.count)
        for epoch in range(self.bottom, self.top + 1):
            if epoch not in self.sectors:
                self._prove(epoch)
        self._epochs = sorted(self.sectors)

    def _add(self, number: int, epoch: int, head: Head | None) -> None:
        slots = slots_at(self._image, number, epoch)
        header = head.header if head else None
        self.sectors[epoch] = Sector(number, epoch, head is not None, header, slots)

    def _prove(self, epoch: int) -> bool:
        """Take in a sector without a header when one of its slots is good under this epoch."""
        if epoch in self.sectors or epoch > _LAST_EPOCH:
            return False
        number = epoch % self.count
        if not any(slot.state is State.GOOD for slot in slots_at(self._image, number, epoch)):
            return False
        self._add(number, epoch, None)
        return True

    def later(self, epoch: int) -> Sector | None:
        """The next sector of the log that there is."""
        at = bisect_right(self._epochs, epoch)
        return self.sectors[self._epochs[at]] if at < len(self._epochs) else None

    def passed_over(self, epoch: int) -> bool:
        """Whether the next sector's header says that this one did not erase and was left out."""
        later = self.later(epoch)
        return later is not None and later.header is not None and later.header.prev < epoch

    def contradicts(self, epoch: int) -> bool:
        """Whether the sector of this epoch, which was ready once, has an earlier one's header."""
        head = self._heads[epoch % self.count]
        return head.placed and head.epoch < epoch

    # What was written last

    def in_order(self) -> Iterator[Slot]:
        """Every slot of every sector, in the order of the log."""
        for epoch in self._epochs:
            yield from self.sectors[epoch].slots

    def _find_newest(self) -> None:
        for epoch in range(self.top, self.bottom - 1, -1):
            good = self.sectors[epoch].good if epoch in self.sectors else []
            if good:
                self.newest = good[-1]
                return

    @property
    def unfinished(self) -> bool:
        """Whether the newest good slot is of a record that was not completed."""
        newest = self.newest
        return newest is not None and newest.of_record and not newest.commits

    def _find_watermark(self) -> None:
        """Set ``released`` and ``known_next`` from the newest header and a mark since it."""
        self.released = self.known_next = 1
        self._known_head = 0
        for epoch in range(self.top, self.bottom - 1, -1):
            header = self.sectors[epoch].header if epoch in self.sectors else None
            if header:
                self.released, self.known_next = header.released, header.next_seq
                self._known_head = header.head
                break
        for epoch in range(self.top, max(self.bottom, self._known_head) - 1, -1):
            marks = [slot for slot in self._served(epoch) if slot.kind == MARK]
            if marks:
                self.released = max(self.released, marks[-1].watermark)
                return

    def _served(self, epoch: int) -> list[Slot]:
        """The good slots of a sector; before the newest record, only of one with a header."""
        sector = self.sectors.get(epoch)
        if sector is None or not (sector.headed or (self.newest and epoch >= self.newest.epoch)):
            return []
        return sector.good

    # Where writing ended

    def _find_end(self) -> None:
        """Set ``head`` (the epoch being written), ``after_newest`` and ``next_seq``.

        A sector is entered when the one before it is full. So whatever follows the newest good
        slot without a break was written, and its numbers may have been given out.
        """
        newest = self.newest
        # The sector that writing reached, the slot in it, and how many slots are bad before that.
        end, last, cuts = self.bottom - 1, SLOTS, 0
        if newest:
            end, last = newest.epoch, self.sectors[newest.epoch].last_used
            cuts = last - newest.number
        lost = 0
        goes_on = last == SLOTS
        for epoch in range(end + 1, self.top + 1):
            sector = self.sectors.get(epoch)
            if sector is None:
                if goes_on and not self.passed_over(epoch):
                    lost += SLOTS
                    end = epoch
                continue
            used = sector.last_used
            if used and goes_on:
                cuts += used
                end, last = epoch, used
            elif used and epoch == end + 1 and last > SLOTS - _CUTS:
                # What is left of the sector before may only read erased.
                end, last = epoch, used
            goes_on = goes_on and used == SLOTS
        if cuts > _CUTS:
            lost += cuts
        # The number after the newest one that is there.
        self.after_newest = newest.seq + (not self.unfinished) if newest else 1
        self.next_seq = self.after_newest + lost
        if self.known_next > self.next_seq or (lost and newest is None):
            # The newest header knows of more; since it, at most these sectors were filled.
            self.next_seq = self.known_next + SLOTS * max(end - self._known_head + 1, 0)
        self.next_seq = max(self.next_seq, self.released)
        if end not in self.sectors:
            later = self.later(end)
            end = later.epoch if later else end
        self.head = end

    # What is retained

    def _find_first(self) -> None:
        """Set ``oldest`` and ``first_seq``: what follows the newest hole that was released."""
        self.oldest = self.bottom
        known, bound = self.head, self.next_seq
        for epoch in range(self.head - 1, self.bottom - 1, -1):
            if epoch in self.sectors and (self.sectors[epoch].headed or self._served(epoch)):
                continue
            bound = self._first_number(epoch + 1, known) or bound
            known = epoch
            if bound <= self.released:
                self.oldest = epoch + 1
                break
        first = self._first_number(self.oldest, self.head) or self.next_seq
        self.first_seq = min(first, self.released)

    def _first_number(self, epoch: int, last: int) -> int:
        """The first number that begins in the sectors epoch..last, 0 when nothing can be read."""
        for later in range(epoch, last + 1):
            good = self.sectors[later].good if later in self.sectors else []
            if good:
                first = good[0]
                # The record of a mark, and the first part of a long one, stand before it.
                begins = first.kind != MARK and first.part == 0
                return first.seq if begins else first.seq + 1
        return 0
