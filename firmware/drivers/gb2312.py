"""Text to GB 2312, which every Chinese printer has: MicroPython knows UTF-8 only.

The table is a file next to this module, written by boards/gb2312.py: the characters in the order
of their codes, two bytes each, 94 a row, 0 where none is. It stays in flash: a character is
looked for from the beginning, some rows at a time.
"""

from drivers.text import codes

_TABLE = __file__[: __file__.rfind("/") + 1] + "gb2312.bin"
_PIECE = 2 * 94 * 8
_UNKNOWN = b"?"


def encode(text: str) -> bytes:
    """ASCII as it is, control characters and what GB 2312 does not have as "?"."""
    out = b""
    table = None
    try:
        for code in codes(text):
            if 0x20 <= code <= 0x7E:
                out += bytes((code,))
                continue
            if table is None:
                table = open(_TABLE, "rb")
                piece = bytearray(_PIECE)
            out += _look_up(table, piece, code)
    finally:
        if table is not None:
            table.close()
    return out


def _look_up(table, piece: bytearray, code: int) -> bytes:
    if not 0x80 <= code <= 0xFFFF:
        return _UNKNOWN
    wanted = code.to_bytes(2, "big")
    place = 0
    table.seek(0)
    while True:
        length = table.readinto(piece)
        if not length:
            return _UNKNOWN
        at = piece.find(wanted, 0, length)
        while at % 2 and at > 0:  # halves of two neighbours
            at = piece.find(wanted, at + 1, length)
        if at >= 0:
            place += at // 2
            return bytes([0xA1 + place // 94, 0xA1 + place % 94])
        place += length // 2
