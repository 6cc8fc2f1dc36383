"""A terminal with a bug in it on the rig: the campaign must find it.

    python -m tests.hil.mutants          # those that test_mutants.py has
    python -m tests.hil.mutants --all    # every seeded bug of tests/world and tests/journal

A bug is one of the patches there. The rig sees what a shop would, and a terminal that works, so it
cannot find them all: what needs a damaged flash, another host, or a clock is for those tests.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from boards import firmware
from companion.acquirer import kinds
from tests.hil import plan
from tests.hil.plan import EXACT, HOST, MARKER, Cycle, Limits
from tests.hil.shift import Line, Shift
from tests.hil.virtual import VirtualRig
from tests.journal.bugs import seeded as of_the_journal
from tests.journal.bugs.patch import Hunk, apply
from tests.world.bugs import seeded as of_the_world

SEED = 1
CYCLES = 30
_COUNTED = (EXACT, MARKER, HOST)  # each time at the same place
_TREES = ("firmware", "protocol", "boards")  # the last has what links them


@dataclass(frozen=True)
class Mutant:
    """What the rig calls it. ``wanted``: the cycles of a seed that it is tried with, so that it
    does not take long."""

    code: str
    wanted: Callable[[Cycle], bool] = lambda cycle: True
    settle_every: int = 25


def _asked_often(cycle: Cycle) -> bool:
    """Nobody answers the reversal, again and again."""
    return any("times" in fault for fault in cycle.faults)


def _sales_and_voids(cycle: Cycle) -> bool:
    return cycle.what in (kinds.SALE, kinds.VOID) and not cycle.faults


FOUND = {
    "reversal-queue-in-ram": Mutant("LOST"),
    "gives-up-after-three-tries": Mutant("LOST", _asked_often),
    "write-behind": Mutant("OPEN"),
    "reversed-gives-its-stan-back": Mutant("DOUBLE"),
    "receipt-before-commit": Mutant("SHOWN"),
    "owed-slip-forgotten": Mutant("SLIP"),
    "void-counts-as-a-debit": Mutant("BATCH", _sales_and_voids, settle_every=10),
    "end-of-the-batch-not-awaited": Mutant("BATCH", settle_every=3),
    "clear-pan-in-the-journal": Mutant("CARD"),
}

_OWN = {
    "gives-up-after-three-tries": [
        Hunk(
            "firmware/terminal/engine.py",
            [
                '        if self.known.open.attempt >= self.config["reversal_tries"]:',
                "            return self.suspend()",
            ],
            [
                "        if self.known.open.attempt >= 3:",
                "            return reversal.end(self.config, self.known.open, record.REV_ABSENT)",
            ],
        )
    ],
    "reversed-gives-its-stan-back": [
        Hunk(
            "firmware/terminal/state.py",
            [
                '    state.unsure_stan = rec["stan"]',
                '    if rec["result"] == record.REV_SUSPENDED:',
            ],
            [
                '    state.stan = rec["stan"] - 1',
                '    if rec["result"] == record.REV_SUSPENDED:',
            ],
        )
    ],
}


class _Enough(Exception):
    """The first failure ends it."""


def bugs() -> dict[str, list[Hunk]]:
    """Every seeded bug, by name, with the files as they lie in the repository."""
    found = dict(_OWN)
    for name, one in of_the_world.bugs().items():
        found[name] = [hunk._replace(file=_place(hunk.file)) for hunk in one.hunks]
    for name, other in of_the_journal.bugs().items():
        places = [hunk._replace(file=f"firmware/terminal/{hunk.file}") for hunk in other.hunks]
        found[name] = places
    return found


def _place(file: str) -> str:
    return f"firmware/{file}" if file.startswith("terminal/") else file


def trial(name: str, hunks: list[Hunk], directory: Path) -> list[Line]:
    """What a shift of this firmware came to, up to its first failure."""
    mutant = FOUND.get(name, Mutant(""))
    there = directory / "source"
    for tree in _TREES:
        unwanted = shutil.ignore_patterns("__pycache__", "*.svg")
        shutil.copytree(firmware.REPOSITORY / tree, there / tree, ignore=unwanted)
    apply(hunks, there, name)
    told: list[Line] = []

    def tell(line: Line) -> None:
        told.append(line)
        if line["failures"]:
            raise _Enough

    kept, firmware.REPOSITORY = firmware.REPOSITORY, there
    try:
        rig = VirtualRig(directory / "board")
    finally:
        firmware.REPOSITORY = kept
    try:
        limits = Limits(_COUNTED, settle_every=mutant.settle_every)
        planned = [one for one in plan.draw(SEED, 1, 1000, limits) if mutant.wanted(one)]
        planned = [replace(one, number=number) for number, one in enumerate(planned[:CYCLES], 1)]
        Shift(rig, directory, SEED, 1, planned, limits, tell).run()
    except _Enough:
        pass
    finally:
        rig.close()
    return told


def main(names: Iterable[str]) -> int:
    """0 when all were found."""
    every = bugs()
    missed = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="pz-") as scratch:
            told = trial(name, every[name], Path(scratch))
        cycles = sum(line["line"] == "cycle" for line in told)
        words = [f"{one['code']}: {one['text']}" for line in told for one in line["failures"]]
        missed += not words
        print(f"{name}  {cycles} cycles  {words[0][:150] if words else 'NOT FOUND'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(bugs() if sys.argv[1:] == ["--all"] else sys.argv[1:] or FOUND))
