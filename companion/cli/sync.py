"""`companion sync`: bring a terminal's new journal records into the store."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from companion import link
from companion.cli.output import json_option, print_json, store_option
from companion.store import Store
from companion.store.sink import RecordSink


@click.command()
@click.option(
    "--port",
    required=True,
    metavar="PORT",
    help="Serial port of the terminal, or tcp://HOST:PORT.",
)
@json_option
@store_option
def sync(port: str, as_json: bool, directory: Path) -> None:
    """Pull the records that the store does not have yet and let the terminal recycle them.

    The seal of each is checked on the way in. A break of the line at any byte loses nothing:
    the next sync goes on where this one stopped, and a sync with nothing new moves no record.

    \b
    Example:
      companion sync --port /dev/ttyACM0
      companion sync --port tcp://192.168.1.20:8584
    """
    with Store.open(directory) as store, RecordSink(store) as sink:

        def keys(device_id: str) -> bytes:
            terminal = sink.begin(device_id)
            if terminal is None:
                raise link.UnknownTerminal(device_id)
            return terminal.sync_key

        with closing(link.open_transport(port)) as transport, _bar() as bar:
            task = bar.add_task(port, total=None)
            done = link.sync(
                transport,
                keys,
                sink,
                lambda count, total: bar.update(task, completed=count, total=total),
            )
        broken, replaced = sink.broken_seals, sink.replaced
    if as_json:
        print_json({**done.__dict__, "broken_seals": broken, "replaced": replaced})
        return
    click.echo(
        f"{done.device_id} (firmware {done.firmware}): {done.records} new records, "
        f"{done.bytes} bytes, next is {done.next_seq}"
        if done.records or done.gaps
        else f"{done.device_id} (firmware {done.firmware}): nothing new, next is {done.next_seq}"
    )
    if done.gaps:
        click.echo(f"damaged or gone at the terminal: {done.gaps}; see companion journal verify")
    if replaced:
        click.echo(
            f"record {replaced[0]}, which a flash image had, was lost at the terminal's restart "
            "and is another one now"
        )
    if broken:
        shown = ", ".join(str(seq) for seq in broken[:5]) + (" ..." if len(broken) > 5 else "")
        click.echo(f"the seal does not match at record {shown}; see companion journal verify")


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
