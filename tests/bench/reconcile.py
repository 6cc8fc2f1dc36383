"""What a reconciliation takes, beside hand-written SQL and others in the same run.

    python -m tests.bench.reconcile [--rows N] [--json FILE]

An injected world. `the day` is what happens when its main day of N x N rows has come: the days
before it are done, and the companion folds this one and judges what is open. The hand-written SQL
(reconcile.sql) goes over the same facts, all of them at once, and has to find the same breaks.
`the world` is all of its days from nothing, and what both find there has to be the truth. pandas
and datacompy do the exact pass of the day alone (reconcile_frames.py).

Each engine has a process of its own. Seconds run from the facts on disk to the hash of the breaks,
the rules' compilation included; imports are told apart. A machine that is busy with other things
makes everything slower: up to a million rows each is done TRIES times in turn, the best counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from companion.facts import manifest, schema
from companion.facts.schema import day_number
from companion.inject import days, truth, world
from companion.rules import hashing

EXAMPLES = """\
examples:
  python -m tests.bench.reconcile --rows 1000000
  python -m tests.bench.reconcile --rows 10000000    a million first, for how time grows
  python -m tests.bench.reconcile --rows 200000      an ordinary day

It ends with 1 when a bar is missed.
"""

TRIES = 3
_MILLION = 1_000_000
_RATIO = 1.3
_GROWTH = 12
_PEAK_MB = {_MILLION: 1024, 10 * _MILLION: 3072}
_ORDINARY = (200_000, 3.0)
_FRAMES = Path(__file__).with_name("reconcile_frames.py")


@dataclass(frozen=True)
class Run:
    """One process: what it did, what it took, and what it found."""

    engine: str
    scope: str
    rows: int
    seconds: float
    cpu_seconds: float
    start_seconds: float
    peak_kb: int
    digest: str
    breaks: int


@dataclass(frozen=True)
class Bar:
    """A figure and its limit."""

    name: str
    measured: float
    limit: float

    @property
    def kept(self) -> bool:
        return self.measured <= self.limit


@dataclass
class Bench:
    """A world of so many rows, and every process that went over it."""

    rows: int
    folder: Path
    python: str
    runs: list[Run]
    true_digest: str = ""

    def measure(self, tries: int, console: Console) -> None:
        """Make the world and run everything."""
        made = self.folder / f"world-{self.rows}"
        world.make(made, self.rows, 1)
        self.true_digest = hashing.break_set_hash(truth.read(made / world.TRUTH))
        facts = made / world.FACTS
        before, until = made / "before", made / "until"
        main = day_number(days.MAIN)
        known_until(facts, before, main - 1)
        known_until(facts, until, main)
        for _ in range(tries):
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                state = Path(scratch) / "state"
                self._own("rules", before, state, "")
                self._own("rules", until, state, "the day")
            self._fresh("by hand", until, "the day")
            self._frames("pandas", facts, main)
            self._frames("datacompy", facts, main)
            self._fresh("rules", facts, "the world")
            self._fresh("by hand", facts, "the world")
            console.print(f"{self.rows:,} rows: {len(self.runs)} runs done")

    def _fresh(self, engine: str, facts: Path, scope: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            self._own(engine, facts, Path(scratch) / "state", scope)

    def _own(self, engine: str, facts: Path, state: Path, scope: str) -> None:
        module = "tests.bench.reconcile_child"
        command = [sys.executable, "-m", module, engine, str(facts), str(state)]
        self._run(command, engine, scope)

    def _frames(self, engine: str, facts: Path, day: int) -> None:
        if self.rows <= _MILLION:
            command = [self.python, str(_FRAMES), engine, str(facts), str(day)]
            self._run(command, engine, "exact pass of the day")

    def _run(self, command: list[str], engine: str, scope: str) -> None:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)}:\n{ended.stderr}")
        if scope:
            self.runs.append(Run(engine, scope, self.rows, **json.loads(ended.stdout)))

    def best(self, engine: str, scope: str) -> Run:
        """The fastest of the tries."""
        runs = [run for run in self.runs if (run.engine, run.scope) == (engine, scope)]
        return min(runs, key=lambda run: run.seconds)

    def peak_mb(self) -> float:
        """The most memory that the rules had in any run."""
        return max(run.peak_kb for run in self.runs if run.engine == "rules") / 1024

    def bars(self) -> list[Bar]:
        """What has to hold for this world."""
        name = f"{self.rows:,} rows"
        ours, hand = (self.best(engine, "the day") for engine in ("rules", "by hand"))
        others = {run.digest for run in self.runs if run.scope == "the world"}
        made = [
            Bar(
                f"{name}: breaks of the day differ from those by hand",
                ours.digest != hand.digest,
                0,
            ),
            Bar(
                f"{name}: breaks of the world differ from the truth",
                others != {self.true_digest},
                0,
            ),
        ]
        if self.rows >= _MILLION:
            ratio = ours.seconds / hand.seconds
            made.append(Bar(f"{name}: time of the day / by hand", ratio, _RATIO))
        limit = next((mb for rows, mb in sorted(_PEAK_MB.items()) if self.rows <= rows), None)
        if limit is not None:
            made.append(Bar(f"{name}: peak memory of the rules, MB", self.peak_mb(), limit))
        if self.rows == _ORDINARY[0]:
            made.append(Bar(f"{name}: an ordinary day, s", ours.seconds, _ORDINARY[1]))
        return made


def known_until(facts: Path, folder: Path, last: int) -> None:
    """What was known on a day: a folder of its own that names the files until then."""
    folder.mkdir()
    whole = manifest.load(facts)
    made = manifest.Manifest(references=whole.references)
    for leg, by_day in whole.legs.items():
        for day, sources in by_day.items():
            for one in sources if day <= last else ():
                path = os.path.join("..", facts.name, one.path)
                made.add(leg, day, manifest.Source(path, one.digest))
    for name in schema.REFERENCE:
        rows = pq.read_table(facts / f"{name}.parquet")
        if name == "coverage":
            rows = rows.filter(pc.field("day") <= last)
        manifest.write(folder / f"{name}.parquet", rows)
    manifest.save(folder, made)


def growth(smaller: Bench, larger: Bench) -> Bar:
    """How time grows with ten times the rows."""
    times = [bench.best("rules", "the day").seconds for bench in (larger, smaller)]
    return Bar(
        f"time of the day, {larger.rows:,} / {smaller.rows:,}", times[0] / times[1], _GROWTH
    )


def run_table(benches: list[Bench]) -> Table:
    table = Table(title="Reconciliation", title_justify="left")
    names = (
        "rows",
        "scope",
        "engine",
        "s",
        "CPU s",
        "imports s",
        "peak MB",
        "breaks",
        "/ by hand",
    )
    for name in names:
        table.add_column(name, justify="left" if name in ("scope", "engine") else "right")
    for bench in benches:
        for run in bench.runs:
            hand = run.scope != "exact pass of the day" and bench.best("by hand", run.scope)
            table.add_row(
                f"{run.rows:,}",
                run.scope,
                run.engine,
                f"{run.seconds:.2f}",
                f"{run.cpu_seconds:.2f}",
                f"{run.start_seconds:.2f}",
                f"{run.peak_kb / 1024:.0f}",
                f"{run.breaks:,}",
                f"{run.seconds / hand.seconds:.2f}" if hand else "",
            )
    return table


def bar_table(bars: list[Bar]) -> Table:
    table = Table(title="Bars", title_justify="left")
    for name in ("", "measured", "limit", ""):
        table.add_column(name, justify="right" if table.columns else "left")
    for bar in bars:
        kept = "kept" if bar.kept else "MISSED"
        table.add_row(bar.name, f"{bar.measured:.4g}", f"<= {bar.limit:g}", kept)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(
        description="What a reconciliation takes, beside hand-written SQL, pandas and datacompy.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=_MILLION, help="of each side of the main day")
    parser.add_argument("--tries", type=int, default=TRIES, help="the best of so many counts")
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="FILE",
        help="one that has pandas and datacompy",
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers there")
    chosen = parser.parse_args(arguments)
    console = Console(highlight=False)
    sizes = [chosen.rows]
    if chosen.rows == 10 * _MILLION:
        sizes.insert(0, _MILLION)
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        benches = [Bench(rows, Path(folder), chosen.python, []) for rows in sizes]
        for bench in benches:
            bench.measure(chosen.tries if bench.rows <= _MILLION else 1, console)
    bars = [bar for bench in benches for bar in bench.bars()]
    if len(benches) > 1:
        bars.append(growth(*benches))
    for table in (run_table(benches), bar_table(bars)):
        console.print(table, "")
    if chosen.json:
        runs = [asdict(run) for bench in benches for run in bench.runs]
        report = {"runs": runs, "bars": [{**asdict(bar), "kept": bar.kept} for bar in bars]}
        Path(chosen.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if all(bar.kept for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
