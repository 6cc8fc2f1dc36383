"""The host's DES, check values, key block and MAC against published and reference vectors."""

from __future__ import annotations

import pytest

from companion.acquirer import keys

K8 = bytes.fromhex("0123456789ABCDEF")
K16 = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
DATA = bytes(range(0x2D))


def test_cup_ecb_gives_the_reference_macs() -> None:
    assert keys.cup_ecb(K8, DATA) == b"FBC136E5"
    assert keys.cup_ecb(K16, DATA) == b"2FE0F6CF"


def test_check_value_of_the_test_master_key() -> None:
    assert keys.kcv(K16).hex().upper() == "08D7B4FB"


def test_des_matches_the_published_example() -> None:
    key, plain = bytes.fromhex("133457799BBCDFF1"), bytes.fromhex("0123456789ABCDEF")
    assert keys.encrypt(key, plain).hex().upper() == "85E813540F0AB405"
    assert keys.decrypt(key, keys.encrypt(key, plain)) == plain


def test_mac_changes_with_every_byte_of_the_message() -> None:
    mac = keys.cup_ecb(K8, DATA)
    for position in range(len(DATA)):
        changed = bytearray(DATA)
        changed[position] ^= 0x10
        assert not keys.mac_matches(K8, bytes(changed), mac)
    assert keys.mac_matches(K8, DATA, mac)


def test_key_block_has_the_parts_of_003_in_their_places() -> None:
    made = keys.SessionKeys(pin=bytes(range(16)), mac=bytes(range(100, 108)))
    block = keys.wrap(K16, made)
    assert len(block) == 40
    assert keys.decrypt(K16, block[:16]) == made.pin
    assert block[16:20] == keys.kcv(made.pin)
    assert keys.decrypt(K16, block[20:28]) == made.mac
    assert block[28:36] == bytes(8)
    assert block[36:] == keys.kcv(made.mac)
    assert keys.unwrap(K16, block) == made


@pytest.mark.parametrize("position", [0, 17, 25, 39])
def test_damaged_key_block_is_refused(position: int) -> None:
    block = bytearray(keys.wrap(K16, keys.fresh_keys()))
    block[position] ^= 1
    with pytest.raises(keys.KeyBlockError, match="check value"):
        keys.unwrap(K16, bytes(block))


def test_key_block_under_another_master_key_is_refused() -> None:
    block = keys.wrap(K16, keys.fresh_keys())
    with pytest.raises(keys.KeyBlockError):
        keys.unwrap(bytes(16), block)
