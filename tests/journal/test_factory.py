"""The factory reset under power cuts: a terminal as it was, or one that sells nothing."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import pytest

from terminal import factory
from terminal.cell import Cell, CellFault
from terminal.journal import Journal
from terminal.vault import RESETTING, Vault
from tests.journal import tears
from tests.journal.nor import SECTOR, Nor, PowerCut

CONFIG = b"the keys of a merchant" * 20
NEW = b"another merchant" * 20
_VAULT = 6
_RECORDS = 40
_CUT_TEARS = (tears.before, tears.bits, tears.after)


class Part:
    """Sectors of a flash that has several partitions: one counts operations for all."""

    def __init__(self, flash: Nor, first: int, count: int) -> None:
        self._flash = flash
        self._first = first
        self._count = count

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        self._flash.readblocks(self._first + block, buf, offset)

    def writeblocks(self, block: int, buf: bytes, offset: int) -> None:
        self._flash.writeblocks(self._first + block, buf, offset)

    def ioctl(self, op: int, arg: int) -> int:
        return self._count if op == 4 else self._flash.ioctl(op, self._first + arg)


def parts(flash: Nor) -> tuple[Part, Part]:
    """The vault and the journal."""
    return Part(flash, 0, _VAULT), Part(flash, _VAULT, flash.sectors - _VAULT)


def in_use() -> Nor:
    """A terminal that has sold: a configuration, an identity, a card key and records."""
    flash = Nor(_VAULT + 5)
    vault, partition = parts(flash)
    kept = Vault(vault, random.Random(1).randbytes)
    kept.set_config(b"before" * 30)
    kept.set_config(CONFIG)
    kept.set_identity(b"a private key" * 30)
    kept.rotate()
    journal = Journal(partition)
    journal.format()
    journal.mount()
    for number in range(_RECORDS):
        journal.append(bytes([number]) * 80)
    journal.release(_RECORDS + 1)
    return flash


def start(flash: Nor) -> bytes | None:
    """What a start does before anything else; the configuration that it then has."""
    vault, journal = parts(flash)
    config: bytes | None = Vault(vault, random.Random(2).randbytes).config
    if config == RESETTING:
        factory.finish(vault, journal)
        config = Vault(vault, random.Random(3).randbytes).config
    return config


def reset(flash: Nor) -> None:
    """The operator has confirmed it: the mark, then the next start."""
    factory.begin(parts(flash)[0])
    assert start(flash) is None


def cuts(flash: Nor, action: Callable[[Nor], object], weakly: bool) -> list[Nor]:
    """The flash after a cut at every program and erase of an action."""
    left = []
    number = 0
    while True:
        twin = flash.copy()
        twin.cut_at = number // len(_CUT_TEARS) + 1
        twin.cut_as = _CUT_TEARS[number % len(_CUT_TEARS)]
        twin.cut_weak = weakly
        try:
            action(twin)
        except PowerCut:
            left.append(twin.copy())
            number += 1
        else:
            return left


def provision(flash: Nor) -> None:
    """As app.py does it."""
    vault, partition = parts(flash)
    journal = Journal(partition)
    alarm = journal.mount()["alarm"]
    assert alarm == "UNFORMATTED", alarm
    journal.format()
    Vault(vault, random.Random(4).randbytes).set_config(NEW)


def check(flash: Nor, whole: bytes) -> bool:
    """After a cut: nothing has changed, or the reset is done. True when it is done."""
    config = start(flash)
    assert config in (CONFIG, None)
    if config is None:
        assert b"merchant" not in flash.data and b"private" not in flash.data
        assert all(byte == 0xFF for byte in flash.data[_VAULT * SECTOR :])
        assert start(flash) is None
        provision(flash)
        assert start(flash) == NEW
        return True
    # The journal is byte by byte what it was: nothing of it may be erased before the mark.
    assert bytes(flash.data[_VAULT * SECTOR :]) == whole
    return False


@pytest.mark.parametrize("weakly", [False, True])
def test_a_cut_anywhere_leaves_a_terminal_as_it_was_or_one_that_sells_nothing(
    weakly: bool,
) -> None:
    flash = in_use()
    whole = bytes(flash.data[_VAULT * SECTOR :])
    done: list[bool] = []
    for left in cuts(flash, reset, weakly):
        left.weak_reads = random.Random(len(done)).choice((0, 1, None))
        done.append(check(left, whole))
    # Not before the mark, and from then on always.
    assert True in done and False in done
    assert done == sorted(done) or weakly
    assert len(done) > 40


@pytest.mark.thorough
def test_a_second_cut_anywhere_in_the_start_after_a_cut_changes_nothing() -> None:
    flash = in_use()
    whole = bytes(flash.data[_VAULT * SECTOR :])
    tried = 0
    for once in cuts(flash, reset, True):
        once.weak_reads = None
        for twice in cuts(once, start, True):
            tried += 1
            twice.weak_reads = None
            check(twice, whole)
    assert tried > 500


@pytest.mark.thorough
def test_an_error_at_any_operation_keeps_the_terminal_from_selling_or_changes_nothing() -> None:
    used = in_use()
    whole = bytes(used.data[_VAULT * SECTOR :])
    number = 0
    while True:
        flash = used.copy()
        flash.fail_at, flash.fail_as = number + 1, tears.bits
        with contextlib.suppress(OSError, CellFault):
            reset(flash)
        if flash.operations <= number:
            break
        number += 1
        flash.fail_at = 0
        check(flash, whole)
    assert number > 100


def test_a_reset_that_nobody_began_is_refused() -> None:
    flash = in_use()
    with pytest.raises(ValueError, match="no factory reset"):
        factory.finish(*parts(flash))
    assert Cell(parts(flash)[0], 0).load() == CONFIG
