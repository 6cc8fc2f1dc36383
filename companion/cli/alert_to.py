"""`companion alert to`: who is told."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import people
from companion.alerting import receivers
from companion.alerting.receivers import Receiver
from companion.alerting.rules import RULES
from companion.cli.case import language_option
from companion.cli.deciding import by_option, hidden_line
from companion.cli.output import console, json_option, print_json, store_option, table
from companion.store import Store


@click.group()
def to() -> None:
    """Who is told. An address may hold a password or a token: it is asked for unseen, kept in the
    store, and never shown in full again.

    \b
    Example:
      companion alert to add owner
      companion alert to list
    """


@to.command()
@click.argument("name")
@click.argument("url", required=False)
@click.option(
    "--rule",
    "only",
    multiple=True,
    type=click.Choice(list(RULES)),
    help="Only alerts of this rule. May be repeated.",
)
@language_option
@by_option
@json_option
@store_option
def add(
    name: str,
    url: str | None,
    only: tuple[str, ...],
    language: str,
    by: str | None,
    as_json: bool,
    directory: Path,
) -> None:
    """Tell somebody: an address as `apprise` reads it, e.g. mailtos://USER:PASSWORD@HOST?to=...,
    jsons://HOST/PATH. Without URL it is asked for unseen, or read from standard input: a
    command line is seen by others, so give only one without a secret there.

    What stands already is sent the next time.

    \b
    Example:
      companion alert to add owner --lang zh < address
      companion alert to add till json://127.0.0.1:8080/alerts --rule double-swipe
    """
    with Store.open(directory) as store:
        url = hidden_line("Address", receivers.LONGEST) if url is None else url
        made = Receiver(name, url, language, only)
        with store.write() as connection:
            receivers.add(connection, made, people.person(by))
    if as_json:
        print_json(_document(made))
    else:
        console().print(escape(f"{name}: {made.shown} is told; companion alert test {name}"))


@to.command()
@click.argument("name")
@by_option
@json_option
@store_option
def remove(name: str, by: str | None, as_json: bool, directory: Path) -> None:
    """Tell somebody no more, and forget the address.

    \b
    Example:
      companion alert to remove owner
    """
    with Store.open(directory) as store, store.write() as connection:
        gone = receivers.remove(connection, name, people.person(by))
    if as_json:
        print_json({**_document(gone), "removed": True})
    else:
        console().print(escape(f"{name}: {gone.shown} is told no more"))


@to.command(name="list")
@json_option
@store_option
def list_(as_json: bool, directory: Path) -> None:
    """List who is told.

    \b
    Example:
      companion alert to list
    """
    with Store.open(directory) as store, store.read() as connection:
        known = receivers.every(connection)
    if as_json:
        print_json([_document(one) for one in known])
        return
    made = table("Who is told", ("name", "how", "language", "of"))
    for one in known:
        made.add_row(one.name, escape(one.shown), one.language, ", ".join(one.rules) or "all")
    console().print(made if known else "nobody is to be told: companion alert to add NAME")


def _document(one: Receiver) -> dict[str, object]:
    rules = list(one.rules) or list(RULES)
    return {"name": one.name, "to": one.shown, "language": one.language, "rules": rules}
