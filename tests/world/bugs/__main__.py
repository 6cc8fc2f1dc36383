"""Try every seeded bug, or those named, and say what caught it: python -m tests.world.bugs"""

from __future__ import annotations

import sys

from tests.journal.bugs.patch import PatchError
from tests.journal.bugs.trial import chosen, tried
from tests.world.bugs.seeded import bugs, verdict


def main(names: list[str]) -> int:
    some = chosen(bugs(), names)
    caught = 0
    for bug, future in tried(some, lambda bug: verdict(bug.checks, bug)):
        try:
            found = future.result()
        except (PatchError, RuntimeError) as error:
            print(f"{bug.name}\n  BROKEN  {error}", flush=True)
            continue
        caught += all(found.found.values())
        print(f"{bug.name}  {found.seconds:.1f} s")
        for check, text in found.found.items():
            print(f"  {check}  {text or 'NOTHING FOUND'}", flush=True)
    print(f"{caught} of {len(some)} seeded bugs caught")
    return 0 if caught == len(some) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
