"""What a customer waits for the terminal in a sale, with a sync running and without.

From the card to the screen with the result: what the interpreter works meanwhile, measured, and
what the flash works, which takes no time here, modelled from its operations. Measured is processor
time, so that other programs on this machine do not count. All of the sync's work in that time is
in it, also what it does while the sale waits for the host anyway.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from boards.virtual.flash import FlashCounts
from boards.virtual.serialport import Line
from boards.virtual.shop import MERCHANT_NAME, Shop, card
from companion.store import Store, terminals
from tests.bench.journal_measure import TYPICAL
from tests.bench.sync_journal import fill

_RECORDS = 2500  # in the journal: a sync that lasts for some sales
_AT_ONCE = 20
_WAIT = 30.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds of each sale. ``way`` is how the companion is connected."""

    way: str
    alone: tuple[float, ...]
    during: tuple[float, ...]

    def ratio(self, tenth: int) -> float:
        """How many times longer it takes during a sync; ``tenth`` as in `decile`."""
        return decile(self.during, tenth) / decile(self.alone, tenth)


def decile(times: tuple[float, ...], tenth: int) -> float:
    """What so many tenths of the sales do not exceed; 5 is the median."""
    return statistics.quantiles(times, n=10)[tenth - 1]


def flash_ms(counts: FlashCounts) -> float:
    """Modelled: typical times of a NOR part."""
    busy = counts.pages * TYPICAL.page_ms + counts.erases * TYPICAL.erase_ms
    return busy + counts.bytes_read / TYPICAL.read_bytes_per_ms


class _Till:
    """A shop whose terminal has many records, and stores that have none of them."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop = shop
        self._folder = folder
        self._journal = shop.board.flash["journal"]
        self._number = 0
        shop.provision()
        with Store.open(shop.store) as store, store.read() as connection:
            terminal = terminals.every(connection)[0]
        shop.board.power_off()
        fill(self._journal.path, terminal.seal_key, terminal.device_id, _RECORDS)
        shop.board.power_on()
        shop.board.wait_screen(MERCHANT_NAME, _WAIT)
        self.sell()  # signs in

    def sell(self) -> float:
        self._number += 1
        self._shop.key_in(1000 + self._number)
        flash, cpu_ns = self._journal.counts, self._shop.board.cpu_ns()
        self._shop.board.insert_card(card(self._number % 100))
        end = self._shop.wait_end()
        if end != "APPROVED":
            raise RuntimeError(f"a sale ended with {end}")
        loop_ms = (self._shop.board.cpu_ns() - cpu_ns) / 1e6
        return loop_ms + flash_ms(self._journal.counts - flash)

    def sell_during_a_sync(self, port: str) -> list[float]:
        """Sales while the records are read for a store that has none, at most _AT_ONCE."""
        store = self._folder / f"store-{self._number}"
        shutil.copytree(self._shop.store, store)
        before = self._journal.counts.reads
        sync = subprocess.Popen(
            [
                *(sys.executable, "-m", "companion", "sync", "--no-clock"),
                *("--port", port, "--store", str(store)),
            ],
            stdout=subprocess.DEVNULL,
        )
        times: list[float] = []
        while (read := self._journal.counts.reads - before) < _RECORDS and sync.poll() is None:
            if read < _RECORDS // 50:
                time.sleep(0.001)
            elif len(times) < _AT_ONCE:
                times.append(self.sell())
            else:
                break
        if sync.wait(_WAIT):
            raise RuntimeError("the sync failed")
        return times


def measure_latency(folder: Path, way: str, rate: int, sales: int) -> Latency:
    """So many sales of both kinds, in turns. ``way``: "serial" at ``rate``, or "tls"."""
    line = Line(max_rate=rate) if way == "serial" else None
    with Shop(folder, line=line) as shop:
        till = _Till(shop, folder)
        port = shop.board.pty if line else f"tls://127.0.0.1:{shop.sync_port}"
        alone: list[float] = []
        during: list[float] = []
        while len(during) < sales:
            alone.extend(till.sell() for _ in range(_AT_ONCE))
            during.extend(till.sell_during_a_sync(port))
    name = f"serial, {rate} baud" if line else "Wi-Fi, TLS"
    return Latency(name, tuple(alone), tuple(during))
