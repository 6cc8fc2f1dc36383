"""Text as dots: the font file, where lines go on a display, and the columns of a line.

A glyph is 6 or 12 columns; a column is a number whose lowest bit is its topmost dot, as the
displays here take them. Two cell heights: 8 dots, ASCII only, and 12 dots, all that the font has.
The font stays in flash: three short reads find a glyph, nothing of it is kept.

The font file (boards/font.py writes it):

    "PZF1"                              4 bytes
    95 x 6                              ASCII from the space on, 8 dots high, a byte a column
    95 x 9                              the same 12 dots high: two columns in 3 bytes
    512                                 for 128 characters each: 0, or which of the blocks below
    blocks x 18                         u16 big-endian: glyphs before this block, then a bit for
                                        each of its 128 characters, the lowest bit first
    glyphs x 18                         12 columns of 12 dots, two columns in 3 bytes
"""

SMALL = 8
TALL = 12
HALF = 6  # dots of a half column

_MAGIC = b"PZF1"
_SMALL_AT = 4
_TALL_AT = _SMALL_AT + 95 * 6
_PAGES_AT = _TALL_AT + 95 * 9
_BLOCKS_AT = _PAGES_AT + 512
_BLOCK = 18
_GLYPH = 18


class FontError(Exception):
    """The font file is none."""


class Font:
    """``file``: open for reading bytes, for as long as the font is used."""

    def __init__(self, file) -> None:
        self._file = file
        self._glyph = bytearray(_GLYPH)
        if bytes(self._read(0, 4)) != _MAGIC:
            raise FontError("not a font")
        file.seek(_PAGES_AT)
        self._glyphs_at = _BLOCKS_AT + _BLOCK * max(file.read(_BLOCKS_AT - _PAGES_AT))

    def columns(self, code: int, tall: bool, into: bytearray) -> int:
        """Write a character's columns into ``into``, two bytes each, low byte first; how many.
        A small cell has ASCII only. What the font does not have is a box."""
        wide = code > 0x7E
        if not wide and code >= 0x20:
            if tall:
                return self._unpack(self._read(_TALL_AT + 9 * (code - 0x20), 9), into)
            return self._spread(self._read(_SMALL_AT + 6 * (code - 0x20), 6), into)
        if wide and tall:
            at = self._find(code)
            if at:
                return self._unpack(self._read(at, _GLYPH), into)
        return _box(12 if wide else 6, tall, into)

    def _find(self, code: int) -> int:
        """Where the glyph of a character is in the file, 0 for nowhere."""
        if code > 0xFFFF:
            return 0
        block = self._read(_PAGES_AT + (code >> 7), 1)[0]
        if not block:
            return 0
        row = self._read(_BLOCKS_AT + _BLOCK * (block - 1), _BLOCK)
        bit = code & 0x7F
        if not row[2 + (bit >> 3)] >> (bit & 7) & 1:
            return 0
        number = row[0] << 8 | row[1]
        for i in range(bit >> 3):
            number += _ones(row[2 + i])
        number += _ones(row[2 + (bit >> 3)] & (1 << (bit & 7)) - 1)
        return self._glyphs_at + _GLYPH * number

    def _read(self, at: int, length: int):
        self._file.seek(at)
        there = memoryview(self._glyph)[:length]
        self._file.readinto(there)
        return there

    def _spread(self, glyph, into: bytearray) -> int:
        for i in range(6):
            into[2 * i] = glyph[i]
            into[2 * i + 1] = 0
        return 6

    def _unpack(self, glyph, into: bytearray) -> int:
        pairs = len(glyph) // 3
        for i in range(pairs):
            low, both, high = glyph[3 * i], glyph[3 * i + 1], glyph[3 * i + 2]
            into[4 * i] = low
            into[4 * i + 1] = both & 0x0F
            into[4 * i + 2] = (both >> 4 | high << 4) & 0xFF
            into[4 * i + 3] = high >> 4
        return 2 * pairs


def open_font(path: str | None = None) -> Font:
    """The font that was installed beside this package; OSError when there is none."""
    if path is None:
        # __file__ is ROOT/drivers/text.py or .mpy.
        root = __file__[: __file__.rfind("/")]
        path = root[: root.rfind("/") + 1] + "fonts/terminal.font"
    return Font(open(path, "rb"))


def layout(lines: list, height: int) -> list:
    """(top, cell height, line) of the lines that fit ``height`` dots, from the top on. All are
    tall when that fits, else only those with Chinese; empty lines go when it still does not."""
    tall = len(lines) * TALL <= height
    cells = [TALL if tall or _is_wide(line) else SMALL for line in lines]
    spare = height - sum(cells)
    top = 0
    placed = []
    for i in range(len(lines)):
        if not lines[i] and spare < 0:
            spare += cells[i]
        elif top + cells[i] <= height:
            placed.append((top, cells[i], lines[i]))
            top += cells[i]
    return placed


def changes(before: list, after: list) -> list:
    """What of the layout ``after`` has to be drawn where ``before`` is shown: (top, cell height,
    text, first column, number of columns); the rest of the columns is empty. Lines that are gone
    come first."""
    there = {}
    for top, cell, line in before:
        there[top, cell] = line
    rows = []
    for top, cell, line in after:
        was = there.pop((top, cell), "")
        same = _common(was, line)
        first = _extent(line[:same])
        count = max(_extent(was), _extent(line)) - first
        if was != line:
            rows.append((top, cell, line[same:], first, count))
    gone = []
    for place in there:
        gone.append((place[0], place[1], "", 0, _extent(there[place])))
    return gone + rows


def dots(font: Font, line: str, tall: bool, width: int):
    """The columns of a line, one number each, ``width`` of them: the rest is empty."""
    cell = bytearray(24)
    for code in codes(line):
        count = font.columns(code, tall, cell)
        if count > width:
            break
        width -= count
        for i in range(0, 2 * count, 2):
            yield cell[i] | cell[i + 1] << 8
    for _ in range(width):
        yield 0


def codes(text: str):
    """The codes of a text's characters. Not character by character: MicroPython keeps each text
    of one character for ever, and Chinese has thousands."""
    code = left = 0
    for byte in text.encode():
        if byte < 0x80:
            yield byte
        elif byte >= 0xC0:
            left = 1 + (byte >= 0xE0) + (byte >= 0xF0)
            code = byte & 0x3F >> left
        else:
            code = code << 6 | byte & 0x3F
            left -= 1
            if not left:
                yield code


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    first = one.encode()
    second = other.encode() + b"\0"
    same = 0
    while same < len(first) and first[same] == second[same]:
        same += 1
    while same < len(first) and first[same] & 0xC0 == 0x80:
        same -= 1  # in the middle of a character
    return len(first[:same].decode())


def _extent(line: str) -> int:
    """The columns of a line."""
    columns = HALF * len(line)
    for byte in line.encode():
        if byte >= 0xC0:  # a character that is not ASCII begins
            columns += HALF
    return columns


def _is_wide(line: str) -> bool:
    return _extent(line) > HALF * len(line)


def _box(count: int, tall: bool, into: bytearray) -> int:
    bottom = 1 << (TALL if tall else SMALL) - 2
    for i in range(count):
        column = bottom | 2
        if i in (0, count - 2):
            column = 2 * bottom - 2
        elif i == count - 1:
            column = 0
        into[2 * i] = column & 0xFF
        into[2 * i + 1] = column >> 8
    return count


def _ones(byte: int) -> int:
    count = 0
    while byte:
        byte &= byte - 1
        count += 1
    return count
