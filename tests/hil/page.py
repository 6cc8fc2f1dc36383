"""The result as one HTML page without scripts or anything from elsewhere; charts are boxes, so
that they fit a telephone as well as a screen."""

from __future__ import annotations

from html import escape

from tests.hil.result import CONFIDENCE, Result

_STYLE = """
:root { color-scheme: light dark; --text: #1d2430; --paper: #fff; --bar: #3b6fb5; --line: #d5dae2;
  --good: #2a7d4f; --good-paper: #eef7f1; --bad: #b3261e; --bad-paper: #fbeceb }
@media (prefers-color-scheme: dark) { :root { --text: #e3e7ee; --paper: #14181f; --bar: #7aa7e6;
  --line: #39414f; --good: #58b585; --good-paper: #182a21; --bad: #f0867e; --bad-paper: #3a1d1b } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--paper); overflow-wrap: break-word }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.claim { padding: .8rem 1rem; border-left: 6px solid var(--good); background: var(--good-paper) }
.claim.bad { border-color: var(--bad); background: var(--bad-paper) }
.wide { overflow-x: auto }
table { border-collapse: collapse }
td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
.mix td, .mix th { border-bottom: 1px solid var(--line) }
.n { text-align: right; font-variant-numeric: tabular-nums }
.bars { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .2rem .6rem;
  font-size: .85rem; max-width: 48rem }
.bars span { text-align: right; max-width: 16rem } .bars div { display: flex; gap: .4rem }
.bars div { align-items: center; padding-right: 3.5rem }
.bars i, .columns i { background: var(--bar); min-width: 1px; flex: none }
.bars i { height: 1rem }
.columns { display: flex; align-items: flex-end; gap: 2px; height: 10rem; max-width: 48rem }
.columns i { flex: 1 }
.axis { display: flex; justify-content: space-between; max-width: 48rem; font-size: .85rem }
code { font-size: .9em }
"""


def render(result: Result) -> str:
    """The page."""
    bad = " bad" if result.failures else ""
    rows = [
        ("board", result.board),
        ("seed", str(result.seed)),
        ("power", result.power),
        ("cycles", f"{result.cycles} in {result.shifts} shifts"),
        ("settlements", str(result.settlements)),
        ("cuts", f"{result.cuts}, {result.in_transactions} of them during a card transaction"),
        ("open cases", f"{result.cases} left to a person"),
        ("journal", f"{result.records} records, each sector erased up to {result.laps} times"),
        ("time", f"{result.seconds:.0f} s"),
    ]
    if result.cuts:
        bound = f"{result.upper_bound:.4%} of cuts, at {CONFIDENCE:.0%} confidence"
        rows.append(("upper bound", bound))
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>Power cuts: {escape(result.board)}</title><style>{_STYLE}</style>",
        "<h1>Power cuts during card transactions</h1>",
        f"<p class='claim{bad}'>{escape(result.words())}</p>",
        "<table>",
        *(f"<tr><th>{name}<td>{escape(value)}" for name, value in rows),
        "</table>",
        _failures(result),
        "<h2>What the cuts were, and when they came</h2>",
        bars(result.by_kind),
        "<h2>What they hit</h2>",
        bars(result.by_hit),
        "<h2>How transactions ended: terminal / host</h2>",
        bars(result.ends),
        "<h2>What was keyed in, and how it ended at the terminal</h2>",
        _mix(result.mix),
        "<h2>A transaction with its cuts and restarts, in milliseconds</h2>",
        histogram(result.recovery_ms),
    ]
    return "\n".join(parts) + "\n"


def _failures(result: Result) -> str:
    if not result.failures:
        return ""
    rows = [
        f"<tr><td>{one['code']}<td><code>{one['shift']}/{one['cycle']}</code>"
        f"<td>{escape(one['text'])}"
        for one in result.failures[:200]
    ]
    return "<h2>Failures</h2><table><tr><th>what<th>cycle<th>seen" + "".join(rows) + "</table>"


def _mix(mix: dict[str, dict[str, int]]) -> str:
    ends = sorted({end for row in mix.values() for end in row})
    rows = [
        f"<tr><th>{escape(what.lower().replace('_', ' '))}"
        + "".join(f"<td class='n'>{row.get(end, '')}" for end in ends)
        + f"<td class='n'>{sum(row.values())}"
        for what, row in mix.items()
    ]
    head = "".join(f"<th class='n'>{escape(end.lower())}" for end in [*ends, "all"])
    return f"<div class='wide'><table class='mix'><tr><th>{head}{''.join(rows)}</table></div>"


def bars(counts: dict[str, int]) -> str:
    """A bar for each name, in their order."""
    most = max(counts.values(), default=1)
    rows = [
        f"<span>{escape(name)}</span><div><i style='width:{number / most:.2%}'></i>{number}</div>"
        for name, number in counts.items()
    ]
    return f"<div class='bars'>{''.join(rows)}</div>" if rows else "<p>none</p>"


def histogram(values: list[int], columns: int = 40) -> str:
    """How many values fall where; the slowest hundredth is in the last column."""
    if not values:
        return "<p>none</p>"
    ordered = sorted(values)
    top = max(1, ordered[int(0.99 * (len(ordered) - 1))])
    counts = [0] * columns
    for value in ordered:
        counts[min(columns - 1, value * columns // (top + 1))] += 1
    most = max(counts)
    drawn = [f"<i style='height:{number / most:.2%}' title='{number}'></i>" for number in counts]
    axis = f"<div class='axis'><span>0</span><span>{top} and more</span></div>"
    return f"<div class='columns'>{''.join(drawn)}</div>{axis}"
