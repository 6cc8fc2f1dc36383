"""The vault on both interpreters; AES is cryptolib's on one and cryptography's on the other."""

from terminal.cell import Cell, CellFault
from terminal.vault import Vault, VaultError
from tests.shared.expect import Random, raises
from tests.shared.test_journal import SECTOR, Flash

PAN = "6222001234567890005"


def vault(flash: Flash, seed: int = 1) -> Vault:
    return Vault(flash, Random(seed).bytes)


def test_a_cell_keeps_the_newest_value() -> None:
    flash = Flash(2)
    assert Cell(flash, 0).load() is None
    for number in range(1, 6):
        cell = Cell(flash, 0)
        cell.store(b"value %d" % number * number)
        assert Cell(flash, 0).load() == b"value %d" % number * number
    raises(ValueError, Cell(flash, 0).store, bytes(2033))


def test_a_configuration_is_kept_over_restarts_and_replaced() -> None:
    flash = Flash(4)
    assert vault(flash).config is None
    vault(flash).set_config(b"one" * 200)
    assert vault(flash).config == b"one" * 200
    vault(flash).set_config(b"two")
    assert vault(flash).config == b"two"
    assert flash.data.find(b"oneone") == -1


def test_an_identity_is_kept_over_restarts_and_replaced():
    flash = Flash(6)
    assert vault(flash).identity is None
    vault(flash).set_identity(b"one" * 200)
    assert vault(flash).identity == b"one" * 200
    both = vault(flash)
    both.set_config(b"config")
    both.set_identity(b"two")
    assert (vault(flash).identity, vault(flash).config) == (b"two", b"config")
    assert flash.data.find(b"oneone") == -1


def test_a_vault_of_16_kb_goes_on_without_an_identity():
    flash = Flash(4)
    small = vault(flash)
    small.set_config(b"config")
    assert "too small" in str(raises(CellFault, small.set_identity, b"one"))
    assert (vault(flash).identity, vault(flash).config) == (None, b"config")


def test_a_protected_card_is_revealed_after_a_restart() -> None:
    flash = Flash(4)
    first = vault(flash)
    first.set_config(b"config")
    for pan, expiry in ((PAN, "2912"), ("622200123456", ""), ("6222001234567893", "3001")):
        cipher, key_id = first.protect(pan, expiry)
        assert len(cipher) == 16
        assert vault(flash, 2).reveal(cipher, key_id) == (pan, expiry)
    one, two = first.protect(PAN, "2912")[0], first.protect(PAN, "2912")[0]
    assert one != two, "the same card must not show as the same ciphertext"


def test_what_was_protected_before_a_rotation_is_gone() -> None:
    flash = Flash(4)
    first = vault(flash)
    first.set_config(b"config")
    cipher, key_id = first.protect(PAN, "2912")
    keys = bytes(flash.data[2 * SECTOR :])
    at = keys.find(b"PZC1") + 18
    key = keys[at : at + 16]
    first.rotate()
    assert flash.data.find(key) == -1
    assert PAN not in str(raises(VaultError, first.reveal, cipher, key_id))
    raises(VaultError, vault(flash).reveal, cipher, key_id)
    assert first.reveal(*first.protect(PAN, "2912")) == (PAN, "2912")


def test_bad_cards_are_refused() -> None:
    flash = Flash(4)
    one = vault(flash)
    raises(VaultError, one.protect, PAN, "2912")
    raises(VaultError, one.rotate)
    one.set_config(b"config")
    for pan, expiry in (("12345678901", ""), ("1" * 20, ""), ("62220012345x", ""), (PAN, "129")):
        raises(VaultError, one.protect, pan, expiry)
    cipher, key_id = one.protect(PAN, "2912")
    raises(VaultError, one.reveal, cipher[:15], key_id)
    damaged = bytes([cipher[0] ^ 1]) + cipher[1:]
    raises(VaultError, one.reveal, damaged, key_id)
