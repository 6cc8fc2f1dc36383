"""The seeded bugs: each is a patch of the engine or what is around it, and must be caught.

A patch begins with what a programmer would have thought, then what that costs. The last lines
before the diff say what catches it, each by itself: "Caught by: world", or the name of a test in
tests/shared. A failure window that such a test is named after is thereby shown to be tested.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.journal.bugs.patch import Hunk, PatchError, apply, split

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
_CHECK = re.compile(r"Caught by: (world|test_\w+)")
_PATIENCE = 120.0  # seconds for all checks of a bug; most take less than one


@dataclass(frozen=True)
class Bug:
    name: str
    story: list[str]
    checks: list[str]
    hunks: list[Hunk]


@dataclass(frozen=True)
class Verdict:
    """What the checks said of a firmware: what each found, "" for nothing."""

    found: dict[str, str]
    seconds: float


def bugs() -> dict[str, Bug]:
    """Every patch in this folder, by name."""
    every = {}
    for path in sorted(FOLDER.glob("*.patch")):
        head, hunks = split(path.read_text(encoding="utf-8"), path.name)
        story = [line for line in head if not line.startswith("Caught by: ")]
        checks = [match[1] for line in head if (match := _CHECK.fullmatch(line))]
        if len(story) < 2 or not checks or story + [f"Caught by: {c}" for c in checks] != head:
            raise PatchError(f"{path.name}: a story and then lines 'Caught by: ...' are expected")
        every[path.stem] = Bug(path.stem, story, checks, hunks)
    return every


def windows(check: str) -> list[int]:
    """The failure windows that a test is named after: test_w16_w26_... has two."""
    return [int(number) for number in re.findall(r"(?:^test|(?<=\d))_w(\d\d)(?=_)", check)]


def verdict(checks: list[str], bug: Bug | None = None) -> Verdict:
    """Run checks on a copy of the firmware with the bug in it, or on one without any."""
    with TemporaryDirectory(prefix="seeded-") as temporary:
        folder = Path(temporary)
        for part in ("firmware/terminal", "protocol"):
            # With the compiled files, for speed; those that are just being written have more dots.
            unfinished = shutil.ignore_patterns("*.pyc.*")
            shutil.copytree(ROOT / part, folder / Path(part).name, ignore=unfinished)
        if bug:
            apply(bug.hunks, folder, f"{bug.name}.patch")
            for hunk in bug.hunks:
                # It counts as current when only size and second of its source are the same.
                Path(cache_from_source(str(folder / hunk.file))).unlink(missing_ok=True)
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tests.world.bugs.check", temporary, *checks],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=_PATIENCE,
        )
        if done.returncode:
            raise RuntimeError(f"the check ended with {done.returncode}: {done.stderr[-1000:]}")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return Verdict(dict(rows), time.monotonic() - begun)
