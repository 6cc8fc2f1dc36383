"""DES and two-key 3DES in ECB mode (FIPS 46-3): the device's ``cryptolib`` has AES only.

Every number here stays below 2**30, because small ints on an ESP32 have 31 bits with the sign and
anything wider is allocated on the heap: a half block is two 16-bit quarters, and a round adds up
eight 16-bit table entries for each. Key parity bits are ignored, as everywhere.
"""

from array import array

BLOCK = 8

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
# The permutations P, PC-1 and PC-2, bits counted from 1 as in the standard.
_P = bytes.fromhex("100714151d0c1c11010f171a05121f0a0208180e201b0309130d1e06160b0419")
_PC1 = bytes.fromhex(
    "39312921191109013a322a221a120a023b332b231b130b033c342c24"
    "3f372f271f170f073e362e261e160e063d352d251d150d051c140c04"
)
_PC2 = bytes.fromhex(
    "0e110b180105031c0f06150a17130c041a0810071b140d02"
    "29341f252f371e28332d21302c31273822352e2a32241d20"
)
_SHIFTS = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)


def _substitution() -> "tuple[array[int], array[int]]":
    """The S-boxes with P applied: entry ``64 * box + input`` of (upper, lower) quarters."""
    upper = array("H", bytes(1024))
    lower = array("H", bytes(1024))
    for index in range(512):
        box = index >> 6
        row = (index >> 4 & 2) | (index & 1)
        nibble = int(_S_BOXES[box][16 * row + (index >> 1 & 15)], 16)
        for bit in range(16):
            source = _P[bit] - 1
            if source >> 2 == box:
                upper[index] |= (nibble >> (3 - (source & 3)) & 1) << (15 - bit)
            source = _P[bit + 16] - 1
            if source >> 2 == box:
                lower[index] |= (nibble >> (3 - (source & 3)) & 1) << (15 - bit)
    return upper, lower


_UPPER, _LOWER = _substitution()


def _schedule(key: bytes) -> bytes:
    """The 16 round keys of an 8-byte key: eight 6-bit groups a round, one group a byte."""
    halves = [0, 0]
    for i in range(56):
        source = _PC1[i] - 1
        bit = key[source >> 3] >> (7 - (source & 7)) & 1
        halves[i // 28] = halves[i // 28] << 1 | bit
    c, d = halves
    groups = bytearray(128)
    at = 0
    for shift in _SHIFTS:
        c = (c << shift | c >> (28 - shift)) & 0xFFFFFFF
        d = (d << shift | d >> (28 - shift)) & 0xFFFFFFF
        for i in range(24):
            group = at + i // 6
            groups[group] = groups[group] << 1 | (c >> (28 - _PC2[i]) & 1)
            groups[group + 4] = groups[group + 4] << 1 | (d >> (56 - _PC2[i + 24]) & 1)
        at += 8
    return bytes(groups)


def _rounds(
    lh: int, ll: int, rh: int, rl: int, keys: bytes, forward: bool
) -> tuple[int, int, int, int]:
    """Sixteen rounds on the quarters of L and R; returns them with L and R swapped."""
    upper = _UPPER
    lower = _LOWER
    for at in range(0, 128, 8) if forward else range(120, -1, -8):
        # E: eight overlapping groups of six bits of R, each of them an offset into its table.
        a = (rl & 1) << 5 | rh >> 11
        b = 64 + (rh >> 7 & 63)
        c = 128 + (rh >> 3 & 63)
        d = 192 + ((rh & 31) << 1 | rl >> 15)
        e = 256 + ((rh & 1) << 5 | rl >> 11)
        f = 320 + (rl >> 7 & 63)
        g = 384 + (rl >> 3 & 63)
        h = 448 + ((rl & 31) << 1 | rh >> 15)
        a ^= keys[at]
        b ^= keys[at + 1]
        c ^= keys[at + 2]
        d ^= keys[at + 3]
        e ^= keys[at + 4]
        f ^= keys[at + 5]
        g ^= keys[at + 6]
        h ^= keys[at + 7]
        lh ^= upper[a] ^ upper[b] ^ upper[c] ^ upper[d]
        lh ^= upper[e] ^ upper[f] ^ upper[g] ^ upper[h]
        ll ^= lower[a] ^ lower[b] ^ lower[c] ^ lower[d]
        ll ^= lower[e] ^ lower[f] ^ lower[g] ^ lower[h]
        # In two swaps: MicroPython allocates a tuple to exchange four values at once.
        lh, rh = rh, lh
        ll, rl = rl, ll
    return rh, rl, lh, ll


class Des:
    """A key made ready: single DES for 8 bytes, two-key 3DES (EDE) for 16."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in (8, 16):
            raise ValueError(f"a DES key has 8 or 16 bytes, not {len(key)}")
        first = _schedule(key[:8])
        self._stages = [first]
        if len(key) == 16:
            self._stages = [first, _schedule(key[8:]), first]

    def encrypt(self, data: bytes) -> bytes:
        """ECB; the length of ``data`` is a multiple of 8."""
        return self._ecb(data, True)

    def decrypt(self, data: bytes) -> bytes:
        """ECB; the length of ``data`` is a multiple of 8."""
        return self._ecb(data, False)

    def _ecb(self, data: bytes, forward: bool) -> bytes:
        if len(data) % BLOCK:
            raise ValueError(f"{len(data)} bytes are not whole DES blocks")
        out = bytearray(len(data))
        for at in range(0, len(data), BLOCK):
            self._block(data, out, at, forward)
        return bytes(out)

    def _block(self, data: bytes, out: bytearray, at: int, forward: bool) -> None:
        lh = ll = rh = rl = 0
        # IP gathers one bit of each byte, the last byte first: even bits to L, odd ones to R.
        for i in range(at + 7, at - 1, -1):
            byte = data[i]
            lh = lh << 1 | (byte & 0x40) << 2 | (byte >> 4 & 1)
            ll = ll << 1 | (byte & 0x04) << 6 | (byte & 1)
            rh = rh << 1 | (byte & 0x80) << 1 | (byte >> 5 & 1)
            rl = rl << 1 | (byte & 0x08) << 5 | (byte >> 1 & 1)
        # The final permutation of one stage and IP of the next cancel each other.
        for keys in self._stages:
            lh, ll, rh, rl = _rounds(lh, ll, rh, rl, keys, forward)
            forward = not forward
        for i in range(8):
            out[at + i] = (
                (rh >> (8 + i) & 1) << 7
                | (lh >> (8 + i) & 1) << 6
                | (rh >> i & 1) << 5
                | (lh >> i & 1) << 4
                | (rl >> (8 + i) & 1) << 3
                | (ll >> (8 + i) & 1) << 2
                | (rl >> i & 1) << 1
                | (ll >> i & 1)
            )
