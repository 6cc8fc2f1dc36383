"""MemoryError at every allocation of the journal, on MicroPython: no promise is broken by it.

Each operation runs with 0, 1, 2, … blocks of memory until it succeeds, so that each of its
allocations fails once. Then the memory is there again, and the journal goes on in two ways: with a
mount at once, and, where it still takes records, without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from terminal.journal import Journal
from tests.journal.device import RemoteJournal
from tests.journal.nor import SECTOR, Nor, Operation
from tests.journal.world import MOUNT_LIMIT, Oracle, Terminal

SECTORS = 5
SLOT = 128
HEAP = "64wk"
LONG = 460


def begin(records: int = 5) -> Terminal:
    terminal = Terminal(Nor(SECTORS), longest=LONG)
    terminal.format()
    terminal.boot()
    for _ in range(records):
        terminal.append(100)
    return terminal


def changes_of(terminal: Terminal, length: int) -> list[Operation]:
    """What an append would do after a restart."""
    flash = terminal.nor.copy()
    journal = Journal(flash)
    journal.mount()
    seen: list[Operation] = []
    flash.watch = seen.append
    journal.append(bytes(length))
    return seen


def slots(changes: list[Operation]) -> list[int]:
    return [change.start % SECTOR // SLOT for change in changes if change.name == "program"]


def sell_until(terminal: Terminal, there: Callable[[], bool], idle: bool = True) -> Terminal:
    """Sell and release until something is so."""
    while not there():
        terminal.append(100)
        terminal.release(3)
        if idle:
            terminal.idle()
    return terminal


# Images for a mount


def clean() -> Terminal:
    return begin()


def torn_tail() -> Terminal:
    terminal = begin()
    at = bytes(terminal.nor.data).rfind(terminal.oracle.truth[5])
    terminal.nor.data[at] = 0
    terminal.oracle.pending = terminal.oracle.truth.pop(5)
    terminal.oracle.next_seq = 5
    return terminal


def new_sector() -> Terminal:
    """The newest record is the first of its sector."""
    terminal = begin()
    seen: list[Operation] = []
    terminal.nor.watch = seen.append
    while 1 not in slots(seen[-1:]):
        terminal.append(100)
    return terminal


def lost_header() -> Terminal:
    terminal = new_sector()
    at = bytes(terminal.nor.data).rfind(terminal.oracle.truth[terminal.oracle.next_seq - 1])
    sector = at // SECTOR * SECTOR
    terminal.nor.data[sector : sector + 32] = bytes(32)
    return terminal


def long_record() -> Terminal:
    terminal = begin()
    terminal.append(LONG)
    return terminal


def unfinished_record() -> Terminal:
    terminal = long_record()
    seq = terminal.oracle.next_seq - 1
    at = bytes(terminal.nor.data).rfind(terminal.oracle.truth[seq][-50:])
    slot = at // SLOT * SLOT
    terminal.nor.data[slot : slot + SLOT] = b"\xff" * SLOT
    terminal.oracle.pending = terminal.oracle.truth.pop(seq)
    terminal.oracle.next_seq = seq
    return terminal


def full() -> Terminal:
    terminal = begin()
    while terminal.journal.room():
        terminal.append(100)
    return terminal


# Images before an append of this length


def room(length: int) -> Terminal:
    return begin()


def rollover(length: int) -> Terminal:
    """The next record, or a part of it, is the first of a sector."""
    terminal = begin()
    return sell_until(terminal, lambda: 1 in slots(changes_of(terminal, length)))


def erase(length: int) -> Terminal:
    """There was never idle time, and the next record needs a sector."""
    terminal = begin()
    return sell_until(
        terminal,
        lambda: any(change.name == "erase" for change in changes_of(terminal, length)),
        idle=False,
    )


class Starved:
    """One operation on one image, with more memory at each try."""

    def __init__(self, terminal: Terminal, operation: str, value: int, payload: bytes) -> None:
        self.image = bytes(terminal.nor.data)
        self.promised = terminal.oracle
        self.operation = operation
        self.value = value
        self.payload = payload
        self.oracle = self.promised.copy()

    def fail(self, journal: RemoteJournal, blocks: int) -> str | None:
        """Where the operation ran out of memory, None when it did not."""
        flash = journal.nor
        flash.data[:] = self.image
        flash.start_counting()
        flash.limit = 4 * MOUNT_LIMIT * SECTORS
        self.oracle = self.promised.copy()
        if self.operation != "mount":
            journal.mount_again()
            self.oracle.check(journal, whole=False)
        flash.start_counting()
        if self.operation == "append":
            self.oracle.pending = self.payload
        if self.operation == "release":
            self.oracle.released = self.value
        try:
            journal.starve(self.operation, blocks, self.value, self.payload)
        except MemoryError as err:
            return f"{flash.changes} changes, {err}"
        return None

    def go_on(self, journal: RemoteJournal) -> None:
        """Say it again, append and idle without a mount, as far as the journal lets."""
        if not journal.read_only:
            assert self.operation != "append", "a failed append left the journal writable"
            if self.operation == "release":
                journal.release(self.value)
                self.oracle.released_surely = self.value
                return
            for _ in range(3):
                append(journal, self.oracle)
                for _ in range(SECTORS):
                    journal.idle()

    def restart(self, journal: RemoteJournal) -> None:
        """What was promised is there after a mount, and the journal takes records."""
        report = journal.mount_again()
        assert not report["read_only"], report
        self.oracle.check(journal, whole=False)
        self.oracle.released = self.oracle.next_seq
        journal.release(self.oracle.next_seq)
        append(journal, self.oracle)
        journal.mount_again()
        self.oracle.check(journal, whole=False)


def append(journal: RemoteJournal, oracle: Oracle) -> None:
    payload = b"after %d" % oracle.next_seq
    assert journal.append(payload) == oracle.next_seq
    oracle.truth[oracle.next_seq] = payload
    oracle.next_seq += 1


@pytest.fixture(scope="module")
def journal() -> Iterator[RemoteJournal]:
    with RemoteJournal(Nor(SECTORS), heap=HEAP) as journal:
        journal.format()
        yield journal


def allocations(journal: RemoteJournal, starved: Starved) -> set[str]:
    """Fail each allocation once; where they are, by traceback."""
    found: set[str] = set()
    seen: set[str] = set()
    blocks = 0
    while (where := starved.fail(journal, blocks)) is not None:
        if where not in seen:
            seen.add(where)
            found.add(where.partition(", ")[2])
            if starved.operation == "mount":
                assert journal.read_only and journal.alarm == "NOT_MOUNTED"
            starved.restart(journal)
            starved.fail(journal, blocks)
            starved.go_on(journal)
            starved.restart(journal)
        blocks += 1
        assert blocks < 1000, "it never has enough"
    print(f"{starved.operation}: {len(found)} allocations, enough with {blocks} blocks")
    if starved.operation == "append":
        starved.oracle.truth[starved.oracle.next_seq] = starved.payload
        starved.oracle.next_seq += 1
        starved.oracle.pending = None
    starved.restart(journal)
    return found


@pytest.mark.parametrize(
    "image",
    [clean, torn_tail, new_sector, lost_header, long_record, unfinished_record, full],
)
def test_a_mount_may_run_out_of_memory_anywhere(
    journal: RemoteJournal, image: Callable[[], Terminal]
) -> None:
    assert allocations(journal, Starved(image(), "mount", 0, b""))


@pytest.mark.parametrize("image", [room, rollover])
def test_a_record_of_one_slot_needs_no_memory(
    journal: RemoteJournal, image: Callable[[int], Terminal]
) -> None:
    assert not allocations(journal, Starved(image(100), "append", 0, bytes(100)))


@pytest.mark.parametrize(
    ("image", "length"), [(room, LONG), (rollover, LONG), (erase, LONG), (erase, 100)]
)
def test_an_append_may_run_out_of_memory_anywhere(
    journal: RemoteJournal, image: Callable[[int], Terminal], length: int
) -> None:
    allocations(journal, Starved(image(length), "append", 0, bytes(length)))


@pytest.mark.parametrize("operation", ["release", "idle", "scan", "read"])
def test_anything_else_may_run_out_of_memory_anywhere(
    journal: RemoteJournal, operation: str
) -> None:
    terminal = erase(LONG)
    newest = terminal.oracle.next_seq - 1
    assert allocations(journal, Starved(terminal, operation, newest, b""))
