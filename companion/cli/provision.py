"""`companion provision`: give a new terminal its identity, its keys and its acquirer."""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path

import click

from companion import link
from companion.acquirer.terminals import TEST_TERMINAL
from companion.cli.output import json_option, print_json, store_option
from companion.identity import give_identity
from companion.reconcile import takeover
from companion.store import Store, terminals
from protocol import config
from protocol.iso8583 import profile as profiles

_UNCERTAIN = ("LOST", "PORT")
# As the configuration counts them.
LANGUAGES = {"en": 0, "zh": 1}


def hexadecimal(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> bytes | None:
    """Digits in pairs to bytes."""
    if value is None:
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        # The value may be a key: it is not repeated.
        raise click.BadParameter("not hexadecimal digits in pairs") from None


def address(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, int] | None:
    """HOST:PORT, or nothing at all for no host."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not value:
        return "", 0
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"{value!r} is not HOST:PORT")
    return host, int(port)


def _timing(profile: str, **given: int | None) -> dict[str, int]:
    """How long to wait and how often to try: what was given, else what the profile says."""
    said = {name: value for name, value in given.items() if value is not None}
    if len(said) < len(given):
        path = Path(profiles.__file__).parent / "profiles" / f"{profile}.json"
        if not path.exists():
            missing = ", ".join(
                "--" + name.replace("_", "-") for name in sorted(given.keys() - said)
            )
            raise click.UsageError(f"profile {profile} is not one that ships here: give {missing}")
        acquirer = profiles.load_file(str(path))
        said = {name: getattr(acquirer, name) for name in given} | said
    return said


@click.command()
@click.option("--port", required=True, metavar="PORT", help="Serial port of the terminal.")
@click.option("--terminal-no", default=TEST_TERMINAL.terminal_no, show_default=True)
@click.option("--merchant-no", default=TEST_TERMINAL.merchant_no, show_default=True)
@click.option("--merchant-name", default="TEST SHOP", show_default=True, help="For the slip.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The acquirer's host.")
@click.option("--host-port", default=8583, show_default=True, help="And its TCP port.")
@click.option(
    "--backup",
    default="",
    callback=address,
    metavar="HOST:PORT",
    help="Its second host, for when the first cannot be connected or does not answer.",
)
@click.option(
    "--tmk",
    envvar="PINGZHANG_TMK",
    default=TEST_TERMINAL.tmk.hex().upper(),
    callback=hexadecimal,
    metavar="HEX",
    help="Terminal master key, or PINGZHANG_TMK in the environment. Default: the test host's.",
)
@click.option("--profile", default="unionpay_pos", show_default=True, help="Acquirer's dialect.")
@click.option(
    "--tpdu", default="6000030000", show_default=True, callback=hexadecimal, metavar="HEX"
)
@click.option(
    "--sync-port", default=8584, show_default=True, help="TLS port for syncs; 0: serial only."
)
@click.option("--response-ms", type=int, help="Wait for an answer.  [default: the profile's]")
@click.option(
    "--reversal-tries", type=int, help="Before it is suspended.  [default: the profile's]"
)
@click.option("--reversal-wait-ms", type=int, help="Between two tries.  [default: the profile's]")
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
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    default="en",
    show_default=True,
    help="Of its screens and slips.",
)
@click.option(
    "--utc-offset",
    "utc_offset_min",
    default=480,
    metavar="MINUTES",
    help="Of the times on screens and slips, east of UTC.  [default: 480, China]",
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
    backup: tuple[str, int],
    tmk: bytes,
    profile: str,
    tpdu: bytes,
    sync_port: int,
    response_ms: int | None,
    reversal_tries: int | None,
    reversal_wait_ms: int | None,
    duplicate_s: int,
    confirm_above: int,
    language: str,
    utc_offset_min: int,
    wifi_ssid: str,
    wifi_password: str,
    replace: bool,
    as_json: bool,
    directory: Path,
) -> None:
    """Give a new terminal its identity, its keys and its acquirer, over its serial port.

    The keys are made here and are durable in the store before the terminal hears of them, so
    that no terminal seals with a key that nobody has. A configured terminal is left as it is.
    It also gets its certificate for TLS, from an authority of the merchant that the store keeps:
    without one a terminal serves nothing on the network.

    With --replace the new terminal goes on above the STANs of the one before, and takes over what
    was open there: it reverses that when the same card is read again. First sync the old one, or
    load its flash image (journal read --load): what the store does not have cannot be handed on.

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
        "host": host,
        "port": host_port,
        "backup_host": backup[0],
        "backup_port": backup[1],
        "sync_port": sync_port,
        **_timing(
            profile,
            response_ms=response_ms,
            reversal_tries=reversal_tries,
            reversal_wait_ms=reversal_wait_ms,
        ),
        "wifi_ssid": wifi_ssid,
        "wifi_password": wifi_password,
        "duplicate_s": duplicate_s,
        "confirm_minor": confirm_above,
        "language": LANGUAGES[language],
        "utc_offset_min": utc_offset_min,
    }
    try:
        config.encode({**values, "token_key": bytes(32)})  # the store has the real one
    except config.ConfigError as error:
        raise click.UsageError(f"configuration: {error}") from None
    with Store.open(directory, create=True) as store:
        with store.read() as connection:
            before = terminals.with_number(connection, terminal_no, merchant_no)
            values["stan_start"] = terminals.stan_after(connection, before)
            taken = takeover.of_number(connection, terminal_no, merchant_no)
        values["pendings"] = taken.pendings
        with closing(link.open_transport(port)) as transport:
            values = terminals.offer(store, values, replace)
            try:
                link.provision(transport, config.encode(values))
            except link.LinkError as error:
                # Without an answer the terminal may have taken the keys, so they stay.
                if error.code not in _UNCERTAIN:
                    terminals.withdraw(store, device_id)
                raise
            with store.write() as connection:
                terminals.confirm(connection, device_id)
            without = _identify(store, transport, device_id) if sync_port else ""
    if as_json:
        print_json(
            {
                "device_id": device_id,
                "terminal_no": terminal_no,
                "merchant_no": merchant_no,
                "pendings": len(taken.pendings),
                "left": taken.left,
                "without_tls": without,
            }
        )
        return
    click.echo(f"{port}: now {device_id}, terminal {terminal_no} of merchant {merchant_no}")
    if taken.pendings or taken.left:
        click.echo(
            f"open at the terminal before it: {len(taken.pendings)} handed on, "
            f"{taken.left} only cases in this store"
        )
    if without:
        click.echo(f"it has no certificate, so it can only be synced over the cable: {without}")
    if tmk == TEST_TERMINAL.tmk:
        click.echo("its master key is the public test key: for the test host only")


def _identify(store: Store, transport: link.Transport, device_id: str) -> str:
    """Why the terminal has no certificate now, "" when it has; no reason to undo the rest."""
    try:
        return give_identity(store, transport, device_id)
    except link.LinkError as error:
        return str(error)
