"""The exact pass on pandas, or datacompy's comparison: python reconcile_frames.py NAME FACTS DAY.

Run by an interpreter of its own (requirements-bench.lock), so nothing of the companion is here.
pandas: a full outer merge on merchant, terminal, batch, STAN and occurrence, and the verdicts of
pairs. datacompy: the same keys, and the amounts compared. Neither does any other rule.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

_BORN = time.perf_counter()

import datacompy  # noqa: E402
import pandas as pd  # noqa: E402

_KEY = ["merchant_no", "terminal_no", "batch", "stan"]
_COLUMNS = [*_KEY, "id", "at", "txn", "status", "amount_minor"]


def _leg(facts: Path, leg: str, day: int) -> pd.DataFrame:
    sources = json.loads((facts / "manifest.json").read_text())["legs"][leg][str(day)]
    # Only this channel's statements have batch and STAN.
    card = [("channel", "==", "card")]
    parts = [
        pd.read_parquet(facts / one["path"], columns=_COLUMNS, filters=card) for one in sources
    ]
    rows = pd.concat(parts, ignore_index=True).sort_values(["at", "id"])
    rows["occurrence"] = rows.groupby(_KEY).cumcount()
    return rows


def by_pandas(facts: Path, day: int) -> int:
    """How many rows have a verdict that is a break."""
    both = _leg(facts, "terminal", day).merge(
        _leg(facts, "acquirer", day),
        how="outer",
        on=[*_KEY, "occurrence"],
        suffixes=("_t", "_a"),
    )
    approved = both.status_t == "APPROVED"
    captured = both.status_a.isin(["CAPTURED", "AUTHORISED"])
    alone = both.id_t.isna() | both.id_a.isna()
    same = (both.amount_minor_t == both.amount_minor_a) & (both.txn_t == both.txn_a)
    fine = (approved & captured & same) | (~approved & ~captured)
    return int((alone | ~fine).sum())


def by_datacompy(facts: Path, day: int) -> int:
    """How many rows differ or are on one side only."""
    sides = [
        _leg(facts, leg, day)[[*_KEY, "occurrence", "amount_minor"]]
        for leg in ("terminal", "acquirer")
    ]
    found = datacompy.PandasCompare(sides[0], sides[1], [*_KEY, "occurrence"])
    differing = len(found.all_mismatch())
    return differing + len(found.df1_unq_rows) + len(found.df2_unq_rows)


def main(name: str, facts: Path, day: int) -> None:
    """Run it and say what it took, as reconcile_child does."""
    engine = {"pandas": by_pandas, "datacompy": by_datacompy}[name]
    began, cpu = time.perf_counter(), time.process_time()
    found = engine(facts, day)
    said = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "start_seconds": began - _BORN,
        "peak_kb": _peak_kb(),
        "digest": "",
        "breaks": found,
    }
    print(json.dumps(said))


def _peak_kb() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmHWM")))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
