"""A campaign's report: JSON, and tables for a terminal."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from protocol import record
from protocol.iso8583.profile import ACTIONS
from tests.world.campaign import Result
from tests.world.coverage import WINDOWS
from tests.world.dice import Step

STATES = (
    *("SIGNED_IN", "ARMED", "APPROVED", "DECLINED", "REV_PENDING", "REV_OK", "REV_ABSENT"),
    *("REV_SUSPENDED", "NEEDS_RECON", "PENDING", "VERDICT", "CONFIGURED", "REKEYED"),
    *(f"BATCH phase {n}" for n in range(record.CLOSING, record.UNSETTLED + 1)),
)
# With so many transactions everything that the tables list must have been reached.
ENOUGH = 20_000


def as_json(
    result: Result, seed: int, asked: int, workers: int, traces: Mapping[str, Sequence[Step]]
) -> dict[str, Any]:
    """Everything there is to say, with plain values only. ``traces``: shrunk ones, by case."""
    tally, coverage = result.tally, result.tally.coverage
    names = [f"{to} {action}" for to in ACTIONS for action in ACTIONS[to]]
    return {
        "seed": seed,
        "transactions_asked": asked,
        "transactions": result.transactions,
        "armed": coverage.counts["armed"],
        "power_cuts": coverage.counts["power cuts"],
        "lost_with_a_terminal": coverage.counts["lost with a terminal"],
        "faults": result.faults,
        "cases": tally.cases,
        "violations": tally.violations,
        "interrupted": result.interrupted,
        "digest": result.digest,
        "seconds": round(result.seconds, 1),
        "transactions_per_second": round(result.transactions / max(result.seconds, 0.001)),
        "workers": workers,
        "python": platform.python_version(),
        "windows": {str(number): coverage.windows[number] for number in WINDOWS},
        "f39_actions": {name: coverage.actions[name] for name in names},
        "states": {name: coverage.states[name] for name in STATES},
        "faults_by_kind": dict(sorted(coverage.faults.items())),
        "failed": [
            {
                "id": failure.id,
                "kind": failure.kind,
                "text": failure.text,
                "trace": [list(step) for step in traces.get(failure.id, ())],
            }
            for failure in tally.failed
        ],
    }


def missed(report: Mapping[str, Any]) -> list[str]:
    """The windows, F39 actions and states that were never reached."""
    windows = {f"W{number}": count for number, count in report["windows"].items()}
    tables = windows | report["f39_actions"] | report["states"]
    return [name for name, count in tables.items() if not count]


def write(report: dict[str, Any], directory: Path) -> None:
    """Write world.json into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "world.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def show(report: dict[str, Any], console: Console) -> None:
    """What was reached, zeros included, and what failed."""
    state = "interrupted after " if report["interrupted"] else ""
    console.print(
        f"[bold]{state}{report['transactions']:,} transactions ({report['armed']:,} armed), "
        f"{report['faults']:,} faults, {report['violations']:,} violations[/bold], "
        f"{report['seconds']:.0f} s, {report['transactions_per_second']:,}/s, seed "
        f"{report['seed']}"
    )
    windows = Table(title="failure windows", title_justify="left")
    for name in ("W", "", "reached"):
        windows.add_column(name, justify="left" if not name else "right")
    for number, words in WINDOWS.items():
        windows.add_row(str(number), words, _count(report["windows"][str(number)]))
    console.print(windows)
    for title, key in (
        ("F39 actions", "f39_actions"),
        ("states", "states"),
        ("faults", "faults_by_kind"),
    ):
        table = Table(title=title, title_justify="left", show_header=False)
        table.add_column("")
        table.add_column("", justify="right")
        for name, count in report[key].items():
            table.add_row(name, _count(count))
        console.print(table)
    for failure in report["failed"][:10]:
        console.print(f"{failure['id']}  {failure['kind']}: {failure['text']}", markup=False)
        for step in failure["trace"]:
            console.print("    " + " ".join(map(str, step)), markup=False)
    console.print(f"digest {report['digest']}")


def _count(count: int) -> str:
    return f"{count:,}" if count else "[yellow]0[/yellow]"
