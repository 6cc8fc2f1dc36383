"""What all boards with an ESP32 share; a board.py gives these on under its own name."""

import time

import esp32
import machine
import network
from micropython import const

# MicroPython counts from 2000 on ESP32, from 1970 on the unix port.
_EPOCH = 0 if time.gmtime(0)[0] == 1970 else 946684800
# 2026-01-01, Unix seconds. The RTC starts in 2000 at power-on and keeps its time over every other
# reset: what it says is true when it is later than this program.
_NOT_BEFORE = const(1767225600)
# The UART's FIFO holds 128 bytes (ESP32 Technical Reference Manual, "UART Controller"): 11 ms at
# 115200 baud, the slowest rate that the REPL port has.
_FIFO_MS = const(12)
_MAX_HOSTNAME = const(32)  # network.hostname() refuses longer ones
_ENOENT = const(2)
_RISE_MS = const(20)

_CAUSES = {
    machine.PWRON_RESET: "PWRON",  # a brown-out says the same
    machine.HARD_RESET: "HARD",
    machine.WDT_RESET: "WDT",
    machine.DEEPSLEEP_RESET: "DEEPSLEEP",
    machine.SOFT_RESET: "SOFT",
}


def partition(label: str) -> esp32.Partition:
    """The block device with this label; OSError(ENOENT) when there is none."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    if not found:
        raise OSError(_ENOENT)
    return found[0]


def reset_cause() -> str:
    return _CAUSES.get(machine.reset_cause(), "OTHER")


def unique_id() -> bytes:
    return machine.unique_id()


def connect_wifi(ssid: str, password: str, hostname: str) -> bool:
    """Begin to join a network as ``hostname``.local; returns whether there is a connection.

    Does not wait: ESP-IDF goes on in its own task, and again whenever the connection is lost. A
    network that is not there must not keep anybody from selling.
    """
    if not ssid:
        return False
    network.hostname(hostname[:_MAX_HOSTNAME])  # before the interface is active
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    if wlan.isconnected():
        return True
    try:
        wlan.connect(ssid, password)
    except OSError:
        # It is trying already ("Wifi Internal State Error"), or is not ready: the next start.
        return False
    return wlan.isconnected()


def watchdog(timeout_ms: int):
    """Starts it; it can't be stopped. Without ``feed()`` for so long the chip resets."""
    return machine.WDT(timeout=timeout_ms)


def set_baud(rate: int) -> None:
    """Change the rate of UART0 under the REPL, when what was written to it has left."""
    time.sleep_ms(_FIFO_MS)
    # Another machine.UART of the REPL's port changes its settings and leaves the REPL there
    # (MicroPython issue 6862). Its read() is of no use, and nobody calls it.
    machine.UART(0, rate)


class Clock:
    """Wall time in the chip's RTC: lost with the power, kept over every other reset."""

    def wall(self) -> int:
        """Unix seconds, or 0 while not set."""
        now = int(time.time()) + _EPOCH
        return now if now >= _NOT_BEFORE else 0

    def set(self, unix_seconds: int) -> None:
        t = time.gmtime(unix_seconds - _EPOCH)
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))


def pressed(gpio: int) -> bool:
    """Whether a button from this pin to ground is held."""
    return _stays_low(machine.Pin(gpio, machine.Pin.IN, machine.Pin.PULL_UP))


def key_held(row: int, column: int) -> bool:
    """Whether the key between these two pins of a keypad is held, before anything drives it."""
    drive = machine.Pin(row, machine.Pin.OPEN_DRAIN, value=0)
    held = _stays_low(machine.Pin(column, machine.Pin.IN, machine.Pin.PULL_UP))
    drive.value(1)
    return held


def _stays_low(pin) -> bool:
    # The pull-up has 45 kOhm (ESP32 datasheet, "DC characteristics"), and buttons on boards have
    # capacitors: a pin that was never pressed is low for some ms.
    for _ in range(_RISE_MS):
        if pin.value():
            return False
        time.sleep_ms(1)
    return True


def trace(gpio: int):
    """A function of one level, for a rig that counts flash operations; low from the start."""
    return machine.Pin(gpio, machine.Pin.OUT, value=0).value
