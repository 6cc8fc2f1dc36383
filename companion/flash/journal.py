"""The records of a journal in a flash image: those a terminal would serve, and what is missing."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from companion.flash.ring import Ring
from companion.flash.slots import RECORD, Slot, State

_SHOWN = 4  # places named in one reason


@dataclass(frozen=True)
class Record:
    """One record. `released`: the terminal may recycle it at any time, it was synced. `served`: a
    terminal that starts on this flash would still serve it; else it is only left over."""

    seq: int
    payload: bytes = field(repr=False)
    slots: tuple[Slot, ...] = field(repr=False)
    released: bool
    served: bool


@dataclass(frozen=True)
class Gap:
    """Numbers first_seq to last_seq, both included, that cannot be read, and what is wrong.

    `released`: all of them were synced and released before. `unknown`: nothing says that they
    were ever given out; a restart would pass over them to be safe.
    """

    first_seq: int
    last_seq: int
    reason: str
    released: bool
    unknown: bool


@dataclass(frozen=True)
class Damage:
    """A place that is not as it was written; what it cost is among the gaps."""

    sector: int
    slot: int | None
    problem: str


@dataclass(frozen=True)
class Reading:
    """Everything in one image. first_seq, next_seq, released: as a restart would find them."""

    sectors: int
    first_epoch: int
    last_epoch: int
    first_seq: int
    next_seq: int
    released: int
    records: list[Record]
    gaps: list[Gap]
    damage: list[Damage]
    # The newest record, when nothing after it proves that its append was over: a restart may
    # find it torn and give its number to the next record.
    unsure_seq: int | None
    # Words for people: what is odd about the image as a whole.
    warnings: list[str]

    @property
    def served(self) -> list[Record]:
        """What a terminal that starts on this flash would serve, in order."""
        return [record for record in self.records if record.served]


def read(partition: bytes) -> Reading:
    """Read the journal in the bytes of its partition, as companion.flash.image checked them."""
    ring = Ring(partition)
    good = [slot for slot in ring.in_order() if slot.state is State.GOOD]
    taken = _collect(good)
    records: list[Record] = []
    broken: dict[int, list[Slot]] = {}
    for seq in sorted(taken):
        slots = taken[seq]
        payload = _joined(slots)
        if payload is None:
            broken[seq] = slots
        elif seq < ring.next_seq:
            released = seq < ring.released
            records.append(Record(seq, payload, tuple(slots), released, seq >= ring.first_seq))
    served = [record.seq for record in records if record.served]
    gaps = list(_Gaps(ring, good, broken).name(served))
    return Reading(
        sectors=ring.count,
        first_epoch=min(ring.sectors),
        last_epoch=ring.top,
        first_seq=ring.first_seq,
        next_seq=ring.next_seq,
        released=ring.released,
        records=records,
        gaps=gaps,
        damage=list(_damage(ring)),
        unsure_seq=_unsure(ring, good),
        warnings=list(_warnings(ring)),
    )


def _collect(good: Iterable[Slot]) -> dict[int, list[Slot]]:
    """What the log holds for each number: the slots of its parts, in order.

    A slot counts only when no lower number follows it: a torn slot may turn good later, and the
    restart that did not see it wrote the number before it once more.
    """
    taken: dict[int, list[Slot]] = {}
    rising: list[int] = []  # the numbers in `taken`, lowest first
    for slot in good:
        while rising and rising[-1] > slot.seq:
            del taken[rising.pop()]
        if not slot.of_record:
            continue
        if not rising or rising[-1] < slot.seq:
            rising.append(slot.seq)
        before = taken.get(slot.seq, [])
        if slot.part == 0:
            taken[slot.seq] = [slot]
        elif (
            before
            and before[0].parts == slot.parts
            and slot.part
            in (
                len(before),
                len(before) - 1,
            )
        ):
            taken[slot.seq] = [*before[: slot.part], slot]
        else:
            taken[slot.seq] = []
    return taken


def _joined(slots: list[Slot]) -> bytes | None:
    """The payload of a record's slots, None unless all are there and belong together."""
    if not slots or len(slots) != slots[0].parts:
        return None
    if len(slots) == 1:
        return slots[0].content
    data = b"".join(slot.content for slot in slots)
    payload, crc = data[:-4], data[-4:]
    return payload if zlib.crc32(payload).to_bytes(4, "little") == crc else None


def _unsure(ring: Ring, good: list[Slot]) -> int | None:
    """The newest record's number, unless a header or a second slot says that it was completed."""
    newest = ring.newest
    if newest is None or not newest.commits or ring.known_next > newest.seq:
        return None
    times = 0
    for slot in good:
        if slot.seq < newest.seq:
            times = 0
        elif slot.seq == newest.seq and slot.part + 1 == slot.parts:
            times += 1
    return newest.seq if times == 1 else None


class _Gaps:
    """Finds for each run of missing numbers what stands in its place in the log."""

    def __init__(self, ring: Ring, good: list[Slot], broken: dict[int, list[Slot]]) -> None:
        self._ring = ring
        self._broken = broken
        self._order = [slot for slot in ring.in_order() if slot.state is not State.ERASED]
        self._at = [at for at, slot in enumerate(self._order) if slot.state is State.GOOD]
        # Numbers fall back by one where a restart overruled a torn slot; their peak does not.
        self._peaks = list(accumulate((slot.seq for slot in good), max))
        self._stretch: tuple[int, int] | None = None
        self._seen: tuple[list[str], list[int]] = ([], [])

    def name(self, served: list[int]) -> Iterator[Gap]:
        """The gaps among the numbers that a restart serves."""
        ring = self._ring
        expected = ring.first_seq
        for seq in [*served, ring.next_seq]:
            # What follows the newest slot is a gap of its own kind.
            for first, end, unknown in (
                (expected, min(seq, ring.after_newest), False),
                (max(expected, ring.after_newest), seq, True),
            ):
                if first < end:
                    reason = self._reason(first, end - 1)
                    yield Gap(first, end - 1, reason, end <= ring.released, unknown)
            expected = seq + 1

    def _reason(self, first: int, last: int) -> str:
        before = bisect_right(self._peaks, first - 1) - 1
        after = bisect_left(self._peaks, last + 1)
        # Forged numbers can put every gap in one stretch of the log: that is looked at once.
        if self._stretch != (before, after):
            self._stretch = before, after
            self._seen = self._between(before, after)
        reasons, broken = self._seen
        incomplete = broken[bisect_left(broken, first) : bisect_right(broken, last)]
        return "; ".join([*reasons, *self._incomplete(incomplete)]) or "passed over by a restart"

    def _between(self, before: int, after: int) -> tuple[list[str], list[int]]:
        """What is wrong between two good slots, and the records of which there are only parts."""
        ring = self._ring
        start, low = 0, ring.bottom - 1
        if before >= 0:
            start, low = self._at[before] + 1, self._order[self._at[before]].epoch
        end, high = len(self._order), ring.head + 1
        if after < len(self._at):
            end, high = self._at[after], self._order[self._at[after]].epoch
        between = self._order[start:end]
        seen = {slot.seq for slot in between if slot.state is State.GOOD and slot.of_record}
        reasons = [*self._lost_sectors(low + 1, high), *_bad_slots(between)]
        return reasons, sorted(seen & self._broken.keys())

    def _lost_sectors(self, first: int, end: int) -> Iterator[str]:
        ring = self._ring
        lost = [
            epoch % ring.count
            for epoch in range(max(first, ring.bottom), min(end, ring.head + 1))
            if epoch not in ring.sectors and not ring.passed_over(epoch)
        ]
        if lost:
            yield f"no header and no good slot in sector {_some(lost)}"

    def _incomplete(self, seqs: Iterable[int]) -> Iterator[str]:
        for seq in seqs:
            slots = self._broken[seq]
            whole = slots and len(slots) == slots[0].parts
            problem = "do not belong together" if whole else "are not all there"
            yield f"the parts of record {seq} {problem}"


def _bad_slots(between: list[Slot]) -> Iterator[str]:
    """Names what is damaged, or else what a restart cleared."""
    for state, words in ((State.DAMAGED, "damaged"), (State.BURNT, "cleared by a restart")):
        places: dict[int, list[int]] = {}
        for slot in between:
            if slot.state is state:
                places.setdefault(slot.sector, []).append(slot.number)
        named = [f"sector {sector} slot {_some(numbers)}" for sector, numbers in places.items()]
        if named:
            more = ", ..." if len(named) > _SHOWN else ""
            yield f"{words}: {', '.join(named[:_SHOWN])}{more}"
            return


def _some(numbers: list[int]) -> str:
    """The numbers as runs, the first few of them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{low}-{high}" if high > low else str(low) for low, high in runs[:_SHOWN]]
    return ", ".join(shown + ["..."] * (len(runs) > _SHOWN))


def _damage(ring: Ring) -> Iterator[Damage]:
    """Every place that is not as a terminal leaves it, in the order of the log."""
    for epoch in ring.stale:
        yield Damage(epoch % ring.count, None, "left over from an earlier lap")
    for epoch in range(ring.bottom, ring.top + 1):
        sector = ring.sectors.get(epoch)
        if sector is None:
            yield Damage(epoch % ring.count, None, _absence(ring, epoch))
            continue
        if not sector.headed:
            yield Damage(sector.number, None, "no header; its slots prove its place")
        elif sector.header is None:
            yield Damage(sector.number, None, "only the first part of the header is good")
        for slot in sector.slots:
            if slot.state is State.DAMAGED:
                newest = ring.newest
                late = newest is None or (epoch, slot.number) > (newest.epoch, newest.number)
                words = "cut while it was written" if late else "damaged"
                yield Damage(sector.number, slot.number, words)


def _absence(ring: Ring, epoch: int) -> str:
    if ring.passed_over(epoch):
        return "did not erase, left out"
    if ring.oldest <= epoch <= ring.head:
        return "lost: no header and no good slot"
    return "not written yet, or being erased"


def _warnings(ring: Ring) -> Iterator[str]:
    """What no terminal leaves behind, but a part of its journal may look like."""
    cut = "is the image cut short, or are --offset and --size wrong?"
    for epoch in range(ring.bottom, ring.top + 1):
        sector = ring.sectors.get(epoch)
        if sector and sector.header and ring.contradicts(sector.header.prev):
            number = sector.header.prev % ring.count
            yield f"sector {number} is a lap behind what sector {sector.number} says of it; {cut}"
            break
    newest = ring.newest
    if newest and newest.kind == RECORD and ring.later(newest.epoch) is None:
        yield f"no erased sector follows the newest record, as one does in a whole journal; {cut}"
