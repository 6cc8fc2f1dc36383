"""Payouts on PostgreSQL: the worlds of tests/companion/rules, `make test-postgres`."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.companion.rules.money_reference import Reference
from tests.companion.rules.test_money_worlds import DAYS, START, judged, world


@pytest.mark.parametrize("seed", range(100, 103))
def test_a_world_is_judged_as_by_the_reference(seed: int, tmp_path: Path) -> None:
    facts = world(seed)
    as_of = START + random.Random(seed).randrange(4, DAYS + 20)
    result = judged(os.environ["POSTGRES_URL"], tmp_path, facts, as_of)
    assert result.told == Reference(facts, as_of).told()
    assert result.unexplained == 0
