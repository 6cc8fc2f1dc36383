"""`companion alert rule`: which rules there are, and their limits."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from companion.accounts import people
from companion.alerting import rules
from companion.alerting.rules import RULES, Chosen
from companion.cli.case import language_option
from companion.cli.deciding import by_option, reason_option
from companion.cli.output import console, json_option, print_json, store_option, table
from companion.reconcile.phrases import ENGLISH, LANGUAGES
from companion.store import Store


@click.group()
def rule() -> None:
    """The rules of alerts. All are on until one is switched off; who sets one is kept.

    \b
    Example:
      companion alert rule list
      companion alert rule set reversal-stuck minutes=15
    """


@rule.command(name="list")
@language_option
@json_option
@store_option
def list_(language: str, as_json: bool, directory: Path) -> None:
    """List the rules with their limits.

    \b
    Example:
      companion alert rule list
    """
    with Store.open(directory) as store, store.read() as connection:
        known = rules.chosen(connection)
    if as_json:
        print_json([_document(one) for one in known.values()])
        return
    made = table("Rules of alerts", ("rule", "", "limits", "on", "tells when over"))
    for one in known.values():
        made.add_row(
            one.name,
            RULES[one.name].label[LANGUAGES.index(language)],
            " ".join(f"{name}={value}" for name, value in one.numbers.items()),
            "yes" if one.on else "no",
            "yes" if one.over else "no",
        )
    console().print(made)


@rule.command(name="set")
@click.argument("name", metavar="RULE", type=click.Choice(list(RULES)))
@click.argument("limits", nargs=-1, metavar="[LIMIT=NUMBER]...")
@click.option("--on/--off", "on", default=None, help="Apply the rule, or leave it.")
@click.option("--over/--no-over", "over", default=None, help="Tell when a thing is over, or not.")
@by_option
@reason_option
@json_option
@store_option
def set_(
    name: str,
    limits: tuple[str, ...],
    on: bool | None,
    over: bool | None,
    by: str | None,
    reason: str,
    as_json: bool,
    directory: Path,
) -> None:
    """Set limits of a rule, or switch it off; what is not given stays.

    \b
    Example:
      companion alert rule set approval-rate points=15 hours=6
      companion alert rule set self-swipe --off --reason "tested on Monday"
    """
    numbers = dict(map(_limit, limits))
    if not numbers and on is None and over is None:
        raise click.UsageError(f"{name}: nothing to set; LIMIT=NUMBER, --on, --off, --over")
    with Store.open(directory) as store, store.write() as connection:
        by = people.person(by)
        made = rules.choose(connection, name, numbers, on, over, by, reason)
    if as_json:
        print_json(_document(made))
    else:
        limit = " ".join(f"{key}={value}" for key, value in made.numbers.items())
        told = "told" if made.over else "not told"
        state = f"{'on' if made.on else 'off'}, its end is {told}"
        console().print(escape(" ".join([f"{name}:", *[limit + ","] * bool(limit), state])))


def _limit(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    # More digits than any limit has.
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise click.UsageError(f"{text!r} is not LIMIT=NUMBER")
    return name, int(value)


def _document(one: Chosen) -> dict[str, object]:
    return {
        "rule": one.name,
        "label": RULES[one.name].label[LANGUAGES.index(ENGLISH)],
        "limits": dict(one.numbers),
        "on": one.on,
        "over": one.over,
    }
