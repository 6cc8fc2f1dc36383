"""One run of the interpreter: from power (or a reset) to its end."""

import os
import signal
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

from boards.virtual import launch, serialport, starter
from boards.virtual.serialport import CtrlC
from boards.virtual.shared import Shared

DEVICE = Path(__file__).parent / "device"


class Chip:
    """The process with its pty, its link (requests), its events (panel input), and its UART."""

    def __init__(
        self,
        root: Path,
        rom: Path,
        heap: str,
        repl: str,
        settings: dict[str, str],
        shared: Shared,
        flash: list[Path],
        uart: bool = False,
    ) -> None:
        self.master, self.slave = os.openpty()
        # Until the interpreter is up nothing may be a Ctrl-C: it would kill the launcher.
        serialport.set_raw(self.slave, ctrl_c=False)
        self.uart = os.openpty() if uart else None
        """Master and slave of the second port."""
        self.link, chip_link = socket.socketpair()
        self.events, chip_events = socket.socketpair()
        self.events.setblocking(False)
        self._shared = shared
        shared.start()
        with chip_link, chip_events, ExitStack() as opened:
            passed = {
                "BOARD_LINK": chip_link.fileno(),
                "BOARD_EVENTS": chip_events.fileno(),
                "BOARD_SHARED": shared.fileno(),
            }
            for number, file in enumerate(flash):
                passed[f"BOARD_FLASH{number}"] = opened.enter_context(file.open("rb")).fileno()
            if self.uart:
                slave = self.uart[1]
                serialport.set_raw(slave, ctrl_c=False)
                # A UART gives and takes what it can at once.
                os.set_blocking(slave, False)
                passed["BOARD_UART"] = slave
            job: launch.Job = {
                "device": str(DEVICE),
                "root": str(root),
                "rom": str(rom),
                "heap": heap,
                "repl": repl,
                "environment": {"BOARD_" + name: value for name, value in settings.items()},
                "descriptors": list(passed),
            }
            try:
                self._pid = starter.start(job, [self.slave, *passed.values()])
            except BaseException:
                self.close()
                for descriptor in (self.master, self.slave, *(self.uart or ())):
                    os.close(descriptor)
                raise
        self._waiting = threading.Lock()
        self._status: int | None = None

    def kill(self) -> None:
        """The power is gone, now. The process still has to be reaped."""
        if self._status is None:
            with suppress(ProcessLookupError):  # just reaped, and not noted yet
                os.kill(self._pid, signal.SIGKILL)

    def interrupt(self) -> CtrlC:
        """Ctrl-C: KeyboardInterrupt in the code that runs.

        Stops the process to look: a signal that comes as the code ends would kill the REPL.
        """
        with self._waiting:
            if self._status is not None:
                return "taken"
            try:
                os.kill(self._pid, signal.SIGSTOP)
                _, status = os.waitpid(self._pid, os.WUNTRACED)
            except (ProcessLookupError, ChildProcessError):  # just reaped
                return "taken"
            if not os.WIFSTOPPED(status):
                self._ended(status)
                return "taken"
            answer: CtrlC = "data"
            if self._shared.busy:
                answer = "later"
            elif serialport.takes_ctrl_c(self.slave):
                os.kill(self._pid, launch.CTRL_C)
                answer = "taken"
            os.kill(self._pid, signal.SIGCONT)
            return answer

    def reap(self) -> int:
        """Wait for the end of the process; its exit status (negative: the signal)."""
        try:
            _, status = os.waitpid(self._pid, 0)
        except ChildProcessError:  # interrupt() came upon the end first
            with self._waiting:
                assert self._status is not None
                return self._status
        return self._ended(status)

    def _ended(self, status: int) -> int:
        self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def cpu_ns(self) -> int:
        """Processor time so far, whoever else the processor works for; Linux only."""
        return int(Path(f"/proc/{self._pid}/schedstat").read_text().split()[0])

    def close(self) -> None:
        """Close the sockets. A pty belongs to its serial port, which closes it on detaching."""
        self.link.close()
        self.events.close()
