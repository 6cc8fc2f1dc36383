"""Try every seeded bug, or those named, and say what caught it: python -m tests.world.bugs"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.journal.bugs.patch import PatchError
from tests.world.bugs.seeded import bugs, verdict


def main(names: list[str]) -> int:
    known = bugs()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such bug: {', '.join(unknown)}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in names or known]
    caught = 0
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(verdict, bug.checks, bug) for bug in chosen]
        for bug, future in zip(chosen, running, strict=True):
            try:
                found = future.result()
            except (PatchError, RuntimeError) as error:
                print(f"{bug.name}\n  BROKEN  {error}", flush=True)
                continue
            caught += all(found.found.values())
            print(f"{bug.name}  {found.seconds:.1f} s")
            for check, text in found.found.items():
                print(f"  {check}  {text or 'NOTHING FOUND'}", flush=True)
    print(f"{caught} of {len(chosen)} seeded bugs caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
