"""What a sync takes: of a serial line, of the companion's memory, and of a customer's time.

    python -m tests.bench.sync [--json FILE]

The real firmware on the virtual board, a journal of 512 KB filled by its own ledger, and the real
`companion sync`. The line has a baud rate, byte by byte, and counts. A session begins at 115200
baud and is raised from there by the companion; its time runs from its first byte to its last.
A machine that is busy with other things makes a sync slower, never faster: one that misses the bar
is repeated, and every try is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "firmware"))

from tests.bench import sync_latency, sync_measure
from tests.bench.sync_latency import Latency, decile
from tests.bench.sync_measure import Moved

EXAMPLES = """\
examples:
  python -m tests.bench.sync                     four minutes
  python -m tests.bench.sync --json report.json  the same numbers for another program

It ends with 1 when a bar is missed.
"""

KB = 1024
RATES = (115200, 921600)
JOURNAL = 512 * KB
# The companion's database has a cache of 2 MB: growth shows above it.
MEMORY_JOURNALS = (512 * KB, 2048 * KB, 4096 * KB)
WAYS = (("serial", 115200), ("serial", 921600), ("tls", 0))
TRIES = 12
SALES = 100
SHARE = 0.95


@dataclass(frozen=True)
class Bar:
    """A figure and its limit."""

    name: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass
class Results:
    """All that was measured; by rate, the tries of a first sync, a re-sync, and mpremote."""

    firsts: dict[int, list[Moved]] = field(default_factory=dict)
    resyncs: dict[int, Moved] = field(default_factory=dict)
    copies: dict[int, Moved] = field(default_factory=dict)
    memory: list[tuple[int, Moved]] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)

    def best(self, rate: int) -> Moved:
        return max(self.firsts[rate], key=lambda moved: moved.share)

    def bars(self) -> list[Bar]:
        bars = []
        for rate, resync in self.resyncs.items():
            best = self.best(rate)
            bars += [
                Bar(f"share of the line, {rate} baud", best.share, SHARE, at_least=True),
                Bar(f"overhead, {rate} baud", best.overhead, 0.04),
                Bar(f"round trips of a re-sync, {rate} baud", resync.line.flights, 3),
                Bar(f"records in a re-sync, {rate} baud", resync.records, 0),
            ]
        if self.memory:
            (_, smaller), (_, larger) = self.memory[-2:]
            growth = larger.peak_kb / smaller.peak_kb
            bars.append(Bar("companion's memory, with twice the journal", growth, 1.02))
        for latency in self.latencies:
            name = f"a sale during a sync, median, {latency.way}"
            bars.append(Bar(name, latency.ratio(5), 1.2))
        return bars


def run(folder: Path) -> Results:
    """Measure one thing after the other: together they would be in each other's way."""
    results = Results()
    data = sync_measure.record_bytes(folder / "records", JOURNAL)
    for rate in RATES:
        results.firsts[rate], results.resyncs[rate] = sync_measure.measure_syncs(
            folder / f"sync-{rate}", rate, JOURNAL, SHARE, TRIES
        )
        results.copies[rate] = sync_measure.measure_copy(folder / f"copy-{rate}", rate, data)
    for size in MEMORY_JOURNALS:
        moved = sync_measure.measure_memory(folder / f"memory-{size}", size)
        results.memory.append((size, moved))
    for way, rate in WAYS:
        place = folder / f"{way}-{rate}"
        place.mkdir()
        results.latencies.append(sync_latency.measure_latency(place, way, rate, SALES))
    return results


def line_table(results: Results) -> Table:
    table = Table(title="A serial line", title_justify="left")
    for name in ("baud", "", "bytes", "to host", "to board", "s", "share", "overhead", "flights"):
        table.add_column(name, justify="right" if name else "left")
    for rate, firsts in results.firsts.items():
        for moved in firsts:
            _add(table, "first sync", moved)
        _add(table, "re-sync", results.resyncs[rate])
        _add(table, "mpremote cp", results.copies[rate])
    return table


def _add(table: Table, what: str, moved: Moved) -> None:
    line = moved.line
    counts = (moved.size, line.to_host, line.to_chip, f"{line.seconds:.3f}")
    shares = (f"{moved.share:.1%}", f"{moved.overhead:.1%}") if moved.size else ("", "")
    table.add_row(f"{moved.rate}", what, *map(str, counts), *shares, f"{line.flights}")


def memory_table(results: Results) -> Table:
    table = Table(title="Peak memory of the companion in a first sync", title_justify="left")
    for name in ("journal, KB", "records", "KB"):
        table.add_column(name, justify="right")
    for size, moved in results.memory:
        table.add_row(f"{size // KB}", f"{moved.records}", f"{moved.peak_kb}")
    return table


def latency_table(results: Results) -> Table:
    table = Table(
        title="A sale at the terminal, card to result: loop and modelled flash, ms",
        title_justify="left",
    )
    for name in ("a sync over", "sales", "median alone", "during", "9 in 10 alone", "during"):
        table.add_column(name, justify="right" if table.columns else "left")
    for latency in results.latencies:
        times = [
            decile(sales, tenth) for tenth in (5, 9) for sales in (latency.alone, latency.during)
        ]
        counts = f"{len(latency.alone)} + {len(latency.during)}"
        table.add_row(latency.way, counts, *(f"{time:.2f}" for time in times))
    return table


def bar_table(bars: list[Bar]) -> Table:
    table = Table(title="Bars", title_justify="left")
    for name in ("", "measured", "limit", ""):
        table.add_column(name, justify="right" if table.columns else "left")
    for bar in bars:
        limit = f"{'>=' if bar.at_least else '<='} {bar.limit:g}"
        table.add_row(bar.name, f"{bar.measured:.4g}", limit, "kept" if bar.kept else "MISSED")
    return table


def as_json(results: Results, bars: list[Bar]) -> dict[str, Any]:
    def moved(one: Moved) -> dict[str, Any]:
        found = asdict(one)
        if one.size and one.rate:
            found.update(share=one.share, overhead=one.overhead, seconds=one.line.seconds)
        return found

    return {
        "firsts": [moved(one) for firsts in results.firsts.values() for one in firsts],
        "resyncs": [moved(one) for one in results.resyncs.values()],
        "mpremote": [moved(one) for one in results.copies.values()],
        "memory": [{"journal": size, **moved(one)} for size, one in results.memory],
        "latencies": [asdict(latency) for latency in results.latencies],
        "bars": [{**asdict(bar), "kept": bar.kept} for bar in bars],
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(
        description="What a sync takes of line, memory and a customer's time.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, - for stdout")
    chosen = parser.parse_args(arguments)
    console = Console(stderr=chosen.json == "-", highlight=False)
    with console.status("measuring"), tempfile.TemporaryDirectory(prefix="pz-") as folder:
        results = run(Path(folder))
    bars = results.bars()
    for table in (
        line_table(results),
        memory_table(results),
        latency_table(results),
        bar_table(bars),
    ):
        console.print(table, "")
    if chosen.json:
        text = json.dumps(as_json(results, bars), indent=2) + "\n"
        if chosen.json == "-":
            sys.stdout.write(text)
        else:
            Path(chosen.json).write_text(text, encoding="utf-8")
    return 0 if all(bar.kept for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
