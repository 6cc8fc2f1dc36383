"""The engines that the rules run on: each loads facts, makes tables of expressions, gives rows."""

from __future__ import annotations

import shutil
from pathlib import Path

from companion.rules.duck import SPILL, DuckDb
from companion.rules.engine import Days, Engine
from companion.rules.rowwise import Postgres, Sqlite

__all__ = ["Days", "DuckDb", "Engine", "Postgres", "Sqlite", "sweep"]


def sweep(scratch: Path) -> None:
    """Remove what engines that were killed have left there; no other may be at work in it."""
    shutil.rmtree(scratch / SPILL, ignore_errors=True)
    for pattern in ("*.part", "rules-*.sqlite"):
        for left in scratch.glob(pattern):
            left.unlink(missing_ok=True)
