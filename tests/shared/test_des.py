"""DES against published vectors; tests/companion has it against another implementation."""

from protocol.iso8583.des import Des
from tests.shared.expect import Random, raises, vectors

TRIPLE = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def test_published_vectors_encrypt_and_decrypt():
    rows = vectors("des")["ecb"]
    assert len(rows) > 5
    for row in rows:
        key, plain, cipher = [bytes.fromhex(row[name]) for name in ("key", "plain", "cipher")]
        assert Des(key).encrypt(plain) == cipher, row["why"]
        assert Des(key).decrypt(cipher) == plain, row["why"]


def test_decrypt_undoes_encrypt():
    random = Random(11)
    for length in (8, 16, 24):
        for key in (random.bytes(8), random.bytes(16)):
            data = random.bytes(length)
            cipher = Des(key).encrypt(data)
            assert cipher != data
            assert Des(key).decrypt(cipher) == data


def test_every_key_and_data_bit_but_parity_changes_the_block():
    zero = bytes(8)
    seen = [Des(zero).encrypt(zero)]
    for bit in range(64):
        flipped = bytes([0x80 >> (bit & 7) if at == bit >> 3 else 0 for at in range(8)])
        seen.append(Des(zero).encrypt(flipped))
        under = Des(flipped).encrypt(zero)
        if bit & 7 == 7:
            assert under == seen[0]
        else:
            seen.append(under)
    assert len(set(seen)) == 1 + 64 + 56


def test_wrong_lengths_are_refused():
    for length in (0, 7, 9, 24):
        assert str(length) in str(raises(ValueError, Des, bytes(length)))
    assert "7 bytes" in str(raises(ValueError, Des(TRIPLE).encrypt, bytes(7)))
    assert Des(TRIPLE).encrypt(b"") == b""
