"""`companion watch`: sync terminals as they appear."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from companion.cli.output import console, store_option, table
from companion.store import Store
from companion.store.store import utc_now
from companion.watch.names import Names
from companion.watch.places import Places
from companion.watch.watcher import Event, Row, Watcher


@click.command()
@click.option(
    "--port",
    "ports",
    multiple=True,
    metavar="PORT",
    help="Watch this only: a serial port, a pattern of them ('/dev/ttyUSB*'), tls://HOST:PORT. "
    "May be repeated. Without it: every USB serial port, and the network.",
)
@click.option(
    "--interface",
    metavar="ADDRESS",
    help="Look for terminals on the network of this address of this computer only.",
)
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(1, 86400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Time from one sync of a terminal to the next, while it stays.",
)
@click.option(
    "--clock/--no-clock",
    default=True,
    help="Set each terminal's clock when it is off by more than 2 s, or leave it.  [default: set]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@store_option
def watch(
    ports: Sequence[str],
    interface: str | None,
    every_s: int,
    clock: bool,
    as_json: bool,
    directory: Path,
) -> None:
    """Sync each terminal as it is plugged in or comes into the network, and again while it stays.

    On the network the store's terminals are found by their mDNS names. Several sync at once. A
    terminal that refuses, or does not answer, is tried again at growing intervals, up to 5
    minutes. Ctrl-C or SIGTERM ends the watch, exit code 0; a sync that was going on goes on
    next time.

    \b
    Example:
      companion watch
      companion watch --port '/dev/ttyUSB*' --json
      companion watch --interface 192.168.1.5
    """
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(directory))
        names = None
        if interface or not ports:
            names = stack.enter_context(Names(interface or ""))
        if as_json:
            view: View = Json()
        elif sys.stdout.isatty():
            view = stack.enter_context(Screen())
        else:
            view = Lines()
        places = Places(store, ports, names)
        watcher = Watcher(store, places, every_s, view.tell, view.show, set_clock=clock)
        what = ", ".join(ports) or "USB serial ports"
        note = what + (" and the network" if names else "")
        view.tell(Event("watching", "", f"watching {note}; Ctrl-C ends it", {"what": note}))
        with _ended_by_signals(watcher):
            watcher.run()
        view.tell(Event("stopped", "", "stopped", {}))


class View:
    """What the watch says goes here."""

    def tell(self, event: Event) -> None:
        """Something happened."""
        raise NotImplementedError

    def show(self, rows: list[Row]) -> None:
        """The state now; by default nobody wants to know."""


class Json(View):
    """One object a line."""

    def tell(self, event: Event) -> None:
        line = {"at": utc_now(), "event": event.name, "port": event.port, **event.fields}
        print(json.dumps(line, ensure_ascii=False), flush=True)


class Lines(View):
    """One line an event, left out when it is what the port's last one was."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def tell(self, event: Event) -> None:
        if self._last.get(event.port) != event.text:
            self._last[event.port] = event.text
            self.print(event.port, event.text)

    def print(self, port: str, text: str) -> None:
        now = datetime.now().strftime("%H:%M:%S")
        print(f"{now} {port + ': ' if port else ''}{text}", flush=True)


class Screen(Lines):
    """The same lines, and under them a table that is always up to date."""

    def __init__(self) -> None:
        super().__init__()
        self._live = Live(console=console(), auto_refresh=False)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def print(self, port: str, text: str) -> None:
        now = datetime.now().strftime("%H:%M:%S")
        self._live.console.print(Text(f"{now} {port + ': ' if port else ''}{text}"))

    def show(self, rows: list[Row]) -> None:
        self._live.update(_table(rows), refresh=True)


def _table(rows: list[Row]) -> Table:
    made = table("", ("port", "terminal", "state", "new records", "next sync"), ("new records",))
    for row in sorted(rows, key=lambda row: row.port):
        left = "" if row.due_at is None else f"{max(0, round(row.due_at - time.monotonic()))} s"
        made.add_row(Text(row.port), Text(row.device_id), _state(row), str(row.records), left)
    return made


def _state(row: Row) -> Text:
    if row.due_at is None:
        done, total = row.progress
        return Text(f"syncing {done}/{total}" if total else "syncing", "yellow")
    if row.trouble:
        return Text(row.trouble, "red")
    if row.warning:
        return Text(f"synced; {row.warning}", "yellow")
    return Text("synced", "green")


@contextmanager
def _ended_by_signals(watcher: Watcher) -> Iterator[None]:
    """The first signal ends the watch in order; another one has its usual effect."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: object) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        watcher.stop()

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
