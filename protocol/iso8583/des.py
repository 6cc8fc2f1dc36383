"""DES and two-key 3DES in ECB mode (FIPS 46-3): the device's ``cryptolib`` has AES only.

Every number here stays below 2**30, because small ints on an ESP32 have 31 bits with the sign and
anything wider is allocated on the heap: a half block is two 16-bit quarters, and a round adds up
eight table entries for each byte of them. Key parity bits are ignored, as everywhere.
"""

from protocol.iso8583.des_tables import PLANE_0, PLANE_1, PLANE_2, PLANE_3

BLOCK = 8

# The permutations PC-1 and PC-2, bits counted from 1 as in the standard.
_PC1 = (
    b"\x39\x31\x29\x21\x19\x11\x09\x01\x3a\x32\x2a\x22\x1a\x12"
    b"\x0a\x02\x3b\x33\x2b\x23\x1b\x13\x0b\x03\x3c\x34\x2c\x24"
    b"\x3f\x37\x2f\x27\x1f\x17\x0f\x07\x3e\x36\x2e\x26\x1e\x16"
    b"\x0e\x06\x3d\x35\x2d\x25\x1d\x15\x0d\x05\x1c\x14\x0c\x04"
)
_PC2 = (
    b"\x0e\x11\x0b\x18\x01\x05\x03\x1c\x0f\x06\x15\x0a"
    b"\x17\x13\x0c\x04\x1a\x08\x10\x07\x1b\x14\x0d\x02"
    b"\x29\x34\x1f\x25\x2f\x37\x1e\x28\x33\x2d\x21\x30"
    b"\x2c\x31\x27\x38\x22\x35\x2e\x2a\x32\x24\x1d\x20"
)
_SHIFTS = b"\1\1\2\2\2\2\2\2\1\2\2\2\2\2\2\1"


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
    p = PLANE_0
    q = PLANE_1
    r = PLANE_2
    s = PLANE_3
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
        lh ^= (p[a] ^ p[b] ^ p[c] ^ p[d] ^ p[e] ^ p[f] ^ p[g] ^ p[h]) << 8
        lh ^= q[a] ^ q[b] ^ q[c] ^ q[d] ^ q[e] ^ q[f] ^ q[g] ^ q[h]
        ll ^= (r[a] ^ r[b] ^ r[c] ^ r[d] ^ r[e] ^ r[f] ^ r[g] ^ r[h]) << 8
        ll ^= s[a] ^ s[b] ^ s[c] ^ s[d] ^ s[e] ^ s[f] ^ s[g] ^ s[h]
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
