"""Who may bring a new image: whoever signed it with the key whose public half is in this firmware.

RSA with SHA-256 and the padding of PKCS #1 v1.5 (RFC 8017, 8.2.2), exponent 65537: MicroPython has
integers of any size, and nothing secret is calculated with, so how long it takes tells nobody
anything. What should stand in the signature is built and compared as a whole; what stands in it is
never parsed.
"""

# The publisher's public key: its modulus, 2048 bits or more, as `openssl rsa -modulus` shows it.
# "" takes images without a signature; the first firmware with a key takes none without.
PUBLISHER = ""

_SQUARES = 16  # 65537 is 2 ** 16 + 1
_LEAST = 256
# DigestInfo of SHA-256, without the digest (RFC 8017, 9.2).
_SHA256 = "3031300d060960864801650304020105000420"


def good(modulus: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the holder of the private key signed what has this SHA-256."""
    length = len(modulus)
    if length < _LEAST or len(signature) != length:
        return False
    n = int.from_bytes(modulus, "big")
    value = int.from_bytes(signature, "big")
    if value >= n:
        return False
    power = value
    for _ in range(_SQUARES):
        power = power * power % n
    power = power * value % n
    end = b"\x00" + bytes.fromhex(_SHA256) + digest
    wanted = b"\x00\x01" + b"\xff" * (length - 2 - len(end)) + end
    return power.to_bytes(length, "big") == wanted
