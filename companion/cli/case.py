"""`companion case`: the cases, what is in each, and what people do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from companion.cases import causes, history, listing, states
from companion.cli import case_acts, case_sheet
from companion.cli.case_options import filter_options, filtered
from companion.cli.case_view import View, break_document, summary
from companion.cli.output import FINE, FOUND, console, json_option, print_json, store_option
from companion.reconcile import labels
from companion.reconcile.phrases import ENGLISH, LANGUAGES
from companion.store import Store

language_option = click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    default=ENGLISH,
    show_default=True,
    help="English or Chinese.",
)


@click.group()
def case() -> None:
    """Cases: breaks that one cause explains, followed until they are squared.

    An ID may be shortened as long as only one case begins so. Whoever acts is the login name, or
    --as NAME. What closes a case whose money still differs, a second person approves.

    \b
    Example:
      companion case list --overdue
      companion case show 3f2a
      companion case send 3f2a --to acquirer --text "claim 12, by e-mail"
      companion case resolve 3f2a --text "credited on 5 March, booking 8841"
      companion case approve 3f2a --as LI
    """


@case.command("list")
@filter_options
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option(
    "--check", is_flag=True, help="Exit with 1 when a case is listed that is not closed."
)
@language_option
@json_option
@store_option
@click.pass_context
def list_(
    context: click.Context,
    /,
    everything: bool,
    check: bool,
    language: str,
    as_json: bool,
    directory: Path,
    **options: Any,
) -> None:
    """List cases, the most urgent first: how much, who acts, until when.

    \b
    Example:
      companion case list --code REVERSAL_STUCK --at-least 100.00
    """
    with Store.open(directory) as store, store.read() as connection:
        wanted = filtered(connection, (), options, everything)
        found = listing.listed(connection, wanted)
        surplus = labels.surplus(connection)
    if as_json:
        print_json([summary(one, language) for one in found])
    else:
        View(console(), language, surplus).many(found)
    active = any(one.state in states.ACTIVE for one in found)
    context.exit(FOUND if check and active else FINE)


@case.command()
@click.argument("case_id", metavar="ID")
@language_option
@json_option
@store_option
def show(case_id: str, language: str, as_json: bool, directory: Path) -> None:
    """Everything about one case: what, how much, why, what to do next, what was done.

    \b
    Example:
      companion case show 3f2a --lang zh
    """
    with Store.open(directory) as store, store.read() as connection:
        one = listing.one(connection, case_id)
        found = listing.breaks_of(connection, one.id)
        why = causes.ranked(connection, one, found)
        adjusted = listing.adjustments_of(connection, one.id)
        events = history.of(connection, one.id)
        surplus = labels.surplus(connection)
    if not as_json:
        view = View(console(), language, surplus)
        view.one(one, found, why, adjusted, events)
        return
    reasons = [
        {"name": item.name, "text": item.said(language), "weight": item.weight}
        | {"breaks": item.breaks, "because": item.because(language)}
        for item in why
    ]
    print_json(
        {
            **summary(one, language),
            "causes": reasons,
            "found": [break_document(item, language) for item in found],
            "adjustments": adjusted,
            "history": [event.__dict__ for event in events],
        }
    )


@case.command()
@click.option("--head", default="", metavar="DIGEST", help="A head that was noted earlier.")
@json_option
@store_option
@click.pass_context
def verify(context: click.Context, head: str, as_json: bool, directory: Path) -> None:
    """Prove that the history of the cases is as it was written.

    Every entry has a digest over itself and all before it; the newest is the head. Keep it
    elsewhere, and --head shows later that the end was not cut off. Exit code 1 when something is
    wrong.

    \b
    Example:
      companion case verify --head 5be1...
    """
    with Store.open(directory) as store, store.read() as connection:
        found = history.verify(connection, head)
    if as_json:
        print_json({**found.__dict__, "whole": not found.problems})
    else:
        for problem in found.problems:
            click.echo(problem)
        if not found.problems:
            click.echo(f"{found.entries} entries, as they were written")
        click.echo(f"head {found.head}")
    context.exit(FOUND if found.problems else FINE)


@case.command("labels")
@click.option(
    "--surplus",
    type=click.Choice((labels.ACQUIRER_HAS_MORE, labels.SHOP_HAS_MORE, "none")),
    help="Who has more where your house says 长款; none shows neither word.",
)
@language_option
@json_option
@store_option
def labels_(surplus: str | None, language: str, as_json: bool, directory: Path) -> None:
    """What each code is called; --surplus says which way 长款 and 短款 are used in your house.

    \b
    Example:
      companion case labels --surplus acquirer
    """
    with Store.open(directory) as store:
        if surplus is not None:
            with store.write() as connection:
                labels.choose(connection, "" if surplus == "none" else surplus)
        with store.read() as connection:
            chosen = labels.surplus(connection)
    said = {code: labels.label(code, language) for code in labels.LABELS}
    if as_json:
        print_json({"surplus": chosen or "none", "labels": said})
        return
    for code, label in said.items():
        click.echo(f"{code:<24}{label}")
    click.echo(f"长款: {chosen + ' has more' if chosen else 'not said (--surplus)'}")


case_acts.register(case)
case_sheet.register(case)
