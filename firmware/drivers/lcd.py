"""Text on a colour display with the MIPI commands that the ILI9342C and the ST7789 share.

White on black. The controller is set so that memory writes run down a column first, as the font's
columns do: of a text line only one column is in memory at a time. Not tried on hardware.

``write`` sends bytes; ``cs`` and ``dc`` are pins: select, low; command, low, or data, high.
"""

import time

from drivers import text

_RESET = b"\x01"
_SLEEP_OUT = b"\x11"
_INVERT = b"\x21"
_ON = b"\x29"
_COLUMN_RANGE = b"\x2a"
_ROW_RANGE = b"\x2b"
_WRITE = b"\x2c"
_ORDER = b"\x36"
_FORMAT = b"\x3a"
_RGB565 = b"\x55"
# Both data sheets, "Reset timing" and "SLPOUT (11h)": 120 ms from a reset to SLPOUT, and as long
# from there until the supply voltages are stable.
_SETTLE_MS = 120
# What an application shows at most, in the font's dots.
_LINE = 21 * text.HALF
_LINES = 8 * text.TALL
_CHUNK = 256


class Lcd:
    """``glass``: its width and height. ``width`` and ``height``: the text's part of it, at the top
    left; nothing else of the glass is drawn on by ``show``. ``scale``: dots of a font's dot, and
    twice as many down where eight lines have room for it, so that small text is easier to read.
    ``order``: MADCTL. ``offset``: the memory's rows above the glass."""

    def __init__(
        self,
        write,
        cs,
        dc,
        reset,
        glass: tuple,
        area: tuple,
        scale: int,
        order: int,
        offset: int = 0,
        font=None,
        sleep_ms=None,
    ) -> None:
        self._write = write
        self._cs = cs
        self._dc = dc
        self._offset = offset
        self._font = font or text.open_font()
        self._columns = min(_LINE, area[0] // scale)
        self._left = (area[0] - self._columns * scale) // 2
        down = 2 * scale if 2 * scale * _LINES <= area[1] else scale
        self._height = min(_LINES, area[1] // down)
        self._top = (area[1] - self._height * down) // 2
        self._pen = Pen(scale, down)
        self._shown: list = []
        self._start(reset, glass, order, sleep_ms or time.sleep_ms)

    def show(self, lines: list) -> None:
        """Replace the whole text."""
        rows = text.layout(lines, self._height)
        for top, cell, line, first, count in text.changes(self._shown, rows):
            count = min(count, self._columns - first)
            if count > 0:
                left = self._left + first * self._pen.across
                top = self._top + top * self._pen.down
                self._line(left, top, cell, line, count, self._pen)
        self._shown = rows

    def button(self, x: int, y: int, width: int, height: int, label: str) -> None:
        """A frame with its label in the middle, anywhere on the glass."""
        for top in (y, y + height - 1):
            self._fill(x, top, width, 1, 0xFF)
        for left in (x, x + width - 1):
            self._fill(left, y, 1, height, 0xFF)
        columns = text.HALF * len(label)
        scale = 2 if 2 * columns <= width - 8 else 1
        left = x + (width - columns * scale) // 2
        top = y + (height - text.TALL * scale) // 2
        pen = Pen(scale, scale)
        self._line(left, top, text.TALL, label, columns, pen)

    def _start(self, reset, glass: tuple, order: int, sleep_ms) -> None:
        if reset:
            reset.value(0)
            sleep_ms(1)  # 10 us at least
            reset.value(1)
        else:
            self._command(_RESET)
        sleep_ms(_SETTLE_MS)
        self._command(_SLEEP_OUT)
        sleep_ms(_SETTLE_MS)
        self._command(_FORMAT, _RGB565)
        self._command(_ORDER, bytes((order,)))
        self._command(_INVERT)  # these are IPS panels: not inverted, black would be white
        # The memory's content after a reset is not defined: it is cleared before it is shown.
        self._fill(0, 0, glass[0], glass[1], 0)
        self._command(_ON)

    def _line(self, x: int, y: int, cell: int, line: str, columns: int, pen) -> None:
        self._open(x, y, columns * pen.across, cell * pen.down)
        for column in text.dots(self._font, line, cell == text.TALL, columns):
            dots = pen.stroke(column, cell)
            for _ in range(pen.across):
                self._write(dots)
        self._cs.value(1)

    def _fill(self, x: int, y: int, width: int, height: int, byte: int) -> None:
        self._open(x, y, width, height)
        left = 2 * width * height
        chunk = memoryview(bytes((byte,)) * min(left, _CHUNK))
        while left:
            part = min(left, _CHUNK)
            self._write(chunk[:part])
            left -= part
        self._cs.value(1)

    def _open(self, x: int, y: int, width: int, height: int) -> None:
        """Let the next bytes go to this part of the glass, down its columns, left to right."""
        y += self._offset
        self._command(_COLUMN_RANGE, _range(y, height))
        self._command(_ROW_RANGE, _range(x, width))
        self._begin(_WRITE)

    def _command(self, code: bytes, data: bytes = b"") -> None:
        self._begin(code)
        if data:
            self._write(data)
        self._cs.value(1)

    def _begin(self, code: bytes) -> None:
        self._cs.value(0)
        self._dc.value(0)
        self._write(code)
        self._dc.value(1)


class Pen:
    """Columns of dots as RGB565, each ``across`` dots wide and ``down`` dots high."""

    def __init__(self, across: int, down: int) -> None:
        self.across = across
        self.down = down
        self._fours = [_four(bits, down) for bits in range(16)]
        self._dots = bytearray(2 * text.TALL * down)

    def stroke(self, column: int, cell: int):
        """The bytes of one column; they change with the next call."""
        step = 8 * self.down
        for i in range(cell // 4):
            self._dots[i * step : (i + 1) * step] = self._fours[column >> 4 * i & 15]
        return memoryview(self._dots)[: cell // 4 * step]


def _four(bits: int, times: int) -> bytes:
    dots = b""
    for i in range(4):
        dots += (b"\xff" if bits >> i & 1 else b"\x00") * (2 * times)
    return dots


def _range(first: int, length: int) -> bytes:
    last = first + length - 1
    return bytes((first >> 8, first & 0xFF, last >> 8, last & 0xFF))
