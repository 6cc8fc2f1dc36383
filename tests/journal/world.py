"""A terminal's use of the journal, and the oracle that knows what must be there afterwards."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from terminal.journal import Journal, JournalFault, JournalFull
from tests.journal.nor import Nor

# A mount reads every header and a few sectors; in the worst damage every slot several times.
MOUNT_LIMIT = 400


@dataclass
class Oracle:
    """What the journal has promised."""

    # Every number that was given out or shown after a mount, and its payload.
    truth: dict[int, bytes] = field(default_factory=dict)
    pending: bytes | None = None
    released: int = 1
    next_seq: int = 1

    def copy(self) -> Oracle:
        return Oracle(dict(self.truth), self.pending, self.released, self.next_seq)

    def check(self, journal: Journal, damaged: frozenset[int] = frozenset()) -> None:
        """Every promise is kept; ``damaged`` numbers may be missing but not different."""
        assert self.next_seq <= journal.next_seq, "a number would be used twice"
        assert journal.released <= self.released, "released what nobody released"
        found = dict(journal.scan(1))
        numbers = list(found)
        assert numbers == list(range(journal.first_seq, journal.next_seq)), "order or gap"
        for seq, payload in self.truth.items():
            if seq >= self.released:
                assert seq in found, f"record {seq} is gone and nothing says so"
                assert seq in damaged or found[seq] == payload, f"record {seq} is {found[seq]!r}"
        for seq, seen in found.items():
            if seen is None:
                assert seq in damaged or seq < self.released, f"record {seq} reads as damaged"
            elif seq in self.truth:
                assert seen == self.truth[seq], f"record {seq} has changed"
            else:
                assert seq == self.next_seq and seen == self.pending, f"record {seq} is invented"
                self.truth[seq] = seen
        if damaged:
            assert journal.next_seq <= self.next_seq + 31 * 3, "far too wide a gap"
        else:
            assert journal.next_seq <= self.next_seq + (self.pending is not None), "a gap"
        self.next_seq = journal.next_seq
        self.pending = None


@dataclass
class Terminal:
    """Appends, releases and idles on a Nor in a way that only the seed decides."""

    nor: Nor
    oracle: Oracle = field(default_factory=Oracle)
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    journal: Journal = field(init=False)
    rows: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(self.nor)

    def format(self) -> None:
        self.journal.format()

    def boot(self, damaged: frozenset[int] = frozenset()) -> list[str]:
        """A restart: a new journal object, a bounded mount, every promise checked."""
        self.journal = Journal(self.nor)
        begun = self.nor.operations
        self.nor.limit = begun + MOUNT_LIMIT * self.nor.sectors
        report = self.journal.mount()
        self.nor.limit = 0
        self.rows = report["rows"]
        assert not report["read_only"], report
        self.oracle.check(self.journal, damaged)
        return self.rows

    def append(self) -> None:
        seq = self.oracle.next_seq
        payload = b"%08d" % seq + self.rng.randbytes(self.rng.randrange(1, 109))
        self.oracle.pending = payload
        assert self.journal.append(payload) == seq
        self.oracle.truth[seq] = payload
        self.oracle.pending = None
        self.oracle.next_seq = seq + 1

    def release(self, kept: int) -> None:
        """Release all but the last ``kept`` records."""
        seq = max(self.oracle.released, self.oracle.next_seq - kept)
        self.oracle.released = seq
        self.journal.release(seq)

    def work(self, appends: int, kept: int = 20, every: int = 9) -> None:
        """Sell: appends, and now and then a sync that releases, and idle time."""
        for _ in range(appends):
            self.append()
            if self.oracle.next_seq % every == 0:
                self.release(kept)
            if self.oracle.next_seq % 4 == 0:
                self.idle()

    def idle(self) -> None:
        while self.journal.idle():
            pass

    def append_or_refuse(self) -> bool:
        """Append; False when the journal refuses. What it refused may be there or not."""
        if self.journal.read_only:
            return False
        try:
            self.append()
        except (JournalFault, JournalFull):
            return False
        return True
