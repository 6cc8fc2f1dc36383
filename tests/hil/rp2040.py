"""The rig's end of the cutter (tests/hil/cutter/main.py): a switch that sees its rail, and cuts at
an edge of the trace pin."""

from __future__ import annotations

import contextlib
import queue
import threading

import serial

from tests.hil.plan import EXACT, Cut, Kind
from tests.hil.power import Power, PowerError
from tests.hil.tape import Tape

_ANSWER_S = 2.0
_POLL_S = 0.05
# Below this an ESP32 does not run, and its brown-out detector has long been at work.
_DEAD_MV = 300


class Rp2040:
    """A Power and a Cutter. ``tape`` hears when the power went at an edge."""

    kinds: tuple[Kind, ...] = (EXACT,)

    def __init__(self, port: str, tape: Tape) -> None:
        try:
            self._port = serial.Serial(port, timeout=_POLL_S, write_timeout=_ANSWER_S)
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"cutter at {port}: {error}") from None
        self.name = port
        self._tape = tape
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._armed = self._hit = ""
        self._closing = False
        self._reader = threading.Thread(target=self._read, name=f"cutter at {port}")
        self._reader.start()

    def on(self) -> None:
        self._ask("on", "ok")

    def off(self) -> None:
        self._ask("off", "ok")

    def read(self) -> bool | None:
        return self.millivolts() > _DEAD_MV

    def millivolts(self) -> int:
        """Of the terminal's rail."""
        answer = self._ask("rail", "rail ")
        if not answer[5:].isdecimal():
            raise PowerError(f"cutter at {self.name}: {answer!r} is no voltage")
        return int(answer[5:])

    def arm(self, cut: Cut) -> None:
        """A torn operation is cut in the middle: some time behind its start."""
        edge = "falling" if cut.phase == "after" else "rising"
        delay = cut.delay if cut.phase == "torn" else 0
        self._hit, self._armed = "", f"program {cut.phase} at {edge} edge {cut.n} + {delay} us"
        self._ask(f"arm {edge} {cut.n} {delay}", "ok")

    def disarm(self) -> None:
        self._ask("disarm", "ok")  # a cut that came before was told before
        self._armed = ""

    def fired(self) -> str:
        return self._hit

    def close(self) -> None:
        self._closing = True
        self._reader.join()
        self._port.close()

    def _ask(self, line: str, expected: str) -> str:
        with contextlib.suppress(queue.Empty):
            while True:
                self._answers.get_nowait()
        try:
            self._port.write(line.encode() + b"\n")
            answer = self._answers.get(timeout=_ANSWER_S)
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"cutter at {self.name}: {error}") from None
        except queue.Empty:
            raise PowerError(f"cutter at {self.name} does not answer {line!r}") from None
        if not answer.startswith(expected):
            raise PowerError(f"cutter at {self.name} answers {line!r} with {answer!r}")
        return answer

    def _read(self) -> None:
        rest = b""
        while not self._closing:
            try:
                rest += self._port.read(max(1, self._port.in_waiting))
            except (OSError, TypeError, serial.SerialException):
                return
            *lines, rest = rest.split(b"\n")
            for line in lines:
                text = line.decode(errors="replace").strip()
                if text == "cut":
                    self._hit = self._armed
                    self._tape.power(False)
                elif text:
                    self._answers.put(text)


class InSeries:
    """A Power of a switch and a cutter in the same feed: there is power when both give it. The
    cutter sees the rail."""

    def __init__(self, power: Power, cutter: Rp2040) -> None:
        self._power = power
        self._cutter = cutter

    def on(self) -> None:
        self._cutter.on()  # its last cut lasts until here
        self._power.on()

    def off(self) -> None:
        self._power.off()

    def read(self) -> bool | None:
        return self._cutter.read()

    def close(self) -> None:
        self._power.close()
        self._cutter.close()
