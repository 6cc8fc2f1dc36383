"""`companion update`: a new firmware image onto a terminal that sells."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from companion import link
from companion.cli.output import json_option, print_json, store_option
from companion.link.update import update as bring
from companion.opening import open_terminal
from companion.store import Store, terminals

_LARGEST = 8 << 20
_LONGEST_SIGNATURE = 1024
_MAGIC = b"\xe9"
_MARK = b"pingzhang firmware "


@click.command()
@click.option(
    "--port",
    required=True,
    metavar="PORT",
    help="Serial port of the terminal, or tls://[DEVICE@]HOST:PORT.",
)
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--signature",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The publisher's, of this image.  [default: IMAGE.sig, where it is]",
)
@json_option
@store_option
def update(port: str, image: Path, signature: Path | None, as_json: bool, directory: Path) -> None:
    """Bring a terminal a new IMAGE: MicroPython with the firmware frozen into it.

    For boards with two slots for the application (ota_0 and ota_1). The image is written beside
    the one that runs and started when the terminal is idle; one that does not come up is
    undone by the bootloader. The journal stays. Other boards take make flash.

    A terminal whose firmware names a publisher takes only what he signed.

    \b
    Example:
      companion update --port tls://192.168.1.20:8584 micropython.bin
    """
    with image.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST or data[:1] != _MAGIC or _MARK not in data:
        raise click.UsageError(
            f"{image}: no application image of ESP-IDF with this firmware frozen into it"
        )
    signed = _signature(signature or image.with_name(f"{image.name}.sig"), bool(signature))
    with (
        Store.open(directory) as store,
        closing(open_terminal(store, port)) as transport,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar,
    ):
        task = bar.add_task(port, total=len(data))

        def key(device_id: str) -> bytes:
            with store.read() as connection:
                terminal = terminals.find(connection, device_id)
            if terminal is None:
                raise link.UnknownTerminal(device_id)
            return terminal.sync_key

        told = bring(
            transport,
            data,
            key,
            lambda done, _: bar.update(task, completed=done),
            signature=signed,
        )
    if as_json:
        print_json({"device_id": told.device_id, "firmware": told.firmware, "bytes": len(data)})
        return
    click.echo(
        f"{told.device_id} has it beside firmware {told.firmware} and starts it when nobody has "
        "touched the panel for some seconds; companion sync then says which one runs"
    )


def _signature(file: Path, named: bool) -> bytes:
    if not named and not file.exists():
        return b""
    with file.open("rb") as stream:
        data = stream.read(_LONGEST_SIGNATURE + 1)
    if not 0 < len(data) <= _LONGEST_SIGNATURE:
        raise click.UsageError(f"{file}: no signature of RSA: it has as many bytes as the key")
    return data
