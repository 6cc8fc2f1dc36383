"""The command `run`: plan, run with progress, report."""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.journal.campaign import against, plan, report
from tests.journal.campaign.engine import Make, Result, campaign
from tests.journal.campaign.family import Family

_DEFAULT_FAULTS = {"journal": 100_000, "littlefs": 2_000}
_EVERY = 5.0  # seconds between two lines of progress
INTERRUPTED = 130


def make(seed: int, target: str, compared: bool) -> list[Family]:
    """The families for a target; the comparable ones for any but the journal by itself."""
    families = against.FAMILIES if compared or target != "journal" else plan.FAMILIES
    return [family(seed, against.TARGETS[target]) for family in families]


def run(args: argparse.Namespace) -> int:
    """Run a campaign as the command line says; its exit code."""
    targets = [args.target]
    if args.against and args.against != args.target:
        targets.append(args.against)
    smallest = "littlefs" if "littlefs" in targets else "journal"
    faults = args.faults or _DEFAULT_FAULTS[smallest]
    runs = []
    for target in targets:
        runs.append(_run(args, target, faults, compared=len(targets) > 1))
        if runs[-1].result.interrupted:
            break
    first, *others = [report.as_json(one, args.seed, faults, args.workers) for one in runs]
    report.write(first, others, args.report)
    if args.json:
        print(json.dumps({**first, **({"against": others} if others else {})}, indent=1))
    else:
        console = Console(highlight=False)
        for part in (first, *others):
            report.print_table(part, console)
        if others:
            report.print_comparison((first, *others), console)
        console.print(f"report: {args.report / 'campaign.html'}")
    return _exit_code(runs)


def _exit_code(runs: Sequence[report.Run]) -> int:
    """What a rival loses is a finding, not a failure."""
    if any(one.target == "journal" and one.result.failures for one in runs):
        return 1
    return INTERRUPTED if any(one.result.interrupted for one in runs) else 0


def _run(args: argparse.Namespace, target: str, faults: int, compared: bool) -> report.Run:
    maker: Make = functools.partial(make, args.seed, target, compared)
    families = maker()
    # Where the workloads break a promise already, there is nothing to put a fault into.
    planned = plan.plan(0, families[:1])
    result = campaign(maker, planned, 1, lambda _: None)
    if result.failures or result.interrupted:
        return report.Run(target, families, planned, result)
    planned = plan.plan(faults, families)
    cases = sum(len(part.cases) for part in planned)
    with _progress(target, cases) as shown:
        result = campaign(maker, planned, args.workers, shown.update, args.first_failure)
    return report.Run(target, families, planned, result)


class _Lines:
    """A line every few seconds, for logs."""

    def __init__(self, target: str, cases: int) -> None:
        self._target, self._cases = target, cases
        self._last = -_EVERY  # the first line comes at once

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, result: Result) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY and result.cases < self._cases:
            return
        self._last = now
        rate = result.cases / max(result.seconds, 0.001)
        print(
            f"{self._target}: {result.cases:,} of {self._cases:,} cases, {result.faults:,} faults,"
            f" {result.failures:,} failures, {result.faults / max(result.seconds, 0.001):,.0f}"
            f" faults/s, {(self._cases - result.cases) / rate:,.0f} s left",
            file=sys.stderr,
            flush=True,
        )


class _Bar:
    """A bar that moves, for people."""

    def __init__(self, target: str, cases: int) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f}% {task.fields[seen]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task(target, total=cases, seen="")

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, result: Result) -> None:
        seen = (
            f"{result.faults:,} faults, {result.faults / max(result.seconds, 0.001):,.0f}/s,"
            f" {result.failures:,} failures"
        )
        self._bar.update(self._task, completed=result.cases, seen=seen)


def _progress(target: str, cases: int) -> _Lines | _Bar:
    return _Bar(target, cases) if sys.stderr.isatty() else _Lines(target, cases)
