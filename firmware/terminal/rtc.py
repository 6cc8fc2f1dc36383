"""What one start tells the next: a few bytes of RTC memory. On an ESP32 every reset leaves it as
it is, and the loss of power, which EN is too, clears it (MicroPython 1.22 and later,
ports/esp32/machine_rtc.c, pull request 7298). What stands there is checked all the same."""

import machine

SELL = 0
MAINTENANCE = 1  # leave the board to the REPL, and start no watchdog
TRAINING = 2
_MAGIC = b"PZR"


def load() -> tuple:
    """(what this start does, how many before it in a row ended in no way that was meant)."""
    data = machine.RTC().memory()
    if len(data) != 6 or data[:3] != _MAGIC or data[5] != data[3] ^ data[4] ^ 0xA5:
        return SELL, 0
    return data[3], data[4]


def keep(mode: int, crashes: int) -> None:
    """Tell the next start."""
    crashes = min(crashes, 255)
    machine.RTC().memory(_MAGIC + bytes([mode, crashes, mode ^ crashes ^ 0xA5]))


def restart(mode: int = SELL) -> None:
    """Reset the board on purpose: that is no crash. Does not return."""
    keep(mode, 0)
    machine.reset()
