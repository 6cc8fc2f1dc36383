"""A report as text for a screen or a mail."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from companion.report.languages import word
from companion.report.model import WORDS, Report, shown

_WIDTH = 140


def render(report: Report, out: Console) -> None:
    """Print all of it."""
    out.print(f"[bold]{escape(report.name)}[/bold]")
    for name, value in report.head:
        out.print(escape(f"{name}: {value}"))
    glance, figure, value = (
        word(text, report.language) for text in ("At a glance", "figure", "value")
    )
    key = _table(glance, [(figure, False), (value, True)])
    for name, kind, cell in report.key:
        key.add_row(escape(name), escape(shown(kind, cell)))
    out.print(key)
    for section in report.sections:
        if not section.rows:
            out.print(escape(f"{section.title}: {section.empty}"))
            continue
        heads = [(column.name, column.kind not in WORDS) for column in section.columns]
        made = _table(section.title, heads)
        for row in section.rows:
            cells = zip(section.columns, row, strict=True)
            made.add_row(*(escape(shown(column.kind, cell)) for column, cell in cells))
        out.print(made)
        if section.notes:
            out.print(escape(" ".join(section.notes)))


def plain(report: Report) -> str:
    """The same for a file."""
    out = Console(file=StringIO(), highlight=False, width=_WIDTH, no_color=True)
    render(report, out)
    assert isinstance(out.file, StringIO)
    return out.file.getvalue()


def _table(title: str, heads: Sequence[tuple[str, bool]]) -> Table:
    """An empty table; a heading is of numbers or not."""
    made = Table(title=escape(title), title_justify="left", header_style="bold")
    for name, numbers in heads:
        made.add_column(escape(name), justify="right" if numbers else "left", overflow="fold")
    return made
