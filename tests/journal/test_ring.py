"""Room, release, recycling and what they cost."""

from __future__ import annotations

import pytest

from terminal.journal import MAX_PAYLOAD, Journal, JournalFault, JournalFull
from tests.journal.nor import Nor
from tests.journal.world import Terminal


def fresh(sectors: int) -> Terminal:
    terminal = Terminal(Nor(sectors))
    terminal.format()
    terminal.boot()
    return terminal


def fill(terminal: Terminal) -> int:
    """Append until the ring is full; how many it took."""
    count = 0
    while terminal.append_or_refuse():
        count += 1
    assert not terminal.journal.read_only
    return count


def test_a_sale_of_three_records_is_three_programs_three_pages_and_no_erase() -> None:
    terminal = fresh(128)
    for _ in range(3000):
        terminal.idle()
        terminal.nor.start_counting()
        for _ in range(3):
            terminal.append()
        assert (terminal.nor.programs, terminal.nor.pages, terminal.nor.erases) == (3, 3, 0)
        if terminal.oracle.next_seq % 10 == 1:
            terminal.release(300)


def test_write_amplification_is_below_1_2_for_records_of_96_bytes() -> None:
    terminal = fresh(16)
    terminal.nor.start_counting()
    for number in range(5000):
        terminal.journal.append(bytes(96))
        if number % 100 == 99:
            terminal.journal.release(number - 100 if number > 100 else 1)
        terminal.idle()
    assert terminal.nor.programmed_bytes / (5000 * 96) < 1.2


@pytest.mark.parametrize(("sectors", "limit"), [(128, 4096), (1024, 12 * 1024)])
def test_a_mount_reads_little_whatever_is_in_the_journal(sectors: int, limit: int) -> None:
    terminal = fresh(sectors)
    for number in range(4200):
        terminal.append()
        if number % 400 == 0:
            terminal.release(50)
        terminal.idle()
        if number % 69 == 0:
            # The oracle reads far more than the mount, which is all that counts here.
            terminal.nor.start_counting()
            Journal(terminal.nor).mount()
            assert terminal.nor.read_bytes <= limit
            terminal.boot()


def test_a_full_ring_refuses_and_overwrites_nothing() -> None:
    terminal = fresh(6)
    promised = terminal.journal.room()
    assert fill(terminal) == promised == 5 * 31 - 2  # two slots went into the first start
    assert terminal.journal.room() == 0
    before = bytes(terminal.nor.data)
    with pytest.raises(JournalFull):
        terminal.journal.append(b"one more")
    assert not terminal.journal.idle()
    assert bytes(terminal.nor.data) == before
    terminal.boot()
    assert terminal.journal.room() == 0


def test_a_full_ring_survives_any_number_of_restarts_and_sells_again_after_a_release() -> None:
    terminal = fresh(6)
    fill(terminal)
    for _ in range(40):
        terminal.boot(alarms=("FULL_AT_BOOT",))
        with pytest.raises(JournalFull):
            terminal.journal.append(b"x")
    assert terminal.journal.alarm == "FULL_AT_BOOT"
    assert terminal.journal.room() == 0
    with pytest.raises(JournalFull):
        terminal.journal.append(b"x")
    terminal.release(3)
    assert terminal.journal.alarm == ""
    assert terminal.journal.room() > 60
    terminal.work(40)
    terminal.boot()
    assert terminal.journal.released > 1


def test_the_one_unreleased_record_of_a_sector_keeps_it_from_being_recycled() -> None:
    for appends in range(24, 36):
        terminal = fresh(6)
        terminal.work(appends, every=1000)
        terminal.release(1)
        fill(terminal)
        terminal.idle()
        terminal.boot()


def test_room_is_what_can_be_appended() -> None:
    terminal = fresh(8)
    for released in (0, 7, 31, 32, 62, 63, 100, 150, 190):
        terminal.work(24, kept=100000)
        if released:
            terminal.oracle.released = max(released, terminal.oracle.released)
            terminal.journal.release(released)
        other = Terminal(terminal.nor.copy(), terminal.oracle.copy())
        other.boot()
        room = other.journal.room()
        assert fill(other) == room


def test_without_idle_time_an_append_erases_rather_than_refuse() -> None:
    terminal = fresh(6)
    for _ in range(400):
        terminal.append()
        terminal.release(3)
    assert terminal.nor.erases > 6
    terminal.boot()


def test_idle_erases_at_most_one_sector_a_call_and_says_when_it_is_done() -> None:
    terminal = fresh(8)
    terminal.work(100)
    fill(terminal)
    terminal.release(3)
    steps = []
    while True:
        terminal.nor.start_counting()
        more = terminal.journal.idle()
        steps.append(terminal.nor.erases)
        if not more:
            break
    assert steps == [1] * len(steps) and len(steps) == 3
    terminal.nor.start_counting()
    assert not terminal.journal.idle()
    assert terminal.nor.operations == 0


def test_a_release_survives_restarts_wherever_it_was_written() -> None:
    terminal = fresh(6)
    for number in range(300):
        terminal.append()
        if number % 3 == 0:
            terminal.release(5)
        terminal.idle()
        terminal.boot()
        assert terminal.journal.released == terminal.oracle.released


def test_a_release_never_goes_back_nor_beyond_the_end() -> None:
    terminal = fresh(6)
    terminal.work(30, kept=5)
    released = terminal.journal.released
    terminal.nor.start_counting()
    terminal.journal.release(3)
    assert terminal.journal.released == released and terminal.nor.operations == 0
    with pytest.raises(ValueError, match="but the next is 31"):
        terminal.journal.release(32)


def test_wear_is_spread_evenly() -> None:
    terminal = fresh(9)
    terminal.work(9 * 31 * 20)
    assert max(terminal.nor.wear) - min(terminal.nor.wear) <= 1
    assert min(terminal.nor.wear) >= 20


def test_a_scan_passes_over_what_is_recycled_while_it_runs() -> None:
    terminal = fresh(6)
    terminal.work(120, kept=110)
    seen = []
    for seq, payload in terminal.journal.scan(1):
        seen.append(seq)
        assert payload == terminal.oracle.truth[seq]
        if len(seen) == 5:
            terminal.release(2)
            while terminal.journal.idle():
                pass
    assert seen == sorted(set(seen)) and seen[-1] == 120


@pytest.mark.parametrize("payload", [b"", bytes(MAX_PAYLOAD + 1)])
def test_a_payload_that_does_not_fit_is_refused(payload: bytes) -> None:
    terminal = fresh(6)
    with pytest.raises(ValueError, match=r"1\.\.460 bytes"):
        terminal.journal.append(payload)
    assert terminal.journal.next_seq == 1


def test_a_number_that_is_not_retained_is_refused() -> None:
    terminal = fresh(6)
    terminal.work(5)
    for seq in (0, 6):
        with pytest.raises(ValueError, match=f"record {seq} is not in 1..5"):
            terminal.journal.read(seq)


def test_nothing_can_be_appended_before_the_mount() -> None:
    with pytest.raises(JournalFault, match="NOT_MOUNTED"):
        Journal(Nor(6)).append(b"x")
