"""`make chaos-sync`: many syncs that break off, and many companions that are killed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware"))

from tests.chaos import kills, syncs


def main() -> None:
    """Run both campaigns and print what they did; an AssertionError says what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--syncs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for line in ("serial line", "connection"):
            serial = line == "serial line"
            seed = 2 * given.seed + serial
            done = syncs.campaign(Path(name) / line, given.syncs // 2, seed, serial)
            print(
                f"{done.syncs} syncs over a {line} that broke off at a random byte: "
                f"{done.stored} had stored something, {done.released} the terminal had released "
                f"it, {done.restarts} restarts, {done.records} records; none lost, none twice"
            )
        killed = kills.campaign(Path(name) / "killed", given.kills, given.seed)
        print(
            f"{killed.kills} companions killed: {killed.amid} between two of their records, "
            f"{killed.records} records; none lost, none twice"
        )


if __name__ == "__main__":
    main()
