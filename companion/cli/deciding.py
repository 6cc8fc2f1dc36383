"""What the commands share by which people decide something: who, from when, and why."""

from __future__ import annotations

import sys

import click

from companion.accounts.settlement import ALWAYS
from companion.cli.output import Command
from companion.facts.schema import FAR, as_date

_LONGEST_LINE = 200


def by_option(command: Command) -> Command:
    """Who decides; whoever is logged in if it is not said."""
    return click.option(
        "--by", metavar="NAME", help="Who does this; your login name if not given."
    )(command)


def day_option(command: Command) -> Command:
    """From which day it counts."""
    return click.option(
        "--from",
        "valid_from",
        type=click.DateTime(["%Y-%m-%d"]),
        help="The first day for which it counts.",
    )(command)


def reason_option(command: Command) -> Command:
    """Why, in a few words."""
    return click.option("--reason", default="", metavar="TEXT", help="Why, in a few words.")(
        command
    )


def hidden_line(what: str, longest: int = _LONGEST_LINE) -> str:
    """A line typed unseen, or the first one of standard input when that is no screen: in no case
    part of a command line, which the system shows to everybody."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    line = sys.stdin.readline(longest)
    if not line.strip():
        raise click.UsageError(f"{what.lower()}: nothing on standard input")
    return line.strip()


def iso(day: int) -> str | None:
    """A day of validity for JSON; None where there is no limit."""
    return as_date(day).isoformat() if ALWAYS < day < FAR else None


def since(day: int) -> str:
    """The first day of validity for people."""
    return iso(day) or "ever"
