"""`companion configure`: change a terminal's configuration with its next sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from companion.cli.output import json_option, print_json, store_option
from companion.cli.provision import LANGUAGES, address, hexadecimal
from companion.store import Store, changes, terminals
from companion.store.errors import StoreError
from protocol import config

_ENVIRONMENT = click.core.ParameterSource.ENVIRONMENT
# Never shown.
_SECRETS = ("wifi_password",)


@click.command()
@click.argument("device")
@click.option("--merchant-name", help="For the slip.")
@click.option("--host", help="The acquirer's host.")
@click.option("--host-port", "port", type=int, help="And its TCP port.")
@click.option(
    "--backup", callback=address, metavar="HOST:PORT", help='Its second host; "" for none.'
)
@click.option(
    "--profile", help="Acquirer's dialect; the terminal must have it, and no open batch."
)
@click.option("--tpdu", callback=hexadecimal, metavar="HEX")
@click.option("--sync-port", type=int, help="TCP port for syncs; 0: serial only.")
@click.option("--response-ms", type=int, help="Wait for an answer.")
@click.option("--reversal-tries", type=int, help="Before a reversal is suspended.")
@click.option("--reversal-wait-ms", type=int, help="Between two tries.")
@click.option(
    "--duplicate-s",
    type=int,
    metavar="SECONDS",
    help="Ask when the same card pays the same amount again so soon; 0: never.",
)
@click.option(
    "--confirm-above",
    "confirm_minor",
    type=int,
    metavar="MINOR",
    help="Confirm a larger amount twice, in minor units; 0: never.",
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), help="Of its screens and slips.")
@click.option(
    "--utc-offset",
    "utc_offset_min",
    type=int,
    metavar="MINUTES",
    help="Of the times on screens and slips, east of UTC; China is 480.",
)
@click.option("--wifi-ssid", help='Network to join; "" for none.')
@click.option(
    "--wifi-password",
    envvar="PINGZHANG_WIFI_PASSWORD",
    help="Its password; with --wifi-ssid also PINGZHANG_WIFI_PASSWORD in the environment.",
)
@click.option("--forget", is_flag=True, help="Drop what waits for the terminal.")
@json_option
@store_option
@click.pass_context
def configure(
    context: click.Context,
    /,
    device: str,
    backup: tuple[str, int] | None,
    forget: bool,
    as_json: bool,
    directory: Path,
    **options: Any,
) -> None:
    """Change the configuration of DEVICE, a device id, with its next sync.

    The terminal checks it, stores it and restarts as soon as nobody is at it. Without options:
    show what waits. The Wi-Fi password stays in the store until the terminal has it.

    \b
    Example:
      companion configure pz-0123456789 --host 192.168.1.11 --duplicate-s 60
      companion sync --port /dev/ttyACM0
    """
    wanted = {name: value for name, value in options.items() if value is not None}
    from_environment = context.get_parameter_source("wifi_password") == _ENVIRONMENT
    if from_environment and "wifi_ssid" not in wanted:
        del wanted["wifi_password"]  # it is there for `provision`: nobody asked for a change
    if backup is not None:
        wanted["backup_host"], wanted["backup_port"] = backup
    if "language" in wanted:
        wanted["language"] = LANGUAGES[wanted["language"]]
    try:
        for name, value in wanted.items():
            config.check(name, value)
    except config.ConfigError as error:
        raise click.UsageError(str(error)) from None
    with Store.open(directory) as store, store.write() as connection:
        (terminal,) = terminals.chosen(connection, device)
        if terminal.state == "retired":
            raise StoreError(f"{device} is retired: another terminal has its place")
        if forget:
            changes.forget(connection, device)
        if wanted:
            changes.queue(connection, device, wanted)
        waiting = changes.waiting(connection, device)
    shown = {name: _shown(name, value) for name, value in waiting.items()}
    if as_json:
        print_json({"device_id": device, "waiting": shown})
    elif shown:
        click.echo(f"{device}: waits for its next sync")
        for name, value in shown.items():
            click.echo(f"  {name} = {value}")
    else:
        click.echo(f"{device}: nothing waits for it")


def _shown(name: str, value: object) -> object:
    if name in _SECRETS:
        return "(not shown)"
    return value.hex() if isinstance(value, bytes) else value
