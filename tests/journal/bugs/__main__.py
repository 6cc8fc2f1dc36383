"""Try every seeded bug, or those named, and say what caught it: python -m tests.journal.bugs"""

from __future__ import annotations

import sys

from tests.journal.bugs.patch import PatchError
from tests.journal.bugs.seeded import bugs, verdict
from tests.journal.bugs.trial import chosen, tried


def main(names: list[str]) -> int:
    some = chosen(bugs(), names)
    missed = 0
    for bug, future in tried(some, lambda bug: verdict(bug.check, bug)):
        try:
            found = future.result()
        except PatchError as err:
            missed += 1
            print(f"{bug.name:40} DOES NOT APPLY  {err}", flush=True)
            continue
        missed += not found.caught
        cost = f"{found.faults} faults, " if found.faults else ""
        by = found.by if found.caught else f"NOT CAUGHT by {bug.check}"
        cost += f"{found.seconds:.1f} s"
        print(f"{bug.name:40} {cost:>18}  {by}  {found.text[:90]}", flush=True)
    print(f"{len(some) - missed} of {len(some)} seeded bugs caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
