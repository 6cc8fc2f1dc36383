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


def test_the_other_macs_are_the_published_ones() -> None:
    public = b"7654321 Now is the time for "
    assert keys.x9_9(K8, public).hex().upper() == "F1D30F6849312CA4"
    assert keys.x9_9(K8, DATA).hex().upper() == "C2AF5B705F6E10CD"
    assert keys.x9_19(K16, DATA).hex().upper() == "D244FFE351C8EADD"
    rfc4493 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
    block = bytes.fromhex("6BC1BEE22E409F96E93D7E117393172A")
    assert keys.aes_cmac(rfc4493, block).hex().upper() == "070A16B46B4D4144"


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
        assert keys.cup_ecb(K8, bytes(changed)) != mac
    assert keys.SessionKeys(pin=K16, mac=K8).sealed(DATA, mac)


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


def test_key_blocks_001_and_004_have_their_parts_in_their_places() -> None:
    single = keys.SessionKeys(pin=bytes(range(8)), mac=bytes(range(100, 108)))
    block = keys.wrap(K16, single, keys.SINGLE)
    parts = (single.pin, single.mac)
    assert block == b"".join(keys.encrypt(K16, part) + keys.kcv(part) for part in parts)
    assert keys.unwrap(K16, block, keys.Scheme(block=keys.SINGLE)) == single

    scheme = keys.Scheme(keys.X9_19, keys.WITH_TRACK)
    three = keys.fresh_keys(scheme=scheme)
    block = keys.wrap(K16, three, keys.WITH_TRACK)
    whole = (three.pin, three.mac, three.track)
    assert block == b"".join(keys.encrypt(K16, part) + keys.kcv(part) for part in whole)
    assert keys.unwrap(K16, block, scheme) == three


SCHEMES = [
    keys.Scheme(mac, block)
    for mac, length in keys.MAC_KEY_BYTES.items()
    for block in keys.BLOCK_BYTES
    if block != keys.SINGLE or length == 8
]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_keys_of_another_scheme_are_not_taken_for_those_of_this(scheme: keys.Scheme) -> None:
    made = keys.fresh_keys(scheme=scheme)
    block = keys.wrap(K16, made, scheme.block)
    for other in SCHEMES:
        lengths = keys.MAC_KEY_BYTES[scheme.mac], keys.MAC_KEY_BYTES[other.mac]
        if other.block == scheme.block and lengths[0] == lengths[1]:
            assert keys.unwrap(K16, block, other).mac == made.mac
        else:
            with pytest.raises(keys.KeyBlockError):
                keys.unwrap(K16, block, other)


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
