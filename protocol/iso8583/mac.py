"""Message authentication codes, and the key check value.

The DES ones pad data with zero bytes to whole blocks of 8. Each function takes the key (8 bytes
single DES, 16 bytes two-key 3DES) and returns the 8 bytes that go into F64. Vectors:
vectors/mac.json.
"""

from protocol.iso8583.des import Des

# Algorithm -> bytes a key may have.
KEY_LENGTHS = {"cup-ecb": (8, 16), "x9.9": (8,), "x9.19": (16,), "aes-cmac": (16,)}


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes([a[i] ^ b[i] for i in range(8)])


def fold(data: bytes) -> bytes:
    """XOR of all 8-byte blocks of ``data``, the last one zero-padded; 8 bytes."""
    folded = bytearray(8)
    for i in range(len(data)):
        folded[i & 7] ^= data[i]
    return bytes(folded)


def _cbc(cipher: Des, data: bytes) -> bytes:
    state = bytes(8)
    for at in range(0, len(data), 8):
        block = data[at : at + 8]
        state = cipher.encrypt(_xor(state, block + bytes(8 - len(block))))
    return state


def cup_ecb(key: bytes, data: bytes) -> bytes:
    """UnionPay's ECB MAC: the fold as 16 hex characters, encrypted in two steps.

    The result is the first 8 of the 16 upper-case hex characters of the last encryption, as ASCII.
    """
    cipher = Des(key)
    text = fold(data).hex().upper().encode()
    last = cipher.encrypt(_xor(cipher.encrypt(text[:8]), text[8:]))
    return last.hex().upper()[:8].encode()


def x99(key: bytes, data: bytes) -> bytes:
    """ANSI X9.9: DES CBC-MAC with an 8-byte key; all 8 bytes of the last block."""
    return _cbc(Des(key), data)


def x919(key: bytes, data: bytes) -> bytes:
    """ANSI X9.19: CBC-MAC under the left half of a 16-byte key, the last block under both."""
    left = Des(key[:8])
    return left.encrypt(Des(key[8:]).decrypt(_cbc(left, data)))


def compute(algorithm: str, key: bytes, data: bytes) -> bytes:
    """The MAC a profile names, a key of KEY_LENGTHS; ValueError when the key does not fit it."""
    if len(key) not in KEY_LENGTHS.get(algorithm, (len(key),)):
        raise ValueError(f"{algorithm} takes no key of {len(key)} bytes")
    if algorithm == "cup-ecb":
        return cup_ecb(key, data)
    if algorithm == "x9.9":
        return x99(key, data)
    if algorithm == "x9.19":
        return x919(key, data)
    if algorithm == "aes-cmac":
        # Here only: most acquirers use DES, and the module takes memory.
        from protocol.iso8583.cmac import aes_cmac

        return aes_cmac(key, data)[:8]
    raise ValueError(f"no MAC algorithm is called {algorithm}")


def kcv(key: bytes) -> bytes:
    """Key check value: the first 4 bytes of 8 zero bytes encrypted under ``key``."""
    return Des(key).encrypt(bytes(8))[:4]
