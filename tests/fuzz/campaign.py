"""Cases of all targets on several processes, with what each case costs."""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from tests.fuzz.catalogue import SHARES, build
from tests.fuzz.target import Target

# One case takes milliseconds at most; a machine that is busy may let it wait.
HANG_S = 20
# What cases may cost is measured on one in so many: it makes them slow.
SAMPLE = 128
# A process that wants more than this gets MemoryError, which no target expects.
MOST_MEMORY = 4 << 30
_KEPT = 5


class Hang(BaseException):
    """A case that did not end. Not an Exception: no target may take it for a refusal."""


class TooMuch(Exception):
    """A case that cost more memory or steps than its target may."""


@dataclass(frozen=True)
class Failure:
    """A case that was neither read nor refused, and why."""

    target: str
    seed: int
    number: int
    problem: str


@dataclass
class Count:
    """What happened to the cases of one target. Costs are shares of what the target may use."""

    target: str
    cases: int = 0
    read: int = 0
    refused: int = 0
    failed: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    measured: int = 0
    memory: float = 0.0
    steps: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Count) -> None:
        for name in ("cases", "read", "refused", "failed", "seconds", "measured"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("slowest_ms", "memory", "steps"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.failures = (self.failures + other.failures)[:_KEPT]


def _hang(signal_number: int, frame: FrameType | None) -> None:
    raise Hang(f"no end after {HANG_S} s")


def measure(target: Target, data: bytes) -> tuple[float, float]:
    """Peak memory and source lines of one case, as shares of what the target allows."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        target.outcome(data)
        memory = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    lines = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    sys.settrace(count)
    try:
        target.outcome(data)
    finally:
        sys.settrace(None)
    costs = []
    for what, cost, (base, each) in (
        ("bytes of memory", memory, target.memory),
        ("lines run", lines, target.steps),
    ):
        limit = base + each * len(data)
        if cost > limit:
            raise TooMuch(f"{cost} {what} for {len(data)} bytes of input, at most {limit}")
        costs.append(cost / limit)
    return costs[0], costs[1]


def run_cases(target: Target, seed: int, first: int, count: int, sample: int = SAMPLE) -> Count:
    """Cases first..first+count-1 of one target."""
    result = Count(target.name)
    signal.signal(signal.SIGALRM, _hang)
    begun = time.perf_counter()
    for number in range(first, first + count):
        signal.setitimer(signal.ITIMER_REAL, HANG_S)
        try:
            data = target.case(seed, number)
            start = time.perf_counter()
            outcome = target.outcome(data)
            taken = time.perf_counter() - start
            result.slowest_ms = max(result.slowest_ms, taken * 1000)
            if number % sample == 0:
                memory, steps = measure(target, data)
                result.measured += 1
                result.memory = max(result.memory, memory)
                result.steps = max(result.steps, steps)
            if outcome.startswith(b"refused: "):
                result.refused += 1
            else:
                result.read += 1
        except (Exception, Hang) as error:
            result.failed += 1
            if len(result.failures) < _KEPT:
                problem = f"{type(error).__name__}: {error}"[:200]
                result.failures.append(Failure(target.name, seed, number, problem))
    signal.setitimer(signal.ITIMER_REAL, 0)
    result.cases = count
    result.seconds = time.perf_counter() - begun
    return result


_targets: dict[str, Target] = {}


def _start() -> None:
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def _chunk(name: str, seed: int, first: int, count: int) -> Count:
    target = _targets.get(name)
    if target is None:
        target = _targets[name] = build(name)
        run_cases(target, seed, first, 1)  # what is loaded once is no cost of a case
    return run_cases(target, seed, first, count)


def shares(cases: int, names: list[str]) -> dict[str, int]:
    """How many cases each target gets, at least one; together ``cases`` when that is enough."""
    total = sum(SHARES[name] for name in names)
    found = {name: max(1, cases * SHARES[name] // total) for name in names}
    largest = max(names, key=lambda name: found[name])
    found[largest] = max(1, found[largest] + cases - sum(found.values()))
    return found


def _chunks(wanted: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """(target, first case, cases), in turns, so that a failure anywhere shows early."""
    pieces = 40
    for piece in range(pieces):
        for name, count in wanted.items():
            first, end = count * piece // pieces, count * (piece + 1) // pieces
            # The slow targets in smaller portions: both processes are to end together.
            step = max(1, SHARES[name] * 10)
            for start in range(first, end, step):
                yield name, start, min(step, end - start)


def run(seed: int, wanted: dict[str, int], workers: int, report: Any = None) -> dict[str, Count]:
    """Run them; ``report(Count)`` hears of each portion that is done."""
    counts = {name: Count(name) for name in wanted}
    with ProcessPoolExecutor(workers, initializer=_start) as pool:
        waiting = [pool.submit(_chunk, name, seed, *part) for name, *part in _chunks(wanted)]
        for done in as_completed(waiting):
            count = done.result()
            counts[count.target].add(count)
            if report is not None:
                report(count)
    return counts
