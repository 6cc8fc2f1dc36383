"""Displays at the other end of a driver's wires: what their data sheets do with the bytes.

Each keeps its memory, so that a test sees the picture, and refuses what the data sheet does not
know: a command in the middle of another, a window outside the memory.
"""

import io
from binascii import crc32

from drivers import text

FONT = __file__[: -len("tests/shared/glass.py")] + "firmware/fonts/terminal.font"
_fonts: list[text.Font] = []


def font() -> text.Font:
    """The font, from memory."""
    if not _fonts:
        with open(FONT, "rb") as file:
            _fonts.append(text.Font(io.BytesIO(file.read())))
    return _fonts[0]


# Operands of each command that a driver may send an SSD1306 (data sheet, table 9-1).
_OPERANDS = dict.fromkeys((0x20, 0x81, 0x8D, 0xA8, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB), 1)
_OPERANDS.update(dict.fromkeys((0x40, 0xA1, 0xA4, 0xA6, 0xAE, 0xAF, 0xC8), 0))
_OPERANDS.update({0x21: 2, 0x22: 2})


class Oled:
    """An SSD1306 on I2C: commands with their lengths, the window, the RAM."""

    def __init__(self, width: int = 128, height: int = 64, noise: int = 0x5A) -> None:
        self.width = width
        self.height = height
        self.ram = bytearray(bytes([noise]) * (width * height // 8))
        self.settings: dict[int, bytes] = {}
        self.on = False
        self.trace: list[bytes] = []
        self.refused: list[int] = []
        self._transfers = 0
        self._window = (0, width - 1, 0, height // 8 - 1)
        self._at = (0, 0)

    def writevto(self, address: int, parts) -> None:
        assert address == 0x3C
        self._transfers += 1
        if self._transfers in self.refused:
            self.on = False
            self.settings.clear()
            self.ram[:] = b"\xa5" * len(self.ram)
            raise OSError(19)  # ENODEV, as the ESP32 port says
        data = b"".join([bytes(part) for part in parts])
        self.trace.append(data)
        if data[0] == 0x40:
            self._data(data[1:])
        else:
            assert data[0] == 0x00
            self._commands(data[1:])

    def missed(self) -> bool:
        """Whether there were so many transfers."""
        return bool(self.refused) and self._transfers >= self.refused[-1]

    def refuse(self, *transfers: int) -> None:
        """Lose the power at each of these transfers, counted from 1, and do not answer it."""
        self._transfers = 0
        self.refused = list(transfers)

    def dot(self, x: int, y: int) -> bool:
        return bool(self.ram[(y >> 3) * self.width + x] >> (y & 7) & 1)

    def _commands(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            code = data[at]
            operands = data[at + 1 : at + 1 + _OPERANDS[code]]
            assert len(operands) == _OPERANDS[code]
            at += 1 + len(operands)
            self.settings[code] = operands
            if code in (0xAE, 0xAF):
                self.on = code == 0xAF
            if code == 0x21:
                assert operands[0] <= operands[1] < self.width
                self._window = (operands[0], operands[1], self._window[2], self._window[3])
            if code == 0x22:
                assert operands[0] <= operands[1] < self.height // 8
                self._window = (self._window[0], self._window[1], operands[0], operands[1])
            self._at = (self._window[0], self._window[2])

    def _data(self, data: bytes) -> None:
        assert self.settings[0x20] == b"\x00", "horizontal addressing"
        for byte in data:
            x, page = self._at
            self.ram[page * self.width + x] = byte
            x += 1
            if x > self._window[1]:
                x = self._window[0]
                page = page + 1 if page < self._window[3] else self._window[2]
            self._at = (x, page)


class Colour:
    """A MIPI controller with 16-bit dots: ``spi`` or a parallel bus writes to it. Time passes when
    the driver waits; ``long`` and ``short`` are the sides of its memory."""

    def __init__(self, width: int, height: int, order: int, offset: int = 0) -> None:
        self.width = width
        self.height = height
        self.cs = Line(1, self._select)
        self.dc = Line(1)
        self.reset = Line(1, self._reset)
        self.ms = 0
        self.on = False
        self.settings: dict[int, bytes] = {}
        self.commands: list[tuple] = []  # (code, operands), memory writes as their length
        self.written = 0
        self._order = order
        self._offset = offset
        self._dots = bytearray(width * height)
        self._since = -1000
        self._code = 0
        self._got = b""
        self._count = 0

    def sleep_ms(self, milliseconds: int) -> None:
        self.ms += milliseconds

    def write(self, data) -> None:
        assert not self.cs.level, "not selected"
        if not self.dc.level:
            assert len(data) == 1 and not self._code, "a command in the middle of another"
            self._begin(data[0])
        elif self._code == 0x2C:
            self._memory(data)
        else:
            self._got += bytes(data)

    def dot(self, x: int, y: int) -> bool:
        return bool(self._dots[y * self.width + x])

    def digest(self, left: int) -> int:
        """Of what is from this column on."""
        crc = 0
        for at in range(0, len(self._dots), self.width):
            crc = crc32(self._dots[at + left : at + self.width], crc)
        return crc

    def _select(self, level: int) -> None:
        if level:
            self._end()

    def _reset(self, level: int) -> None:
        self._since = self.ms

    def _begin(self, code: int) -> None:
        if code == 0x01:
            self._since = self.ms
        if code == 0x11:
            assert self.ms - self._since >= 120, "too soon after the reset"
            self._since = self.ms
        if code == 0x29:
            assert self.ms - self._since >= 120, "too soon after sleep out"
            self.on = True
        self._code = code
        self._got = b""
        self._count = 0

    def _end(self) -> None:
        """The operands of a command are there, or the dots of a memory write."""
        if not self._code:
            return
        if self._code == 0x2C:
            assert not self._count % 2, "half a dot"
            self.commands.append((0x2C, self._count // 2))
        else:
            operands = {0x2A: 4, 0x2B: 4, 0x36: 1, 0x3A: 1}.get(self._code, 0)
            assert len(self._got) == operands
            self.settings[self._code] = self._got
            self.commands.append((self._code, self._got))
        self._code = 0

    def _memory(self, data) -> None:
        assert self.settings[0x36] == bytes([self._order]) and self.settings[0x3A] == b"\x55"
        top, bottom = _ends(self.settings[0x2A])
        left, right = _ends(self.settings[0x2B])
        top, bottom = top - self._offset, bottom - self._offset
        assert 0 <= top <= bottom < self.height and 0 <= left <= right < self.width
        rows = bottom - top + 1
        assert not len(data) % 2
        for i in range(0, len(data), 2):
            assert data[i] == data[i + 1] and data[i] in (0, 0xFF)
            x, y = divmod(self._count // 2, rows)
            assert left + x <= right, "more dots than the window has"
            self._dots[(top + y) * self.width + left + x] = data[i] & 1
            self._count += 2
        self.written += len(data) // 2


class Line:
    """A pin that tells what is behind it."""

    def __init__(self, level: int, told=None) -> None:
        self.level = level
        self._told = told

    def value(self, level: int | None = None) -> int:
        if level is not None:
            changed = level != self.level
            self.level = level
            if self._told and changed:
                self._told(level)
        return self.level


class Registers:
    """machine.mem32 with the GPIO registers of an ESP32-S3 and a display on some of its pins: a
    byte is taken when WR rises."""

    def __init__(self, display, data: tuple, wr: int) -> None:
        self.levels = 1 << wr
        self._display = display
        self._data = data
        self._wr = wr

    def __setitem__(self, address: int, mask: int) -> None:
        shift = 32 if address in (0x60004014, 0x60004018) else 0
        before = self.levels
        if address in (0x60004008, 0x60004014):
            self.levels |= mask << shift
        elif address in (0x6000400C, 0x60004018):
            self.levels &= ~(mask << shift)
        else:
            raise AssertionError("no register to write: " + hex(address))
        assert mask < 1 << 32
        if self.levels & ~before & 1 << self._wr:
            byte = 0
            for i in range(8):
                byte |= (self.levels >> self._data[i] & 1) << i
            self._display.strobe(byte)


class Strobed(Colour):
    """The same controller behind a parallel bus: bytes come one by one."""

    _half: int | None = None

    def strobe(self, byte: int) -> None:
        if self.dc.level and self._code == 0x2C:
            if self._half is None:
                self._half = byte
            else:
                first, self._half = self._half, None
                self.write(bytes((first, byte)))
        else:
            self.write(bytes((byte,)))


def _ends(operands: bytes) -> tuple:
    return operands[0] << 8 | operands[1], operands[2] << 8 | operands[3]


def picture(display, left: int, top: int, width: int, height: int) -> list:
    """A part of a display as text, a dot a character."""
    rows = []
    for y in range(top, top + height):
        rows.append(
            "".join(["#" if display.dot(x, y) else "." for x in range(left, left + width)])
        )
    return rows


def differs(display, lines: list, height: int, at: tuple = (0, 0), scale: tuple = (1, 1)) -> str:
    """Where a display does not show these lines as the font has them, "" for nowhere. ``height``
    is the text's in the font's dots, ``at`` its first dot, ``scale`` dots across and down."""
    left, y = at
    across, down = scale
    rows = text.layout(lines, height)
    rows.append((height, 0, ""))
    for top, cell, line in rows:
        while y < at[1] + top * down:
            if "#" in picture(display, left, y, 126 * across, 1)[0]:
                return f"dots in row {y}, where nothing is"
            y += 1
        columns = list(text.dots(font(), line, cell == text.TALL, 126)) if cell else []
        for row in range(cell * down):
            is_there = [display.dot(left + x, y) for x in range(126 * across)]
            wanted = [bool(columns[x // across] >> row // down & 1) for x in range(126 * across)]
            if is_there != wanted:
                return f"row {y} is not that of {line!r}"
            y += 1
    return ""
