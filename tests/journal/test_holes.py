"""What stands between the head and the ready sectors: holes, bad sectors, marks found torn.

Each of these came out of a campaign with several faults at once; here it is built by hand.
"""

from __future__ import annotations

import struct
from zlib import crc32

from terminal.journal import Journal
from tests.journal import nor as model
from tests.journal.nor import SECTOR, Nor

SECTORS = 6
RECORD = b"x" * 90


def fresh(sectors: int = SECTORS) -> tuple[Nor, Journal]:
    flash = Nor(sectors)
    journal = Journal(flash)
    journal.format()
    journal.mount()
    return flash, journal


def sell_to(journal: Journal, flash: Nor, sector: int, slot: int) -> None:
    """Append until this slot is the last one that is written."""
    at = sector * SECTOR + slot * 128
    while flash.data[at + 4] == 0xFF:
        journal.append(RECORD)


def restart(flash: Nor) -> tuple[Journal, list[str]]:
    journal = Journal(flash)
    return journal, journal.mount()["rows"]


def blank(flash: Nor, sector: int, first: int, size: int = SECTOR) -> None:
    at = sector * SECTOR + first
    flash.data[at : at + size] = b"\xff" * size


def headed(flash: Nor, sector: int) -> bool:
    return flash.data[sector * SECTOR + 24 : sector * SECTOR + 28] == b"PZJ1"


def test_idle_leaves_the_sector_behind_the_head_which_may_hold_the_only_mark() -> None:
    flash, journal = fresh(4)
    sell_to(journal, flash, 0, 30)
    journal.release(journal.next_seq)
    sell_to(journal, flash, 1, 3)
    while journal.idle():
        pass
    assert headed(flash, 0) and flash.wear[0] == 1, "the format's erase, and no other"
    journal, _ = restart(flash)
    assert journal.released > 1


def test_a_sector_that_would_not_erase_stays_unused_for_the_lap_after_a_restart() -> None:
    flash, journal = fresh()
    flash.dead_sectors = {4: model.before}
    flash.data[4 * SECTOR + 77] = 0
    sell_to(journal, flash, 1, 3)
    while journal.idle():
        pass
    assert headed(flash, 5) and not headed(flash, 4)
    flash.dead_sectors = {}
    journal, _ = restart(flash)
    sell_to(journal, flash, 2, 3)
    while journal.idle():
        pass
    assert not headed(flash, 4), "the next sector's header says that it was passed over"


def test_a_hole_is_filled_before_the_log_goes_past_it() -> None:
    flash, journal = fresh()
    sell_to(journal, flash, 0, 20)
    blank(flash, 1, 0)
    journal, rows = restart(flash)
    assert "UNFINISHED_ERASE" in rows
    sell_to(journal, flash, 0, 31)
    journal.append(RECORD)
    assert flash.data[1 * SECTOR + 128 + 4] == ord("R"), (
        "the record is in the sector that was a hole"
    )
    assert restart(flash)[1] == ["CLEAN"]


def test_a_hole_is_filled_at_the_restart_that_may_fill_the_head() -> None:
    for last in range(26, 31):
        flash, journal = fresh()
        sell_to(journal, flash, 0, last)
        blank(flash, 1, 0)
        journal, _ = restart(flash)
        numbers = journal.next_seq
        for _ in range(4):
            journal, rows = restart(flash)
            assert "HEAD_LOST" not in rows and journal.next_seq == numbers


def test_a_ready_sector_with_a_rotten_bit_is_erased_again_in_idle() -> None:
    flash, journal = fresh()
    sell_to(journal, flash, 0, 5)
    flash.data[1 * SECTOR + 20 * 128 + 7] = 0xFE
    journal, rows = restart(flash)
    assert "UNFINISHED_ERASE" in rows
    while journal.idle():
        pass
    assert headed(flash, 1)
    assert flash.data[1 * SECTOR + 128 : 2 * SECTOR] == b"\xff" * (SECTOR - 128)


def test_where_a_restart_may_have_gone_on_nothing_is_erased_and_no_number_is_lost() -> None:
    flash, journal = fresh()
    sell_to(journal, flash, 0, 29)
    numbers = journal.next_seq
    # Restarts have filled the head and torn two slots behind it; the head's last ones read erased.
    flash.data[1 * SECTOR + 128 : 1 * SECTOR + 128 + 9] = b"\x12" * 9
    flash.data[1 * SECTOR + 256 : 1 * SECTOR + 256 + 5] = b"\x08" * 5
    flash.start_counting()
    journal, rows = restart(flash)
    assert flash.erases == 0 and rows == ["TORN_TAIL"]
    assert journal.next_seq == numbers
    journal, rows = restart(flash)
    assert rows == ["CLEAN"] and journal.next_seq == numbers


def test_a_mark_that_a_restart_found_torn_does_not_count_later() -> None:
    flash, journal = fresh()
    for _ in range(10):
        journal.append(RECORD)
    at = next(slot * 128 for slot in range(1, 32) if flash.data[slot * 128 + 4] == 0xFF)
    for kind, payload in ((b"M", struct.pack("<I", 8)), (b"C", RECORD)):
        body = struct.pack("<cBBBI", kind, len(payload), 0, 1, 10) + payload
        body += bytes(-(len(body) + 4) % 16)
        crc = crc32(body, crc32(struct.pack("<I", SECTORS)))
        flash.data[at : at + len(body) + 4] = struct.pack("<I", crc) + body
        at += 128
    journal, _ = restart(flash)
    assert journal.released == 1 and journal.next_seq == 11
