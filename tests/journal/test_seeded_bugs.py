"""The proof bites: every bug in tests/journal/bugs is caught, and without one nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journal.bugs.patch import PatchError, apply, split
from tests.journal.bugs.seeded import Bug, Verdict, bugs, verdict

BUGS = bugs()
CHECKS = {bug.check for bug in BUGS.values()}
CAMPAIGNS = sorted(check for check in CHECKS if check.startswith("campaign "))
# All named tests in one run: a start of pytest takes longer than most of them.
NAMED = " ".join(["pytest", *sorted(check.split()[1] for check in CHECKS - {*CAMPAIGNS})])

# They show that the other tests bite.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Verdict]]]:
    """The checks that the selected tests are about, two at a time, so that none waits long."""
    selected = {item.name.partition("[")[2][:-1] for item in request.session.items}
    checks: dict[str, tuple[str, Bug | None]] = {check: (check, None) for check in CAMPAIGNS}
    checks["the named tests"] = (NAMED, None)
    checks.update((name, (bug.check, bug)) for name, bug in BUGS.items())
    pool = ThreadPoolExecutor(2)
    yield {
        name: pool.submit(verdict, *check) for name, check in checks.items() if name in selected
    }
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_caught(name: str, verdicts: dict[str, Future[Verdict]]) -> None:
    found = verdicts[name].result()
    assert found.caught, f"{BUGS[name].check} finds nothing: {' '.join(BUGS[name].story)}"


@pytest.mark.parametrize("check", [*CAMPAIGNS, "the named tests"])
def test_the_journal_without_a_bug_passes(
    check: str, verdicts: dict[str, Future[Verdict]]
) -> None:
    found = verdicts[check].result()
    assert not found.caught, f"{found.by}: {found.text}"


def test_there_are_bugs_in_every_part_and_the_campaign_catches_most() -> None:
    assert len(BUGS) >= 32
    assert sum(bug.check.startswith("campaign ") for bug in BUGS.values()) >= 25
    files = {hunk.file for bug in BUGS.values() for hunk in bug.hunks}
    assert files == {"slot.py", "ring.py", "recovery.py", "journal.py", "cell.py"}


def test_a_patch_that_does_not_apply_exactly_once_is_named(tmp_path: Path) -> None:
    (tmp_path / "ring.py").write_text("a\nb\nc\na\nb\nd\n")
    _, hunks = split(
        "why\n--- a/ring.py\n+++ b/ring.py\n@@ -9,2 +9,2 @@\n b\n-d\n+D\n", "one.patch"
    )
    apply(hunks, tmp_path, "one.patch")
    assert (tmp_path / "ring.py").read_text() == "a\nb\nc\na\nb\nD\n"
    with pytest.raises(PatchError, match=r"one.patch: ring.py has 0 places, not 1, .* 'b'"):
        apply(hunks, tmp_path, "one.patch")
    _, twice = split("--- a/ring.py\n+++ b/ring.py\n@@ -1 +1 @@\n-a\n+A\n", "two.patch")
    with pytest.raises(PatchError, match=r"two.patch: ring.py has 2 places"):
        apply(twice, tmp_path, "two.patch")
    with pytest.raises(PatchError, match=r"bad.patch, line 3: 'a' belongs to no hunk"):
        split("--- a/ring.py\n+++ b/ring.py\na\n", "bad.patch")
