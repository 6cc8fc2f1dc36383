"""The proof bites: every bug in tests/world/bugs is caught, and without one nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.world.bugs.seeded import Verdict, bugs, verdict, windows

BUGS = bugs()
CHECKS = sorted({check for bug in BUGS.values() for check in bug.checks})
SOUND = "the firmware as it is"

# They show that the other tests bite.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Verdict]]]:
    """What the selected tests are about, two at a time, so that none waits long."""
    selected = {item.name.partition("[")[2][:-1] for item in request.session.items}
    tried = {SOUND: (CHECKS, None), **{name: (bug.checks, bug) for name, bug in BUGS.items()}}
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(verdict, *tried[name]) for name in tried if name in selected}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", [SOUND])
def test_nothing_is_found_in(name: str, verdicts: dict[str, Future[Verdict]]) -> None:
    found = verdicts[name].result().found
    assert sorted(found) == CHECKS
    assert [(check, text) for check, text in found.items() if text] == []


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_caught(name: str, verdicts: dict[str, Future[Verdict]]) -> None:
    found = verdicts[name].result().found
    assert sorted(found) == sorted(BUGS[name].checks)
    missed = [check for check, text in found.items() if not text]
    assert missed == [], " ".join(BUGS[name].story)


def test_there_are_bugs_in_every_part_and_for_every_window() -> None:
    assert len(BUGS) >= 75
    assert sum("world" in bug.checks for bug in BUGS.values()) >= 20
    shown = {window for check in CHECKS for window in windows(check)}
    assert shown == set(range(1, 31))
    files = {hunk.file.rpartition("/")[2] for bug in BUGS.values() for hunk in bug.hunks}
    parts = {"engine", "exchange", "judge", "reversal", "batch", "trade", "desk", "state"}
    assert files >= {f"{part}.py" for part in parts | {"runner", "entries", "lookup", "upkeep"}}
