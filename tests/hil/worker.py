"""Runs shifts on one rig as they are asked for, and tells every line on its standard output.

A process of its own, so that a campaign has all processors, and survives what ends this one.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from tests.hil import plan
from tests.hil.plan import Limits
from tests.hil.shift import Line, Shift
from tests.hil.virtual import VirtualRig

_stopped = threading.Event()


def say(line: Line) -> None:
    """SystemExit when this process was told to end: between two cycles all can be closed."""
    print(json.dumps(line, ensure_ascii=False), flush=True)
    if _stopped.is_set():
        sys.exit(1)


def virtual(seed: int, cycles: int, shifts: Iterable[int], laps: int) -> None:
    """Each shift on a virtual board as it comes."""
    limits = Limits(laps=laps)
    with tempfile.TemporaryDirectory(prefix="pz-") as scratch:
        rig = VirtualRig(Path(scratch) / "board")
        try:
            for number in shifts:
                rig.fresh()
                directory = Path(scratch) / f"shift-{number}"
                directory.mkdir()
                planned = plan.draw(seed, number, cycles, limits)
                Shift(rig, directory, seed, number, planned, limits, say).run()
        finally:
            rig.close()


def main() -> None:
    """Arguments: seed, cycles of a shift, laps; a line of standard input for each shift."""
    signal.signal(signal.SIGTERM, lambda *_: _stopped.set())
    seed, cycles, laps = map(int, sys.argv[1:])
    virtual(seed, cycles, (int(line) for line in sys.stdin), laps)


if __name__ == "__main__":
    main()
