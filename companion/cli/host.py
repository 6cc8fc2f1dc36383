"""`companion host` and `companion host-day`: the acquirer simulator and its end-of-day file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from datetime import date
from pathlib import Path

import click

from companion.acquirer import clock, dayfile, dialects, events, faults, keys, terminals
from companion.acquirer.answers import Policy
from companion.acquirer.desk import Desk
from companion.acquirer.ledger import Ledger, LedgerError
from companion.acquirer.server import HostServer
from companion.acquirer.terminals import TEST_TERMINAL

_PATH = click.Path(dir_okay=False, path_type=Path)


@click.command("host")
@click.option(
    "--listen",
    default="127.0.0.1:8583",
    show_default=True,
    metavar="HOST:PORT",
    help="Address to listen on; port 0 takes a free one.",
)
@click.option(
    "--ledger",
    "ledger_path",
    required=True,
    type=_PATH,
    metavar="FILE",
    help="SQLite ledger; made when it is not there.",
)
@click.option(
    "--faults",
    "faults_path",
    type=_PATH,
    metavar="FILE",
    help="Fault script: one JSON object a line.",
)
@click.option(
    "--terminals",
    "terminals_path",
    type=_PATH,
    metavar="FILE",
    help="JSON list of {terminal_no, merchant_no, tmk}; without it, one test terminal.",
)
@click.option(
    "--clock",
    "start",
    metavar="ISO",
    help="Scripted clock: starts here, moves one minute a transaction. UTC.",
)
@click.option(
    "--completion-percent",
    type=click.IntRange(1, 200),
    default=Policy.completion_percent,
    show_default=True,
    metavar="N",
    help="Largest completion, in percent of its pre-authorisation.",
)
@click.option(
    "--dialect",
    "dialect_name",
    type=click.Choice(dialects.NAMES),
    default=dialects.UNIONPAY_POS,
    show_default=True,
    help="What it speaks, named as the terminal's profile.",
)
@click.option(
    "--mac",
    type=click.Choice(tuple(keys.MAC_KEY_BYTES)),
    help="Algorithm of field 64; without it the dialect's usual one, cup-ecb or x9.19.",
)
@click.option(
    "--key-block",
    type=click.Choice(tuple(keys.BLOCK_BYTES)),
    default=keys.DOUBLE,
    show_default=True,
    help="Form of the keys it gives at a sign-in.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
def host(
    listen: str,
    ledger_path: Path,
    faults_path: Path | None,
    terminals_path: Path | None,
    start: str | None,
    completion_percent: int,
    dialect_name: str,
    mac: str | None,
    key_block: str,
    as_json: bool,
) -> None:
    """Run an acquirer host for terminals to sell against, with faults on request.

    It does sales, voids, refunds, pre-authorisations, completions, balances, reversals and
    settlement. companion/acquirer/README.md has the words of a fault script. The host stops on
    Ctrl-C or SIGTERM. Its ledger stays, and a host started on it again goes on. Two hosts may run
    on one ledger, as primary and backup.

    \b
    Example:
      companion host --listen 127.0.0.1:8583 --ledger host.sqlite --faults faults.jsonl
    """
    try:
        address, port = _address(listen)
        script = faults.load(faults_path) if faults_path else faults.FaultScript()
        known = terminals.load(terminals_path) if terminals_path else None
        host_clock = clock.scripted(start) if start else clock.HostClock()
        dialect, policy = dialects.make(dialect_name, mac, key_block, Policy(completion_percent))
        ledger = Ledger(ledger_path)
    except (ValueError, LedgerError) as error:
        raise click.ClickException(str(error)) from None
    show = events.as_json if as_json else events.as_text

    def tell(event: events.Event) -> None:
        print(show(event), flush=True)

    try:
        accepted = known or {TEST_TERMINAL.terminal_no: TEST_TERMINAL}
        desk = Desk(ledger, accepted, host_clock, policy, dialect=dialect)
        note = "" if known else "one test terminal, whose master key is public: for tests only"
        asyncio.run(_run(address, port, desk, script, tell, note))
    finally:
        ledger.close()


async def _run(
    address: str,
    port: int,
    desk: Desk,
    script: faults.FaultScript,
    tell: events.Listener,
    note: str,
) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = HostServer(desk, script, tell)
    try:
        port = await server.start(address, port)
    except OSError as error:
        # asyncio wraps the reason in words that repeat the address; a name lookup has its own.
        lookup = isinstance(error, socket.gaierror)
        why = os.strerror(error.errno) if error.errno and not lookup else error.strerror
        raise click.ClickException(f"can't listen on {address}:{port}: {why}") from None
    tell({"event": "listening", "host": address, "port": port, "note": note})
    await ended.wait()
    await server.stop()
    tell({"event": "stopped"})


@click.command("host-day")
@click.option(
    "--ledger",
    "ledger_path",
    required=True,
    type=_PATH,
    metavar="FILE",
    help="The host's SQLite ledger.",
)
@click.option(
    "--date", "business_date", required=True, metavar="YYYY-MM-DD", help="Business date."
)
@click.option(
    "--merchant-no", metavar="NO", help="Merchant; may be left out when only one traded that day."
)
@click.option("--out", required=True, type=_PATH, metavar="FILE", help="The day file to write.")
def host_day(ledger_path: Path, business_date: str, merchant_no: str | None, out: Path) -> None:
    """Write the host's day file: every transaction of a date, captured, reversed or declined.

    \b
    Example:
      companion host-day --ledger host.sqlite --date 2026-03-02 --out day.csv
    """
    try:
        _check_date(business_date)
        ledger = Ledger(ledger_path, create=False)
        try:
            merchant = dayfile.choose_merchant(ledger, business_date, merchant_no)
            text = dayfile.render(ledger, business_date, merchant)
        finally:
            ledger.close()
        dayfile.write(out, text)
    except OSError as error:
        raise click.ClickException(f"{out}: {error.strerror}") from None
    except (ValueError, LedgerError) as error:
        raise click.ClickException(str(error)) from None
    _, rows, captured, captured_minor = text.splitlines()[-1].split(",")
    click.echo(f"{out}: {rows} rows, {captured} captured, {captured_minor} minor units")


def _check_date(text: str) -> None:
    with contextlib.suppress(ValueError):
        if date.fromisoformat(text).isoformat() == text:
            return
    raise ValueError(f"--date {text!r} is not YYYY-MM-DD")


def _address(listen: str) -> tuple[str, int]:
    address, _, port = listen.rpartition(":")
    if not address or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"--listen {listen!r} is not HOST:PORT")
    return address, int(port)
