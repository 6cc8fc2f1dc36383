"""Puts a terminal together from its board: vault, journal, engine, panel, line and sync.

It ends only for maintenance: then the REPL has the port again and mpremote gets in.
"""

import asyncio
import gc
import os
import sys

import network
from esp32 import Partition
from micropython import kbd_intr

from protocol import record
from terminal import FIRMWARE, rtc, screens, takeover
from terminal.clock import TerminalClock
from terminal.console import Console
from terminal.engine import Engine
from terminal.exchange import Exchange
from terminal.front import Front
from terminal.journal import Journal, JournalFault
from terminal.late import Once, forget
from terminal.ledger import Ledger
from terminal.pushes import Pushes
from terminal.refusals import Refusals
from terminal.runner import Runner
from terminal.state import State
from terminal.sync import SyncServer
from terminal.tlsport import TlsPort, context
from terminal.vault import RESETTING, Vault, VaultError
from terminal.watch import Watch

_CTRL_C = 3
# So long the last bytes take to leave a UART.
_FLUSH_MS = 50
# Of the journal's room for sales; the first screen says what is left.
_LOW_PERCENT = 20
_LAST_PERCENT = 5
_UART_BAUD = 921600  # what USB-UART bridges carry
# A journal partition in which nobody has written a journal yet (recovery.py names the rows).
_NOT_OURS = ("UNFORMATTED", "FOREIGN")
# A dialect put on the board by its owner comes before one that ships with the firmware.
_PROFILES = ("profiles/", "/rom/protocol/iso8583/profiles/", "protocol/iso8583/profiles/")


class Retained:
    """What the sync server may see of the ledger: releases stop where a restart still reads.
    ``changed()`` is called behind each: the companion has more, and there may be more room."""

    def __init__(self, ledger: Ledger, known: State, changed) -> None:
        self._ledger = ledger
        self._known = known
        self._changed = changed
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
        self._changed()


class App:
    """One terminal on one board. What the operator may see (operation.py) is public."""

    def __init__(self, board, log) -> None:
        self.board = board
        self.log = log
        self.panel = board.Panel()
        self._partition = board.partition("journal")
        self._vault = self._opened_vault()
        self._news = asyncio.Event()
        self._crash: Exception | None = None
        self.leaving = False
        config = None
        if self._vault.config is not None:
            config = _configuration(self._vault.config)
        self._selling: dict | None = None
        self._port: TlsPort | None = None
        self.clock = log.clock = TerminalClock(board.Clock())
        self.watch = Watch(log)
        self.journal: Journal | None = None
        self.runner: Runner | None = None
        self.address = _address
        self.heap_free = _heap_free
        self._pushes = Pushes(self._vault, self.clock, _load_profile, self._identity, rtc.restart)
        self.server = SyncServer(
            config,
            None,
            self._provision,
            self._escape,
            FIRMWARE,
            lambda: os.urandom(16),
            self._pushes.take,
            self.clock.wall,
        )
        self.server.log = log.read
        self.server.seconds = lambda: self.watch.seconds
        self._pushes.server = self.server

    def _opened_vault(self) -> Vault:
        partition = self.board.partition("vault")
        vault = Vault(partition, os.urandom)
        if vault.config != RESETTING:
            return vault
        # Before anything else, and before a watchdog runs: erasing takes its time.
        self.panel.show(screens.lines("resetting"))
        with Once():
            from terminal import factory

            factory.finish(partition, self._partition)
        self.log.line("factory reset: done")
        return Vault(partition, os.urandom)

    async def main(self) -> None:
        """Serve until maintenance is asked for; a crash of any task comes out of here."""
        if self.server.settings is None:
            self.panel.show(screens.lines("provision"))
        board = self.board
        console = Console(
            *(sys.stdin.buffer, sys.stdout.buffer, board.max_baud(), board.set_baud, self._escape)
        )
        asyncio.create_task(self._guard(self.watch.run()))
        serial = asyncio.create_task(self._guard(self.server.serve_stream(console, console, True)))
        uart = _uart(board)
        if uart:
            asyncio.create_task(self._guard(self.server.serve_stream(uart, uart, True, "uart")))
        asyncio.create_task(self._guard(self._pushes.serve()))
        kbd_intr(-1)  # main.py did so already, a REPL that runs this has not
        try:
            while not self.leaving:
                if self.server.settings and not self._selling:
                    await self._sell(self.server.settings)
                if self.runner or not self._selling:
                    _keep_image()
                await self._news.wait()
                self._news.clear()
                if self._crash:
                    self.panel.show(screens.lines("fault", "Program error"))
                    raise self._crash
        finally:
            serial.cancel()
            kbd_intr(_CTRL_C)
        self.panel.show(screens.lines("escape"))
        if self.watch.dog:
            # It can't be stopped: the next start leaves the board to the REPL without it.
            await asyncio.sleep_ms(_FLUSH_MS)
            rtc.restart(rtc.MAINTENANCE)

    async def _guard(self, coroutine) -> None:
        # A task that dies alone would leave a terminal that looks alive and sells nothing.
        try:
            await coroutine
        except Exception as error:
            self._crash = error
            self._news.set()

    def _escape(self) -> None:
        self.leaving = True
        self._news.set()

    async def _sell(self, config: dict) -> None:
        """Mount, replay, and start the loop of a provisioned terminal."""
        self._selling = config
        forget("protocol.config")  # of a provisioning
        screens.use(config["language"])
        # First of all: while its JSON is in memory, nothing needs more of the heap.
        profile = _load_profile(config["profile"])
        self.journal = journal = Journal(self._partition)
        with Once():
            alarm = journal.mount()["alarm"]
        known = State()

        def taken(seq: int, rec: dict) -> None:
            known.apply(seq, rec)
            self.clock.passed = rec.get("wall") or self.clock.passed

        try:
            ledger = Ledger(journal, config["seal_key"], config["device_id"])
            ledger.rekey(config["old_seal_key"], config["seal_generation"], self.clock.wall())
            ledger.replay(taken, known.lost)
        except JournalFault as error:
            # To sell without knowing what is open would be worse; the next start reads again.
            self.panel.show(screens.lines("fault", str(error)))
            return
        known.handed_over(ledger.released)
        exchange = Exchange(config, profile, self._vault.reveal, VaultError)
        engine = Engine(config, exchange, known)
        front = Front(
            config["merchant_name"], lambda: self._status(known), config["confirm_minor"]
        )
        runner = Runner(config, self.panel, self.clock, self._vault, ledger, engine, front)
        self.runner = self._pushes.runner = runner
        runner.on_ask = self._asked
        self.board.connect_wifi(config["wifi_ssid"], config["wifi_password"], config["device_id"])
        self.watch.add(_wifi)
        self.watch.follow(runner.line)
        self.watch.guard(self.board)
        runner.post(("start", self.board.reset_cause(), FIRMWARE, alarm))
        asyncio.create_task(self._guard(runner.run()))
        asyncio.create_task(self._guard(runner.watch_panel()))
        self.server.ledger = Retained(ledger, known, runner.refresh)
        self.server.fill = lambda: (max(journal.room(), 0), journal.slots())
        refusals = Refusals(lambda text: runner.post(("note", record.REFUSED, text)), ledger.room)
        self.server.on_refused = refusals.refused
        self.server.give_way = runner.give_way
        self._port = TlsPort(self.server.serve_stream, refusals.refused)
        await self._listen()

    def _status(self, known: State) -> str:
        """The last line of the first screen: the gravest of what there is to say."""
        assert self.journal is not None and self.runner is not None
        percent = 100
        if not self.journal.read_only:
            percent = 100 * max(self.runner.spare(), 0) // self.journal.slots()
        if percent < _LAST_PERCENT:
            # What the companion has stays as long as its batch is open.
            if 0 < known.first < known.handed:
                return "JOURNAL %d%%: SETTLE" % percent
            return "JOURNAL %d%%: SYNC NOW" % percent
        status = takeover.status(known)
        if percent < _LOW_PERCENT and status == "READY":
            return "JOURNAL %d%% FREE" % percent
        return status

    def _asked(self, what: str) -> list:
        with Once():
            from terminal import operation

            return operation.effects(self, what)

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
        with Once():
            alarm = journal.mount()["alarm"]
        if alarm in _NOT_OURS or journal.next_seq == 1:
            journal.format()
        else:
            config = _configuration(data)
            if not Ledger(journal, config["seal_key"], config["device_id"]).belongs_to():
                return False
        self._vault.set_config(data)
        self._news.set()
        return True


def _configuration(data: bytes) -> dict:
    with Once():
        from protocol import config

        return config.decode(data)


def _keep_image() -> None:
    """The first start of an update has come so far: the bootloader is not to undo it."""
    try:
        Partition.mark_app_valid_cancel_rollback()
    except (AttributeError, OSError):
        pass  # a MicroPython without rollback has nothing to undo


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
        with Once():
            from protocol.iso8583 import profile

            return profile.load_file(path)
    raise OSError("no profile %s.json in %s" % (name, " or ".join(_PROFILES)))


def _address() -> str:
    """This terminal's in the Wi-Fi, "" outside of one."""
    wlan = network.WLAN(network.STA_IF)
    return wlan.ifconfig()[0] if wlan.isconnected() else ""


def _heap_free() -> int:
    gc.collect()
    return gc.mem_free()


def _wifi() -> str:
    return "Wi-Fi: connected" if _address() else "Wi-Fi: not connected"
