"""`companion sync`: bring a terminal's new journal records into the store."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from companion.cli.output import json_option, print_json, store_option
from companion.opening import open_terminal
from companion.store import Store
from companion.syncing import sync_terminal


@click.command()
@click.option(
    "--port",
    required=True,
    metavar="PORT",
    help="Serial port of the terminal, or tls://[DEVICE@]HOST:PORT.",
)
@click.option(
    "--clock/--no-clock",
    default=True,
    help="Set the terminal's clock when it is off by more than 2 s, or leave it.  [default: set]",
)
@json_option
@store_option
def sync(port: str, clock: bool, as_json: bool, directory: Path) -> None:
    """Pull the records that the store does not have yet and let the terminal recycle them.

    The seal of each is checked on the way in. A break of the line at any byte loses nothing:
    the next sync goes on where this one stopped, and a sync with nothing new moves no record.
    The terminal also gets the time, how its cases ended, and what `companion configure` changed.

    \b
    Example:
      companion sync --port /dev/ttyACM0
      companion sync --port tls://192.168.1.20:8584
    """
    with (
        Store.open(directory) as store,
        closing(open_terminal(store, port)) as transport,
        _bar() as bar,
    ):
        task = bar.add_task(port, total=None)
        synced = sync_terminal(
            store,
            transport,
            lambda count, total: bar.update(task, completed=count, total=total),
            set_clock=clock,
        )
    if as_json:
        print_json(synced.as_json())
    else:
        click.echo("\n".join(synced.as_text()))


def _bar() -> Progress:
    # On stderr, and only for a person: stdout has the result.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
