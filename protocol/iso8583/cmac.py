"""AES-CMAC (RFC 4493) over the AES of the device, or of ``cryptography`` on CPython."""

try:
    from cryptolib import aes as _aes  # type: ignore[import-not-found]
except ImportError:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    class _aes:  # type: ignore[no-redef]
        def __init__(self, key: bytes, _mode: int) -> None:
            self._encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()

        def encrypt(self, block: bytes) -> bytes:
            return self._encryptor.update(block)


_ECB = 1
_BLOCK = 16


def aes_cmac(key: bytes, data: bytes) -> bytes:
    """The 16-byte CMAC of ``data`` under a 16-byte key."""
    cipher = _aes(key, _ECB)
    subkey = _doubled(cipher.encrypt(bytes(_BLOCK)))
    whole = (len(data) - 1) // _BLOCK * _BLOCK if data else 0
    last = bytearray(data[whole:])
    if len(last) < _BLOCK:
        subkey = _doubled(subkey)
        last.append(0x80)
        last.extend(bytes(_BLOCK - len(last)))
    state = bytes(_BLOCK)
    for at in range(0, whole, _BLOCK):
        state = cipher.encrypt(_xor(state, data[at : at + _BLOCK]))
    return bytes(cipher.encrypt(_xor(_xor(state, last), subkey)))


def _xor(a: bytes, b: bytes | bytearray) -> bytes:
    return bytes([a[i] ^ b[i] for i in range(_BLOCK)])


def _doubled(block: bytes) -> bytes:
    """The block times x in GF(2^128)."""
    out = bytearray(_BLOCK)
    carry = 0
    for i in range(_BLOCK - 1, -1, -1):
        out[i] = (block[i] << 1 | carry) & 0xFF
        carry = block[i] >> 7
    if carry:
        out[_BLOCK - 1] ^= 0x87
    return bytes(out)
