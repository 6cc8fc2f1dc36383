"""What must never enter the journal or leave the terminal: configuration, card key, identity.

A PAN is kept only as ciphertext in its ARMED record, for a reversal after a restart. Once nothing
is pending, rotate() makes a new card key and erases the old one: what is left of the card numbers
in the journal can then be read by nobody (PCI DSS 3.3).

Partition ``vault``: sectors 0-1 a cell with the configuration, 2-3 a cell with the card key
(key id u16 little-endian, AES-128 key), 4-5 a cell with the identity for TLS (tlsport.py), which a
partition of 16 KB has no room for.
"""

import struct

from terminal.cell import Cell, CellFault

try:
    from cryptolib import aes as _aes
except ImportError:  # CPython, for tests and tools
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    class _aes:  # type: ignore[no-redef]
        def __init__(self, key: bytes, _mode: int) -> None:
            self._cipher = Cipher(algorithms.AES(key), modes.ECB())

        def encrypt(self, block: bytes) -> bytes:
            return self._cipher.encryptor().update(block)

        def decrypt(self, block: bytes) -> bytes:
            return self._cipher.decryptor().update(block)


# In the configuration's place: a factory reset was begun (factory.py).
RESETTING = b"FACTORY RESET"

_ECB = 1
_KEY_SIZE = 16
_PAN_BYTES = 10  # 20 nibbles, F after the last digit
_FILLER = 4


class VaultError(ValueError):
    """A card number that cannot be kept or got back; the message never contains it."""


class Vault:
    """The three on a block device; ``random(n)`` gives n random bytes."""

    def __init__(self, partition, random) -> None:
        self._random = random
        self._settings = Cell(partition, 0)
        self._keys = Cell(partition, 2)
        self._names = Cell(partition, 4) if partition.ioctl(4, 0) >= 6 else None
        self._config = self._settings.load()
        if self._names:
            self._names.load()
        self._key_id = 0
        self._key = b""
        stored = self._keys.load()
        # What a cut kept from being erased goes now.
        self._settings.forget()
        self._keys.forget()
        if self._names:
            self._names.forget()
        if stored is not None and len(stored) == 2 + _KEY_SIZE:
            self._key_id = struct.unpack_from("<H", stored, 0)[0]
            self._key = stored[2:]
        elif self._config is not None:
            self._first_key()

    @property
    def config(self) -> bytes | None:
        """The configuration as it was set, None before provisioning."""
        return self._config

    def set_config(self, config: bytes) -> None:
        """Keep a configuration; the one before it is erased. Raises CellFault."""
        if not self._key:
            self._first_key()
        self._settings.store(config)
        self._config = bytes(config)
        self._settings.forget()

    @property
    def identity(self) -> bytes | None:
        """Key and certificates for TLS as they were set, None when there are none. Read
        from flash: they are large and needed once."""
        return self._names.load() if self._names else None

    def set_identity(self, identity: bytes) -> None:
        """Keep an identity; the one before it is erased. Raises CellFault."""
        if self._names is None:
            raise CellFault("the vault partition is too small for an identity")
        self._names.store(identity)
        self._names.forget()

    def protect(self, pan: str, expiry: str) -> tuple:
        """(ciphertext of 16 bytes, key id) for a PAN of 12..19 digits and YYMM or ""."""
        if not self._key:
            raise VaultError("there is no card key before provisioning")
        if not 12 <= len(pan) <= 19 or not _digits(pan):
            raise VaultError("card number is not 12 to 19 digits")
        if expiry and (len(expiry) != 4 or not _digits(expiry)):
            raise VaultError("card expiry is not YYMM")
        nibbles = pan + "f" * (2 * _PAN_BYTES - len(pan)) + (expiry or "ffff")
        block = bytes.fromhex(nibbles) + self._random(_FILLER)
        return bytes(_aes(self._key, _ECB).encrypt(block)), self._key_id

    def reveal(self, cipher: bytes, key_id: int) -> tuple:
        """(PAN, expiry) of what protect() gave; VaultError when its key is gone."""
        if not self._key or key_id != self._key_id:
            raise VaultError("card key %d is gone" % key_id)
        if len(cipher) != 16:
            raise VaultError("a protected card has 16 bytes, not %d" % len(cipher))
        block = bytes(_aes(self._key, _ECB).decrypt(cipher))
        nibbles = "".join(["%02x" % byte for byte in block[: _PAN_BYTES + 2]])
        pan = nibbles[: 2 * _PAN_BYTES].rstrip("f")
        expiry = nibbles[2 * _PAN_BYTES :]
        if expiry == "ffff":
            expiry = ""
        if not 12 <= len(pan) <= 19 or not _digits(pan) or not _digits(expiry):
            raise VaultError("the protected card is damaged")
        return pan, expiry

    def rotate(self) -> None:
        """New card key, the old one erased. Only in idle, when nothing is pending."""
        if not self._key:
            raise VaultError("there is no card key before provisioning")
        self._set_key(self._key_id % 0xFFFF + 1)

    def _first_key(self) -> None:
        # Any id but a counted one: a key lost to damage must not come back under its old number.
        self._set_key(struct.unpack("<H", self._random(2))[0] % 0xFFFF + 1)

    def _set_key(self, key_id: int) -> None:
        key = self._random(_KEY_SIZE)
        self._keys.store(struct.pack("<H", key_id) + key)
        self._key_id, self._key = key_id, key
        self._keys.forget()


def _digits(text: str) -> bool:
    return all(c in "0123456789" for c in text)
