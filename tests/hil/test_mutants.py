"""The rig bites: terminals with a bug in them fail its campaign, each in the way that it should,
and the one without passes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hil.mutants import CYCLES, FOUND, bugs, trial

# It shows that the other tests bite.
pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("name", FOUND)
def test_a_seeded_bug_is_found(name: str, tmp_path: Path) -> None:
    told = trial(name, bugs()[name], tmp_path)
    found = {failure["code"] for line in told for failure in line["failures"]}
    assert FOUND[name].code in found


def test_nothing_is_found_in_the_firmware_as_it_is(tmp_path: Path) -> None:
    told = trial("none", [], tmp_path)
    assert [line for line in told if line["failures"]] == []
    assert sum(line["line"] == "cycle" for line in told) == CYCLES
