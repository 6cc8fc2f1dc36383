"""`companion provision`: give a new terminal its identity, its keys and its acquirer."""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path

import click

from companion import link
from companion.acquirer.terminals import TEST_TERMINAL
from companion.cli.output import json_option, print_json, store_option
from companion.store import Store, terminals
from protocol import config

_UNCERTAIN = ("LOST", "PORT")


def _hex(context: click.Context, parameter: click.Parameter, value: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        # The value may be a key: it is not repeated.
        raise click.BadParameter("not hexadecimal digits in pairs") from None


@click.command()
@click.option("--port", required=True, metavar="PORT", help="Serial port of the terminal.")
@click.option("--terminal-no", default=TEST_TERMINAL.terminal_no, show_default=True)
@click.option("--merchant-no", default=TEST_TERMINAL.merchant_no, show_default=True)
@click.option("--merchant-name", default="TEST SHOP", show_default=True, help="For the slip.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The acquirer's host.")
@click.option("--host-port", default=8583, show_default=True, help="And its TCP port.")
@click.option(
    "--tmk",
    envvar="PINGZHANG_TMK",
    default=TEST_TERMINAL.tmk.hex().upper(),
    callback=_hex,
    metavar="HEX",
    help="Terminal master key, or PINGZHANG_TMK in the environment. Default: the test host's.",
)
@click.option("--profile", default="unionpay_pos", show_default=True, help="Acquirer's dialect.")
@click.option("--tpdu", default="6000030000", show_default=True, callback=_hex, metavar="HEX")
@click.option(
    "--sync-port", default=8584, show_default=True, help="TCP port for syncs; 0: serial only."
)
@click.option("--response-ms", default=60000, show_default=True, help="Wait for an answer.")
@click.option("--reversal-tries", default=3, show_default=True, help="Before it is suspended.")
@click.option("--reversal-wait-ms", default=5000, show_default=True, help="Between two tries.")
@click.option(
    "--duplicate-s",
    default=0,
    metavar="SECONDS",
    help="Ask when the same card pays the same amount again so soon; 0: never.  [default: 0]",
)
@click.option(
    "--confirm-above",
    default=0,
    metavar="MINOR",
    help="Confirm a larger amount twice, in minor units; 0: never.  [default: 0]",
)
@click.option("--wifi-ssid", default="", help="Network to join; none for serial only.")
@click.option(
    "--wifi-password",
    envvar="PINGZHANG_WIFI_PASSWORD",
    default="",
    help="Its password, or PINGZHANG_WIFI_PASSWORD in the environment.",
)
@click.option("--replace", is_flag=True, help="Retire the terminal that has this number now.")
@json_option
@store_option
def provision(
    port: str,
    terminal_no: str,
    merchant_no: str,
    merchant_name: str,
    host: str,
    host_port: int,
    tmk: bytes,
    profile: str,
    tpdu: bytes,
    sync_port: int,
    response_ms: int,
    reversal_tries: int,
    reversal_wait_ms: int,
    duplicate_s: int,
    confirm_above: int,
    wifi_ssid: str,
    wifi_password: str,
    replace: bool,
    as_json: bool,
    directory: Path,
) -> None:
    """Give a new terminal its identity, its keys and its acquirer, over its serial port.

    The keys are made here and are durable in the store before the terminal hears of them, so
    that no terminal seals with a key that nobody has. A configured terminal is left as it is.
    With --replace the STANs go on above those of the terminal that had the number before.

    \b
    Example:
      companion provision --port /dev/ttyACM0 --terminal-no 10000001 --host 192.168.1.10
    """
    device_id = "pz-" + secrets.token_hex(5)
    values: dict[str, object] = {
        "device_id": device_id,
        "terminal_no": terminal_no,
        "merchant_no": merchant_no,
        "merchant_name": merchant_name,
        "profile": profile,
        "tpdu": tpdu,
        "tmk": tmk,
        "seal_key": secrets.token_bytes(32),
        "sync_key": secrets.token_bytes(32),
        "token_key": secrets.token_bytes(32),
        "host": host,
        "port": host_port,
        "sync_port": sync_port,
        "response_ms": response_ms,
        "reversal_tries": reversal_tries,
        "reversal_wait_ms": reversal_wait_ms,
        "wifi_ssid": wifi_ssid,
        "wifi_password": wifi_password,
        "duplicate_s": duplicate_s,
        "confirm_minor": confirm_above,
    }
    try:
        config.encode(values)
    except config.ConfigError as error:
        raise click.UsageError(f"configuration: {error}") from None
    with Store.open(directory, create=True) as store:
        with store.read() as connection:
            values["stan_start"] = terminals.stan_after(connection, terminal_no, merchant_no)
        encoded = config.encode(values)
        with closing(link.open_transport(port)) as transport:
            terminals.offer(store, values, replace)
            try:
                link.provision(transport, encoded)
            except link.LinkError as error:
                # Without an answer the terminal may have taken the keys, so they stay.
                if error.code not in _UNCERTAIN:
                    terminals.withdraw(store, device_id)
                raise
        with store.write() as connection:
            terminals.confirm(connection, device_id)
    if as_json:
        print_json(
            {"device_id": device_id, "terminal_no": terminal_no, "merchant_no": merchant_no}
        )
        return
    click.echo(f"{port}: now {device_id}, terminal {terminal_no} of merchant {merchant_no}")
    if tmk == TEST_TERMINAL.tmk:
        click.echo("its master key is the public test key: for the test host only")
