"""The virtual board: power, flash, serial port and front panel around the real MicroPython."""

import fcntl
import functools
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from boards.firmware import install
from boards.virtual import slots
from boards.virtual.chip import Chip
from boards.virtual.cuts import Cut, PanelMessage, Phase
from boards.virtual.flash import NorFlash
from boards.virtual.frontpanel import FrontPanel, PanelError, Screen, check_event
from boards.virtual.panelserver import PanelServer
from boards.virtual.serialport import Line, SerialPort
from boards.virtual.service import Service
from boards.virtual.shared import Shared
from boards.virtual.supervisor import Supervisor
from boards.virtual.wire import Traffic

T = TypeVar("T")

FLASH = {"journal": 512 * 1024, "vault": 24 * 1024, "log": 16 * 1024}
HEAP = "160wk"
"""What an ESP32 without PSRAM has. Counted in words, since an object here has 64-bit ones."""

_TAIL = 8192
TIMEOUT = 60.0
"""Seconds to wait for what should come at once: a hang is noticed, a busy machine is borne."""


class BoardError(RuntimeError):
    """The board cannot do this now; the message says why."""


class BoardCrashed(BoardError):
    """The interpreter itself died. (An uncaught exception only leads to the REPL.)"""


class BoardTimeout(BoardError, TimeoutError):
    """What was waited for did not come; the message has the last screen and serial output."""


def _claim(directory: Path) -> int:
    """Two chips on one flash would destroy it: hold the directory until the descriptor closes."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BoardError(f"{directory}: another board runs there") from None
    return descriptor


class VirtualBoard:
    """One board in ``directory``: flash images, fs/ (its file system), its unique id.

    Everything may be called from any thread. Flash, files, ``pty``, ``panel_port`` and the
    panel's clients stay over power cycles. ``uart``: it has a second serial port, like the first
    but without a REPL. ``reader``: an external card reader is at that port, and only from there
    do cards come (boards/virtual/reader.py). ``watchdog_ms``: the firmware's watchdog waits no
    longer than this; 0: the board has none. Use it in ``with``, or call close().
    """

    def __init__(
        self,
        directory: Path,
        *,
        flash: Mapping[str, int] = FLASH,
        heap: str = HEAP,
        panel_port: int = 0,
        unique_id: bytes | None = None,
        line: Line | None = None,
        uart: bool = False,
        reader: bool = False,
        watchdog_ms: int = 0,
    ) -> None:
        self.directory = directory.resolve()
        self.fs = self.directory / "fs"
        self.rom = self.directory / "romfs.bin"
        self.fs.mkdir(parents=True, exist_ok=True)
        self._claim = _claim(self.directory)
        self.heap = heap
        self._line = line
        self._watchdog_ms = watchdog_ms
        self.unique_id = self._keep_id(unique_id)
        self.safe_button = False
        """Held at the next start: the firmware leaves the board to the REPL."""
        try:
            self.flash = {
                label: NorFlash(self.directory / f"{label}.flash", size)
                for label, size in flash.items()
            }
        except BaseException:
            os.close(self._claim)
            raise
        self._changed = threading.Condition(threading.RLock())
        self._panel = FrontPanel()  # guarded by _changed, like the tail
        self._tail = bytearray()
        self._closed = False
        self._shared = Shared()
        for number, part in enumerate(self.flash.values()):
            part.by_chip = functools.partial(self._shared.reads, number)
        self._service = Service(f"virtual board {self.directory.name}")
        self._serial = SerialPort(self._service.loop, self._on_serial, line)
        self._ports = [self._serial]
        self._reader = reader
        if uart or reader:
            self._ports.append(SerialPort(self._service.loop, lambda data: None, line))
        self._server = PanelServer(self._from_client, self._current_screen)
        self._supervisor = Supervisor(
            self.flash,
            self._service,
            self._ports,
            self._changed,
            self._on_panel,
            self._start_chip,
        )
        try:
            self._service.run(self._server.open(panel_port))
        except OSError as error:
            self.close()
            why = os.strerror(error.errno) if error.errno else str(error)
            raise BoardError(f"panel port {panel_port}: {why}") from error
        for port in self._ports:
            self._service.call(port.open)

    def __enter__(self) -> "VirtualBoard":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Power

    def install(self, source: bool = False) -> None:
        """Put the firmware on the board, as a ROMFS image or as source."""
        install(self.fs, self.rom, source)

    def power_on(self) -> None:
        """Returns once the interpreter's process is started, before main.py runs."""
        if self._closed:
            raise BoardError("the board is closed")
        with self._changed:
            if not self._supervisor.on:
                self._panel.power_lost()
        self._supervisor.power_on()

    def power_off(self) -> None:
        """Cut the power at once. On return the process is gone and the flash is at rest.

        Raises BoardCrashed when the interpreter had died before.
        """
        self._supervisor.power_off()
        self._raise_crash()

    def power_cycle(self) -> None:
        self.power_off()
        self.power_on()

    @property
    def is_on(self) -> bool:
        return self._supervisor.on

    def wait_off(self) -> None:
        """Wait, without limit, until the power goes off: by a cut, a crash, or power_off()."""
        with self._changed:
            self._changed.wait_for(lambda: not self._supervisor.on)

    def close(self) -> None:
        """Cut the power and give everything back; the files stay. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._supervisor.power_off()
        self._service.run(self._server.close())
        self._service.close()
        for port in self._ports:
            port.close()
        for flash in self.flash.values():
            flash.close()
        self._shared.close()
        os.close(self._claim)

    # Cuts: armed cuts stay armed over power cycles until they fire.

    def cut_at_program(
        self, n: int, phase: Phase, partition: str = "journal", seed: int = 0
    ) -> None:
        """Cut at the n-th program from now (1: the next); it is not, partly or fully done."""
        self._arm(partition)
        self._supervisor.cuts.arm_flash(n, "program", phase, partition, seed)

    def cut_at_erase(
        self, n: int, phase: Phase, partition: str = "journal", seed: int = 0
    ) -> None:
        """Cut at the n-th erase from now."""
        self._arm(partition)
        self._supervisor.cuts.arm_flash(n, "erase", phase, partition, seed)

    def cut_at_operation(
        self, n: int, phase: Phase, partition: str = "journal", seed: int = 0
    ) -> None:
        """Cut at the n-th program or erase from now."""
        self._arm(partition)
        self._supervisor.cuts.arm_flash(n, "operation", phase, partition, seed)

    def cut_at_edge(self, n: int, rising: bool) -> None:
        """Cut at the n-th such edge of the trace pin from now (board.trace_pin on the device)."""
        self._arm(None)
        self._supervisor.cuts.arm_edge(n, rising)

    def cut_on_panel(self, predicate: Callable[[PanelMessage], bool]) -> None:
        """Cut when the chip shows, prints or beeps what matches; nobody gets to see it."""
        self._arm(None)
        self._supervisor.cuts.arm_panel(predicate)

    def cancel_flash_cut(self) -> bool:
        """Whether it was still armed. False: there was none, or it is happening (wait_cut)."""
        return self._supervisor.cuts.cancel_flash()

    def cancel_cuts(self) -> None:
        self._supervisor.cuts.cancel()

    @property
    def last_cut(self) -> Cut | None:
        """The cut that took the power, if one did since cuts were armed last."""
        with self._changed:
            return self._supervisor.cut

    def wait_cut(self, timeout: float = TIMEOUT) -> Cut:
        """Wait for a cut armed before. On return the power is off, as after power_off()."""
        return self._wait(lambda: self._supervisor.cut, "no cut", timeout)

    def _arm(self, partition: str | None) -> None:
        if partition is not None and partition not in self.flash:
            raise ValueError(f"no partition {partition!r}, only {', '.join(self.flash)}")
        with self._changed:
            self._supervisor.cut = None

    # Serial port

    @property
    def pty(self) -> str:
        """Path of the serial port, the same as long as this object lives."""
        return self._serial.path

    @property
    def serial_rate(self) -> int:
        """Baud of the chip's end of the serial port; it matters on a board with a line."""
        return self._serial.rate

    @property
    def uart(self) -> str:
        """Path of the second serial port, the same as long as this object lives."""
        return self._second.path

    @property
    def uart_rate(self) -> int:
        """Baud of the chip's end of the second serial port."""
        return self._second.rate

    @property
    def uart_dropped(self) -> int:
        """The same of the second serial port."""
        return self._second.dropped

    @property
    def _second(self) -> SerialPort:
        if len(self._ports) < 2:
            raise BoardError("the board was made without uart=True")
        return self._ports[1]

    def line_traffic(self) -> Traffic:
        """What the line at ``pty`` has carried since this was asked last."""

        def take() -> Traffic:
            traffic, self._serial.traffic = self._serial.traffic, Traffic()
            return traffic

        return self._service.call(take)

    @property
    def serial_tail(self) -> str:
        """The latest 8 KB that the chip sent, whether or not somebody read them."""
        with self._changed:
            return self._tail.decode(errors="backslashreplace")

    @property
    def serial_dropped(self) -> int:
        """Bytes towards the chip that were lost: its receive ring was full, or it had no power."""
        return self._serial.dropped

    def wait_serial(self, text: str, timeout: float = TIMEOUT) -> str:
        """Wait until ``serial_tail`` contains the text; returns the tail."""

        def ready() -> str | None:
            return self.serial_tail if text in self.serial_tail else None

        return self._wait(ready, f"no {text!r} on the serial port", timeout)

    def clear_serial_tail(self) -> None:
        with self._changed:
            self._tail.clear()

    # Front panel

    @property
    def panel_port(self) -> int:
        return self._server.port

    @property
    def screen(self) -> Screen:
        with self._changed:
            return list(self._panel.screen)

    @property
    def printed(self) -> list[str]:
        """Every line on the paper since this object was made."""
        with self._changed:
            return list(self._panel.printed)

    @property
    def beeps(self) -> int:
        with self._changed:
            return self._panel.beeps

    def press(self, key: str) -> None:
        self._give({"key": key})

    def type(self, keys: str) -> None:
        """Press each character."""
        for key in keys:
            self.press(key)

    def insert_card(self, card: Mapping[str, str]) -> None:
        """``pan``, ``expiry`` (YYMM), optional ``entry`` (F22, such as "021") and ``track2``."""
        self._give({"card": dict(card)})

    def wait_screen(
        self, what: str | Callable[[Screen], bool], timeout: float = TIMEOUT
    ) -> Screen:
        """Wait for a screen with this text (or one the function accepts), and return it.

        Counts are screens shown since the last input or power-on, in order: what an earlier
        wait has passed does not come again, and a screen that was replaced at once is seen.
        """
        if isinstance(what, str):
            text, name = what, f"no screen with {what!r}"
            matches: Callable[[Screen], bool] = lambda screen: text in "\n".join(screen)  # noqa: E731
        else:
            matches, name = what, "no such screen"
        return self._wait(lambda: self._panel.find(matches), name, timeout)

    def wait_printed(self, text: str, timeout: float = TIMEOUT, start: int = 0) -> str:
        """Wait for a printed line that contains the text, from line ``start`` on; returns it."""

        def ready() -> str | None:
            return next((line for line in self.printed[start:] if text in line), None)

        return self._wait(ready, f"no line with {text!r} printed", timeout)

    def cpu_ns(self) -> int:
        """Processor time of the interpreter since it started, in nanoseconds."""
        return self._supervisor.cpu_ns()

    # Inside

    def _start_chip(self, cause: str, repl: str) -> Chip:
        slot = slots.choose(self.flash)
        if slot:
            self.rom.write_bytes(slots.firmware_in(self.flash[slot]))
        settings = {
            "SLOT": slot,
            "CAUSE": cause,
            "SAFE": str(int(self.safe_button)),
            "ID": self.unique_id.hex(),
            "BAUD": str(self._line.max_rate if self._line else 0),
            "RTC": self._supervisor.rtc.hex(),
            "WDT": str(self._watchdog_ms),
            "READER": str(int(self._reader)),
        }
        files = [flash.path for flash in self.flash.values()]
        uart = len(self._ports) > 1
        return Chip(self.fs, self.rom, self.heap, repl, settings, self._shared, files, uart)

    def _keep_id(self, given: bytes | None) -> bytes:
        file = self.directory / "unique_id"
        if given is not None or not file.exists():
            file.write_text((given or secrets.token_bytes(6)).hex() + "\n")
        return bytes.fromhex(file.read_text())

    def _on_serial(self, data: bytes) -> None:
        with self._changed:
            self._tail += data
            del self._tail[:-_TAIL]
            self._changed.notify_all()

    def _on_panel(self, message: PanelMessage) -> None:
        with self._changed:
            self._panel.output(message)
            self._changed.notify_all()
        self._service.post(self._server.broadcast, message)

    def _current_screen(self) -> PanelMessage:
        """What a panel client sees first."""
        return {"screen": self.screen}

    def _give(self, event: object) -> None:
        """Hand a panel event to the chip; raises BoardError or PanelError.

        After a cut it goes to nobody and is no error: who types cannot know when it comes.
        """
        line = check_event(event)
        self._raise_crash()
        with self._changed:
            if not self.is_on and self._supervisor.cut is None:
                raise BoardError("the power is off: nobody takes the key or card")
            self._panel.input_given()
            if not self._supervisor.send_event(line):
                raise BoardError("the firmware does not read its keys")

    def _from_client(self, event: object) -> None:
        try:
            self._give(event)
        except BoardError as error:
            raise PanelError(str(error)) from None

    def _raise_crash(self) -> None:
        if self._supervisor.crash:
            raise BoardCrashed(f"{self._supervisor.crash}; {self._last_seen()}")

    def _last_seen(self) -> str:
        with self._changed:
            power = "on" if self.is_on else "off"
            screen = " / ".join(self._panel.screen) or "(nothing)"
            tail = self.serial_tail[-600:] or "(nothing)"
        return f"power {power}; last screen: {screen}; last serial output: {tail}"

    def _wait(self, ready: Callable[[], T | None], failure: str, timeout: float) -> T:
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                value = ready()
                if value is not None:
                    return value
                self._raise_crash()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise BoardTimeout(f"{failure} in {timeout:g} s; {self._last_seen()}")
                self._changed.wait(left)
