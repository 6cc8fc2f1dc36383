"""SSD1306 OLED display on I2C, 128 x 64 or 128 x 32 dots.

Cited: "DS" is Solomon Systech's data sheet SSD1306, Rev 1.1. Not tried on hardware.
"""

from drivers import text

# DS 8.1.5.2: a control byte comes first, Co = 0: only commands follow, or only data.
_COMMANDS = b"\x00"
_DATA = b"\x40"
# DS 10.1.4, 10.1.5: the window that data goes to, in columns and in pages of 8 rows.
_COLUMNS = 0x21
_PAGES = 0x22
_ON = b"\xaf"  # DS 10.1.12


def _start(height: int) -> bytes:
    """The order of DS's application note, "Software initialization flow chart"; what it leaves
    at its value after a reset is sent all the same, since only the power resets a module."""
    # DS 10.1.18: alternative COM pins with 64 rows, sequential with 32.
    com_pins = 0x02 if height == 32 else 0x12
    return (
        b"\xae"  # off
        + bytes((0xA8, height - 1))  # multiplex ratio, DS 10.1.11
        + b"\xd3\x00\x40"  # no display offset, start line 0
        + b"\xa1\xc8"  # column 0 is left and row 0 on top, with the connector above
        + bytes((0xDA, com_pins))
        + b"\x81\x7f"  # contrast
        + b"\xa4\xa6"  # show the RAM, a set bit is lit
        + b"\xd5\x80"  # oscillator
        + b"\xd9\xf1\xdb\x20"  # precharge and VCOMH, for the charge pump
        + b"\x20\x00"  # columns first, then pages: horizontal addressing, DS 10.1.3
        + b"\x8d\x14"  # the charge pump makes the 7.5 V of a module, application note
    )


class Ssd1306:
    """``show`` sends only the part of a line that changed; all of it, and the set-up, after the
    module did not answer. OSError when it does not answer then either."""

    def __init__(
        self, i2c, address: int = 0x3C, width: int = 128, height: int = 64, font=None
    ) -> None:
        self._i2c = i2c
        self._address = address
        self._width = width
        self._height = height
        self._font = font or text.open_font()
        self._dots = bytearray(width * height // 8)
        self._shown: list | None = None  # None: whatever the module shows

    def show(self, lines: list) -> None:
        """Replace the whole screen."""
        try:
            self._replace(lines)
        except OSError:
            # A spark, or a module that lost its power for a moment: an OSError from here takes the
            # terminal out of service, so the module is set up and written once more before.
            self._replace(lines)

    def _replace(self, lines: list) -> None:
        rows = text.layout(lines, self._height)
        before, self._shown = self._shown, None
        if before is None:
            self._command(_start(self._height))
            # What the RAM holds after power-on is not defined.
            self._dots[:] = bytes(len(self._dots))
            for row in text.changes([], rows):
                self._draw(*row)
            self._send(0, self._height // 8 - 1, 0, self._width)
            self._command(_ON)
        else:
            for row in text.changes(before, rows):
                self._send(*self._draw(*row))
        self._shown = rows

    def _draw(self, top: int, cell: int, line: str, x: int, count: int) -> tuple:
        """A line into the copy of the display's RAM; the pages and columns that it touches."""
        first = top >> 3
        last = top + cell - 1 >> 3
        shift = top & 7
        hole = ~((1 << cell) - 1 << shift)
        count = max(0, min(count, self._width - x))
        left = x
        for column in text.dots(self._font, line, cell == text.TALL, count):
            column <<= shift
            for page in range(first, last + 1):
                at = page * self._width + x
                down = 8 * (page - first)
                self._dots[at] = self._dots[at] & hole >> down & 0xFF | column >> down & 0xFF
            x += 1
        return first, last, left, count

    def _send(self, first: int, last: int, left: int, count: int) -> None:
        if not count:
            return
        view = memoryview(self._dots)
        self._command(bytes((_COLUMNS, left, left + count - 1, _PAGES, first, last)))
        for page in range(first, last + 1):
            at = page * self._width + left
            self._i2c.writevto(self._address, (_DATA, view[at : at + count]))

    def _command(self, data: bytes) -> None:
        self._i2c.writevto(self._address, (_COMMANDS, data))
