"""`companion reconcile`: match all legs, update breaks and cases, check the equations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

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
from companion.facts import schema
from companion.facts.journals import HOST_ZONE
from companion.reconcile import codes, run, signing
from companion.reconcile.equation import Equation
from companion.reconcile.words import money
from companion.rules import engines, plan
from companion.store import Store

_MEANING = {
    codes.MATCHED: "approved here, captured there, the same amount",
    codes.DECLINED: "declined here, nothing captured there",
    codes.REVERSED: "reversed here, nothing captured there",
    codes.HEALED: "left open here, nothing captured there",
    codes.WAITING: "the acquirer's statement of that day is not here yet",
}
# Breaks shown to a person at once; `companion breaks` and `companion case` have all of them.
_SHOWN = 40


@click.command()
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Show this business day only; matching is always over everything.",
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="What counts as today for graces and deadlines: a date, or today. Default: the newest "
    "day that anything is known of.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
@click.option(
    "--engine",
    "engine_name",
    default="duckdb",
    show_default=True,
    metavar="NAME",
    help=f"{engines.NAMES}: the same breaks and hash come out of each.",
)
@click.option(
    "--same-as",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A signed result (--json) of before: check its signature and that this run finds it too.",
)
@json_option
@store_option
@click.pass_context
def reconcile(
    context: click.Context,
    day: datetime | None,
    as_of: str | None,
    dry_run: bool,
    engine_name: str,
    same_as: Path | None,
    as_json: bool,
    directory: Path,
) -> None:
    """Match the terminals' journals with the acquirer's statements and the bank's.

    Brings breaks and cases up to date and ends with the equations: customer debit = merchant
    books + open breaks + awaited, and the acquirer's debt = bank credits + open breaks + awaited.
    Doing it again changes nothing; a break whose cause has gone closes with the reason.

    \b
    Example:
      companion reconcile --date 2026-03-02
      companion reconcile --json > signed.json
      companion reconcile --engine sqlite --dry-run --same-as signed.json
    """
    today = _today(as_of) if as_of else None
    with Store.open(directory) as store, _progress(as_json) as progress:
        store.facts.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(engines.named(engine_name, store.facts)) as engine:
            result = run.reconcile(store, today, engine, dry_run, progress)
        document = _document(result, day.date().isoformat() if day else None)
        document["signed"] = signing.sign(store, document)
    if same_as is not None:
        _compare(same_as, document, result)
    if as_json:
        print_json(document)
    else:
        _show(console(), result, document)
    context.exit(FINE if result.holds else UNBALANCED)


def _today(text: str) -> int:
    if text == "today":
        return schema.day_number(datetime.now(HOST_ZONE).date())
    try:
        return schema.day_number(date.fromisoformat(text))
    except ValueError:
        raise click.BadParameter(f"{text}: YYYY-MM-DD or today", param_hint="--as-of") from None


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Days done, on stderr, as far as it is a terminal."""
    columns = (TextColumn("days"), BarColumn(), MofNCompleteColumn())
    screen = Console(stderr=True)
    off = quiet or not screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=off) as bar:
        task = bar.add_task("days")
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _breaks(result: run.Result, day: str | None) -> list[dict[str, object]]:
    return [
        {"id": item.id, **item.__dict__}
        for item in result.breaks
        if day is None or item.business_date in (day, None)
    ]


def _document(result: run.Result, day: str | None) -> dict[str, object]:
    equation = result.days.get(day, Equation(0, 0, 0)) if day else result.equation
    return {
        "run": result.run,
        "rules": plan.VERSION,
        "as_of": schema.as_date(result.as_of).isoformat(),
        "date": day,
        "counts": result.counts,
        "opened": result.opened,
        "closed": result.closed,
        "breaks": _breaks(result, day),
        "equation": equation.as_dict(),
        "debt": result.debt.as_dict(),
        "days": {name: item.as_dict() for name, item in result.days.items()},
        "holds": result.holds,
        "facts_digest": result.facts_digest,
        "break_set_hash": result.break_set_hash,
    }


def _compare(path: Path, document: dict[str, object], result: run.Result) -> None:
    """Refuse when a signed result was changed, or is not what was found now."""
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise signing.SigningError(f"{path}: not a result of reconcile --json ({error})") from None
    try:
        signing.check(before)
    except signing.SigningError as error:
        raise signing.SigningError(f"{path}: {error}") from None
    for name in signing.FIELDS:
        if before[name] != document[name]:
            raise signing.SigningError(
                f"{path}: {name} was {before[name]}, now it is {document[name]}"
            )
    # The signature is over the hash of the breaks; the list in the file has to be that set.
    if _hashed(before.get("breaks")) != _hashed(_breaks(result, before.get("date"))):
        raise signing.SigningError(f"{path}: its breaks are not the ones that were signed")


def _hashed(found: Any) -> list[tuple[object, ...]] | None:
    """What the hash is made of, of each break; None for what is no list of breaks."""
    names = ("code", "row_key", "amount_minor", "effect_minor", "owed_minor", "provisional")
    try:
        return sorted((tuple(one[name] for name in ("id", *names)) for one in found), key=repr)
    except (KeyError, TypeError):
        return None


def _show(out: Console, result: run.Result, document: dict[str, object]) -> None:
    day = str(document["date"]) if document["date"] else None
    counts = table("Transactions of all days", ("verdict", "count", "meaning"), right=("count",))
    for name in (*_MEANING, *codes.BREAKS):
        if name in result.counts:
            counts.add_row(name, str(result.counts[name]), _MEANING.get(name, "break"))
    out.print(counts)
    found = _breaks(result, day)
    if found:
        out.print(break_table("Open breaks", found[:_SHOWN]))
    if len(found) > _SHOWN:
        out.print(f"and {len(found) - _SHOWN} more: companion breaks")
    did = "would open" if result.run is None else "opened"
    out.print(
        f"{len(found)} open breaks{f' on {day}' if day else ''}; this run {did} "
        f"{len(result.opened)} and {did.replace('opened', 'closed').replace('open', 'close')} "
        f"{len(result.closed)}; today is {document['as_of']}"
    )
    equation = result.days.get(day, Equation(0, 0, 0)) if day else result.equation
    out.print(
        f"customer debit {money(equation.host_captured_minor)} = merchant books "
        f"{money(equation.terminal_approved_minor)} + open breaks "
        f"{money(equation.open_breaks_minor)}"
        + (f" + awaited {money(equation.awaited_minor)}" if equation.awaited_minor else "")
        + _verdict(equation.holds)
    )
    debt = result.debt
    if debt.owed_minor or debt.credited_minor:
        out.print(
            f"acquirer's debt {money(debt.owed_minor)} = bank credits "
            f"{money(debt.credited_minor)} + open breaks {money(debt.open_breaks_minor)} + "
            f"not due yet {money(debt.awaited_minor)}" + _verdict(debt.holds)
        )
    if not result.holds and equation.holds and debt.holds:
        out.print("[red]the equation does not hold on another day or in total[/red]")
    out.print(f"break set {result.break_set_hash}")


def _verdict(holds: bool) -> str:
    return ": [green]holds[/green]" if holds else ": [red]does not hold[/red]"
