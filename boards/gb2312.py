"""Write the table with which a printer's Chinese is encoded: firmware/drivers/gb2312.bin.

    python -m boards.gb2312

All 7445 characters of GB 2312 (6763 Chinese ones), by Python's own codec, as code points of two
bytes in the order of their codes: 94 a row, from row 1 on, 0 where none is.
"""

from boards.firmware import REPOSITORY

TABLE = REPOSITORY / "firmware/drivers/gb2312.bin"
_ROWS = 87
_PLACES = 94


def table() -> bytes:
    """The file's content."""
    return b"".join(
        _character(row, place).to_bytes(2, "big")
        for row in range(_ROWS)
        for place in range(_PLACES)
    )


def _character(row: int, place: int) -> int:
    try:
        return ord(bytes([0xA1 + row, 0xA1 + place]).decode("gb2312"))
    except UnicodeDecodeError:
        return 0


if __name__ == "__main__":
    TABLE.write_bytes(table())
    print(f"{TABLE.name}: {TABLE.stat().st_size} bytes")
