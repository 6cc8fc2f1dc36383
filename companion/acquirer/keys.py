"""The acquirer's cryptography: DES keys, the sign-in key block and the ``cup-ecb`` MAC.

DES comes from ``cryptography``; the terminal has its own, so that each checks the other.
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

KEY_BLOCK_BYTES = 40
_KCV = 4
_PIN_KEY = 16
_MAC_KEY = 8


class KeyBlockError(ValueError):
    """A key block whose check value does not fit the key it was opened with."""


@dataclass(frozen=True)
class SessionKeys:
    """One terminal's working keys: PIN key of 16 bytes, MAC key of 8 (single DES)."""

    pin: bytes
    mac: bytes


def fresh_keys(random: Callable[[int], bytes] = secrets.token_bytes) -> SessionKeys:
    return SessionKeys(pin=random(_PIN_KEY), mac=random(_MAC_KEY))


def _ecb(key: bytes) -> Cipher[modes.ECB]:
    # 8 bytes are single DES, 16 are two-key 3DES; the library wants all three keys spelled out.
    triple = {8: key * 3, 16: key + key[:8]}[len(key)]
    return Cipher(TripleDES(triple), modes.ECB())


# ECB keeps nothing from block to block, so a context serves every call with its key.
@lru_cache(maxsize=256)
def _encryptor(key: bytes) -> CipherContext:
    return _ecb(key).encryptor()


def encrypt(key: bytes, blocks: bytes) -> bytes:
    return _encryptor(key).update(blocks)


def decrypt(key: bytes, blocks: bytes) -> bytes:
    decryptor = _ecb(key).decryptor()
    return decryptor.update(blocks) + decryptor.finalize()


def kcv(key: bytes) -> bytes:
    """Key check value: the first 4 bytes of 8 zero bytes encrypted."""
    return encrypt(key, bytes(8))[:_KCV]


def wrap(tmk: bytes, keys: SessionKeys) -> bytes:
    """Key block ``003`` (field 62 of 0810): the PIN key under the TMK and its check value, then
    the MAC key under the TMK, 8 zero bytes in clear in place of a second half, its check value:
    16 + 4 + 8 + 8 + 4 = 40 bytes.
    """
    return (
        encrypt(tmk, keys.pin) + kcv(keys.pin) + encrypt(tmk, keys.mac) + bytes(8) + kcv(keys.mac)
    )


@lru_cache(maxsize=256)
def unwrap(tmk: bytes, block: bytes) -> SessionKeys:
    """Open a key block; KeyBlockError when the TMK is not the one it was made with."""
    if len(block) != KEY_BLOCK_BYTES:
        raise KeyBlockError(f"key block is {len(block)} bytes, not {KEY_BLOCK_BYTES}")
    keys = SessionKeys(pin=decrypt(tmk, block[:16]), mac=decrypt(tmk, block[20:28]))
    if kcv(keys.pin) != block[16:20] or kcv(keys.mac) != block[36:40]:
        raise KeyBlockError("a check value of the key block does not match")
    return keys


def cup_ecb(key: bytes, data: bytes) -> bytes:
    """UnionPay's MAC: fold to 8 bytes by XOR, spell the fold as 16 hex characters, encrypt the
    first 8, XOR with the last 8, encrypt; the MAC is the first 8 hex characters, as ASCII."""
    fold = 0
    for (block,) in struct.iter_unpack(">Q", data + bytes(-len(data) % 8)):
        fold ^= block
    spelled = f"{fold:016X}".encode()
    first = encrypt(key, spelled[:8])
    mixed = bytes(a ^ b for a, b in zip(first, spelled[8:], strict=True))
    return encrypt(key, mixed).hex().upper()[:8].encode()


def mac_matches(key: bytes, data: bytes, mac: bytes) -> bool:
    return hmac.compare_digest(cup_ecb(key, data), mac)
