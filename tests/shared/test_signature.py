"""Signatures of images: the good ones are taken, everything made to look like one is not."""

from binascii import unhexlify

from terminal import signature
from tests.shared.expect import vectors


def key(bits: int) -> dict:
    return next(row for row in vectors("signature")["keys"] if row["bits"] == bits)


def verdict(row: dict, signed: bytes, digest: bytes = b"") -> bool:
    return signature.good(unhexlify(row["modulus"]), digest or unhexlify(row["digest"]), signed)


def test_every_vector_has_its_verdict():
    seen = 0
    for row in vectors("signature")["keys"]:
        for one in row["signatures"]:
            assert verdict(row, unhexlify(one["signature"])) == one["good"], one["note"]
            seen += one["good"]
    assert seen == 2


def test_a_changed_bit_anywhere_is_no_signature():
    row = key(2048)
    signed = unhexlify(row["signatures"][0]["signature"])
    for bit in range(0, len(signed) * 8, 101):
        changed = bytearray(signed)
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert not verdict(row, bytes(changed))


def test_another_digest_or_another_key_is_none():
    row = key(2048)
    signed = unhexlify(row["signatures"][0]["signature"])
    digest = unhexlify(row["digest"])
    for at in range(32):
        changed = bytearray(digest)
        changed[at] ^= 1
        assert not verdict(row, signed, bytes(changed))
    modulus = bytearray(unhexlify(row["modulus"]))
    modulus[100] ^= 1
    assert not signature.good(bytes(modulus), digest, signed)
    assert not verdict(key(3072), signed)


def test_a_key_too_short_to_mean_anything_signs_nothing():
    # Modulus 1: every power is 0, and no padding fits.
    assert not signature.good(b"", bytes(32), b"")
    assert not signature.good(b"\x01", bytes(32), b"\x00")
    assert not signature.good(bytes(255) + b"\x01", bytes(32), bytes(256))
    assert not signature.good(b"\xff" * 128, bytes(32), bytes(128))


def test_no_key_is_in_the_repository():
    assert signature.PUBLISHER == ""
