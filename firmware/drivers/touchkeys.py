"""Keys on a touch panel, and the FT6336U that reads it on an M5Stack Core2.

A Core2 has no digit keys, so they are drawn: text in the left 128 pixels, twelve keys of 64 x 60
(8 x 7.6 mm) to its right. The three round marks under the picture are CANCEL, CLEAR and ENTER;
the panel sees them at y 240 to 279 (M5Stack's M5Core2 library, M5Touch).
"""

from drivers import ticks

# (name, x, y, width, height) in pixels of the screen
_PAD = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), ("00", "0", "CLEAR"))
CORE2 = tuple(
    [
        (name, 128 + 64 * column, 60 * row, 64, 60)
        for row, names in enumerate(_PAD)
        for column, name in enumerate(names)
    ]
    + [("CANCEL", 0, 240, 107, 40), ("CLEAR", 107, 240, 107, 40), ("ENTER", 214, 240, 106, 40)]
)

# The controller reports every 13 to 20 ms, and what is read more often may be half of one report
# and half of the next (M5Core2 library, M5Touch).
_REPORT_MS = 16
_SETTLE_MS = 25  # two reports of the same place

_ADDRESS = 0x38
# Registers (FocalTech, "Ft6336GU_Firmware"): TD_STATUS, then P1_XH, P1_XL, P1_YH, P1_YL.
_TD_STATUS = 0x02
_LENGTH = 5
# The controller knows two points; more than that is what it answers before its firmware runs.
_MOST_POINTS = 2


class Ft6336:
    """The touch controller: ``point()`` is (x, y), None when not exactly one finger is there."""

    def __init__(self, i2c, address: int = _ADDRESS) -> None:
        self._i2c = i2c
        self._address = address
        self._data = bytearray(_LENGTH)
        self.fingers = 0

    def point(self) -> tuple | None:
        """Reads the panel; ``fingers`` is how many there are. Raises OSError."""
        data = self._data
        self._i2c.readfrom_mem_into(self._address, _TD_STATUS, data)
        fingers = data[0] & 0x0F
        self.fingers = fingers if fingers <= _MOST_POINTS else 0
        if self.fingers != 1:
            return None
        # The high nibbles are the event and the finger's number.
        return (data[1] & 0x0F) << 8 | data[2], (data[3] & 0x0F) << 8 | data[4]


class TouchKeys:
    """``poll`` gives the key that a finger came down on: one finger, in the same key for 25 ms,
    and none before it. A finger that slides, or two, press nothing until all are off. Two side by
    side are one to a Core2's glass, between them."""

    def __init__(self, touch, keys=CORE2, now_ms=ticks.now_ms) -> None:
        self._touch = touch
        self._keys = keys
        self._now_ms = now_ms
        self._at = ""
        self._since = 0
        self._read = now_ms() - _REPORT_MS
        self._spent = True  # until the first time that no finger is there
        self.fault = ""

    def poll(self) -> list | tuple:
        now = self._now_ms()
        if ticks.since(now, self._read) < _REPORT_MS:
            return ()
        self._read = now
        try:
            point = self._touch.point()
            self.fault = ""
        except OSError as error:
            # Whatever it was, there is no finger to believe in.
            self.fault = "touch panel: %s" % error
            self._spent = True
            return ()
        if not self._touch.fingers:
            self._at = ""
            self._spent = False
            return ()
        if self._spent:
            return ()
        name = self._key(point)
        if not self._at and name:
            self._at = name
            self._since = now
        elif name != self._at or not name:
            self._spent = True
        elif ticks.since(now, self._since) >= _SETTLE_MS:
            self._spent = True
            return [name]
        return ()

    def _key(self, point: tuple | None) -> str:
        if point is None:
            return ""
        for name, x, y, width, height in self._keys:
            if x <= point[0] < x + width and y <= point[1] < y + height:
                return name
        return ""
