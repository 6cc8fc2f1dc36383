"""Seeded bugs tried side by side: those named on a command line, or all there are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Bug = TypeVar("Bug")
Verdict = TypeVar("Verdict")


def chosen(known: Mapping[str, Bug], names: list[str]) -> list[Bug]:
    """The bugs of these names, all for none; SystemExit for a name that is none."""
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such bug: {', '.join(unknown)}", file=sys.stderr)
        raise SystemExit(2)
    return [known[name] for name in names or known]


def tried(
    bugs: list[Bug], verdict: Callable[[Bug], Verdict]
) -> Iterator[tuple[Bug, Future[Verdict]]]:
    """Each bug with its verdict to come, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(verdict, bug) for bug in bugs]
        yield from zip(bugs, running, strict=True)
