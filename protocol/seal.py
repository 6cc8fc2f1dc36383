"""Keyed hash chain over journal records, and the HMAC-SHA256 under it (RFC 2104).

seal(n) = HMAC-SHA256(key, seal(n-1) || record(n)), cut to 8 bytes. Whoever has the key can prove
from the records alone that none was lost, changed, inserted or reordered.
"""

import hashlib

SEAL_LENGTH = 8
_BLOCK = 64


class Hmac:
    """HMAC-SHA256 under one key; the pads are made once, since a chain uses the key for years."""

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK:
            key = hashlib.sha256(key).digest()
        inner = bytearray(b"\x36" * _BLOCK)
        outer = bytearray(b"\x5c" * _BLOCK)
        for i in range(len(key)):
            inner[i] ^= key[i]
            outer[i] ^= key[i]
        self._inner = bytes(inner)
        self._outer = bytes(outer)

    def digest(self, *parts: bytes) -> bytes:
        """The 32-byte MAC over the parts one after another, without joining them in memory."""
        inner = hashlib.sha256(self._inner)
        for part in parts:
            inner.update(part)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256 of data, 32 bytes."""
    return Hmac(key).digest(data)


def first(key: bytes, device_id: str) -> bytes:
    """The seal that stands before record 1: it ties the chain to one terminal."""
    return Hmac(key).digest(b"pingzhang chain ", device_id.encode())[:SEAL_LENGTH]


def seal(key: bytes, previous: bytes, record: bytes) -> bytes:
    """The 8-byte seal of a record that follows the record sealed by ``previous``."""
    if len(previous) != SEAL_LENGTH:
        raise ValueError("previous seal has %d bytes, not %d" % (len(previous), SEAL_LENGTH))
    return Hmac(key).digest(previous, record)[:SEAL_LENGTH]


def split(payload: bytes) -> tuple[bytes, bytes]:
    """Split a journal payload into (record bytes, seal); ValueError when it is too short."""
    if len(payload) <= SEAL_LENGTH:
        raise ValueError("payload of %d bytes holds no record and seal" % len(payload))
    return payload[:-SEAL_LENGTH], payload[-SEAL_LENGTH:]


def equal(a: bytes, b: bytes) -> bool:
    """Compare two MACs without stopping at the first byte that differs."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
