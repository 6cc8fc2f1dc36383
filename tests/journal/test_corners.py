"""Corners that no family of the campaign comes to, found by changing the journal line by line.

The flash is written here slot by slot, as two faults or more may leave it.
"""

from __future__ import annotations

import random
import struct
from zlib import crc32

import pytest

from terminal.cell import Cell, CellFault
from terminal.journal import Journal, JournalFault
from tests.journal.nor import SECTOR, Nor
from tests.journal.world import Terminal

SECTORS = 5
PART = 116


def slot(seq: int, part: int, parts: int, payload: bytes) -> bytes:
    """A record's slot in the first epoch as the format says, written down independently."""
    body = struct.pack("<cBBBI", b"R", len(payload), part, parts, seq) + payload
    body += bytes(-(len(body) + 4) % 16)
    return struct.pack("<I", crc32(body, crc32(struct.pack("<I", SECTORS)))) + body


def cut_up(payload: bytes) -> list[bytes]:
    whole = payload + struct.pack("<I", crc32(payload))
    return [whole[at : at + PART] for at in range(0, len(whole), PART)]


def records(*slots: tuple[int, int, int, bytes]) -> list[tuple[int, bytes | None]]:
    """What a journal reads of slots in its first sector: (seq, part, parts, payload) each."""
    flash = Nor(SECTORS)
    Journal(flash).format()
    for number, fields in enumerate(slots, 1):
        written = slot(*fields)
        flash.data[number * 128 : number * 128 + len(written)] = written
    journal = Journal(flash)
    journal.mount()
    return list(journal.scan(1))


def sold(appends: int) -> Terminal:
    terminal = Terminal(Nor(SECTORS), longest=460)
    terminal.format()
    terminal.boot()
    terminal.work(appends)
    return terminal


def test_parts_of_two_records_with_one_number_are_no_record() -> None:
    torn, later = cut_up(b"torn" * 50), cut_up(b"later" * 40)
    # The mark after the torn one and the first part of its successor are damaged.
    assert records((1, 0, 2, torn[0]), (1, 1, 2, later[1]), (2, 0, 1, b"two")) == [
        (1, None),
        (2, b"two"),
    ]


def test_a_part_that_stands_twice_counts_once() -> None:
    payload = bytes(range(230))
    first, second, last = ((1, part, 3, data) for part, data in enumerate(cut_up(payload)))
    twice = (first, first, second, second, last, last)
    assert records(*twice, (2, 0, 1, b"two")) == [(1, payload), (2, b"two")]


def test_parts_that_are_not_in_order_are_no_record() -> None:
    first, second, last = ((1, n, 3, data) for n, data in enumerate(cut_up(bytes(range(230)))))
    for wrong in ((first, last), (second, last), (first, second, first, last)):
        assert records(*wrong, (2, 0, 1, b"two")) == [(1, None), (2, b"two")]


def test_records_can_be_read_in_any_order() -> None:
    terminal = sold(150)
    journal, truth = terminal.journal, terminal.oracle.truth
    order = list(range(journal.first_seq, journal.next_seq)) * 3
    random.Random(1).shuffle(order)
    assert len(order) > 60
    for seq in order:
        assert journal.read(seq) == truth[seq]


def test_a_scan_begins_with_the_first_retained_record() -> None:
    journal = sold(300).journal
    assert journal.first_seq > 100
    assert [seq for seq, _ in journal.scan(1)] == list(range(journal.first_seq, 301))


@pytest.mark.parametrize("kept", [5, 15])
def test_a_number_that_a_header_knows_is_not_used_again_when_its_slots_are_erased(
    kept: int,
) -> None:
    terminal = sold(100)
    terminal.release(0)
    terminal.idle()
    for sector in range(SECTORS):
        start = sector * SECTOR + 128
        terminal.nor.data[start + kept * 128 : start + SECTOR - 128] = b"\xff" * (
            SECTOR - 128 * (kept + 1)
        )
    report = Journal(terminal.nor).mount()
    assert report["next_seq"] > 100 and report["alarm"] == "HEAD_LOST"


def test_a_read_only_journal_takes_no_release() -> None:
    terminal = sold(40)
    terminal.nor.fail_at, terminal.nor.fail_for_good = terminal.nor.operations + 1, True
    with pytest.raises(JournalFault, match="read of sector"):
        terminal.append()
    terminal.nor.fail_at = 0
    before = bytes(terminal.nor.data)
    with pytest.raises(JournalFault, match="read-only: APPEND_FAILED"):
        terminal.journal.release(40)
    assert bytes(terminal.nor.data) == before


@pytest.mark.parametrize("offset", [3, 20, 31])
def test_a_format_says_when_a_sector_takes_no_header(offset: int) -> None:
    flash = Nor(SECTORS)
    flash.stick(2 * SECTOR + offset, 0xFF, high=True)
    with pytest.raises(JournalFault, match="sector 2 takes no header"):
        Journal(flash).format()


def test_a_value_that_does_not_read_back_is_refused_and_the_old_one_stays() -> None:
    flash = Nor(2)
    cell = Cell(flash, 0)
    cell.store(b"old")
    flash.stick(SECTOR + 17, 0xFF, high=True)
    with pytest.raises(CellFault, match="sector 1 does not read back"):
        cell.store(b"new")
    assert Cell(flash, 0).load() == b"old"
