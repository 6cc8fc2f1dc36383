"""One engine over one folder of facts, in a process of its own: python -m ... ENGINE FACTS STATE.

Prints a JSON object: seconds and cpu_seconds of the work, start_seconds of the imports before it,
peak_kb of the process, and the hash and number of the breaks that it found.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

_BORN = time.perf_counter()

import duckdb  # noqa: E402

from companion.facts import manifest, schema  # noqa: E402
from companion.inject import found  # noqa: E402
from companion.inject.truth import Known  # noqa: E402
from companion.reconcile import chain  # noqa: E402
from companion.rules import hashing  # noqa: E402
from companion.rules.engines import DuckDb  # noqa: E402

_SQL = Path(__file__).with_name("reconcile.sql")
# As the rules' own connection.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "preserve_insertion_order": False,
    "memory_limit": "1800MB",
}


def rules(facts: Path, state: Path) -> list[Known]:
    """The companion's fold; days that `state` has already are not done again."""
    engine = DuckDb(state.parent)
    try:
        return found.known(chain.run(engine, facts, state).breaks)
    finally:
        engine.close()


def by_hand(facts: Path, state: Path) -> list[Known]:
    """Hand-written SQL over all days at once, on DuckDB in memory, spilling to `state`."""
    known = manifest.load(facts)
    config = {**_CONFIG, "temp_directory": str(state)}
    with duckdb.connect(":memory:", config=config) as connection:
        for leg in schema.LEGS:
            paths = {one.path for day in known.legs[leg].values() for one in day}
            _view(connection, leg, [facts / path for path in sorted(paths)])
        for name in schema.REFERENCE:
            _view(connection, name, [facts / f"{name}.parquet"])
        connection.execute(f"CREATE TABLE today AS SELECT {max(known.days())} AS today")
        for statement in _statements():
            connection.execute(statement)
        rows = connection.execute("FROM breaks").fetchall()
    return [
        Known(code, key, amount, effect, owed, provisional, match_pass=0, variant="")
        for code, key, amount, effect, owed, provisional in rows
    ]


def _view(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    if not paths:
        columns = ", ".join(
            f'NULL::{"BIGINT" if str(field.type) == "int64" else "VARCHAR"} AS "{field.name}"'
            for field in schema.LEGS[name]
        )
        connection.execute(f"CREATE VIEW {name} AS SELECT {columns} WHERE false")
        return
    files = ", ".join(f"'{path}'" for path in paths)
    connection.execute(f"CREATE VIEW {name} AS FROM read_parquet([{files}])")


def _statements() -> list[str]:
    lines = [line for line in _SQL.read_text().splitlines() if not line.startswith("--")]
    return [one for one in "\n".join(lines).split(";\n") if one.strip()]


def main(name: str, facts: Path, state: Path) -> None:
    """Run it and say what it took."""
    engine = {"rules": rules, "by hand": by_hand}[name]
    began, cpu = time.perf_counter(), time.process_time()
    breaks = engine(facts, state)
    digest = hashing.break_set_hash(breaks)
    said = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "start_seconds": began - _BORN,
        "peak_kb": peak_kb(),
        "digest": digest,
        "breaks": len(breaks),
    }
    print(json.dumps(said))


def peak_kb() -> int:
    """The kernel's peak of this process; what getrusage says of a child has its parent's in it."""
    with open("/proc/self/status", encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmHWM")))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
