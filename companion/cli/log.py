"""`companion log`: what a terminal has noted about itself."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from companion import link
from companion.cli.output import json_option, print_json, store_option
from companion.opening import open_terminal
from companion.store import Store, terminals

_CHINA = timezone(timedelta(hours=8))


@click.command()
@click.option(
    "--port",
    required=True,
    metavar="PORT",
    help="Serial port of the terminal, or tls://[DEVICE@]HOST:PORT.",
)
@json_option
@store_option
def log(port: str, as_json: bool, directory: Path) -> None:
    """Read the log that a terminal keeps of itself: starts, crashes, Wi-Fi, its acquirer's host.

    It is for whoever has to find out why a terminal misbehaves; it survives the power, holds some
    hundred lines, never card data, and nobody reckons by it. Times are China's; one with a +
    counts from the start, as the terminal's clock was not set yet.

    \b
    Example:
      companion log --port /dev/ttyACM0
    """
    with (
        Store.open(directory) as store,
        closing(open_terminal(store, port)) as transport,
    ):

        def keys(device_id: str) -> bytes:
            with store.read() as connection:
                terminal = terminals.find(connection, device_id)
            if terminal is None:
                raise link.UnknownTerminal(device_id)
            return terminal.sync_key

        identity, lines = link.read_log(transport, keys)
    rows = [line.partition(" ") for line in lines]
    if as_json:
        shown = [
            {"time": _number(time), "text": text, "since_start": time[:1] == "+"}
            for time, _, text in rows
        ]
        print_json({"device_id": identity.device_id, "lines": shown})
        return
    click.echo(f"{identity.device_id}: {len(rows)} lines")
    for time, _, text in rows:
        click.echo(f"{_shown(time):>19}  {text}")


def _number(time: str) -> int | None:
    digits = time.removeprefix("+")
    return int(digits) if digits.isdecimal() and len(digits) <= 10 else None


def _shown(time: str) -> str:
    number = _number(time)
    if number is None:
        return "?"
    if time[:1] == "+":
        return f"+{number} s"
    return datetime.fromtimestamp(number, _CHINA).strftime("%Y-%m-%d %H:%M:%S")
