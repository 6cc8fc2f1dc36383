"""MACs, key check values and the key block of a sign-in."""

from protocol.iso8583 import cmac, keys, mac
from protocol.iso8583.des import Des
from tests.shared.expect import raises, vectors

K8 = bytes.fromhex("0123456789ABCDEF")
K16 = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def _block() -> tuple[bytes, bytearray]:
    golden = vectors("iso8583")
    for message in golden["messages"]:
        if message["name"] == "sign_in_answer":
            return bytes.fromhex(golden["tmk"]), bytearray(bytes.fromhex(message["fields"]["62"]))
    raise AssertionError("no sign_in_answer")


def test_vectors_of_every_algorithm():
    rows = vectors("mac")["macs"]
    assert {row["algorithm"] for row in rows} == set(mac.KEY_LENGTHS)
    for row in rows:
        key, data, expected = [bytes.fromhex(row[name]) for name in ("key", "data", "mac")]
        assert mac.compute(row["algorithm"], key, data) == expected, row


def test_cmac_vectors_of_rfc_4493():
    for row in vectors("mac")["cmac"]:
        key, data, expected = [bytes.fromhex(row[name]) for name in ("key", "data", "cmac")]
        assert cmac.aes_cmac(key, data) == expected, row["why"]
        assert mac.compute("aes-cmac", key, data) == expected[:8]


def test_fold_pads_the_last_block_with_zeros():
    for row in vectors("mac")["fold"]:
        assert mac.fold(bytes.fromhex(row["data"])) == bytes.fromhex(row["fold"])


def test_key_check_values():
    for row in vectors("mac")["kcv"]:
        assert mac.kcv(bytes.fromhex(row["key"])) == bytes.fromhex(row["kcv"])


def test_zero_padding_makes_short_data_equal_to_its_padded_form():
    for name, key in (("cup-ecb", K8), ("x9.9", K8), ("x9.19", K16)):
        assert mac.compute(name, key, b"abc") == mac.compute(name, key, b"abc" + bytes(5))
        assert mac.compute(name, key, b"abc") != mac.compute(name, key, b"abd")


def test_a_key_of_the_wrong_length_or_an_unknown_algorithm_is_refused():
    for name, key in (("x9.9", K16), ("x9.19", K8), ("aes-cmac", K8), ("cup-ecb", bytes(5))):
        assert name in str(raises(ValueError, mac.compute, name, key, b""))
    assert "sm4" in str(raises(ValueError, mac.compute, "sm4", K8, b""))


def test_key_block_003_gives_the_working_keys():
    golden = vectors("iso8583")
    tmk, block = _block()
    assert len(block) == keys.BLOCK_LENGTH
    assert keys.unwrap_key_block(tmk, bytes(block)) == (
        bytes.fromhex(golden["pin_key"]),
        bytes.fromhex(golden["mac_key"]),
    )


def test_a_filled_second_half_is_a_mac_key_of_16_bytes():
    tmk, block = _block()
    mac_key = bytes(range(16))
    wrapped = bytes(block[:20]) + Des(tmk).encrypt(mac_key) + mac.kcv(mac_key)
    assert keys.unwrap_key_block(tmk, wrapped)[1] == mac_key


def test_a_mac_key_of_a_length_the_algorithm_does_not_take_is_refused_at_the_sign_in():
    tmk, block = _block()
    assert len(keys.unwrap_key_block(tmk, bytes(block), mac.KEY_LENGTHS["cup-ecb"])[1]) == 8
    for name in ("x9.19", "aes-cmac"):
        lengths = mac.KEY_LENGTHS[name]
        error = raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, bytes(block), lengths)
        assert "takes no key of 8 bytes" in str(error)


def test_key_block_001_has_two_keys_of_8_bytes():
    tmk, _ = _block()
    block = b"".join([Des(tmk).encrypt(key) + mac.kcv(key) for key in (K8, K16[8:])])
    assert keys.kept(block, "001") == block
    assert keys.unwrap_key_block(tmk, block, (8,), "001") == (K8, K16[8:])
    error = raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, block)
    assert "24 bytes, not 40" in str(error)
    error = raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, block, (16,), "001")
    assert "takes no key of 8 bytes" in str(error)
    for at, name in ((3, "PIN key"), (11, "PIN key"), (12, "MAC key"), (23, "MAC key")):
        damaged = block[:at] + bytes((block[at] ^ 1,)) + block[at + 1 :]
        error = raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, damaged, (8,), "001")
        assert name in str(error), (at, error)


def test_of_key_block_004_all_but_the_track_key_is_kept():
    tmk, block = _block()
    whole = bytes(block) + Des(tmk).encrypt(K16) + mac.kcv(K16)
    assert keys.kept(whole, "004") == block
    assert keys.unwrap_key_block(tmk, keys.kept(whole, "004"), (8, 16), "004")[1]
    # A host that gives more than was asked for is not guessed at.
    assert "60 bytes" in str(raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, whole))


def test_a_damaged_key_block_names_the_key_whose_check_value_differs():
    tmk, block = _block()
    for at, name in (
        (0, "PIN key"),
        (17, "PIN key"),
        (20, "MAC key"),
        (30, "MAC"),
        (39, "MAC key"),
    ):
        damaged = bytearray(block)
        damaged[at] ^= 1
        error = raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, bytes(damaged))
        assert name in str(error), (at, error)


def test_a_key_block_under_another_tmk_or_of_another_length_is_refused():
    tmk, block = _block()
    other = bytes(tmk[:8]) + bytes(8)
    assert "PIN key" in str(raises(keys.KeyBlockError, keys.unwrap_key_block, other, bytes(block)))
    error = raises(keys.KeyBlockError, keys.unwrap_key_block, tmk, bytes(block[:39]))
    assert "39 bytes" in str(error)
