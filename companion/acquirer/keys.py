"""The acquirer's cryptography: DES keys, the sign-in key block and the MACs.

DES and AES come from ``cryptography``; the terminal has its own code, so that each checks the
other.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

CUP_ECB, X9_9, X9_19, AES_CMAC = "cup-ecb", "x9.9", "x9.19", "aes-cmac"
MAC_KEY_BYTES = {CUP_ECB: 8, X9_9: 8, X9_19: 16, AES_CMAC: 16}
"""Of each algorithm, the bytes of the MAC keys that this host makes for it."""

SINGLE, DOUBLE, WITH_TRACK = "001", "003", "004"
BLOCK_BYTES = {SINGLE: 24, DOUBLE: 40, WITH_TRACK: 60}
"""Of each key block (field 60.3 of the sign-in), the bytes of field 62."""

_KCV = 4


class KeyBlockError(ValueError):
    """A key block whose check value does not fit the key it was opened with."""


@dataclass(frozen=True)
class Scheme:
    """How a host protects messages: the MAC's algorithm and the form of the key block.
    ValueError for two that do not go together."""

    mac: str = CUP_ECB
    block: str = DOUBLE

    def __post_init__(self) -> None:
        if self.block == SINGLE and MAC_KEY_BYTES[self.mac] != 8:
            needed = MAC_KEY_BYTES[self.mac]
            raise ValueError(f"MAC {self.mac} has keys of {needed} bytes, key block 001 of 8")


@dataclass(frozen=True)
class SessionKeys:
    """One terminal's working keys: of 8 bytes (DES) or 16; the track key only in block 004."""

    pin: bytes
    mac: bytes
    track: bytes = b""
    algorithm: str = CUP_ECB

    def seal(self, data: bytes) -> bytes:
        """Field 64 over ``data``, 8 bytes."""
        return _MACS[self.algorithm](self.mac, data)

    def sealed(self, data: bytes, mac: bytes) -> bool:
        return hmac.compare_digest(self.seal(data), mac)


def fresh_keys(
    random: Callable[[int], bytes] = secrets.token_bytes, scheme: Scheme = Scheme()
) -> SessionKeys:
    pin = random(8 if scheme.block == SINGLE else 16)
    mac = random(MAC_KEY_BYTES[scheme.mac])
    return SessionKeys(pin, mac, random(16) if scheme.block == WITH_TRACK else b"", scheme.mac)


def _des(key: bytes) -> TripleDES:
    # 8 bytes are single DES, 16 are two-key 3DES; the library wants all three keys spelled out.
    return TripleDES({8: key * 3, 16: key + key[:8]}[len(key)])


# ECB keeps nothing from block to block, so a context serves every call with its key.
@lru_cache(maxsize=256)
def _encryptor(key: bytes) -> CipherContext:
    return Cipher(_des(key), modes.ECB()).encryptor()


def encrypt(key: bytes, blocks: bytes) -> bytes:
    return _encryptor(key).update(blocks)


def decrypt(key: bytes, blocks: bytes) -> bytes:
    decryptor = Cipher(_des(key), modes.ECB()).decryptor()
    return decryptor.update(blocks) + decryptor.finalize()


def kcv(key: bytes) -> bytes:
    """Key check value: the first 4 bytes of 8 zero bytes encrypted."""
    return encrypt(key, bytes(8))[:_KCV]


def wrap(tmk: bytes, keys: SessionKeys, form: str = DOUBLE) -> bytes:
    """The key block (field 62 of 0810). Each key stands under the TMK, its check value behind it:

    - ``001``: PIN key 8, MAC key 8: 8 + 4 + 8 + 4 = 24 bytes;
    - ``003``: PIN key 16, MAC key 16, or 8 and 8 zero bytes in clear: 16 + 4 + 16 + 4 = 40 bytes;
    - ``004``: the same and a track key of 16: 60 bytes.
    """
    place = 8 if form == SINGLE else 16
    parts = (keys.pin, keys.mac, keys.track) if form == WITH_TRACK else (keys.pin, keys.mac)
    return b"".join(encrypt(tmk, key).ljust(place, b"\x00") + kcv(key) for key in parts)


@lru_cache(maxsize=256)
def unwrap(tmk: bytes, block: bytes, scheme: Scheme = Scheme()) -> SessionKeys:
    """Open a key block; KeyBlockError when the TMK or the scheme is not what it was made with."""
    if len(block) != BLOCK_BYTES[scheme.block]:
        due = BLOCK_BYTES[scheme.block]
        raise KeyBlockError(f"key block is {len(block)} bytes, not {due}")
    step = (8 if scheme.block == SINGLE else 16) + _KCV
    parts = [block[at : at + step] for at in range(0, len(block), step)]
    lengths = (step - _KCV, MAC_KEY_BYTES[scheme.mac], 16)
    found = [decrypt(tmk, part[:size]) for part, size in zip(parts, lengths, strict=False)]
    if any(kcv(key) != part[-_KCV:] for key, part in zip(found, parts, strict=True)):
        raise KeyBlockError("a check value of the key block does not match")
    return SessionKeys(found[0], found[1], b"".join(found[2:]), scheme.mac)


def cup_ecb(key: bytes, data: bytes) -> bytes:
    """UnionPay's MAC: fold to 8 bytes by XOR, spell the fold as 16 hex characters, encrypt the
    first 8, XOR with the last 8, encrypt; the MAC is the first 8 hex characters, as ASCII."""
    fold = 0
    for (block,) in struct.iter_unpack(">Q", _filled(data)):
        fold ^= block
    spelled = f"{fold:016X}".encode()
    first = encrypt(key, spelled[:8])
    mixed = bytes(a ^ b for a, b in zip(first, spelled[8:], strict=True))
    return encrypt(key, mixed).hex().upper()[:8].encode()


def x9_9(key: bytes, data: bytes) -> bytes:
    """ANSI X9.9: DES in CBC mode from a zero vector; the last block."""
    encryptor = Cipher(_des(key), modes.CBC(bytes(8))).encryptor()
    return (encryptor.update(_filled(data)) + encryptor.finalize())[-8:]


def x9_19(key: bytes, data: bytes) -> bytes:
    """ANSI X9.19: X9.9 under the left half of the key, its last block under both (3DES)."""
    left, right = key[:8], key[8:]
    return encrypt(left, decrypt(right, x9_9(left, data)))


def aes_cmac(key: bytes, data: bytes) -> bytes:
    """AES-CMAC (RFC 4493), the first 8 of its 16 bytes."""
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()[:8]


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


_MACS: dict[str, Callable[[bytes, bytes], bytes]] = {
    CUP_ECB: cup_ecb,
    X9_9: x9_9,
    X9_19: x9_19,
    AES_CMAC: aes_cmac,
}
