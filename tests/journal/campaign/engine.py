"""Runs cases, one by one or in processes, and says what came of them."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType

from terminal.journal import JournalFault, JournalFull
from tests.journal.campaign.family import Family, UnknownCase
from tests.journal.campaign.plan import Batch, Planned, batches
from tests.journal.nor import TooManyOperations
from tests.journal.world import Broken, demand

_PATIENCE = 15.0  # seconds for a case; those of the journal take milliseconds
_KEPT = 200  # failures that a report names

Make = Callable[[], list[Family]]


class _Hung(BaseException):
    """A case did not end."""


@dataclass(frozen=True)
class Failure:
    """A case that broke a promise."""

    id: str
    kind: str
    text: str


@dataclass
class Tally:
    """What came of some cases of a family."""

    family: str
    cases: int = 0
    faults: int = 0
    failures: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    failed: list[Failure] = field(default_factory=list)
    digest: bytes = b""

    def add(self, other: Tally) -> None:
        self.cases += other.cases
        self.faults += other.faults
        self.failures += other.failures
        self.seconds += other.seconds
        self.kinds += other.kinds
        self.failed += other.failed[: max(0, _KEPT - len(self.failed))]


@dataclass
class Result:
    """What came of a campaign, or of as much of it as was run."""

    tallies: dict[str, Tally]
    digest: str = ""
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def faults(self) -> int:
        return sum(tally.faults for tally in self.tallies.values())

    @property
    def cases(self) -> int:
        return sum(tally.cases for tally in self.tallies.values())

    @property
    def failures(self) -> int:
        return sum(tally.failures for tally in self.tallies.values())


def attempt(family: Family, case: str) -> tuple[int, Failure | None]:
    """Run one case: the faults in it, and the promise it broke, if any."""
    name = f"{family.name}/{case}"
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        faults = family.run(case)
        if family.write_once and family.last:
            demand(
                not family.last.nor.overprograms,
                "overwritten",
                "bytes that were programmed are programmed again",
            )
        return faults, None
    except UnknownCase:
        raise
    except Broken as broken:
        failure = Failure(name, broken.kind, str(broken))
    except TooManyOperations:
        failure = Failure(name, "unbounded", "far too many flash operations")
    except _Hung:
        failure = Failure(name, "unbounded", f"it did not end within {_PATIENCE:.0f} s")
    except (JournalFault, JournalFull) as err:
        failure = Failure(name, "stopped", f"{type(err).__name__}: {err}")
    except Exception as err:
        failure = Failure(name, "crash", f"{type(err).__name__}: {err}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return family.faults, failure


def run_batch(families: dict[str, Family], batch: Batch) -> Tally:
    """Run some cases of a family, one after the other."""
    family = families[batch.family]
    tally = Tally(batch.family)
    begun = time.process_time()
    seen = hashlib.sha256()
    for index in batch.cases:
        family.last = None
        case = family.case(index)
        faults, failure = attempt(family, case)
        tally.cases += 1
        tally.faults += faults
        if failure:
            tally.failures += 1
            tally.kinds[failure.kind] += 1
            tally.failed.append(failure)
        last = family.last
        state = (last.nor.operations, last.oracle.next_seq, last.rows) if last else ()
        seen.update(repr((case, faults, failure, state)).encode())
    tally.seconds = time.process_time() - begun
    tally.digest = seen.digest()
    return tally


_families: dict[str, Family] = {}


def _begin(make: Make) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, hung)
    _families.update((family.name, family) for family in make())


def hung(number: int, frame: FrameType | None) -> None:
    """Handle SIGALRM: the case has taken too long."""
    raise _Hung


def _run(numbered: tuple[int, Batch]) -> tuple[int, Tally]:
    number, batch = numbered
    return number, run_batch(_families, batch)


def campaign(
    make: Make,
    planned: Sequence[Planned],
    workers: int,
    progress: Callable[[Result], None],
    first_failure: bool = False,
) -> Result:
    """Run all planned cases; ``progress`` is called now and then. Ctrl-C ends it early."""
    families = make()
    todo = batches(planned, families)
    result = Result({part.family: Tally(part.family) for part in planned})
    digests: dict[int, bytes] = {}
    begun = time.monotonic()
    try:
        for number, tally in _results(make, todo, workers):
            digests[number] = tally.digest
            result.tallies[tally.family].add(tally)
            result.seconds = time.monotonic() - begun
            progress(result)
            if first_failure and tally.failures:
                result.interrupted = len(digests) < len(todo)
                break
    except KeyboardInterrupt:
        result.interrupted = True
    for tally in result.tallies.values():
        tally.failed.sort(key=lambda failure: failure.id)
    result.seconds = time.monotonic() - begun
    ordered = b"".join(digests[number] for number in sorted(digests))
    result.digest = hashlib.sha256(ordered).hexdigest()[:16]
    return result


def _results(make: Make, todo: Sequence[Batch], workers: int) -> Iterator[tuple[int, Tally]]:
    if workers == 1:
        families = {family.name: family for family in make()}
        before = signal.signal(signal.SIGALRM, hung)
        try:
            for number, batch in enumerate(todo):
                yield number, run_batch(families, batch)
        finally:
            signal.signal(signal.SIGALRM, before)
        return
    with multiprocessing.get_context("fork").Pool(workers, _begin, (make,)) as pool:
        yield from pool.imap_unordered(_run, enumerate(todo))
