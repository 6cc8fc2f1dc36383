"""`make chaos-books`: companions killed while they import, reconcile and work on cases."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.books_chaos.campaign import campaign


def main() -> None:
    """Run the campaign and print what it did; an AssertionError says what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        done = campaign(Path(name), given.kills, given.seed)
    print(
        f"{done.kills} companions killed in {done.worlds} weeks of {done.acts} commands: after "
        f"{done.undone} of them the command had done nothing, after {done.done} all of it; "
        f"{done.spoiled} times facts were lost besides. Breaks, cases, their history, files and "
        "chain are as without a kill"
    )
    for what in (done.commands, done.moments):
        print("  " + ", ".join(f"{name} {count}" for name, count in what.most_common()))
    print(f"again: make chaos-books KILLS={given.kills} SEED={given.seed}")


if __name__ == "__main__":
    main()
