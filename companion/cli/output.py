"""What the commands share in how they speak: options, tables, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from companion.store.store import DEFAULT_DIRECTORY

Command = TypeVar("Command", bound=Callable[..., Any])

FINE = 0
FOUND = 1
BAD_INPUT = 2
UNBALANCED = 3

# Wide enough for a table in a file or a pipe; a person's terminal has its own width.
_PIPE_WIDTH = 200


def store_option(command: Command) -> Command:
    """The --store option that every command has."""
    return click.option(
        "--store",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DIRECTORY,
        show_default=True,
        metavar="DIR",
        help="Where the companion keeps its records, files and keys.",
    )(command)


def json_option(command: Command) -> Command:
    """The --json option of every command that lists."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(
        command
    )


def console() -> Console:
    """A console on the present stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def print_json(value: object) -> None:
    """One JSON document, keys as given."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(title: str, columns: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table; the columns named in `right` are numbers."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made
