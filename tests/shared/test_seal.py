"""The keyed chain and its HMAC."""

from binascii import unhexlify

from protocol import seal
from tests.shared.expect import raises, vectors


def test_hmac_matches_the_rfc_4231_vectors():
    for row in vectors("seal")["hmac"]:
        mac = seal.hmac_sha256(unhexlify(row["key"]), unhexlify(row["data"]))
        assert mac == unhexlify(row["mac"]), row["note"]


def test_hmac_over_parts_is_hmac_over_the_whole():
    mac = seal.Hmac(b"key")
    assert mac.digest(b"ab", b"", b"c") == mac.digest(b"abc")


def test_chain_matches_its_vectors():
    chain = vectors("seal")["chain"]
    key = unhexlify(chain["key"])
    last = seal.first(key, chain["device_id"])
    assert last == unhexlify(chain["first"])
    for row in chain["records"]:
        last = seal.seal(key, last, unhexlify(row["record"]))
        assert last == unhexlify(row["seal"])


def test_any_changed_bit_changes_the_seal():
    key = bytes(range(32))
    previous = b"12345678"
    record = b"record"
    good = seal.seal(key, previous, record)
    for bit in range(len(record) * 8):
        changed = bytearray(record)
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert seal.seal(key, previous, bytes(changed)) != good
    assert seal.seal(key, b"12345679", record) != good
    assert seal.seal(bytes(32), previous, record) != good


def test_chains_of_two_terminals_differ_from_the_first_seal():
    assert seal.first(bytes(32), "PZ01") != seal.first(bytes(32), "PZ02")


def test_split_undoes_the_join_and_refuses_a_payload_without_a_record():
    assert seal.split(b"record12345678") == (b"record", b"12345678")
    assert "8 bytes" in str(raises(ValueError, seal.split, b"12345678"))


def test_a_previous_seal_of_the_wrong_length_is_refused():
    assert "7 bytes" in str(raises(ValueError, seal.seal, bytes(32), b"1234567", b"record"))


def test_equal_compares_whole_macs():
    assert seal.equal(b"abcd", b"abcd")
    assert not seal.equal(b"abcd", b"abce")
    assert not seal.equal(b"abcd", b"abc")
