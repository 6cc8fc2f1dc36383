"""Works out protocol/iso8583/des_tables.py from the S-boxes and P of FIPS 46-3.

python -m tests.des_tables > protocol/iso8583/des_tables.py
"""

from __future__ import annotations

# One row of 64 hex digits a box, four lines of sixteen as FIPS 46-3 prints them.
_S_BOXES = (
    "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
    "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
    "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
    "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
    "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
    "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
    "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
    "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
)
_P = bytes.fromhex("100714151d0c1c11010f171a05121f0a0208180e201b0309130d1e06160b0419")
_A_LINE = 23

_HEAD = '''\
"""DES's S-boxes with the permutation P applied; tests/des_tables.py works them out.

Entry ``64 * box + input`` of the four bytes of a half block, the highest first. Texts of bytes,
because a board leaves those in its flash: as arrays they would take 2 KB of its heap.
"""
'''


def planes() -> list[bytes]:
    """For each byte of a half block the 8 x 64 values of it."""
    made = [bytearray(512) for _ in range(4)]
    for index in range(512):
        box = index >> 6
        row = (index >> 4 & 2) | (index & 1)
        nibble = int(_S_BOXES[box][16 * row + (index >> 1 & 15)], 16)
        for bit in range(32):
            source = _P[bit] - 1
            if source >> 2 == box:
                made[bit >> 3][index] |= (nibble >> (3 - (source & 3)) & 1) << (7 - (bit & 7))
    return [bytes(plane) for plane in made]


def text() -> str:
    """The module."""
    parts = [_HEAD]
    for number, plane in enumerate(planes()):
        parts.append(f"PLANE_{number} = (")
        for at in range(0, len(plane), _A_LINE):
            digits = "".join(f"\\x{byte:02x}" for byte in plane[at : at + _A_LINE])
            parts.append(f'    b"{digits}"')
        parts.append(")")
    return "\n".join([*parts, ""])


if __name__ == "__main__":
    print(text(), end="")
