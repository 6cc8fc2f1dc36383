"""A slice of `make chaos-books`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.books_chaos.campaign import campaign

pytestmark = pytest.mark.thorough


def test_a_companion_killed_at_any_moment_leaves_a_store_that_doing_it_again_completes(
    tmp_path: Path,
) -> None:
    tally = campaign(tmp_path, kills=15, seed=2026, days=1, started=0)
    assert tally.kills >= 15 and tally.undone > 5
    assert {"by step", "by time", "chain done, not committed"} <= tally.moments.keys()
