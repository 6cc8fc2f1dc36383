"""The result as one HTML page without scripts or anything from elsewhere; charts are SVG."""

from __future__ import annotations

from html import escape

from tests.hil.result import CONFIDENCE, Result

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1d2430; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.claim { padding: .8rem 1rem; border-left: 6px solid #2a7d4f; background: #eef7f1 }
.claim.bad { border-color: #b3261e; background: #fbeceb }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
svg { max-width: 100%; height: auto } svg text { font: 13px system-ui, sans-serif; fill: #1d2430 }
code { font-size: .9em }
"""
_BAR, _ROW, _LEFT, _RIGHT = 420, 24, 260, 80
_BLUE = "#3b6fb5"


def render(result: Result) -> str:
    """The page."""
    bad = " bad" if result.failures else ""
    rows = [
        ("board", result.board),
        ("seed", str(result.seed)),
        ("power", result.power),
        ("cycles", f"{result.cycles} in {result.shifts} shifts"),
        ("cuts", f"{result.cuts}, {result.in_sales} of them during a card transaction"),
        ("open cases", f"{result.cases} sales left to a person"),
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
        "<h2>How sales ended: terminal / host</h2>",
        bars(result.ends),
        "<h2>A sale with its cuts and restarts, in milliseconds</h2>",
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


def bars(counts: dict[str, int]) -> str:
    """A bar for each name, longest first."""
    most = max(counts.values(), default=1)
    height = _ROW * max(1, len(counts))
    drawn = []
    for row, (name, number) in enumerate(counts.items()):
        y = row * _ROW
        width = max(1, round(_BAR * number / most))
        drawn.append(
            f"<text x='{_LEFT - 8}' y='{y + 16}' text-anchor='end'>{escape(name)}</text>"
            f"<rect x='{_LEFT}' y='{y + 4}' width='{width}' height='16' fill='{_BLUE}'/>"
            f"<text x='{_LEFT + width + 6}' y='{y + 16}'>{number}</text>"
        )
    width = _LEFT + _BAR + _RIGHT
    return (
        f"<svg viewBox='0 0 {width} {height}' width='{width}' height='{height}' role='img'>"
        + "".join(drawn)
        + "</svg>"
    )


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
    each, height = (_LEFT + _BAR + _RIGHT) / columns, 160
    drawn = []
    for column, number in enumerate(counts):
        tall = round(height * number / most)
        drawn.append(
            f"<rect x='{column * each:.1f}' y='{height - tall}' width='{each - 2:.1f}' "
            f"height='{tall}' fill='{_BLUE}'/>"
        )
    width = _LEFT + _BAR + _RIGHT
    axis = f"<text x='0' y='{height + 18}'>0</text>"
    axis += f"<text x='{width}' y='{height + 18}' text-anchor='end'>{top} and more</text>"
    return (
        f"<svg viewBox='0 0 {width} {height + 24}' width='{width}' height='{height + 24}' "
        f"role='img'>{''.join(drawn)}{axis}</svg>"
    )
