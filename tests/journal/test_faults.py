"""OSError at every operation, sectors that no longer erase, bits that are stuck."""

from __future__ import annotations

import random

import pytest

from terminal.journal import Journal, JournalFault
from tests.journal.nor import SECTOR, Nor
from tests.journal.world import Terminal

SECTORS = 5


def used_flash() -> Terminal:
    """A ring that is in its third lap and just before a rollover."""
    terminal = Terminal(Nor(SECTORS))
    terminal.format()
    terminal.boot()
    terminal.work(2 * SECTORS * 31 + 20)
    return terminal


def session(terminal: Terminal) -> bool:
    """A start and some selling that carries on whatever fails; False when it got read-only."""
    terminal.journal = Journal(terminal.nor)
    report = terminal.journal.mount()
    if report["read_only"]:
        return False
    terminal.oracle.check(terminal.journal)
    for number in range(24):
        terminal.append_or_refuse()
        if number % 5 == 0:
            terminal.idle()
        if number % 8 == 7:
            try:
                terminal.release(20)
            except JournalFault:
                assert terminal.journal.read_only
    return not terminal.journal.read_only


def fail_at_every_operation(for_good: bool, late: bool) -> int:
    start = used_flash()
    tried = 0
    while True:
        terminal = Terminal(start.nor.copy(), start.oracle.copy(), random.Random(tried))
        terminal.nor.fail_at = tried + 1
        terminal.nor.fail_for_good = for_good
        terminal.nor.fail_late = late
        try:
            sold = session(terminal)
        except JournalFault as fault:
            sold = False
            assert "read of sector" in str(fault)
        assert sold or for_good, "one error must not stop a terminal"
        if terminal.nor.operations <= tried:
            assert terminal.nor.erases, "the session was meant to roll over"
            return tried
        tried += 1
        terminal.nor.fail_at = 0
        terminal.nor.fail_for_good = False
        terminal.boot()
        terminal.work(3)
        terminal.boot()


@pytest.mark.parametrize("late", [False, True], ids=["without effect", "after the effect"])
def test_one_error_at_any_operation_is_survived(late: bool) -> None:
    assert fail_at_every_operation(for_good=False, late=late) > 400


@pytest.mark.parametrize("late", [False, True], ids=["without effect", "after the effect"])
def test_errors_from_any_operation_on_lose_nothing(late: bool) -> None:
    assert fail_at_every_operation(for_good=True, late=late) > 200


def test_one_failed_program_costs_a_slot_and_not_the_record() -> None:
    terminal = used_flash()
    for late in (False, True):
        terminal.nor.start_counting()
        terminal.nor.fail_at, terminal.nor.fail_late = 1, late
        terminal.append()
        terminal.nor.fail_at = 0
        assert terminal.nor.programs == 2
    terminal.boot()


def test_after_a_fault_the_journal_is_read_only_until_the_next_mount() -> None:
    terminal = used_flash()
    terminal.nor.fail_at, terminal.nor.fail_for_good = 1, True
    with pytest.raises(JournalFault, match="reads back"):
        terminal.append()
    terminal.nor.fail_at, terminal.nor.fail_for_good = 0, False
    assert terminal.journal.alarm == "APPEND_FAILED"
    assert terminal.journal.room() == 0
    with pytest.raises(JournalFault, match="read-only: APPEND_FAILED"):
        terminal.journal.append(b"later")
    terminal.boot()
    terminal.work(3)


@pytest.mark.parametrize("dead", range(SECTORS + 1))
def test_a_sector_that_no_longer_erases_is_passed_over(dead: int) -> None:
    terminal = Terminal(Nor(SECTORS + 1))
    terminal.format()
    terminal.boot()
    terminal.work(2 * SECTORS * 31)
    terminal.nor.dead_sectors = frozenset({dead})
    for _ in range(12):
        terminal.work(40)
        terminal.boot()


@pytest.mark.parametrize("kept", [0, 1])
@pytest.mark.parametrize("dead", range(4))
def test_with_the_fewest_sectors_and_a_dead_one_nothing_unreleased_goes(
    dead: int, kept: int
) -> None:
    terminal = Terminal(Nor(4), rng=random.Random(dead))
    terminal.format()
    terminal.boot()
    terminal.nor.dead_sectors = frozenset({dead})
    for _ in range(12):
        while terminal.append_or_refuse():
            pass
        terminal.oracle.pending = None
        terminal.release(kept)
        terminal.idle()
        terminal.append()
        terminal.append()
        terminal.boot()
    assert terminal.oracle.next_seq > 200


@pytest.mark.parametrize("high", [False, True], ids=["stuck at 0", "stuck at 1"])
def test_a_stuck_bit_anywhere_in_a_slot_or_a_header_costs_only_room(high: bool) -> None:
    for number, offset in enumerate((1, 9, 30, 128, 133, 136, 300, 1024 + 20, 4095)):
        terminal = Terminal(Nor(SECTORS + 1), rng=random.Random(number))
        terminal.format()
        at = (number % SECTORS + 1) * SECTOR + offset
        (terminal.nor.stuck_high if high else terminal.nor.stuck_low)[at] = 1 << number % 8
        terminal.boot()
        for _ in range(6):
            terminal.work(50)
            terminal.boot()
