"""The log under power cuts and a flash that fails: it keeps what it had and stops nobody."""

from __future__ import annotations

import random

import pytest

from terminal.log import Log
from tests.journal import tears
from tests.journal.nor import SECTOR, Nor
from tests.journal.test_cell import every_cut
from tests.shared.test_log import texts

LINES = [f"line {number} {'x' * 90}" for number in range(40)]


def filled(lines: int) -> Nor:
    flash = Nor(2)
    log = Log(flash)
    for line in LINES[:lines]:
        log.line(line)
    return flash


def more(flash: Nor) -> None:
    log = Log(flash)
    for line in LINES[36:39]:
        log.line(line)


@pytest.mark.parametrize("weakly", [False, True])
def test_a_cut_anywhere_leaves_what_was_there_and_lines_go_on(weakly: bool) -> None:
    # Around the end of the first sector: lines, an erase and a header.
    before = filled(35)
    kept = texts(Log(before.copy()))
    assert len(kept) == 35
    tried = 0
    for flash in every_cut(before, more, weakly):
        tried += 1
        flash.weak_reads = None
        log = Log(flash)
        assert texts(log)[:35] == kept
        log.line("afterwards")
        flash.settle()
        assert texts(Log(flash))[-1] == "afterwards"
        assert set(texts(Log(flash))) <= {*kept, *LINES[36:39], "afterwards"}
    assert tried > 20


def test_an_error_at_any_operation_raises_nothing() -> None:
    for for_good in (False, True):
        for effect in (tears.before, tears.bits, tears.after):
            number = 0
            while True:
                flash = filled(35)
                flash.start_counting()
                flash.fail_at, flash.fail_for_good, flash.fail_as = number + 1, for_good, effect
                more(flash)
                if flash.operations <= number:
                    break
                number += 1
                flash.fail_at, flash.fail_for_good = 0, False
                assert texts(Log(flash))[:1] == LINES[:1]
            assert number > 10


@pytest.mark.parametrize("seed", range(10))
def test_a_flash_of_noise_takes_a_log(seed: int) -> None:
    flash = Nor(4, bytearray(random.Random(seed).randbytes(4 * SECTOR)))
    log = Log(flash)
    log.line("a")
    assert texts(Log(flash)) == ["a"]


def test_a_start_reads_no_more_than_a_sector() -> None:
    flash = filled(30)
    flash.start_counting()
    Log(flash)
    assert flash.read_bytes <= SECTOR + 2 * 16
