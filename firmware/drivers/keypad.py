"""A matrix keypad: rows driven one at a time, columns read, contacts left to settle.

The row pins are open drain and idle high, the column pins inputs with a pull-up:
``Pin(n, Pin.OPEN_DRAIN, value=1)`` and ``Pin(n, Pin.IN, Pin.PULL_UP)``. Then two keys held in one
column connect two rows that both only pull down, and nothing shorts. GPIO 34 to 39 of an ESP32
have no pull-up (ESP32 datasheet, "IO MUX"): they can't be columns without a resistor.
"""

import time

from drivers import ticks

# What the usual 4x4 membrane says: 1 2 3 A, 4 5 6 B, 7 8 9 C, * 0 # D. "" is a key without use.
LAYOUT_4X4 = (
    ("1", "2", "3", "CANCEL"),
    ("4", "5", "6", "CLEAR"),
    ("7", "8", "9", ""),
    ("00", "0", "", "ENTER"),
)

# Contacts of membranes and tact switches bounce for 5 to 10 ms; a person's shortest press is 50.
_SETTLE_MS = 20
# An internal pull-up is some 45 kOhm (ESP32 datasheet, "DC characteristics") and 30 cm of flat
# cable some 200 pF: 13 us to a high level.
_RISE_US = 20


class Keypad:
    """``poll`` gives the names of the keys that went down since the last call.

    ``rows`` and ``columns`` are pins, ``layout`` a row of names for each row pin.
    """

    fault = ""

    def __init__(self, rows, columns, layout=LAYOUT_4X4, now_ms=ticks.now_ms) -> None:
        if len(layout) != len(rows) or len(layout[0]) != len(columns):
            raise ValueError("keypad: the layout is not %dx%d" % (len(rows), len(columns)))
        self._rows = rows
        self._columns = columns
        self._layout = layout
        self._now_ms = now_ms
        self._closed = [0] * len(rows)
        # A key that is down from the start (a stuck one, or safe mode's) is no press.
        self._down = -1
        self._seen = 0
        self._since = now_ms()

    def poll(self) -> list | tuple:
        """One scan. A press counts when nothing has changed for 20 ms. A hundred times a second:
        while nothing is pressed, nothing is allocated."""
        mask = self._scan()
        if mask is None:
            return ()
        now = self._now_ms()
        if mask != self._seen:
            self._seen = mask
            self._since = now
        if mask == self._down or ticks.since(now, self._since) < _SETTLE_MS:
            return ()
        pressed = mask & ~self._down
        self._down = mask
        return self._names(pressed) if pressed else ()

    def _scan(self) -> int | None:
        """A bit for each closed contact, by rows; None when there may be one too many."""
        closed = self._closed
        mask = 0
        for i in range(len(self._rows)):
            row = self._rows[i]
            row.value(0)
            bits = 0
            for column in self._columns:
                bits = bits << 1 | (not column.value())
            row.value(1)
            _wait_for_rise()
            closed[i] = bits
            mask = mask << len(self._columns) | bits
        return None if _ghosts(closed) else mask

    def _names(self, pressed: int) -> list:
        names = []
        bit = 1 << (len(self._rows) * len(self._columns) - 1)
        for row in self._layout:
            for name in row:
                if pressed & bit and name:
                    names.append(name)
                bit >>= 1
        return names


def _ghosts(closed: list) -> bool:
    """Without diodes, three keys at the corners of a rectangle close its fourth as well: two rows
    that have two columns in common say nothing about which keys are down."""
    for i in range(1, len(closed)):
        for j in range(i):
            common = closed[i] & closed[j]
            if common & (common - 1):
                return True
    return False


def _wait_for_rise() -> None:
    # Else the next row would see what this one pulled down.
    if hasattr(time, "sleep_us"):
        time.sleep_us(_RISE_US)
