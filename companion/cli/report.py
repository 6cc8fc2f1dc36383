"""`companion report`: what a day or month came to, for the merchant."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from companion.cli.output import console, json_option, print_json, store_option
from companion.reconcile.phrases import ENGLISH, LANGUAGES
from companion.report import page, text, workbook
from companion.report.compose import compose
from companion.report.gather import gather, newest
from companion.report.languages import translated
from companion.report.model import Report
from companion.report.period import Scope, of_day, of_month
from companion.store import Store

_FORMATS = ("text", "html", "xlsx")


@click.group()
def report() -> None:
    """What a day or month came to: money at risk, match rates, ageing, fees, payouts, and who
    makes trouble again and again. The same figures as text, HTML and XLSX.

    \b
    Example:
      companion report day
      companion report month 2026-03 --out march.html
    """


def _options(command: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--merchant", default="", metavar="NO", help="Only this shop."),
        click.option("--terminal", default="", metavar="NO", help="Only this terminal."),
        click.option(
            "--format",
            "form",
            type=click.Choice(_FORMATS),
            help="What to make; by the name of --out, else text.",
        ),
        click.option(
            "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there."
        ),
        click.option(
            *("--lang", "language"),
            type=click.Choice(LANGUAGES),
            default=ENGLISH,
            show_default=True,
            help="English or Chinese; codes stay.",
        ),
        json_option,
        store_option,
    ):
        command = option(command)
    return command


@report.command()
@click.argument("day", metavar="[DAY]", required=False)
@_options
def day(day: str | None, **asked: Any) -> None:
    """One business day, the newest if none is given; the charts show the two weeks before it.

    \b
    Example:
      companion report day 2026-03-02 --out day.html
    """
    _make(of_day, day, **asked)


@report.command()
@click.argument("month", metavar="[MONTH]", required=False)
@_options
def month(month: str | None, **asked: Any) -> None:
    """One calendar month, the newest if none is given.

    \b
    Example:
      companion report month 2026-03 --terminal 10000001 --out march.xlsx
    """
    _make(of_month, month, **asked)


def _make(
    span: Callable[[str | date], tuple[date, date]],
    when: str | None,
    merchant: str,
    terminal: str,
    form: str | None,
    out: Path | None,
    language: str,
    as_json: bool,
    directory: Path,
) -> None:
    form = form or _by_name(out)
    if form == "xlsx" and out is None:
        raise click.UsageError("an XLSX goes into a file: --out FILE.xlsx")
    with Store.open(directory) as store:
        scope = Scope(*span(when if when is not None else newest(store)), merchant, terminal)
        made = compose(scope, gather(store, scope))
    if as_json:
        # Its names are for programs.
        print_json(_document(made))
        return
    made = translated(made, language)
    if out is not None:
        _write(out, _rendered(made, form))
        console().print(str(out), markup=False)
    elif form == "html":
        click.echo(page.render(made), nl=False)
    else:
        text.render(made, console())


def _by_name(out: Path | None) -> str:
    ending = out.suffix.lower() if out else ""
    return {".html": "html", ".htm": "html", ".xlsx": "xlsx"}.get(ending, "text")


def _rendered(made: Report, form: str) -> bytes:
    if form == "xlsx":
        return workbook.render(made)
    return (page.render(made) if form == "html" else text.plain(made)).encode()


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def _document(made: Report) -> dict[str, object]:
    return {
        "title": made.name,
        "about": dict(made.head),
        "key": {name: cell for name, _, cell in made.key},
        "sections": {
            section.title: [
                dict(zip((column.name for column in section.columns), row, strict=True))
                for row in section.rows
            ]
            for section in made.sections
        },
    }
