"""Run a long day on the virtual board and compare the books.

python -m tests.board_day --transactions 1000 --cuts 100 --seed 1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from tests.board_day import day


def main() -> int:
    """0: the books are equal; 1: they are not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.board_day",
        description="Mixed transactions, faults and power cuts on the real MicroPython.",
        epilog="Example: python -m tests.board_day --transactions 100 --cuts 10 --seed 7",
    )
    parser.add_argument("--transactions", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--cuts", type=int, default=100, help="power cuts (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="the day to run (default 1)")
    parser.add_argument("--keep", type=Path, help="keep flash, store and ledger in this folder")
    options = parser.parse_args()
    if options.transactions < 10 or not 0 <= options.cuts <= options.transactions // 2:
        parser.error("at least 10 transactions, and at most half as many cuts")
    out = Console(width=110, highlight=False)
    done = day.run(options.transactions, options.cuts, options.seed, out, options.keep)
    day.report(done, out)
    for line in done.wrong:
        print(line, file=sys.stderr)
    return 1 if done.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
