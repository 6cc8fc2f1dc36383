"""What a sale, a restart and the years cost the flash: the journal beside what others use.

    python -m tests.bench.journal [--quick] [--json FILE]

A sale is 3 records of 96 bytes, each durable when its append returns. All designs run on the real
MicroPython, on the same NOR flash model, with the same sales. Milliseconds are modelled: 0.7 ms
for each 256-byte page that a program call touches and 45 ms for an erase (typical), or 3 and
400 ms (datasheet maxima), and 40 MB/s for reads.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "firmware"))

from tests.bench import journal_measure as measure
from tests.bench.journal_measure import DESIGNS, Heap, Mount, Trade, kilobytes

EXAMPLES = """\
examples:
  python -m tests.bench.journal                     all of it, 20 s on two cores
  python -m tests.bench.journal --quick             fewer sales and sizes, some seconds
  python -m tests.bench.journal --json report.json  the same numbers for another program

It ends with 1 when the journal misses a bar.
"""

SECTORS = 128
SIZES = (16, 128, 256, 1024)
STEPS = (0, 10, 100, 1000)
SYNC_EVERY = 50
_LIVES = ((200, True), (200, False), (2000, True), (2000, False))
READ_BARS = {128: 4096, 1024: 12288}  # bytes that a mount may read, by sectors


@dataclass(frozen=True)
class Bar:
    """A figure that the journal must not exceed."""

    name: str
    measured: float
    limit: float

    @property
    def kept(self) -> bool:
        return self.measured <= self.limit


@dataclass(frozen=True)
class Results:
    """All that was measured."""

    trades: list[Trade]
    mounts: list[Mount]
    heaps: list[Heap]
    worst_mounts: dict[int, int]

    def bars(self) -> list[Bar]:
        trade = next(trade for trade in self.trades if trade.design == "journal")
        heap = next(heap for heap in self.heaps if heap.design == "journal")
        mounts = [mount for mount in self.mounts if mount.design == "journal"]
        appends = [mount.append_ms for mount in mounts if mount.append_ms is not None]
        bars = [
            Bar("page programs of a sale, on its path", trade.path.pages / trade.sales, 3),
            Bar("erases on the path of the sales", trade.path.erases, 0),
            Bar("write amplification", trade.write_amplification, 1.35),
            Bar("p99 of a sale, ms, typical", trade.typical.p99, 2.5),
            Bar("p99 of a sale, ms, datasheet maxima", trade.maxima.p99, 12),
            Bar("first append after a mount, ms, typical", max(appends), 1),
            Bar("bytes allocated by an append of one slot", heap.one_slot, 0),
            Bar("bytes allocated by an append of four slots", heap.long, 0),
        ]
        for sectors, limit in READ_BARS.items():
            reads = [mount.cost.read_bytes for mount in mounts if mount.sectors == sectors]
            reads.append(self.worst_mounts.get(sectors, 0))
            if any(reads):
                name = f"bytes a mount reads, {kilobytes(sectors)} KB"
                bars.append(Bar(name, max(reads), limit))
        return bars


def run(
    sales: int, sectors: int, sizes: tuple[int, ...], steps: tuple[int, ...], workers: int
) -> Results:
    """Measure everything; the seeds are fixed, so that two runs give the same numbers."""
    rivals = [design for design in DESIGNS if design != "journal"]
    with ProcessPoolExecutor(workers) as pool:
        trades = [
            pool.submit(measure.measure_trade, design, sectors, sales, SYNC_EVERY, 1)
            for design in reversed(DESIGNS)
        ]
        mounts: list[Future[list[Mount]]] = [
            pool.submit(measure.measure_mounts, design, sectors, steps, 2) for design in rivals
        ]
        mounts[:0] = [
            pool.submit(measure.measure_mounts, "journal", size, steps, 2) for size in sizes
        ]
        heaps = [pool.submit(measure.measure_heap, design, 3) for design in DESIGNS]
        worst = {
            size: pool.submit(measure.measure_worst_mount, size, 5 * 31, 4)
            for size in READ_BARS
            if size in sizes
        }
        return Results(
            trades=[future.result() for future in reversed(trades)],
            mounts=[mount for future in mounts for mount in future.result()],
            heaps=[future.result() for future in heaps],
            worst_mounts={size: future.result() for size, future in worst.items()},
        )


# Tables


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def sale_tables(results: Results) -> list[Table]:
    first = results.trades[0]
    title = (
        f"A sale of {measure.RECORDS_A_SALE} records of {measure.PAYLOAD} bytes, "
        f"{kilobytes(first.sectors)} KB, {first.sales} sales"
    )
    flash = _table(
        title,
        *("design", "bytes", "amplif.", "calls", "pages"),
        *("erases", "off path", "bytes read"),
    )
    times = _table(
        "Modelled ms of a sale; heap taken by an append of 96 and of 460 bytes",
        *("design", "typical", "p99", "max", "maxima", "p99", "max", "heap", "460"),
    )
    for trade, heap in zip(results.trades, results.heaps, strict=True):
        path, off, sales = trade.path, trade.idle.plus(trade.sync), trade.sales
        flash.add_row(
            trade.design,
            f"{trade.total.programmed_bytes / sales:.0f}",
            f"{trade.write_amplification:.2f}",
            f"{path.programs / sales:.2f}",
            f"{path.pages / sales:.2f}",
            f"{path.erases / sales:.3f}",
            f"{off.erases / sales:.3f}",
            f"{path.read_bytes / sales:.0f}",
        )
        times.add_row(
            trade.design,
            *(f"{ms:.1f}" for ms in (*trade.typical, *trade.maxima)),
            *(str(heap.one_slot), str(heap.long)),
        )
    flash.caption = (
        "bytes programmed (and their amplification) with idle time after each sale and a sync "
        f"every {SYNC_EVERY} sales; calls, pages, erases and reads on the sale's path"
    )
    return [flash, times]


def mount_table(results: Results) -> Table:
    table = _table(
        "A mount, and the first append after it",
        *("design", "KB", "records", "operations", "bytes read", "ms", "append ms"),
    )
    for mount in results.mounts:
        table.add_row(
            mount.design,
            str(kilobytes(mount.sectors)),
            f"{'full: ' if mount.full else ''}{mount.records}",
            str(mount.cost.operations),
            str(mount.cost.read_bytes),
            f"{mount.typical_ms:.2f}",
            "" if mount.append_ms is None else f"{mount.append_ms:.2f}",
        )
    return table


def life_table(results: Results) -> Table:
    table = _table(
        f"Projected life in years, {kilobytes(results.trades[0].sectors)} KB",
        *("design", "200 a day", "worst sector", "2000 a day", "worst sector"),
    )
    for trade in results.trades:
        table.add_row(
            trade.design,
            *(f"{trade.years(*how):,.0f}" for how in _LIVES),
        )
    table.caption = (
        f"sales a day, until a sector has had {measure.CYCLES:,} erases at this run's pace: "
        "all sectors worn evenly, or by the most worn one"
    )
    return table


def bar_table(bars: list[Bar]) -> Table:
    table = _table("Bars", "what", "measured", "at most", "")
    for bar in bars:
        verdict = "[green]kept[/]" if bar.kept else "[red]MISSED[/]"
        table.add_row(bar.name, f"{bar.measured:.5g}", f"{bar.limit:.5g}", verdict)
    return table


def as_json(results: Results, bars: list[Bar]) -> dict[str, Any]:
    """The same numbers for another program."""
    trades = []
    for trade in results.trades:
        years = [
            {"sales_a_day": pace, "evenly": evenly, "years": trade.years(pace, evenly)}
            for pace, evenly in _LIVES
        ]
        extra = {"write_amplification": trade.write_amplification, "life": years}
        trades.append(_plain(trade) | extra)
    return {
        "trades": trades,
        "mounts": [_plain(mount) for mount in results.mounts],
        "heap": [_plain(heap) for heap in results.heaps],
        "worst_mounts": results.worst_mounts,
        "bars": [asdict(bar) | {"kept": bar.kept} for bar in bars],
    }


def _plain(result: Trade | Mount | Heap) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name in result.__dataclass_fields__:
        value = getattr(result, name)
        named[name] = value._asdict() if hasattr(value, "_asdict") else value
    return named


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.journal",
        description=(__doc__ or "").split("\n\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sales", type=int, default=2000, help="sales of a run (2000)")
    parser.add_argument("--quick", action="store_true", help="200 sales, no sizes beyond 512 KB")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, - for stdout")
    chosen = parser.parse_args(arguments)
    if chosen.sales < SYNC_EVERY or chosen.workers < 1:
        parser.error(f"at least {SYNC_EVERY} sales and one worker are needed")
    sales = min(chosen.sales, 200) if chosen.quick else chosen.sales
    sizes = SIZES[:2] if chosen.quick else SIZES
    steps = STEPS[:3] if chosen.quick else STEPS
    console = Console(stderr=chosen.json == "-")
    with console.status("measuring"):
        results = run(sales, SECTORS, sizes, steps, chosen.workers)
    bars = results.bars()
    for design, text in DESIGNS.items():
        console.print(f"{design:9} {text}", highlight=False, soft_wrap=True)
    console.print()
    for table in (*sale_tables(results), mount_table(results), life_table(results)):
        console.print(table, "")
    console.print(bar_table(bars))
    if chosen.json:
        text = json.dumps(as_json(results, bars), indent=2)
        if chosen.json == "-":
            print(text)
        else:
            with open(chosen.json, "w", encoding="utf-8") as file:
                file.write(text + "\n")
    return 0 if all(bar.kept for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
