"""What a reconciliation has found in an injected world, from its facts or from a store."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from companion.inject.truth import Known
from companion.reconcile import chain
from companion.rules import engines
from companion.store import Store
from companion.store import breaks as stored


def in_facts(facts: Path, engine: str = "duckdb", as_of: int | None = None) -> list[Known]:
    """Run the rules over a folder of facts, keeping nothing."""
    with tempfile.TemporaryDirectory(prefix="pz-check-") as folder:
        scratch = Path(folder)
        runs = engines.named(engine, scratch)
        try:
            return known(chain.run(runs, facts, scratch / "state", as_of).breaks)
        finally:
            runs.close()


def known(breaks: pa.Table) -> list[Known]:
    """The breaks of a run, as the truth has them."""
    rows = breaks.select([name for name in Known.__dataclass_fields__ if name != "variant"])
    return [Known(**row, variant="") for row in rows.to_pylist()]


def in_store(directory: Path) -> list[Known]:
    """The open breaks of a store."""
    with Store.open(directory) as store, store.read() as connection:
        rows = stored.listed(connection)
    return [
        Known(
            code=str(row["code"]),
            row_key=str(row["row_key"]),
            amount_minor=int(str(row["amount_minor"])),
            effect_minor=int(str(row["effect_minor"])),
            owed_minor=int(str(row["owed_minor"])),
            provisional=int(bool(row["provisional"])),
            match_pass=int(str(row["match_pass"])),
            variant="",
        )
        for row in rows
    ]
