"""The seeded bugs: each is a patch of the journal that the campaign or a named test must catch.

A patch begins with what a programmer would have thought, then what that costs. The last line
before the diff says what catches it: "Caught by: campaign --faults N", or "pytest" and a test.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.journal.bugs.patch import Hunk, PatchError, apply, split

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
_CHECK = "Caught by: "
_PATIENCE = 120.0  # seconds for a check; most take one or two


@dataclass(frozen=True)
class Bug:
    name: str
    story: list[str]
    check: str
    hunks: list[Hunk]


@dataclass(frozen=True)
class Verdict:
    """What a check said of a firmware."""

    caught: bool
    by: str
    """The first case that failed, or the test."""
    text: str
    faults: int
    seconds: float


def bugs() -> dict[str, Bug]:
    """Every patch in this folder, by name."""
    found = {}
    for path in sorted(FOLDER.glob("*.patch")):
        head, hunks = split(path.read_text(encoding="utf-8"), path.name)
        if len(head) < 3 or not re.match(_CHECK + "(campaign|pytest) ", head[-1]):
            raise PatchError(f"{path.name}: no story, or no line {_CHECK!r} before the diff")
        found[path.stem] = Bug(path.stem, head[:-1], head[-1][len(_CHECK) :], hunks)
    return found


def verdict(check: str, bug: Bug | None = None) -> Verdict:
    """Run a check on a copy of the firmware with the bug in it, or on one without any."""
    with TemporaryDirectory(prefix="seeded-") as folder:
        shutil.copytree(
            ROOT / "firmware" / "terminal",
            Path(folder) / "terminal",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        if bug:
            apply(bug.hunks, Path(folder) / "terminal", f"{bug.name}.patch")
        tool, *arguments = check.split()
        begun = time.monotonic()
        try:
            caught, by, text, faults = _TOOLS[tool](folder, arguments)
        except subprocess.TimeoutExpired:
            caught, by, text, faults = False, check, f"no end within {_PATIENCE:.0f} s", 0
        return Verdict(caught, by, text, faults, time.monotonic() - begun)


def _campaign(folder: str, arguments: list[str]) -> tuple[bool, str, str, int]:
    done = _run(
        *("tests.journal.campaign", "--seed", "1", "--workers", "1", "--first-failure", "--json"),
        *("--firmware", folder, "--report", f"{folder}/report", *arguments),
    )
    if done.returncode > 1 or not done.stdout:
        raise RuntimeError(f"the campaign ended with {done.returncode}: {done.stderr[-1000:]}")
    report = json.loads(done.stdout)
    if not report["failures"]:
        return False, "", "", report["faults"]
    first = report["failed"][0]
    return True, first["id"], f"{first['kind']}: {first['text']}", report["faults"]


def _pytest(folder: str, arguments: list[str]) -> tuple[bool, str, str, int]:
    done = _run(
        "pytest", "-x", "-p", "no:cacheprovider", "-o", f"pythonpath={folder} .", *arguments
    )
    if done.returncode > 1:
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-1000:]}")
    errors = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    return done.returncode == 1, arguments[0], errors[0] if errors else "", 0


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
    )


_TOOLS = {"campaign": _campaign, "pytest": _pytest}
