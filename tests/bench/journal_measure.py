"""What a sale and a mount cost: the journal and its rivals on one flash model.

All of them run on the real MicroPython (tests/journal/device.py); the flash is the proof's NOR
model, which counts. Milliseconds are modelled from those counts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from terminal.journal import Journal, JournalFull
from tests.journal.device import HEAP, RemoteJournal
from tests.journal.nor import SECTOR, Nor

DESIGNS = {
    "journal": "firmware/terminal/journal.py",
    "littlefs": "VfsLfs2, append and close on a ring of files",
    "json": "VfsLfs2, a JSON state rewritten and a line of JSON appended to a ring of files",
    "files": "VfsLfs2, a file for each record",
}
RECORDS_A_SALE = 3
PAYLOAD = 96  # bytes of a record
LONG = 460  # bytes of the longest record
CYCLES = 100_000  # erases that a sector is good for
_BIG_HEAP = "1024wk"  # with a mirror of the flash in it


class Costs(NamedTuple):
    """Of a NOR part."""

    name: str
    page_ms: float
    erase_ms: float
    read_bytes_per_ms: float = 40_000.0


TYPICAL = Costs("typical", 0.7, 45.0)
MAXIMA = Costs("datasheet maxima", 3.0, 400.0)


class Count(NamedTuple):
    """Flash operations of a stretch of work."""

    programs: int = 0
    pages: int = 0
    programmed_bytes: int = 0
    erases: int = 0
    operations: int = 0
    read_bytes: int = 0

    def since(self, earlier: Count) -> Count:
        return Count(*(now - then for now, then in zip(self, earlier, strict=True)))

    def plus(self, other: Count) -> Count:
        return Count(*(one + more for one, more in zip(self, other, strict=True)))

    def ms(self, costs: Costs) -> float:
        busy = self.pages * costs.page_ms + self.erases * costs.erase_ms
        return busy + self.read_bytes / costs.read_bytes_per_ms


def count(nor: Nor) -> Count:
    """All that was done so far."""
    return Count(*(getattr(nor, name) for name in Count._fields))


class Spread(NamedTuple):
    """Modelled milliseconds of the sales."""

    mean: float
    p99: float
    max: float


@dataclass(frozen=True)
class Trade:
    """A run of sales."""

    design: str
    sectors: int
    sales: int
    path: Count
    idle: Count
    sync: Count
    typical: Spread
    maxima: Spread
    worst_wear: int  # erases of the most worn sector

    @property
    def total(self) -> Count:
        return self.path.plus(self.idle).plus(self.sync)

    @property
    def write_amplification(self) -> float:
        return self.total.programmed_bytes / (self.sales * RECORDS_A_SALE * PAYLOAD)

    def years(self, sales_a_day: int, evenly: bool) -> float:
        """Until a sector has had its cycles: any one, or the most worn one, at this run's pace."""
        wear = self.total.erases / self.sectors if evenly else self.worst_wear
        return CYCLES * self.sales / (wear * sales_a_day * 365) if wear else math.inf


@dataclass(frozen=True)
class Mount:
    """A restart, and the first append after it (None when the store is full)."""

    design: str
    sectors: int
    records: int
    full: bool
    cost: Count
    typical_ms: float
    append_ms: float | None


@dataclass(frozen=True)
class Heap:
    """Bytes that appends took from the heap after a mount: the most of one of them."""

    design: str
    one_slot: int
    long: int


def _payloads(seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    while True:
        yield rng.randbytes(PAYLOAD)


def _spread(sales: list[Count], costs: Costs) -> Spread:
    times = sorted(sale.ms(costs) for sale in sales)
    p99 = times[math.ceil(len(times) * 0.99) - 1]
    return Spread(sum(times) / len(times), p99, times[-1])


def _open(nor: Nor, design: str) -> RemoteJournal:
    """The rivals read so much that they need the mirror."""
    mirror = design != "journal"
    return RemoteJournal(nor, design, _BIG_HEAP if mirror else HEAP, mirror)


def _idle(store: RemoteJournal) -> None:
    while store.idle():
        pass


def measure_trade(design: str, sectors: int, sales: int, sync_every: int, seed: int) -> Trade:
    """Sales with idle time after each, and a sync every so often.

    A sync releases all records but those of the last ``sync_every`` sales.
    """
    nor = Nor(sectors)
    payloads = _payloads(seed)
    path: list[Count] = []
    idle = sync = Count()
    with _open(nor, design) as store:
        store.format()
        store.mount()
        _idle(store)
        nor.start_counting()
        nor.wear = [0] * sectors
        for sale in range(1, sales + 1):
            start = count(nor)
            for _ in range(RECORDS_A_SALE):
                store.append(next(payloads))
            sold = count(nor)
            _idle(store)
            rested = count(nor)
            if sale % sync_every == 0:
                store.release(max(1, store.next_seq - sync_every * RECORDS_A_SALE))
            path.append(sold.since(start))
            idle = idle.plus(rested.since(sold))
            sync = sync.plus(count(nor).since(rested))
    total = Count()
    for spent in path:
        total = total.plus(spent)
    return Trade(
        design=design,
        sectors=sectors,
        sales=sales,
        path=total,
        idle=idle,
        sync=sync,
        typical=_spread(path, TYPICAL),
        maxima=_spread(path, MAXIMA),
        worst_wear=max(nor.wear),
    )


def measure_heap(design: str, seed: int) -> Heap:
    """Appends across several sectors, with idle time as between sales."""
    payloads = _payloads(seed)
    most = {PAYLOAD: 0, LONG: 0}
    with RemoteJournal(Nor(128), design) as store:
        store.format()
        store.mount()
        _idle(store)
        for length in most:
            for number in range(70):
                store.append_measured((next(payloads) * 5)[:length])
                most[length] = max(most[length], store.allocated)
                if number % RECORDS_A_SALE == 0:
                    _idle(store)
    return Heap(design, most[PAYLOAD], most[LONG])


def _mount(nor: Nor, design: str, full: bool) -> Mount:
    nor = nor.copy()
    with RemoteJournal(nor, design) as store:
        report = store.mount()
        cost = count(nor)
        append_ms = None
        if not full:
            store.append(bytes(PAYLOAD))
            append_ms = count(nor).since(cost).ms(TYPICAL)
    records = report["next_seq"] - report["first_seq"]
    return Mount(design, nor.sectors, records, full, cost, cost.ms(TYPICAL), append_ms)


def measure_mounts(design: str, sectors: int, steps: tuple[int, ...], seed: int) -> list[Mount]:
    """Restarts with so many records, as far as they fit, and with as many as fit."""
    nor = Nor(sectors)
    payloads = _payloads(seed)
    found = []
    # In this process the journal writes the same bytes, and faster.
    store = Journal(nor) if design == "journal" else _open(nor, design)
    store.format()
    store.mount()
    try:
        for records in steps:
            while store.next_seq <= records:
                store.append(next(payloads))
            found.append(_mount(nor, design, full=False))
        while True:
            store.append(next(payloads))
    except JournalFull:
        found.append(_mount(nor, design, full=True))
    finally:
        if isinstance(store, RemoteJournal):
            store.close()
    return found


def measure_worst_mount(sectors: int, records: int, seed: int) -> int:
    """The most bytes that a mount reads, of one after each record, with syncs in between.

    In this process: what is read does not depend on the interpreter.
    """
    nor = Nor(sectors)
    payloads = _payloads(seed)
    worst = 0
    journal = Journal(nor)
    journal.format()
    journal.mount()
    for number in range(1, records + 1):
        twin = nor.copy()
        Journal(twin).mount()
        worst = max(worst, twin.read_bytes)
        journal.append(next(payloads))
        if number % 20 == 0:
            journal.release(number - 10)
        while journal.idle():
            pass
    return worst


def kilobytes(sectors: int) -> int:
    return sectors * SECTOR // 1024
