"""The parts of ESP32's machine module that the unix port lacks."""

import _link
from umachine import *  # noqa: F403 (the built-in module that this one extends)

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_CAUSES = {"PWRON": PWRON_RESET, "HARD": HARD_RESET, "WDT": WDT_RESET, "SOFT": SOFT_RESET}


def reset_cause() -> int:
    return _CAUSES[_link.setting("CAUSE")]


def unique_id() -> bytes:
    return bytes.fromhex(_link.setting("ID"))


def reset():
    """Does not return: the supervisor ends this interpreter and starts another."""
    _link.call(_link.HARD_RESET)


class WDT:
    """A watchdog that, once started, can only be fed."""

    def __init__(self, id: int = 0, timeout: int = 5000):
        if id != 0 or timeout < 1:
            raise ValueError
        self._timeout = timeout
        self.feed()

    def feed(self):
        _link.call(_link.WATCHDOG, 0, self._timeout)


class RTC:
    """Its memory only: 2048 bytes that every reset leaves and a power cut clears."""

    _data = bytes.fromhex(_link.setting("RTC"))

    def memory(self, data: bytes | None = None) -> bytes | None:
        if data is None:
            return RTC._data
        if len(data) > 2048:
            raise ValueError("buffer too long")
        RTC._data = bytes(data)
        _link.call(_link.RTC, 0, 0, len(data), RTC._data)
        return None


class Pin:
    """A pin with nothing connected: it remembers what was written and reads its pull."""

    IN = 1
    OUT = 3
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, id: int, mode: int = -1, pull: int = -1, value: int | None = None):
        self._value = (pull == Pin.PULL_UP) if value is None else value

    def value(self, new: int | None = None) -> int | None:
        if new is None:
            return int(self._value)
        self._value = bool(new)
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)
