"""A report as one page of HTML: no script, no font, no picture from anywhere else."""

from __future__ import annotations

from html import escape

from companion.report import svg
from companion.report.model import WORDS, Chart, Report, Section, shown

_STYLE = """
:root { --ink: #1b1f24; --quiet: #57606a; --line: #d8dee4; --soft: #f6f8fa;
  --one: #1f6feb; --two: #d9822b; }
body { font: 15px/1.45 system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei",
  sans-serif; color: var(--ink); background: #fff; max-width: 960px; margin: 2em auto;
  padding: 0 1.2em; }
h1 { font-size: 1.5em; margin: 0 0 .4em; }
h2 { font-size: 1.1em; margin: 2em 0 .5em; }
dl.head { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1em; margin: 0 0 1.5em;
  color: var(--quiet); font-size: .9em; }
dl.head dd { margin: 0; overflow-wrap: anywhere; }
ul.key { display: flex; flex-wrap: wrap; gap: .7em; padding: 0; margin: 0; list-style: none; }
ul.key li { border: 1px solid var(--line); border-radius: 6px; padding: .5em .9em;
  min-width: 8em; }
ul.key b { display: block; font-size: 1.3em; font-variant-numeric: tabular-nums; }
ul.key span { color: var(--quiet); font-size: .85em; }
table { border-collapse: collapse; width: 100%; font-size: .9em; }
th, td { text-align: left; padding: .3em .6em; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { background: var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
p.note, p.empty { color: var(--quiet); font-size: .85em; margin: .4em 0 0; }
figure { margin: 2em 0 0; }
figcaption { font-weight: 600; margin-bottom: .3em; }
figcaption i { font-style: normal; font-weight: 400; color: var(--quiet); font-size: .85em;
  margin-left: 1em; white-space: nowrap; }
figcaption i::before { content: ""; display: inline-block; width: .8em; height: .8em;
  margin-right: .4em; background: var(--one); }
figcaption i.s1::before { background: var(--two); }
svg { max-width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--quiet); }
svg .scale, svg .name { text-anchor: end; }
svg .label { text-anchor: middle; }
svg .name { fill: var(--ink); }
svg .grid { stroke: var(--line); }
svg .zero { stroke: var(--quiet); }
svg .s0 { fill: var(--one); }
svg .s1 { fill: var(--two); }
@media print { body { margin: 0; max-width: none; } h2, figure { break-after: avoid; }
  tr, figure { break-inside: avoid; } }
"""


def render(report: Report) -> str:
    """All of it."""
    head = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.head
    )
    key = "".join(
        f"<li><b>{escape(shown(kind, cell)) or '-'}</b><span>{escape(name)}</span></li>"
        for name, kind, cell in report.key
    )
    charts = "".join(_figure(chart) for chart in report.charts if chart.labels)
    sections = "".join(_section(section) for section in report.sections)
    return (
        f'<!DOCTYPE html>\n<html lang="{report.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(report.name)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(report.name)}</h1><dl class="head">{head}</dl><ul class="key">{key}</ul>'
        f"{charts}{sections}</body></html>\n"
    )


def _figure(chart: Chart) -> str:
    names = "".join(
        f'<i class="s{number}">{escape(name)}</i>' for number, name in enumerate(chart.series)
    )
    title = escape(chart.title)
    return f"<figure><figcaption>{title}{names}</figcaption>{svg.render(chart)}</figure>"


def _section(section: Section) -> str:
    title = f"<h2>{escape(section.title)}</h2>"
    if not section.rows:
        return f'{title}<p class="empty">{escape(section.empty)}</p>'
    number = [' class="n"' if column.kind not in WORDS else "" for column in section.columns]
    heads = "".join(
        f"<th{css}>{escape(column.name)}</th>"
        for css, column in zip(number, section.columns, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{css}>{escape(shown(column.kind, cell))}</td>"
            for css, column, cell in zip(number, section.columns, row, strict=True)
        )
        + "</tr>"
        for row in section.rows
    )
    said = escape(" ".join(section.notes))
    note = f'<p class="note">{said}</p>' if said else ""
    return f"{title}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{note}"
