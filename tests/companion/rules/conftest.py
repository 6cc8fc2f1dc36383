"""The engines that need nothing but this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.rules.engines import DuckDb, Engine, Sqlite


@pytest.fixture(params=[DuckDb, Sqlite])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each of them in turn."""
    made = request.param(tmp_path)
    yield made
    made.close()
