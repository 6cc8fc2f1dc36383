"""Which cases a command is about: ids, or the options of a filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from companion.cases import deadlines, listing, states
from companion.cases.listing import Filter
from companion.facts.schema import as_date
from companion.reconcile import codes
from companion.reconcile.words import ACQUIRER, BANK, SHOP

Command = TypeVar("Command", bound=Callable[..., Any])

_AMOUNT = re.compile(r"(\d{1,12})(?:\.(\d{2}))?")


class Amount(click.ParamType[int]):
    """An amount such as 1234.56, as minor units."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """From text with two places, or none."""
        if isinstance(value, int):
            return value
        found = _AMOUNT.fullmatch(str(value).replace(",", ""))
        if not found:
            self.fail(f"{value!r} is no amount (1234.56)", param, ctx)
        return int(found[1]) * 100 + int(found[2] or 0)


_DAY = click.DateTime(["%Y-%m-%d"])
_OPTIONS = (
    click.option("--state", "in_states", type=click.Choice(states.STATES), multiple=True),
    click.option("--code", type=click.Choice(codes.BREAKS), help="Led by a break of this code."),
    click.option("--kind", default="", help="Of this kind of cause: single, journal, absent, ..."),
    click.option("--merchant", "merchant_no", default="", metavar="NO"),
    click.option("--terminal", "terminal_no", default="", metavar="NO"),
    click.option("--channel", default="", metavar="NAME"),
    click.option("--who", "actor", type=click.Choice((SHOP, ACQUIRER, BANK)), help="Who acts."),
    click.option("--assignee", "of_assignee", default="", metavar="NAME"),
    click.option("--overdue", is_flag=True, help="Past their deadline."),
    click.option("--since", type=_DAY, help="First day from this on."),
    click.option("--until", type=_DAY, help="First day until this one."),
    click.option("--at-least", "at_least_minor", type=Amount(), metavar="AMOUNT"),
    click.option("--at-most", "at_most_minor", type=Amount(), metavar="AMOUNT"),
    click.option("--to-approve", "proposed", is_flag=True, help="Those that wait for approval."),
)


def filter_options(command: Command) -> Command:
    """The options of a filter."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filtered(
    connection: Connection, ids: Sequence[str], options: Mapping[str, Any], everything: bool
) -> Filter:
    """The filter that ids and options say; without a state, those that are not closed. What waits
    for a second person may be in a case that was rejected."""
    wanted = options["in_states"]
    if not wanted and not (everything or ids or options["proposed"]):
        wanted = states.ACTIVE
    return Filter(
        ids=tuple(listing.complete(connection, one) for one in ids),
        states=tuple(wanted),
        kind=options["kind"],
        code=options["code"] or "",
        merchant_no=options["merchant_no"],
        terminal_no=options["terminal_no"],
        channel=options["channel"],
        actor=options["actor"] or "",
        assignee=options["of_assignee"],
        overdue_on=as_date(deadlines.today()).isoformat() if options["overdue"] else "",
        since=_iso(options["since"]),
        until=_iso(options["until"]),
        at_least_minor=options["at_least_minor"],
        at_most_minor=options["at_most_minor"],
        proposed=options["proposed"],
    )


def says_nothing(options: Mapping[str, Any]) -> bool:
    """Whether no option of the filter was given: an act on every case is not meant."""
    return not any(value not in ("", None, False, ()) for value in options.values())


def _iso(day: datetime | None) -> str:
    return day.date().isoformat() if day else ""
