"""The font of the displays has all that the terminal says, and is read as it was written."""

from __future__ import annotations

import io
import random
import re
import struct

import pytest

from boards.font import TARGET as FILE
from boards.font import Pcf, Rows, chinese, font
from drivers import text
from terminal import texts_en, texts_rare_en, texts_rare_zh, texts_zh, transactions

ASCII = [chr(code) for code in range(0x20, 0x7F)]


class Drawn(Pcf):
    """Glyphs with random dots, some of them missing."""

    def __init__(self, width: int, height: int, missing: str = "") -> None:
        self._size = (width, height)
        self._missing = missing

    def __contains__(self, char: str) -> bool:
        return char not in self._missing

    def rows(self, char: str) -> Rows:
        if char not in self:
            raise KeyError(char)
        dice = random.Random(f"{char} {self._size}")
        return [[dice.randrange(2) for _ in range(self._size[0])] for _ in range(self._size[1])]


def columns_of(rows: Rows) -> list[int]:
    return [sum(row[x] << y for y, row in enumerate(rows)) for x in range(len(rows[0]))]


def pcf(order: str, compressed: bool) -> bytes:
    """A font file of the X Window System with A, one dot wide, and 中, nine dots wide; rows are
    padded to four bytes."""
    flags = 4 if order == ">" else 0
    sizes = ((0, 1, 2, 0), (0, 9, 1, 1))  # left, right, ascent, descent
    if compressed:
        metrics = struct.pack(order + "H", 2)
        for left, right, ascent, descent in sizes:
            metrics += bytes(128 + n for n in (left, right, right, ascent, descent))
    else:
        metrics = struct.pack(order + "I", 2)
        for left, right, ascent, descent in sizes:
            metrics += struct.pack(order + "6h", left, right, right, ascent, descent, 0)
    dots = bytes.fromhex("80000000 0000000080800000 41000000")
    bitmaps = struct.pack(order + "3I", 2, 0, 8) + bytes(16) + dots
    # Bytes of the code from 0x2D to 0x41 and from 0x00 to 0x4E: 0x0041 and 0x4E2D.
    rows = [[0xFFFF] * (0x41 - 0x2D + 1) for _ in range(0x4F)]
    rows[0x00][0x41 - 0x2D] = 0
    rows[0x4E][0] = 1
    encodings = struct.pack(order + "5h", 0x2D, 0x41, 0x00, 0x4E, 0)
    encodings += b"".join(struct.pack(order + "H", number) for row in rows for number in row)
    tables = ((4, 0x100 if compressed else 0, metrics), (8, 0x0A, bitmaps), (32, 0, encodings))
    head = b"\x01fcp" + struct.pack("<I", len(tables))
    at = len(head) + 16 * len(tables)
    body = b""
    for kind, form, data in tables:
        head += struct.pack("<4I", kind, form | flags, 4 + len(data), at + len(body))
        body += struct.pack("<I", form | flags) + data
    return head + body


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compressed", (False, True))
def test_a_font_of_x_is_read_in_either_byte_order(order: str, compressed: bool) -> None:
    there = Pcf(pcf(order, compressed))
    assert there.rows("A") == [[1], [0]]
    assert there.rows("中") == [[1, 0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0, 1, 0]]
    assert "B" not in there and "-" not in there and "东" not in there
    with pytest.raises(KeyError):
        there.rows("B")


def test_every_character_comes_back_as_it_was_drawn() -> None:
    gone = "一中鑫龥"
    small, narrow, wide = Drawn(6, 9), Drawn(6, 12), Drawn(12, 12, gone)
    read = text.Font(io.BytesIO(font(small, narrow, wide)))
    for char in ASCII:
        rows = small.rows(char)
        cut = rows[:-1] if any(rows[0]) and not any(rows[-1]) else rows[1:]
        assert list(text.dots(read, char, False, 6)) == columns_of(cut)
        assert list(text.dots(read, char, True, 6)) == columns_of(narrow.rows(char))
    signs = chinese()
    assert len(signs) == 31 + 94 + 6763 and signs == sorted(set(signs))
    box = list(text.dots(read, "\uffff", True, 12))
    for char in signs:
        there = list(text.dots(read, char, True, 12))
        assert there == (box if char in gone else columns_of(wide.rows(char))), char


def test_the_font_has_every_character_of_every_text() -> None:
    said = set("".join(map(transactions.slip_title, transactions._ROWS)))
    for texts in (texts_en, texts_zh, texts_rare_en, texts_rare_zh):
        said |= set(texts.SCREENS + texts.PHRASES)
    said -= {"\n"}
    with FILE.open("rb") as file:
        read = text.Font(file)
        missing = [char for char in said if char not in ASCII and not read._find(ord(char))]
        assert not missing
        assert all(read._find(ord(char)) for char in chinese())
    assert len([char for char in said if re.match("[\u4e00-\u9fff]", char)]) > 150
