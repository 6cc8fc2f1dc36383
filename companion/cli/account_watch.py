"""`companion account watch`: whether payouts follow a change of account."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import bookings
from companion.accounts.watch import ENOUGH, OVERDUE, TROUBLE, Watched
from companion.cli.deciding import iso, since
from companion.cli.output import FINE, FOUND, console, json_option, print_json, store_option, table
from companion.facts.schema import as_date
from companion.reconcile.words import money
from companion.store import Store


@click.command()
@click.option("--all", "everything", is_flag=True, help="Changes whose watch is over too.")
@click.option("--check", is_flag=True, help="Exit with 1 when a payout went wrong or is overdue.")
@json_option
@store_option
@click.pass_context
def watch(
    context: click.Context, everything: bool, check: bool, as_json: bool, directory: Path
) -> None:
    """Say whether the first payouts after each change came to the new account.

    It says so until it has seen three of them there; from the last reconciliation, so that import
    and reconcile come first.

    \b
    Example:
      companion account watch --check
    """
    with Store.open(directory) as store:
        as_of, every = bookings.read(store)
    shown = [one for one in every if everything or not one.over]
    if as_json:
        print_json({"as_of": iso(as_of or 0), "changes": [_watched(one) for one in shown]})
    else:
        _show_watch(shown, as_of)
    alarm = any(one.state in (TROUBLE, OVERDUE) for one in shown)
    context.exit(FOUND if check and alarm else FINE)


def _show_watch(shown: list[Watched], as_of: int | None) -> None:
    out = console()
    if as_of is None:
        out.print("nothing was reconciled yet: companion reconcile")
    if not shown:
        out.print("no change of account is being watched")
        return
    columns = ("change", "merchant", "channel", "new account", "from", "state", "seen")
    made = table("First payouts after a change", columns, right=("change",))
    for one in shown:
        change = one.change
        made.add_row(
            str(change.number),
            escape(change.merchant_no),
            change.channel,
            change.account,
            since(change.valid_from),
            one.state,
            _seen(one),
        )
        for bad in one.troubles:
            day = str(as_date(bad.day))
            made.add_row(
                "", "", "", "", day, bad.code, escape(f"{money(bad.amount_minor)}: {bad.reason}")
            )
    out.print(made)
    if as_of is not None:
        out.print(f"as of {as_date(as_of)}")


def _seen(one: Watched) -> str:
    if not one.seen:
        return f"none; the first is late after {as_date(one.expected)}"
    told = ", ".join(f"{as_date(item.day)} {money(item.amount_minor)}" for item in one.seen)
    return f"{len(one.seen)} of {ENOUGH}: {told}"


def _watched(one: Watched) -> dict[str, object]:
    return {
        "change": one.change.number,
        "merchant_no": one.change.merchant_no,
        "channel": one.change.channel,
        "account": one.change.account,
        "valid_from": iso(one.change.valid_from),
        "state": one.state,
        "late_after": iso(one.expected),
        "seen": [{**item.__dict__, "day": iso(item.day)} for item in one.seen],
        "breaks": [{**item.__dict__, "day": iso(item.day)} for item in one.troubles],
    }
