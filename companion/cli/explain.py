"""`companion explain`: why a row matched, or did not, in words."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from companion.cli.output import console, json_option, print_json, store_option
from companion.reconcile import run
from companion.reconcile.explain import Explained, shown
from companion.store import Store


@click.command()
@click.argument("row")
@json_option
@store_option
def explain(row: str, as_json: bool, directory: Path) -> None:
    """Tell why ROW matched or not: what each pass looked for, and what came nearest.

    ROW is a STAN, BATCH/STAN, MERCHANT|TERMINAL|BATCH|STAN (quote the bars) or an RRN. Nothing in
    the store is changed.

    \b
    Example:
      companion explain 000001/000017
    """
    with Store.open(directory) as store:
        found = run.explain(store, row)
    if as_json:
        print_json([one.__dict__ for one in found])
        return
    out = console()
    for one in found:
        _show(out, one)


def _show(out: Console, one: Explained) -> None:
    out.print(f"[bold]{one.leg}[/bold] {escape(shown(one.leg, one.row))}")
    if one.verdict:
        out.print(f"  it is {one.verdict}")
    for line in one.why:
        out.print(f"  {escape(line)}")
