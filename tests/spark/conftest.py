"""One Spark for all tests: to start a JVM takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from companion.rules.engines import Spark

# To compile a query takes longer than to walk through the few rows of a test.
_SMALL = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    engine = Spark(tmp_path_factory.mktemp("spark"), more=_SMALL)
    yield engine
    engine.close()


@pytest.fixture
def spark(session: Spark) -> Iterator[Spark]:
    """With no table left of another test."""
    yield session
    session.clear()
