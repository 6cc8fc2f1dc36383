"""Puts a terminal together from its board: vault, journal, engine, panel, line and sync.

``run`` returns only for maintenance: then the REPL has the port again and mpremote gets in.
"""

import asyncio
import os
import sys

import machine
from micropython import kbd_intr

from protocol import config as configuration
from protocol import record
from protocol.iso8583 import profile as profiles
from terminal import FIRMWARE, screens, takeover
from terminal.clock import TerminalClock
from terminal.console import Console
from terminal.engine import Engine
from terminal.exchange import Exchange
from terminal.front import Front
from terminal.journal import Journal, JournalFault
from terminal.ledger import Ledger
from terminal.pushes import Pushes
from terminal.refusals import Refusals
from terminal.runner import Runner
from terminal.state import State
from terminal.sync import SyncServer
from terminal.tlsport import TlsPort, context
from terminal.vault import Vault, VaultError

_CTRL_C = 3
_UART_BAUD = 921600  # what USB-UART bridges carry
# A journal partition in which nobody has written a journal yet (recovery.py names the rows).
_NOT_OURS = ("UNFORMATTED", "FOREIGN")
# A dialect put on the board by its owner comes before one that ships with the firmware.
_PROFILES = ("profiles/", profiles.__file__[: profiles.__file__.rfind("/") + 1] + "profiles/")


class Retained:
    """What the sync server may see of the ledger: releases stop where a restart still reads."""

    def __init__(self, ledger: Ledger, known: State) -> None:
        self._ledger = ledger
        self._known = known
        self.read = ledger.read

    @property
    def first_seq(self) -> int:
        return self._ledger.first_seq

    @property
    def next_seq(self) -> int:
        return self._ledger.next_seq

    @property
    def released(self) -> int:
        return self._ledger.released

    def release(self, seq: int) -> None:
        self._known.handed_over(seq)
        seq = min(seq, self._known.keep_from())
        if seq > self._ledger.released:
            self._ledger.release(seq)


class App:
    """One terminal on one board."""

    def __init__(self, board) -> None:
        self._board = board
        self._panel = board.Panel()
        self._vault = Vault(board.partition("vault"), os.urandom)
        self._partition = board.partition("journal")
        self._news = asyncio.Event()
        self._crash: Exception | None = None
        self._leaving = False
        config = None
        if self._vault.config is not None:
            config = configuration.decode(self._vault.config)
        self._selling: dict | None = None
        self._port: TlsPort | None = None
        self._clock = TerminalClock(board.Clock())
        self._pushes = Pushes(
            self._vault, self._clock, _load_profile, self._identity, machine.reset
        )
        self._server = SyncServer(
            config,
            None,
            self._provision,
            self._escape,
            FIRMWARE,
            lambda: os.urandom(16),
            self._pushes.take,
            self._clock.wall,
        )
        self._pushes.server = self._server

    async def main(self) -> None:
        """Serve until maintenance is asked for; a crash of any task comes out of here."""
        if self._server.settings is None:
            self._panel.show(screens.lines("provision"))
        board = self._board
        console = Console(
            *(sys.stdin.buffer, sys.stdout.buffer, board.max_baud(), board.set_baud, self._escape)
        )
        serial = asyncio.create_task(
            self._guard(self._server.serve_stream(console, console, True))
        )
        uart = _uart(board)
        if uart:
            asyncio.create_task(self._guard(self._server.serve_stream(uart, uart, True, "uart")))
        asyncio.create_task(self._guard(self._pushes.serve()))
        kbd_intr(-1)  # main.py did so already, a REPL that runs this has not
        try:
            while not self._leaving:
                if self._server.settings and not self._selling:
                    await self._sell(self._server.settings)
                await self._news.wait()
                self._news.clear()
                if self._crash:
                    self._panel.show(screens.lines("fault", "Program error"))
                    raise self._crash
        finally:
            serial.cancel()
            kbd_intr(_CTRL_C)
        self._panel.show(screens.lines("escape"))

    async def _guard(self, coroutine) -> None:
        # A task that dies alone would leave a terminal that looks alive and sells nothing.
        try:
            await coroutine
        except Exception as error:
            self._crash = error
            self._news.set()

    def _escape(self) -> None:
        self._leaving = True
        self._news.set()

    async def _sell(self, config: dict) -> None:
        """Mount, replay, and start the loop of a provisioned terminal."""
        self._selling = config
        # First of all: while its JSON is in memory, nothing needs more of the heap.
        profile = _load_profile(config["profile"])
        journal = Journal(self._partition)
        alarm = journal.mount()["alarm"]
        known = State()
        try:
            ledger = Ledger(journal, config["seal_key"], config["device_id"])
            ledger.rekey(config["old_seal_key"], config["seal_generation"], self._clock.wall())
            ledger.replay(known.apply, known.lost)
        except JournalFault as error:
            # To sell without knowing what is open would be worse; the next start reads again.
            self._panel.show(screens.lines("fault", str(error)))
            return
        known.handed_over(ledger.released)
        exchange = Exchange(config, profile, self._vault.reveal, VaultError)
        engine = Engine(config, exchange, known)
        front = Front(
            config["merchant_name"], lambda: takeover.status(known), config["confirm_minor"]
        )
        runner = Runner(config, self._panel, self._clock, self._vault, ledger, engine, front)
        self._pushes.runner = runner
        self._board.connect_wifi(config["wifi_ssid"], config["wifi_password"], config["device_id"])
        runner.post(("start", self._board.reset_cause(), FIRMWARE, alarm))
        asyncio.create_task(self._guard(runner.run()))
        asyncio.create_task(self._guard(runner.watch_panel()))
        self._server.ledger = Retained(ledger, known)
        refusals = Refusals(lambda text: runner.post(("note", record.REFUSED, text)), ledger.room)
        self._server.on_refused = refusals.refused
        self._server.give_way = runner.give_way
        self._port = TlsPort(self._server.serve_stream, refusals.refused)
        await self._listen()

    async def _listen(self) -> None:
        """Without an identity nothing is served on the network."""
        port = self._selling["sync_port"] if self._selling else 0
        identity = self._vault.identity
        if self._port and port and identity:
            await self._port.open(port, identity)

    def _identity(self, data: bytes) -> str:
        context(data)
        self._vault.set_identity(data)
        asyncio.create_task(self._guard(self._listen()))
        return ""

    def _provision(self, data: bytes) -> bool:
        """Store a checked configuration; False when the journal is another terminal's."""
        journal = Journal(self._partition)
        alarm = journal.mount()["alarm"]
        if alarm in _NOT_OURS or journal.next_seq == 1:
            journal.format()
        else:
            config = configuration.decode(data)
            if not Ledger(journal, config["seal_key"], config["device_id"]).belongs_to():
                return False
        self._vault.set_config(data)
        self._news.set()
        return True


def _uart(board) -> Console | None:
    """A second serial port, where the board has one."""
    uart = getattr(board, "sync_uart", lambda: None)()
    if uart is None:
        return None
    # A machine.UART's init() first lets go what was written.
    rated = hasattr(uart, "init")
    return Console(uart, uart, _UART_BAUD if rated else 0, lambda rate: uart.init(baudrate=rate))


def _load_profile(name: str):
    """OSError when there is none of this name, ProfileError when it has a mistake."""
    for folder in _PROFILES:
        path = folder + name + ".json"
        try:
            os.stat(path)
        except OSError:
            continue
        return profiles.load_file(path)
    raise OSError("no profile %s.json in %s" % (name, " or ".join(_PROFILES)))


def run(board) -> None:
    """Run the terminal until maintenance is asked for."""
    asyncio.run(App(board).main())
