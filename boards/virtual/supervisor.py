"""The power of the board: starts the chip, answers it, and starts the next one after a reset."""

import asyncio
import signal
import threading
from collections.abc import Callable

from boards.virtual import launch
from boards.virtual.chip import Chip
from boards.virtual.cuts import Cut, CutPlan, PanelMessage
from boards.virtual.flash import NorFlash
from boards.virtual.link import serve
from boards.virtual.requests import Peripherals, Requests
from boards.virtual.serialport import SerialPort
from boards.virtual.service import Service

_TIME_TO_END = 5.0  # seconds


class Supervisor:
    """One thread for each power-on answers the chip; it ends when the power does.

    ``start_chip(cause, repl)`` makes a chip, ``panel`` gets what it shows. ``ports``: the REPL's,
    and the second one of a board that has it.
    ``changed`` guards ``on``, ``cut`` and ``crash``, and is notified when they change. It is
    never held while waiting for the service thread, which takes it too.
    """

    def __init__(
        self,
        flash: dict[str, NorFlash],
        service: Service,
        ports: list[SerialPort],
        changed: threading.Condition,
        panel: Callable[[PanelMessage], None],
        start_chip: Callable[[str, str], Chip],
    ) -> None:
        self.on = False
        self.cuts = CutPlan()
        self.rtc = b""
        """The RTC's memory: resets leave it, the loss of power clears it."""
        self.cut: Cut | None = None
        """The latest cut, set when the chip is gone and the flash is at rest."""
        self.crash = ""
        """How the interpreter (or this supervisor) failed since the power was switched on."""
        self._service = service
        self._ports = ports
        self._serial = ports[0]
        self._changed = changed
        self._start_chip = start_chip
        self._around = Peripherals(
            flash,
            self.cuts,
            panel,
            self._listening,
            self._watchdog_fed,
            self._keep_rtc,
            lambda port, rate: service.call(ports[port].set_rate, rate),
        )
        self._switch = threading.Lock()  # one power_on or power_off at a time
        self._thread: threading.Thread | None = None
        self._chip: Chip | None = None
        self._watchdog: asyncio.TimerHandle | None = None  # service thread only
        self._watchdog_bit = False
        self._failure = ""  # becomes ``crash`` when the chip is gone

    def power_on(self) -> None:
        """Returns once the chip is started; OSError when it cannot be."""
        with self._switch:
            if self.on:
                return
            self._join()
            self.rtc = b""
            self.crash = self._failure = ""
            self._watchdog_bit = False
            self.on = True
            try:
                chip = self._start("PWRON", "friendly")
            except BaseException:
                self.on = False
                raise
            self._thread = threading.Thread(
                target=self._live, args=(chip,), name="virtual chip", daemon=True
            )
            self._thread.start()

    def power_off(self) -> None:
        """Cut the power; returns when the process is reaped and its sockets are closed."""
        with self._switch:
            with self._changed:
                self.on = False
                if self._chip is not None:
                    self._chip.kill()
            self._join()

    def send_event(self, line: bytes) -> bool:
        """Pass a panel event on, to nobody if the chip is just gone; False: it does not read."""
        with self._changed:
            if self._chip is None:
                return True
            try:
                return self._chip.events.send(line) == len(line)
            except BlockingIOError:
                return False
            except OSError:
                return True

    def cpu_ns(self) -> int:
        """Processor time of the running chip; 0 without one."""
        with self._changed:
            return self._chip.cpu_ns() if self._chip is not None else 0

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _start(self, cause: str, repl: str) -> Chip:
        chip = self._start_chip(cause, repl)
        self._service.call(self._serial.attach, chip.master, chip.slave, chip.interrupt)
        if chip.uart:
            self._service.call(self._ports[1].attach, *chip.uart, lambda: "data")
        with self._changed:
            self._chip = chip
            if not self.on:  # switched off meanwhile
                chip.kill()
        return chip

    def _live(self, chip: Chip) -> None:
        """Serve one chip after the other until the power is off."""
        while True:
            requests = Requests(chip, self._around)
            try:
                how = serve(chip.link, requests)
            except Exception as error:  # a cut's predicate, say: report it, do not hang
                how, self._failure = "failed", f"the supervisor failed: {error!r}"
            if how != "gone":
                chip.kill()
            status = self._reap(chip)
            for port in self._ports:
                self._service.call(port.detach)
            with self._changed:
                self._chip = None
                chip.close()
                restart = self._reset(how, status) if self.on and how != "cut" else None
            if restart is None:
                self._end(requests.cut)
                return
            cause, repl = restart
            if cause == "SOFT":
                self._service.call(self._serial.emit, b"MPY: soft reboot\r\n")
            else:
                self._service.call(self._stop_watchdog)
            try:
                chip = self._start(cause, repl)
            except OSError as error:
                self._failure = f"the chip cannot be started again: {error}"
                self._end(None)
                return

    def _reap(self, chip: Chip) -> int:
        """A chip whose link is closed has a moment to end by itself, so that its status tells."""
        guard = self._service.call(self._service.loop.call_later, _TIME_TO_END, chip.kill)
        status = chip.reap()
        self._service.post(guard.cancel)
        return status

    def _end(self, cut: Cut | None) -> None:
        self._service.call(self._stop_watchdog)
        for port in self._ports:
            self._service.call(port.power_lost)
        if self._failure:
            self._service.call(self._serial.emit, f"\r\n[board] {self._failure}\r\n".encode())
        with self._changed:
            self.on = False
            self.crash = self._failure
            self.cut = cut or self.cut
            self._changed.notify_all()

    def _reset(self, how: str, status: int) -> tuple[str, str] | None:
        """(reset cause, REPL) of the next chip; None after a crash of the interpreter."""
        if how == "failed":
            return None
        if self._watchdog_bit:
            self._watchdog_bit = False
            return "WDT", "friendly"
        if how == "hard":
            return "HARD", "friendly"
        if how == "soft" or status == launch.ENDED_IN_FRIENDLY_REPL:
            return "SOFT", "friendly"
        if status == launch.ENDED_IN_RAW_REPL:
            return "SOFT", "raw"
        ending = signal.Signals(-status).name if status < 0 else f"status {status}"
        self._failure = f"the interpreter died: {ending}"
        return None

    def _listening(self) -> None:
        for port in self._ports:
            self._service.post(port.listen)

    def _keep_rtc(self, data: bytes) -> None:
        self.rtc = data

    def _watchdog_fed(self, timeout_ms: int) -> None:
        self._service.post(self._restart_watchdog, timeout_ms / 1000)

    def _restart_watchdog(self, seconds: float) -> None:
        self._stop_watchdog()
        self._watchdog = self._service.loop.call_later(seconds, self._bite)

    def _stop_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _bite(self) -> None:
        self._watchdog = None
        with self._changed:
            if self.on and self._chip is not None:
                self._watchdog_bit = True
                self._chip.kill()
