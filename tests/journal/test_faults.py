"""What an error costs, and what the smallest ring does with a sector that no longer erases.

Errors at every operation, stuck bits and dead sectors anywhere are families of the campaign.
"""

from __future__ import annotations

import random

import pytest

from terminal.journal import JournalFault
from tests.journal import tears
from tests.journal.nor import Nor
from tests.journal.world import Terminal

SECTORS = 5


def used_flash() -> Terminal:
    """A ring that is in its third lap and just before a rollover."""
    terminal = Terminal(Nor(SECTORS))
    terminal.format()
    terminal.boot()
    terminal.work(2 * SECTORS * 31 + 20)
    return terminal


@pytest.mark.parametrize("effect", [tears.before, tears.bits, tears.after])
def test_one_failed_program_costs_a_slot_and_not_the_record(effect: tears.Tear) -> None:
    terminal = used_flash()
    terminal.journal.room()
    terminal.nor.start_counting()
    terminal.nor.fail_at, terminal.nor.fail_as = 1, effect
    terminal.append()
    terminal.nor.fail_at = 0
    assert terminal.nor.programs == 2
    terminal.boot()


def test_after_a_fault_the_journal_is_read_only_until_the_next_mount() -> None:
    terminal = used_flash()
    terminal.nor.fail_at, terminal.nor.fail_for_good = terminal.nor.operations + 1, True
    with pytest.raises(JournalFault, match="read of sector"):
        terminal.append()
    terminal.nor.fail_at, terminal.nor.fail_for_good = 0, False
    assert terminal.journal.alarm == "APPEND_FAILED"
    assert terminal.journal.room() == 0
    with pytest.raises(JournalFault, match="read-only: APPEND_FAILED"):
        terminal.journal.append(b"later")
    terminal.boot()
    terminal.work(3)


@pytest.mark.parametrize("for_good", [False, True])
def test_no_slot_is_left_blank_in_front_of_the_next(for_good: bool) -> None:
    # A cut in that next one could leave it torn and blank to read, where no mount burns it.
    terminal = used_flash()
    terminal.journal.room()
    places: list[int] = []
    terminal.nor.watch = lambda operation: places.append(operation.start)
    terminal.nor.fail_at, terminal.nor.fail_for_good = terminal.nor.operations + 1, for_good
    if for_good:
        with pytest.raises(JournalFault):
            terminal.append()
    else:
        terminal.append()
    assert len(places) == 2 - for_good and len(set(places)) == 1


@pytest.mark.parametrize("kept", [0, 1])
@pytest.mark.parametrize("dead", range(4))
def test_with_the_fewest_sectors_and_a_dead_one_nothing_unreleased_goes(
    dead: int, kept: int
) -> None:
    terminal = Terminal(Nor(4), rng=random.Random(dead), exact_room=False)
    terminal.format()
    terminal.boot()
    terminal.nor.dead_sectors = {dead: tears.before}
    for _ in range(12):
        while terminal.append_or_refuse():
            pass
        terminal.release(kept)
        terminal.idle()
        terminal.append()
        terminal.append()
        terminal.boot()
    assert terminal.oracle.next_seq > 200


def test_a_flash_that_fails_for_a_while_costs_a_few_sectors_and_not_the_ring() -> None:
    sectors = 16
    # What does not erase is passed over in this lap: without a sector left no lap would end.
    terminal = Terminal(Nor(sectors), exact_room=False)
    terminal.format()
    terminal.boot()
    for _ in range(40):
        terminal.append()  # one sector full: the next idle time erases one more
    terminal.nor.fail_at, terminal.nor.fail_for_good = terminal.nor.operations + 1, True
    for _ in range(100):
        terminal.journal.idle()
    terminal.nor.fail_at, terminal.nor.fail_for_good = 0, False
    terminal.release(0)
    terminal.idle()
    terminal.boot()  # the next header says what was passed over
    assert terminal.journal.room() >= 31 * (sectors - 6)
    terminal.work(2 * 31 * sectors)
    terminal.release(0)
    assert terminal.journal.room() >= 31 * (sectors - 2)
