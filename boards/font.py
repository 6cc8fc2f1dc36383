"""Make terminal.font from fonts of Debian's packages xfonts-base and xfonts-efont-unicode.

    python -m boards.font FOLDER      # with 6x9, h12 and f12 as .pcf.gz

The result is committed, so nobody needs this to build an image. firmware/drivers/text.py says
what is where in it.
"""

from __future__ import annotations

import gzip
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "firmware/fonts/terminal.font"

_METRICS, _BITMAPS, _ENCODINGS = 1 << 2, 1 << 3, 1 << 5
_BIG_ENDIAN, _HIGH_BIT_FIRST, _COMPRESSED = 1 << 2, 1 << 3, 1 << 8
# Rows of GB 2312 with the last cell of each: punctuation, full-width ASCII, and all the Chinese
# characters, of both levels.
_ROWS = {0xA1: 0xBF, 0xA3: 0xFE, **dict.fromkeys(range(0xB0, 0xF8), 0xFE)}
# The rows of a 6 x 9 cell that an 8 dot cell has; a few signs begin in the first one.
_CUT = 1

Rows = list[list[int]]


class Pcf:
    """A bitmap font of the X Window System: glyphs by character."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        (count,) = struct.unpack_from("<I", data, 4)
        rows = [struct.unpack_from("<IIII", data, 8 + 16 * i) for i in range(count)]
        self._tables = {row[0]: row[3] for row in rows}
        self._metrics = self._read_metrics()
        self._read_places()

    def __contains__(self, char: str) -> bool:
        return self._number(ord(char)) is not None

    def rows(self, char: str) -> Rows:
        """A glyph's dots from the top; KeyError when there is none."""
        number = self._number(ord(char))
        if number is None:
            raise KeyError(char)
        left, right, ascent, descent = self._metrics[number]
        stride = ((right - left + 7) // 8 + self._padding - 1) // self._padding * self._padding
        found = []
        for row in range(ascent + descent):
            at = self._bitmaps_at + self._offsets[number] + row * stride
            found.append([self._dot(at, column) for column in range(right - left)])
        return found

    def _dot(self, at: int, column: int) -> int:
        shift = 7 - column % 8 if self._high_first else column % 8
        return self._data[at + column // 8] >> shift & 1

    def _table(self, kind: int) -> tuple[int, str, int]:
        at = self._tables[kind]
        (form,) = struct.unpack_from("<I", self._data, at)
        return form, ">" if form & _BIG_ENDIAN else "<", at + 4

    def _read_metrics(self) -> list[tuple[int, int, int, int]]:
        form, order, at = self._table(_METRICS)
        if form & _COMPRESSED:
            (count,) = struct.unpack_from(order + "H", self._data, at)
            rows = [struct.unpack_from("5B", self._data, at + 2 + 5 * i) for i in range(count)]
            return [(r[0] - 128, r[1] - 128, r[3] - 128, r[4] - 128) for r in rows]
        (count,) = struct.unpack_from(order + "I", self._data, at)
        wide = [
            struct.unpack_from(order + "5h", self._data, at + 4 + 12 * i) for i in range(count)
        ]
        return [(r[0], r[1], r[3], r[4]) for r in wide]

    def _read_places(self) -> None:
        form, order, at = self._table(_BITMAPS)
        (count,) = struct.unpack_from(order + "I", self._data, at)
        self._offsets = struct.unpack_from(f"{order}{count}I", self._data, at + 4)
        self._bitmaps_at = at + 4 + 4 * count + 16
        self._padding = 1 << (form & 3)
        self._high_first = bool(form & _HIGH_BIT_FIRST)
        _, self._order, self._encodings_at = self._table(_ENCODINGS)
        self._range = struct.unpack_from(self._order + "4h", self._data, self._encodings_at)

    def _number(self, code: int) -> int | None:
        low_first, low_last, high_first, high_last = self._range
        low, high = code & 0xFF, code >> 8
        if not (low_first <= low <= low_last and high_first <= high <= high_last):
            return None
        row = (high - high_first) * (low_last - low_first + 1) + low - low_first
        at = self._encodings_at + 10 + 2 * row
        number: int = struct.unpack_from(self._order + "H", self._data, at)[0]
        return None if number == 0xFFFF else number


def chinese() -> list[str]:
    """What the font has beside ASCII, in the order of Unicode."""
    pairs = (bytes((high, low)) for high, last in _ROWS.items() for low in range(0xA1, last + 1))
    return sorted({char for pair in pairs for char in pair.decode("gb2312", "ignore")})


def font(small: Pcf, narrow: Pcf, wide: Pcf) -> bytes:
    """The font file's bytes."""
    ascii_ = [chr(code) for code in range(0x20, 0x7F)]
    parts = [b"PZF1"]
    parts += [bytes(_columns(_eight(small.rows(char)), 6)) for char in ascii_]
    parts += [_packed(_columns(narrow.rows(char), 6)) for char in ascii_]
    chars = [char for char in chinese() if char in wide]
    parts.append(_index(chars))
    parts += [_packed(_columns(wide.rows(char), 12)) for char in chars]
    return b"".join(parts)


def _eight(rows: Rows) -> Rows:
    """A 9 row glyph in 8 rows: without its first one, which few have, and of those that have it
    without the last one when that is empty."""
    if any(rows[0]) and not any(rows[-1]):
        return rows[:-1]
    return rows[_CUT:]


def _columns(rows: Rows, width: int) -> list[int]:
    """A number for each column, its lowest bit the topmost dot."""
    return [sum(row[column] << y for y, row in enumerate(rows)) for column in range(width)]


def _packed(columns: Iterable[int]) -> bytes:
    """Two columns of 12 dots in three bytes."""
    columns = list(columns)
    packed = bytearray()
    for first, second in zip(columns[::2], columns[1::2], strict=True):
        packed += (first | second << 12).to_bytes(3, "little")
    return bytes(packed)


def _index(chars: list[str]) -> bytes:
    pages = bytearray(512)
    blocks: list[bytearray] = []
    for number, char in enumerate(chars):
        page, bit = divmod(ord(char), 128)
        if not pages[page]:
            blocks.append(bytearray(number.to_bytes(2, "big") + bytes(16)))
            pages[page] = len(blocks)
        blocks[-1][2 + bit // 8] |= 1 << bit % 8
    return bytes(pages) + b"".join(blocks)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m boards.font FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    names = ("6x9", "h12", "f12")
    fonts = [Pcf(gzip.decompress((folder / f"{name}.pcf.gz").read_bytes())) for name in names]
    TARGET.write_bytes(font(*fonts))
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
