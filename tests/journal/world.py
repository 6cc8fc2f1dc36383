"""A terminal's use of the journal, and the oracle that knows what must be there afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from terminal.journal import MAX_PAYLOAD, Journal, JournalFault, JournalFull, slots_for
from tests.journal.nor import Nor

# Operations for each sector. A mount reads every header and a few sectors; in the worst damage
# every slot several times.
MOUNT_LIMIT = 400
SLOTS = 31  # of a sector
ONE_SLOT = 116  # the longest payload that takes one slot only
# Payload lengths around each number of slots.
_EDGES = (1, 4, 5, 115, 116, 117, 228, 229, 344, 345, 459, 460)
_NOTHING: frozenset[int] = frozenset()


class JournalLike(Protocol):
    """What the journal and its rivals have in common."""

    read_only: bool
    alarm: str

    @property
    def first_seq(self) -> int: ...
    @property
    def next_seq(self) -> int: ...
    @property
    def released(self) -> int: ...
    def format(self) -> None: ...
    def mount(self) -> dict[str, Any]: ...
    def append(self, payload: bytes) -> int: ...
    def read(self, seq: int) -> bytes | None: ...
    def scan(self, first: int) -> Iterator[tuple[int, bytes | None]]: ...
    def idle(self) -> bool: ...
    def release(self, seq: int) -> None: ...
    def room(self) -> int: ...


class Broken(AssertionError):
    """A promise was not kept; ``kind`` is one of KINDS."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


KINDS = {
    "lost": "an acknowledged record is gone or unreadable",
    "changed": "an acknowledged record has another content",
    "invented": "a record is there that nobody wrote, or that was not there before",
    "number": "a number is used twice, skipped or out of order",
    "release": "a release was forgotten, or nobody asked for it",
    "overwritten": "what is programmed is programmed again",
    "stopped": "it refuses to go on where it must",
    "unbounded": "a mount, or the case, did not end",
    "crash": "an exception that is not documented",
}


def demand(kept: bool, kind: str, text: str) -> None:
    """Raise Broken unless the promise was kept."""
    if not kept:
        raise Broken(kind, text)


@dataclass
class Oracle:
    """What the journal has promised."""

    # Every number that was given out or shown after a mount, and its payload.
    truth: dict[int, bytes] = field(default_factory=dict)
    pending: bytes | None = None
    # The highest release asked for, and the highest one that a restart must remember.
    released: int = 1
    released_surely: int = 1
    next_seq: int = 1

    def copy(self) -> Oracle:
        return Oracle(
            dict(self.truth), self.pending, self.released, self.released_surely, self.next_seq
        )

    def check(
        self,
        journal: JournalLike,
        damaged: frozenset[int] = _NOTHING,
        whole: bool = True,
        gap: int = 0,
    ) -> None:
        """Every promise is kept after a mount.

        ``damaged`` numbers may read None, but nothing else. ``gap`` is how many numbers may have
        been passed over, if any. With ``whole`` what is released and still there is read too.
        """
        next_seq, first_seq = journal.next_seq, journal.first_seq
        watermark = journal.released
        demand(
            self.next_seq <= next_seq,
            "lost" if self.released < self.next_seq else "number",
            f"the next number is {next_seq}, but {self.next_seq - 1} is taken",
        )
        demand(
            watermark <= self.released,
            "release",
            f"released below {watermark}, but only {self.released} was asked for",
        )
        demand(
            gap > 0 or watermark >= self.released_surely,
            "release",
            f"released below {watermark} only, not {self.released_surely}",
        )
        demand(
            next_seq <= self.next_seq + (gap or self.pending is not None),
            "number",
            f"the next number is {next_seq}, so that some from {self.next_seq} on are skipped",
        )
        demand(
            first_seq <= max(watermark, 1) and first_seq <= next_seq,
            "lost",
            f"the first record is {first_seq}, but only those below {watermark} were released",
        )
        start = first_seq if whole else max(first_seq, self.released)
        expected = start
        truth = self.truth
        for seq, seen in journal.scan(start):
            demand(seq == expected, "number", f"record {seq} stands where {expected} must be")
            expected += 1
            if seen is None:
                # A released record may lie in a sector that is half erased.
                demand(
                    seq in damaged or seq < self.released,
                    "lost",
                    f"record {seq} reads as damaged",
                )
            elif seq in truth:
                demand(
                    seen == truth[seq],
                    "changed",
                    f"record {seq} is {_short(seen)}, not {_short(truth[seq])}",
                )
            else:
                demand(
                    seq == self.next_seq and seen == self.pending,
                    "invented",
                    f"record {seq} is {_short(seen)}, and nobody wrote that",
                )
                truth[seq] = seen
        demand(
            expected == max(start, next_seq),
            "lost",
            f"records {expected}..{next_seq - 1} are gone",
        )
        self.next_seq = next_seq
        self.pending = None


def _short(payload: bytes) -> str:
    return f"{payload[:12]!r} of {len(payload)} bytes"


@dataclass
class Terminal:
    """Appends, releases and idles on a Nor in a way that only the seed decides."""

    nor: Nor
    oracle: Oracle = field(default_factory=Oracle)
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    make: Callable[[Nor], JournalLike] = Journal
    longest: int = ONE_SLOT
    # Whether room() is exact: not with sectors that will not erase or bits that stick.
    exact_room: bool = True
    story: list[str] | None = None
    journal: JournalLike = field(init=False)
    rows: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = self.make(self.nor)

    def format(self) -> None:
        self.journal.format()

    def mount(self) -> dict[str, Any]:
        """The power comes on: a new journal object, and a mount that ends."""
        nor = self.nor
        nor.power_on()
        self.journal = self.make(nor)
        nor.limit = nor.operations + MOUNT_LIMIT * nor.sectors
        try:
            report = self.journal.mount()
        finally:
            nor.limit = 0
        self.rows = report["rows"]
        if self.story is not None:
            self.story.append(
                f"mount: {' '.join(self.rows)}; records {report['first_seq']}.."
                f"{report['next_seq'] - 1}, released below {report['released']}"
                f"{', alarm ' + report['alarm'] if report['alarm'] else ''}"
            )
        return report

    def boot(
        self,
        damaged: frozenset[int] = _NOTHING,
        whole: bool = True,
        gap: int = 0,
        alarms: tuple[str, ...] = (),
    ) -> list[str]:
        """A restart after which the journal must be writable, and every promise is checked."""
        report = self.mount()
        demand(
            not report["read_only"] and not self.journal.read_only,
            "stopped",
            f"read-only after the mount: {report['alarm']}",
        )
        demand(
            report["alarm"] in ("", *alarms), "stopped", f"alarm {report['alarm']} for no reason"
        )
        self.oracle.check(self.journal, damaged, whole, gap)
        return self.rows

    # Selling

    def payload(self, length: int = 0) -> bytes:
        """A record that tells its number, of this or a random length, unlike any other."""
        rng = self.rng
        if not length:
            choice = rng.random()
            if self.longest <= ONE_SLOT or choice < 0.6:
                length = rng.randrange(9, ONE_SLOT + 1)
            elif choice < 0.8:
                length = rng.randrange(ONE_SLOT + 1, self.longest + 1)
            else:
                length = rng.choice(_EDGES)
        head = b"%08d" % self.oracle.next_seq if length > 15 else b""
        return head + rng.randbytes(length - len(head))

    def append(self, length: int = 0) -> None:
        """Append a record; JournalFull only when room() said so, and then nothing is written."""
        oracle, journal = self.oracle, self.journal
        payload = self.payload(length)
        seq = oracle.next_seq
        room = journal.room() if self.exact_room else 0
        if self.story is not None:
            self.story.append(f"append {seq}: {len(payload)} bytes")
        oracle.pending = payload
        try:
            given = journal.append(payload)
        except JournalFull:
            demand(
                not self.exact_room or room < slots_for(len(payload)),
                "stopped",
                f"no room for {len(payload)} bytes, but room for {room} slots was promised",
            )
            oracle.pending = None
            if self.story is not None:
                self.story.append("JournalFull")
            raise
        demand(given == seq, "number", f"append returned {given}, not {seq}")
        demand(
            not self.exact_room or room >= slots_for(len(payload)),
            "stopped",
            f"room() said {room} slots, but {len(payload)} bytes were taken",
        )
        oracle.truth[seq] = payload
        oracle.pending = None
        oracle.next_seq = seq + 1

    def release(self, kept: int) -> None:
        """Release all but the last ``kept`` records."""
        self.release_below(max(self.oracle.released, self.oracle.next_seq - kept))

    def release_below(self, seq: int) -> None:
        """Release; a restart must remember it unless the ring had no slot for that."""
        oracle, journal = self.oracle, self.journal
        if self.story is not None:
            self.story.append(f"release {seq}")
        full = self.exact_room and not journal.room()
        oracle.released = max(oracle.released, seq)
        journal.release(seq)
        if not full or journal.room():
            oracle.released_surely = max(oracle.released_surely, seq)

    def release_all_but(self, slots: int) -> None:
        """Release so much that the newest, unreleased records take about so many slots."""
        seq = self.oracle.next_seq
        while seq > self.oracle.released and slots > 0:
            seq -= 1
            slots -= slots_for(len(self.oracle.truth.get(seq, b"?")))
        self.release_below(seq)

    def work(self, appends: int, kept: int = 20, every: int = 9) -> None:
        """Sell: appends, and now and then a sync that releases, and idle time."""
        for _ in range(appends):
            self.append()
            if self.oracle.next_seq % every == 0:
                self.release(kept)
            if self.oracle.next_seq % 4 == 0:
                self.idle()

    def idle(self) -> None:
        """All the idle time there can be use for."""
        for _ in range(2 * self.nor.sectors):
            if not self.journal.idle():
                return
        raise Broken("unbounded", "idle() always has more to do")

    def append_or_refuse(self) -> bool:
        """Append; False when the journal refuses. What a fault refused may be there or not."""
        if self.journal.read_only:
            return False
        try:
            self.append()
        except (JournalFault, JournalFull):
            return False
        return True

    def sells_again(self) -> None:
        """When all is released there is room, and what is appended can be read at once."""
        self.release_below(self.oracle.next_seq)
        self.idle()
        # One sector stays in reserve, one may be begun, and one is lost to a bad sector at most.
        least = SLOTS * (self.nor.sectors - 3) if self.exact_room else 1
        room = self.journal.room()
        demand(
            room >= least, "stopped", f"all is released, but there is room for {room} slots only"
        )
        self.append(min(self.longest, MAX_PAYLOAD))
        seq = self.oracle.next_seq - 1
        seen = self.journal.read(seq)
        demand(seen == self.oracle.truth[seq], "lost", f"record {seq} reads {seen!r} at once")
