"""What catches a bug in one firmware: python -m tests.world.bugs.check FOLDER CHECK...

FOLDER holds ``terminal`` and ``protocol``. A CHECK is "world" or the name of a test in
tests/shared; for each one line of JSON is printed, [check, what it found], "" for nothing.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path

SEED = 1
CASES = 60  # at most: the world stops at the first promise that is broken
SHARED = Path(__file__).resolve().parents[2] / "shared"


class BrokenPatch(RuntimeError):
    """The firmware fell over. That is no bug that a firmware in the field could have had."""


def world() -> str:
    """The first violation, "" when there is none."""
    from tests.world.case import run

    for number in range(CASES):
        outcome = run(f"{SEED}.{number}")
        found = outcome.violation
        if found and found.kind == "crash":
            raise BrokenPatch(f"world {outcome.id}: {found}")
        if found:
            return f"{outcome.id} {found.kind}: {found}"
    return ""


def named(check: str, folder: Path) -> str:
    """Run one test; the line that failed, "" when it passes."""
    head = f"def {check}("
    files = [file for file in SHARED.glob("test_*.py") if head in file.read_text("utf-8")]
    if len(files) != 1:
        raise LookupError(f"{len(files)} tests are called {check}")
    run = getattr(importlib.import_module(f"tests.shared.{files[0].stem}"), check)
    try:
        run()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        if Path(where[-1].filename).is_relative_to(folder):
            raise BrokenPatch(f"{check}: {error!r}") from error
        row = where[1]
        return f"{files[0].name}, line {row.lineno}: {row.line}"
    return ""


def main(argv: list[str]) -> None:
    folder = Path(argv[0]).resolve()
    sys.path.insert(0, str(folder))
    for name in ("terminal", "protocol"):
        loaded = importlib.import_module(name).__file__
        if loaded is None or not Path(loaded).is_relative_to(folder):
            raise BrokenPatch(f"{name} is taken from {loaded}, not from {folder}")
    for check in argv[1:]:
        found = world() if check == "world" else named(check, folder)
        print(json.dumps([check, found]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
