"""`companion rotate`: new keys and a new certificate for a terminal."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.output import json_option, print_json, store_option
from companion.store import Store, terminals
from companion.store.errors import StoreError


@click.command()
@click.argument("device")
@json_option
@store_option
def rotate(device: str, as_json: bool, directory: Path) -> None:
    """Make new keys for DEVICE, a device id, and a new certificate; its next sync brings them.

    They are durable in the store before the terminal hears of them. It restarts as soon as nobody
    is at it, and ends what the old key seals with a record of kind REKEYED. The old keys stay in
    the store, for the records that they seal. When a key may be known to others, sync by cable.

    \b
    Example:
      companion rotate pz-0123456789
      companion sync --port /dev/ttyACM0
    """
    with Store.open(directory) as store, store.write() as connection:
        (terminal,) = terminals.chosen(connection, device)
        if terminal.state == "retired":
            raise StoreError(f"{device} is retired: another terminal has its place")
        terminals.begin_rotation(connection, terminal)
    if as_json:
        print_json({"device_id": device, "waiting": True})
    else:
        click.echo(f"{device}: new keys and a certificate wait for its next sync")
