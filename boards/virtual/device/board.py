"""The virtual board, as the firmware sees it. Every board has this module with these names."""

import asyncio
import json
import time

import _link
import esp32
import machine
import network

NAME = "virtual"

_LINES = 8
_COLUMNS = 21
_CAUSES = {1: "PWRON", 2: "HARD", 3: "WDT", 4: "DEEPSLEEP", 5: "SOFT"}
_wlan = network.WLAN(network.STA_IF)


def partition(label: str) -> esp32.Partition:
    """The block device with this label; OSError(ENOENT) when there is none."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    if not found:
        raise OSError(2)
    return found[0]


def reset_cause() -> str:
    return _CAUSES[machine.reset_cause()]


def safe_mode() -> bool:
    """True when the safe-mode button was held at start."""
    return _link.setting("SAFE") == "1"


def unique_id() -> bytes:
    return machine.unique_id()


def connect_wifi(ssid: str, password: str, hostname: str) -> bool:
    """Join a network as ``hostname``.local; returns whether there is a connection. Here there
    always is, to the host's loopback."""
    network.hostname(hostname)  # before the interface is active
    _wlan.active(True)
    _wlan.connect(ssid, password)
    return _wlan.isconnected()


def max_baud() -> int:
    """The fastest rate of the REPL port; 0 when it has no rate of its own, as on USB."""
    return int(_link.setting("BAUD"))


def set_baud(rate: int):
    """Change the REPL port's rate, when what was written to it has left."""
    _link.call(_link.BAUD, 0, rate)


def sync_uart():
    """The second serial port, opened, None when there is none or a card reader is at it; to be
    called once. What can change its rate has machine.UART's ``init(baudrate=)``."""
    if not _link.setting("UART") or _link.setting("READER") == "1":
        return None
    from _uart import RatedUart, Uart

    return RatedUart() if max_baud() else Uart()


def trace_pin():
    """A function of one level, for a rig that counts flash operations."""
    return lambda level: _link.call(_link.TRACE, 0, level)


def watchdog(timeout_ms: int):
    """A started watchdog that resets the board unless fed; None when this board is without."""
    own = int(_link.setting("WDT"))
    return machine.WDT(timeout=min(timeout_ms, own)) if own else None


class Clock:
    """Wall time of a chip without a battery: not set until somebody sets it."""

    def __init__(self):
        self._offset = None

    def wall(self) -> int:
        """Unix seconds, or 0 while not set."""
        return 0 if self._offset is None else int(time.time()) + self._offset

    def set(self, unix_seconds: int):
        self._offset = unix_seconds - int(time.time())


class Outputs:
    """Display of 8 lines of 21 half columns, paper, beeper."""

    def show(self, lines: list):
        """Replace the whole screen."""
        if len(lines) > _LINES:
            raise ValueError("%d lines on a display of %d" % (len(lines), _LINES))
        for line in lines:
            width = len(line) + sum([char > "~" for char in line])
            if width > _COLUMNS:
                raise ValueError("%d half columns in a line of %d" % (width, _COLUMNS))
        self._emit({"screen": lines})

    def print_line(self, text: str):
        self._emit({"print": text})

    def beep(self, n: int):
        self._emit({"beep": n})

    def _emit(self, message: dict):
        data = json.dumps(message).encode()
        if _link.call(_link.PANEL, 0, 0, len(data), data):
            raise ValueError("the panel refused %d bytes" % len(data))


class KeyedPanel(Outputs):
    """With keypad and card reader."""

    def __init__(self):
        self._events = asyncio.StreamReader(_link.open_events())

    async def event(self) -> dict:
        """The next {"key": ...} or {"card": {...}}; waits without blocking the loop."""
        while True:
            line = await self._events.readline()
            if line:
                return json.loads(line)
            await asyncio.sleep(1)  # the wire is gone: so is the power, any moment now


def Panel():
    """The front panel; with a card reader at the second port, that of boards with hardware."""
    if _link.setting("READER") != "1":
        return KeyedPanel()
    from _wired import wired

    return wired(Outputs())
