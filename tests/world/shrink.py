"""Cuts a failing trace down: the fewest steps after which the same invariant is still broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.world.case import run, steps_of
from tests.world.dice import Step

_MOST_RUNS = 400


def shrink(case: str) -> list[Step]:
    """The steps of a failing case that matter, in order; all of them if it does not fail."""
    steps = steps_of(case)
    first = run(case, steps).violation
    if first is None:
        return steps
    kind = first.kind

    def fails(some: Sequence[Step]) -> bool:
        violation = run(case, some).violation
        return violation is not None and violation.kind == kind

    return least(steps, fails)


def least(steps: list[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """Delta debugging: leave out ever smaller parts as long as it still fails."""
    runs, parts = 0, 2
    while len(steps) > 1 and runs < _MOST_RUNS:
        size = -(-len(steps) // parts)
        for at in range(0, len(steps), size):
            rest = steps[:at] + steps[at + size :]
            runs += 1
            if fails(rest):
                steps, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(steps))
    return steps if not (len(steps) == 1 and fails([])) else []
