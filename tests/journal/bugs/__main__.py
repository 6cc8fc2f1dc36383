"""Try every seeded bug, or those named, and say what caught it: python -m tests.journal.bugs"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.journal.bugs.patch import PatchError
from tests.journal.bugs.seeded import bugs, verdict


def main(names: list[str]) -> int:
    known = bugs()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such bug: {', '.join(unknown)}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in names or known]
    missed = 0
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(verdict, bug.check, bug) for bug in chosen]
        for bug, future in zip(chosen, running, strict=True):
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
    print(f"{len(chosen) - missed} of {len(chosen)} seeded bugs caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
