"""A campaign's report: JSON, one HTML file that needs nothing else, and a table for a terminal."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.journal.campaign.engine import Result
from tests.journal.campaign.family import Family
from tests.journal.campaign.plan import Planned
from tests.journal.world import KINDS

NOT_COVERED = (
    "Three and more cuts in a row are drawn at random (burst, full, mix), never exhaustive.",
    "Rings of more than 6 sectors: nothing in the journal depends on the number, but for room.",
    "MemoryError: tests/journal/test_device_memory.py, on MicroPython.",
    "The newest record, damaged at rest, looks like one in flight; its number is given out again.",
    "The loss of two sectors that leaves no header later than both: numbers in them may be given"
    " out again. For any one sector they are not.",
    "Slots that changed places within a sector, and sectors of another terminal: only that the"
    " mount ends and nothing is invented.",
    "Two slots that both read erased and are not, which takes two cuts in one recovery: the second"
    " may be programmed. That nothing is lost by it is tried, that it never happens is not.",
    "Flash encryption, reads that disturb their neighbours, and any real flash chip.",
)


@dataclass(frozen=True)
class Run:
    """One target's part of a report."""

    target: str
    families: Sequence[Family]
    planned: Sequence[Planned]
    result: Result


def as_json(run: Run, seed: int, asked: int, workers: int) -> dict[str, Any]:
    """Everything there is to say, with plain values only."""
    result = run.result
    planned = {part.family: part for part in run.planned}
    failed = [failure for tally in result.tallies.values() for failure in tally.failed]
    return {
        "target": run.target,
        "seed": seed,
        "faults_asked": asked,
        "faults": result.faults,
        "cases": result.cases,
        "failures": result.failures,
        "interrupted": result.interrupted,
        "digest": result.digest,
        "seconds": round(result.seconds, 1),
        "faults_per_second": round(result.faults / max(result.seconds, 0.001)),
        "workers": workers,
        "python": platform.python_version(),
        "families": [
            _family(family, planned[family.name], result)
            for family in run.families
            if family.name in planned
        ],
        "failed": [
            {"id": failure.id, "kind": failure.kind, "text": failure.text} for failure in failed
        ],
        "kinds": KINDS,
        "not_covered": list(NOT_COVERED) if run.target == "journal" else [],
    }


def _family(family: Family, planned: Planned, result: Result) -> dict[str, Any]:
    tally = result.tallies[family.name]
    return {
        "name": family.name,
        "words": family.words,
        "exhaustive": planned.complete and tally.cases == planned.of,
        "of": planned.of or None,
        "cases": tally.cases,
        "faults": tally.faults,
        "failures": tally.failures,
        "kinds": dict(sorted(tally.kinds.items())),
        "seconds": round(tally.seconds, 1),
    }


def coverage(family: dict[str, Any]) -> str:
    """How much of a family was run."""
    if family["exhaustive"]:
        return f"exhaustive: all {family['of']:,}"
    if family["of"]:
        return f"sampled {family['cases']:,} of {family['of']:,}"
    return f"{family['cases']:,} drawn at random"


def write(report: dict[str, Any], others: Sequence[dict[str, Any]], directory: Path) -> None:
    """Write campaign.json and campaign.html into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    both = {**report, **({"against": list(others)} if others else {})}
    (directory / "campaign.json").write_text(json.dumps(both, indent=1) + "\n", "utf-8")
    (directory / "campaign.html").write_text(_page(report, others), "utf-8")


# For a terminal


def print_table(report: dict[str, Any], console: Console) -> None:
    """The families, the total, and the first failures with how to run them again."""
    table = Table(title=_headline(report), title_style="bold", title_justify="left")
    for name in ("family", "cases", "", "faults", "failures", "cpu s"):
        justify = "left" if name in ("family", "") else "right"
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for family in report["families"]:
        failures = str(family["failures"])
        table.add_row(
            family["name"],
            f"{family['cases']:,}",
            coverage(family),
            f"{family['faults']:,}",
            f"[red]{failures}[/red]" if family["failures"] else failures,
            f"{family['seconds']:.1f}",
        )
    console.print(table)
    for failure in report["failed"][:10]:
        console.print(f"{failure['id']}  {failure['kind']}: {failure['text']}", markup=False)
    console.print(f"digest {report['digest']}", highlight=False)


def _headline(report: dict[str, Any]) -> str:
    state = "interrupted after " if report["interrupted"] else ""
    return (
        f"{report['target']}: {state}{report['faults']:,} faults, {report['failures']:,} failures,"
        f" {report['seconds']:.0f} s, seed {report['seed']}"
    )


def print_comparison(reports: Sequence[dict[str, Any]], console: Console) -> None:
    """The same cases on several targets, side by side."""
    table = Table(title=_comparison_title(reports), title_justify="left")
    table.add_column("family")
    table.add_column("cases", justify="right")
    for report in reports:
        table.add_column(f"{report['target']}: failures", justify="right")
    for row in _comparison(reports):
        table.add_row(*row)
    console.print(table)


def _comparison_title(reports: Sequence[dict[str, Any]]) -> str:
    return " and ".join(report["target"] for report in reports) + ", the same cases on both"


def _comparison(reports: Sequence[dict[str, Any]]) -> list[list[str]]:
    rows = []
    first = reports[0]
    for number, family in enumerate(first["families"]):
        same = [report["families"][number] for report in reports]
        cases = " / ".join(sorted({f"{f['cases']:,}" for f in same}))
        rows.append([family["name"], cases, *(_share(f["failures"], f["cases"]) for f in same)])
    for kind in KINDS:
        found = [sum(f["kinds"].get(kind, 0) for f in r["families"]) for r in reports]
        if any(found):
            rows.append([f"  {kind}: {KINDS[kind]}", "", *(f"{count:,}" for count in found)])
    return rows


def _share(failures: int, cases: int) -> str:
    return f"{failures:,} ({100 * failures / cases:.1f}%)" if failures else "0"


# HTML

_STYLE = """
:root{--ink:#1b1f24;--soft:#5a6470;--line:#d9dee4;--good:#1a7f4b;--bad:#b42318;--paper:#fff;
--band:#f5f7f9}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4b0;--line:#343b44;
--good:#4cc38a;--bad:#ff8577;--paper:#15181c;--band:#1d2127}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}
main{max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
.figures{display:flex;flex-wrap:wrap;gap:1rem;margin:1.2rem 0}
.figures div{background:var(--band);border-radius:6px;padding:.6rem 1rem;min-width:8rem}
.figures b{display:block;font-size:1.4rem;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:.85rem}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
td:first-child>code{white-space:nowrap}
"""


def _page(report: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    good = not report["failures"]
    verdict = "No promise was broken" if good else f"{report['failures']:,} cases broke a promise"
    if report["interrupted"]:
        verdict += ", in what was run before it was interrupted"
    figures = "".join(
        f"<div><b>{escape(value)}</b>{escape(label)}</div>"
        for label, value in (
            ("faults", f"{report['faults']:,}"),
            ("cases", f"{report['cases']:,}"),
            ("failures", f"{report['failures']:,}"),
            ("minutes and seconds", "{:.0f}:{:02.0f}".format(*divmod(report["seconds"], 60))),
            ("faults a second", f"{report['faults_per_second']:,}"),
        )
    )
    parts = [
        f"<h1>Fault campaign on the {escape(report['target'])}</h1>",
        f'<p class="{"good" if good else "bad"}">{verdict}.</p>',
        f'<div class="figures">{figures}</div>',
        f'<p class="soft">Seed {report["seed"]}, {report["faults_asked"]:,} faults asked for,'
        f" {report['workers']} workers, Python {escape(report['python'])}, digest"
        f" <code>{report['digest']}</code>. The same seed and number of faults give the same cases"
        " and the same digest.</p>",
        *_families_table(report),
        *(_against(report, others) if others else ()),
        *_failures_table(report),
    ]
    if report["not_covered"]:
        parts.append("<h2>Not covered</h2><ul>")
        parts += [f"<li>{escape(line)}</li>" for line in report["not_covered"]]
        parts.append("</ul>")
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Fault campaign, seed {report['seed']}</title><style>{_STYLE}</style></head>"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _families_table(report: dict[str, Any]) -> list[str]:
    rows = [
        '<h2>Families</h2><div class="wide"><table><tr><th>family</th><th>what it does</th>'
        '<th>coverage</th><th class="n">faults</th><th class="n">failures</th>'
        '<th class="n">CPU s</th></tr>'
    ]
    for family in report["families"]:
        bad = ' class="n bad"' if family["failures"] else ' class="n"'
        rows.append(
            f"<tr><td><code>{family['name']}</code></td><td>{escape(family['words'])}.</td>"
            f"<td>{coverage(family)}</td>"
            f'<td class="n">{family["faults"]:,}</td><td{bad}>{family["failures"]:,}</td>'
            f'<td class="n">{family["seconds"]:,.0f}</td></tr>'
        )
    return [*rows, "</table></div>"]


def _failures_table(report: dict[str, Any]) -> list[str]:
    if not report["failed"]:
        return []
    rows = [
        "<h2>Failures</h2><p class='soft'>Run one again, with what happened around it:"
        " <code>python -m tests.journal.campaign replay ID</code></p>",
        '<div class="wide"><table><tr><th>id</th><th>promise</th><th>what was seen</th></tr>',
    ]
    for failure in report["failed"]:
        rows.append(
            f"<tr><td><code>{escape(failure['id'])}</code></td><td>{failure['kind']}</td>"
            f"<td>{escape(failure['text'])}</td></tr>"
        )
    more = report["failures"] - len(report["failed"])
    if more > 0:
        rows.append(f"<tr><td colspan='3'>and {more:,} more</td></tr>")
    return [*rows, "</table></div>"]


def _against(report: dict[str, Any], others: Sequence[dict[str, Any]]) -> list[str]:
    reports = [report, *others]
    rows = [
        f"<h2>Side by side</h2><p class='soft'>{escape(_comparison_title(reports))}.</p>",
        '<div class="wide"><table><tr><th>family</th><th class="n">cases</th>',
        *(f'<th class="n">{escape(r["target"])}: failures</th>' for r in reports),
        "</tr>",
    ]
    for name, *cells in _comparison(reports):
        numbers = "".join(f'<td class="n">{escape(cell)}</td>' for cell in cells)
        rows.append(f"<tr><td>{escape(name)}</td>{numbers}</tr>")
    return [*rows, "</table></div>"]
