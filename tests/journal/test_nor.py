"""The flash model does to bits what NOR flash does, and what it is told to do amiss."""

from __future__ import annotations

import random

import pytest

from tests.journal import tears
from tests.journal.nor import SECTOR, Nor, Operation, PowerCut, TooManyOperations
from tests.journal.tears import FATES

OLD = bytes([0xFF, 0x0F] * 32)
NEW = bytes([0x55, 0x05] * 32)
ERASED = b"\xff" * 64


def read(flash: Nor, length: int = 64) -> bytes:
    buffer = bytearray(length)
    flash.readblocks(0, buffer, 0)
    return bytes(buffer)


def test_a_program_only_clears_bits_and_an_erase_sets_the_sector() -> None:
    flash = Nor(2)
    flash.writeblocks(0, OLD, 0)
    flash.writeblocks(0, b"\xf0" * 64, 0)
    assert read(flash) == bytes([0xF0, 0x00] * 32) and flash.overprograms == 1
    flash.writeblocks(0, bytes(64), 0)
    assert read(flash) == bytes(64) and flash.overprograms == 1
    flash.ioctl(6, 0)
    assert read(flash) == ERASED and flash.wear == [1, 0]


@pytest.mark.parametrize("name", tears.TEARS)
def test_a_tear_leaves_old_bits_and_new_bits_and_nothing_else(name: str) -> None:
    seen = set()
    for seed in range(50):
        left = tears.TEARS[name](OLD, NEW, random.Random(seed))
        seen.add(left)
        assert len(left) == len(OLD)
        if name not in ("zeros", "noise"):
            for was, now, will in zip(OLD, left, NEW, strict=True):
                assert now & ~was == 0 and will & ~now == 0
    fixed = {"before": OLD, "after": NEW, "zeros": bytes(64), "half": NEW[:32] + OLD[32:]}
    if name in fixed:
        assert seen == {fixed[name]}
    else:
        assert len(seen) > 10 and not seen & {OLD, NEW}


@pytest.mark.parametrize("name", FATES)
def test_weak_bits_read_as_their_fate_says_and_settle(name: str) -> None:
    fate = FATES[name]
    settled = set()
    for seed in range(60):
        flash = Nor(1, rng=random.Random(seed))
        flash.tear(Operation("program", 0, ERASED, bytes(64)), tears.after, fate=fate)
        first, second = read(flash), read(flash)
        if fate.reads is None:
            assert first != second
        elif fate.reads == 0:
            assert first == second == bytes(64)
        else:
            # All of the bits are weak, or half of them and the others are programmed.
            assert first == second != bytes(64)
        for _ in range(300):
            read(flash)
        for _ in range(3):
            flash.power_on()
        last = read(flash)
        assert all(read(flash) == last for _ in range(5))
        settled.add(last)
    if fate.settle_as == 0:
        assert settled == {bytes(64)}
    else:
        assert len(settled) > 10


def test_weak_bits_that_are_driven_again_are_strong() -> None:
    flash = Nor(1, rng=random.Random(3))
    flash.cut_at, flash.cut_as, flash.cut_weak = 1, tears.after, True
    with pytest.raises(PowerCut):
        flash.writeblocks(0, bytes(64), 0)
    flash.weak_reads = 1
    assert read(flash) == ERASED
    flash.writeblocks(0, bytes(32), 0)
    assert read(flash) == bytes(32) + ERASED[32:]
    flash.weak_reads = 0
    assert read(flash) == bytes(64)
    flash.ioctl(6, 0)
    assert read(flash) == ERASED


@pytest.mark.parametrize("effect", [tears.before, tears.after])
def test_an_operation_fails_once_or_from_then_on(effect: tears.Tear) -> None:
    for for_good in (False, True):
        flash = Nor(1)
        flash.fail_at, flash.fail_for_good, flash.fail_as = 2, for_good, effect
        read(flash)
        with pytest.raises(OSError):
            flash.writeblocks(0, bytes(64), 0)
        assert flash.data[:64] == (bytes(64) if effect is tears.after else ERASED)
        if for_good:
            with pytest.raises(OSError):
                read(flash)
        else:
            read(flash)


def test_a_stuck_bit_stays_whatever_is_done() -> None:
    flash = Nor(1)
    flash.stick(3, 0x10, False)
    assert read(flash)[3] == 0xEF
    flash.ioctl(6, 0)
    assert read(flash)[3] == 0xEF
    flash.stick(4, 0x01, True)
    flash.writeblocks(0, bytes(64), 0)
    assert read(flash) == bytes(4) + b"\x01" + bytes(59)


@pytest.mark.parametrize("tells", [False, True])
def test_a_worn_out_sector_keeps_what_it_had(tells: bool) -> None:
    flash = Nor(2)
    flash.writeblocks(0, bytes(64), 0)
    flash.dead_sectors, flash.dead_tells = {0: tears.before}, tells
    if tells:
        with pytest.raises(OSError):
            flash.ioctl(6, 0)
    else:
        assert flash.ioctl(6, 0) == 0
    assert read(flash) == bytes(64)


def test_one_operation_too_many_is_refused() -> None:
    flash = Nor(1)
    flash.limit = 2
    read(flash)
    read(flash)
    with pytest.raises(TooManyOperations):
        read(flash)


def test_a_copy_has_the_same_weak_bits_and_none_of_the_faults() -> None:
    flash = Nor(1, rng=random.Random(5))
    flash.tear(Operation("erase", 0, bytes(SECTOR), b"\xff" * SECTOR), tears.bits, True)
    flash.weak_reads = 0
    flash.fail_at = 1
    twin = flash.copy()
    assert read(twin, SECTOR) == bytes(SECTOR)
    twin.weak_reads = 1
    assert read(twin, SECTOR) == b"\xff" * SECTOR
