"""`companion reconcile`: match both sides, update the breaks, check the equation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from companion.cli.breaks import break_table
from companion.cli.output import (
    FINE,
    UNBALANCED,
    console,
    json_option,
    print_json,
    store_option,
    table,
)
from companion.reconcile import codes, rules, run
from companion.reconcile.words import money
from companion.store import Store

_MEANING = {
    codes.MATCHED: "approved here, captured there, the same amount",
    codes.DECLINED: "declined here, nothing captured there",
    codes.REVERSED: "reversed here, nothing captured there",
    codes.HEALED: "left open here, nothing captured there",
    codes.WAITING: "nobody charged by our records; the host's file of that day is not here yet",
}


@click.command()
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Show this business day only; matching is always over everything.",
)
@json_option
@store_option
@click.pass_context
def reconcile(
    context: click.Context, day: datetime | None, as_json: bool, directory: Path
) -> None:
    """Match the terminals' journals with the host's files and bring the breaks up to date.

    Ends with the equation: customer debit = merchant books + open breaks. Doing it again
    changes nothing; a break whose cause has gone closes with the reason.

    \b
    Example:
      companion reconcile --date 2026-03-02
    """
    with Store.open(directory) as store:
        result = run.reconcile(store)
    date = day.date().isoformat() if day else None
    if as_json:
        print_json(_document(result, date))
    else:
        _show(console(), result, date)
    context.exit(FINE if result.holds else UNBALANCED)


def _equation(result: run.Result, date: str | None) -> run.Equation:
    return result.days.get(date, run.Equation(0, 0, 0)) if date else result.equation


def _breaks(result: run.Result, date: str | None) -> list[dict[str, object]]:
    return [
        {"id": item.id, **item.__dict__}
        for item in result.breaks
        if date is None or item.business_date in (date, None)
    ]


def _document(result: run.Result, date: str | None) -> dict[str, object]:
    return {
        "run": result.run,
        "rules": rules.VERSION,
        "date": date,
        "counts": result.counts,
        "opened": result.opened,
        "closed": result.closed,
        "breaks": _breaks(result, date),
        "equation": _equation(result, date).as_dict(),
        "days": {name: item.as_dict() for name, item in result.days.items()},
        "holds": result.holds,
        "break_set_hash": result.break_set_hash,
    }


def _show(out: Console, result: run.Result, date: str | None) -> None:
    counts = table("Transactions of all days", ("verdict", "count", "meaning"), right=("count",))
    for name in (*_MEANING, *codes.BREAKS):
        if name in result.counts:
            counts.add_row(name, str(result.counts[name]), _MEANING.get(name, "break"))
    out.print(counts)
    found = _breaks(result, date)
    if found:
        out.print(break_table("Open breaks", found))
    out.print(
        f"{len(found)} open breaks{' on ' + date if date else ''}; this run opened "
        f"{result.opened} and closed {result.closed}"
    )
    equation = _equation(result, date)
    out.print(
        f"customer debit {money(equation.host_captured_minor)} = merchant books "
        f"{money(equation.terminal_approved_minor)} + open breaks "
        f"{money(equation.open_breaks_minor)}: "
        + ("[green]holds[/green]" if equation.holds else "[red]does not hold[/red]")
    )
    if not result.holds and equation.holds:
        out.print("[red]the equation does not hold on another day or in total[/red]")
    out.print(f"break set {result.break_set_hash}")
