"""The configuration and the card key: a cut or an error at any operation leaves old or new."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from terminal.cell import Cell, CellFault
from terminal.vault import Vault, VaultError
from tests.journal import tears
from tests.journal.nor import SECTOR, Nor, PowerCut

TEARS = (tears.before, tears.prefix, tears.suffix, tears.bits, tears.most, tears.after)
OLD = b"old" * 100
NEW = b"new!" * 90


def stored() -> Nor:
    flash = Nor(2)
    cell = Cell(flash, 0)
    cell.store(b"first")
    cell.store(OLD)
    return flash


def replace(flash: Nor) -> None:
    cell = Cell(flash, 0)
    assert cell.load() in (OLD, NEW)
    cell.store(NEW)


def load(flash: Nor) -> bytes | None:
    value: bytes | None = Cell(flash, 0).load()
    return value


def every_cut(
    start: Nor,
    action: Callable[[Nor], object],
    weakly: bool = False,
    tears: tuple[tears.Tear, ...] = TEARS,
) -> list[Nor]:
    """The flash after a cut at every program and erase of an action, in every way."""
    left = []
    number = 0
    while True:
        flash = start.copy()
        flash.cut_at = number // len(tears) + 1
        flash.cut_as = tears[number % len(tears)]
        flash.cut_weak = weakly
        try:
            action(flash)
        except PowerCut:
            left.append(flash.copy())
            number += 1
        else:
            return left


def test_a_cut_anywhere_in_a_store_leaves_the_old_value_or_the_new_one_for_good() -> None:
    for flash in every_cut(stored(), replace):
        value = load(flash)
        assert value in (OLD, NEW)
        assert load(flash) == value


def test_a_second_cut_anywhere_in_the_start_after_a_cut_changes_nothing() -> None:
    tried = 0
    for flash in every_cut(stored(), replace):
        for again in every_cut(flash, replace):
            tried += 1
            assert load(again) in (OLD, NEW)
            replace(again)
            assert load(again) == NEW
    assert tried > 300


@pytest.mark.parametrize("reads", [(0, 1, 0), (1, 0, 1), (None, None, None)])
def test_a_value_once_seen_stays_whatever_unstable_bits_do(reads: tuple[int | None, ...]) -> None:
    for flash in every_cut(stored(), replace, weakly=True):
        flash.weak_reads = reads[0]
        value = load(flash)
        assert value in (OLD, NEW)
        for later in reads[1:]:
            flash.weak_reads = later
            assert load(flash) == value


def test_the_first_value_is_there_or_not_for_good() -> None:
    for weakly in (False, True):
        for flash in every_cut(Nor(2), lambda flash: Cell(flash, 0).store(NEW), weakly):
            flash.weak_reads = None
            value = load(flash)
            assert value in (None, NEW)
            assert load(flash) == value


def test_many_starts_keep_the_value() -> None:
    flash = stored()
    for _ in range(400):
        assert load(flash) == OLD
    assert flash.erases < 10


def test_an_error_at_any_operation_leaves_the_old_value_or_the_new_one() -> None:
    for for_good in (False, True):
        for effect in (tears.before, tears.bits, tears.after):
            number = 0
            while True:
                flash = stored()
                flash.start_counting()
                flash.fail_at, flash.fail_for_good, flash.fail_as = number + 1, for_good, effect
                try:
                    replace(flash)
                    kept = {NEW}
                except CellFault:
                    kept = {OLD, NEW}
                if flash.operations <= number:
                    break
                number += 1
                flash.fail_at, flash.fail_for_good = 0, False
                assert load(flash) in kept
            assert number > 20


@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_no_value_and_does_not_come_back(seed: int) -> None:
    rng = random.Random(seed)
    flash = Nor(2, bytearray(rng.randbytes(2 * SECTOR)))
    assert load(flash) is None
    Cell(flash, 0).store(NEW)
    assert load(flash) == NEW


def test_a_damaged_newest_copy_falls_back_to_the_older_one() -> None:
    flash = stored()
    at = flash.data.index(OLD)
    flash.data[at + 5] ^= 1
    assert load(flash) == b"first"


def test_forget_leaves_no_trace_of_the_older_value() -> None:
    flash = stored()
    cell = Cell(flash, 0)
    cell.load()
    cell.forget()
    assert b"first" not in flash.data
    assert load(flash) == OLD
    assert Cell(flash, 0).alone is False
    erases = flash.erases
    again = Cell(flash, 0)
    again.load()
    again.forget()
    assert flash.erases == erases, "what is erased is not erased at every start"


@pytest.mark.parametrize("value", [b"", bytes(2033)])
def test_a_value_that_does_not_fit_is_refused(value: bytes) -> None:
    flash = stored()
    with pytest.raises(ValueError, match=r"1\.\.2032 bytes"):
        Cell(flash, 0).store(value)
    assert load(flash) == OLD


CARD = ("6222001234567890005", "2912")


def vault(flash: Nor, seed: int = 1) -> Vault:
    return Vault(flash, random.Random(seed).randbytes)


def test_a_rotated_card_key_is_gone_from_the_flash_wherever_the_power_was_cut() -> None:
    flash = Nor(4)
    first = vault(flash)
    first.set_config(b"config")
    cipher, key_id = first.protect(*CARD)
    keys = bytes(flash.data[2 * SECTOR :])
    old_key = keys[keys.index(b"PZC1") + 16 :][2:18]
    cuts = every_cut(flash, lambda flash: vault(flash, 2).rotate())
    assert len(cuts) > 30
    rotated = 0
    for left in cuts:
        for again in [left, *every_cut(left, lambda flash: vault(flash, 3))]:
            after = vault(again, 4)
            assert after.config == b"config"
            try:
                assert after.reveal(cipher, key_id) == CARD
                assert old_key in again.data
            except VaultError:
                rotated += 1
                assert old_key not in again.data
                assert after.reveal(*after.protect(*CARD)) == CARD
    assert rotated > 30


def test_a_blank_look_is_no_proof_that_the_old_key_was_erased() -> None:
    flash = Nor(4)
    vault(flash).set_config(b"config")
    erased_again = 0
    for left in every_cut(flash, lambda flash: vault(flash, 2).rotate(), tears=(tears.after,)):
        looks_blank = left.data[2 * SECTOR : 3 * SECTOR] == b"\xff" * SECTOR
        vault(left, 3)
        erased_again += looks_blank and left.erases
    assert erased_again == 1, "after the erase and before it was written down"


def test_a_new_configuration_survives_a_cut_anywhere_and_the_old_one_is_erased() -> None:
    flash = Nor(4)
    vault(flash).set_config(OLD)
    for left in every_cut(flash, lambda flash: vault(flash, 2).set_config(NEW)):
        after = vault(left, 3)
        assert after.config in (OLD, NEW)
        other = OLD if after.config == NEW else NEW
        assert other not in left.data


def test_a_new_configuration_erases_the_old_one_at_once() -> None:
    flash = Nor(4)
    running = vault(flash)
    running.set_config(OLD)
    running.set_config(NEW)
    assert running.config == NEW
    assert OLD not in flash.data


def test_a_lost_card_key_is_made_anew_under_another_number() -> None:
    flash = Nor(4)
    first = vault(flash)
    first.set_config(b"config")
    cipher, key_id = first.protect(*CARD)
    flash.data[2 * SECTOR :] = bytes(2 * SECTOR)
    after = vault(flash, 9)
    assert after.config == b"config"
    with pytest.raises(VaultError, match=f"card key {key_id} is gone"):
        after.reveal(cipher, key_id)
