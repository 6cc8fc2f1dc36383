"""Runs numbered cases, in one process or several, and adds up what came of them."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.world.case import run
from tests.world.coverage import Coverage

_BATCH = 8  # cases
_READ = 21  # of a case's transactions get as far as the card, a little less than on average
_KEPT = 50  # violations that a report names


@dataclass
class Failure:
    """A case that broke a promise."""

    id: str
    kind: str
    text: str


@dataclass
class Tally:
    """What came of some cases."""

    cases: int = 0
    violations: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    failed: list[Failure] = field(default_factory=list)
    digest: bytes = b""


@dataclass
class Result:
    """What came of a campaign, or of as much of it as was run."""

    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    digest: str = ""
    interrupted: bool = False

    @property
    def transactions(self) -> int:
        return self.tally.coverage.counts["attempts"]

    @property
    def faults(self) -> int:
        return sum(self.tally.coverage.faults.values())


def cases_for(transactions: int) -> int:
    """How many cases it takes to have a card read so many times."""
    return -(-transactions // _READ)


def run_batch(seed: int, first: int, end: int) -> Tally:
    """Run the cases ``first`` to ``end`` - 1 of a seed."""
    tally = Tally()
    seen = hashlib.sha256()
    for number in range(first, end):
        outcome = run(f"{seed}.{number}")
        tally.cases += 1
        tally.coverage.add(outcome.coverage)
        failure = None
        if outcome.violation:
            failure = Failure(outcome.id, outcome.violation.kind, str(outcome.violation))
            tally.violations += 1
            tally.failed.append(failure)
        seen.update(repr((outcome.id, failure, outcome.print)).encode())
    tally.digest = seen.digest()
    return tally


def campaign(
    seed: int, transactions: int, workers: int, progress: Callable[[Result, int], None]
) -> Result:
    """Run them all; ``progress`` is called now and then. Ctrl-C ends it early."""
    cases = cases_for(transactions)
    todo = [(seed, first, min(first + _BATCH, cases)) for first in range(0, cases, _BATCH)]
    result, digests = Result(), {}
    begun = time.monotonic()
    try:
        for number, tally in _results(todo, workers):
            digests[number] = tally.digest
            total = result.tally
            total.cases += tally.cases
            total.violations += tally.violations
            total.coverage.add(tally.coverage)
            total.failed += tally.failed[: max(0, _KEPT - len(total.failed))]
            result.seconds = time.monotonic() - begun
            progress(result, cases)
    except KeyboardInterrupt:
        result.interrupted = True
    result.tally.failed.sort(key=lambda failure: [int(n) for n in failure.id.split(".")])
    result.seconds = time.monotonic() - begun
    ordered = b"".join(digests[number] for number in sorted(digests))
    result.digest = hashlib.sha256(ordered).hexdigest()[:16]
    return result


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _numbered(one: tuple[int, tuple[int, int, int]]) -> tuple[int, Tally]:
    return one[0], run_batch(*one[1])


def _results(todo: list[tuple[int, int, int]], workers: int) -> Iterator[tuple[int, Tally]]:
    if workers == 1:
        yield from map(_numbered, enumerate(todo))
        return
    with multiprocessing.get_context("fork").Pool(workers, _begin) as pool:
        yield from pool.imap_unordered(_numbered, enumerate(todo))
