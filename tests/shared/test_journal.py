"""The journal's behaviour on both interpreters; the proof by fault injection is tests/journal."""

import gc

from terminal.journal import MAX_PAYLOAD, Journal, JournalFault, JournalFull, slots_for
from tests.shared.expect import raises

SECTOR = 4096


class Flash:
    """A NOR flash in memory that allocates nothing when it is used, as a block device must."""

    def __init__(self, sectors: int) -> None:
        self.sectors = sectors
        self.data = bytearray(b"\xff" * (sectors * SECTOR))
        self.programs = 0
        self.erases = 0

    def readblocks(self, block, buf, offset=0):
        start = block * SECTOR + offset
        for i in range(len(buf)):
            buf[i] = self.data[start + i]

    def writeblocks(self, block, buf, offset):
        start = block * SECTOR + offset
        self.programs += 1
        for i in range(len(buf)):
            self.data[start + i] &= buf[i]

    def ioctl(self, op, arg):
        if op == 4:
            return self.sectors
        if op == 5:
            return SECTOR
        for i in range(arg * SECTOR, (arg + 1) * SECTOR):
            self.data[i] = 0xFF
        self.erases += 1
        return 0


def fresh(sectors: int) -> tuple:
    flash = Flash(sectors)
    journal = Journal(flash)
    journal.format()
    assert journal.mount()["alarm"] == ""
    return flash, journal


def payload(seq: int) -> bytes:
    """Up to what one slot holds."""
    return bytes([(seq + i) & 0xFF for i in range(seq % 116 + 1)])


def long_payload(length: int) -> bytes:
    return bytes([i * 7 & 0xFF for i in range(length)])


def test_records_come_back_in_order_after_a_restart() -> None:
    flash, journal = fresh(4)
    for seq in range(1, 50):
        assert journal.append(payload(seq)) == seq
    again = Journal(flash)
    report = again.mount()
    assert report["rows"] == ["CLEAN"]
    assert (report["first_seq"], report["next_seq"], report["released"]) == (1, 50, 1)
    assert list(again.scan(1)) == [(seq, payload(seq)) for seq in range(1, 50)]
    assert list(again.scan(48)) == [(48, payload(48)), (49, payload(49))]
    assert again.read(7) == payload(7)


def test_the_ring_rolls_over_and_keeps_what_is_not_released() -> None:
    flash, journal = fresh(5)
    for seq in range(1, 400):
        assert journal.append(payload(seq)) == seq
        if seq % 10 == 0:
            journal.release(seq - 15 if seq > 15 else 1)
        while journal.idle():
            pass
        if seq % 57 == 0:
            journal = Journal(flash)
            journal.mount()
    assert journal.released == 375
    assert 1 < journal.first_seq <= 375
    for seq, found in journal.scan(1):
        assert found == payload(seq)


def test_a_sale_of_three_appends_is_three_programs_and_no_erase() -> None:
    flash, journal = fresh(5)
    for seq in range(1, 200, 3):
        while journal.idle():
            pass
        flash.programs = flash.erases = 0
        for number in range(seq, seq + 3):
            journal.append(payload(number))
        assert (flash.programs, flash.erases) == (3, 0)
        journal.release(seq)


def test_records_longer_than_a_slot_come_back_in_order_after_a_restart() -> None:
    flash, journal = fresh(6)
    lengths = [117, 116, 228, 229, 1, 344, 345, 460, 96, 460, 112, 113] * 3
    for length in lengths:
        room, flash.programs = journal.room(), 0
        journal.append(long_payload(length))
        assert flash.programs == room - journal.room() == slots_for(length)
    again = Journal(flash)
    assert again.mount()["rows"] == ["CLEAN"]
    assert [found for _, found in again.scan(1)] == [long_payload(n) for n in lengths]
    assert again.read(8) == again.read(8) == long_payload(460)


def test_a_long_record_counts_when_its_last_slot_is_there_and_not_before() -> None:
    flash, journal = fresh(4)
    journal.append(b"before")
    journal.append(long_payload(300))
    last = flash.data.find(long_payload(300)[232:]) - 12
    for at in range(last, last + 128):
        flash.data[at] = 0xFF
    journal = Journal(flash)
    assert journal.mount()["rows"] == ["UNFINISHED_RECORD", "CLEAN"]
    assert list(journal.scan(1)) == [(1, b"before")]
    assert journal.append(long_payload(250)) == 2
    journal = Journal(flash)
    journal.mount()
    assert list(journal.scan(1)) == [(1, b"before"), (2, long_payload(250))]


def test_a_long_record_of_which_one_slot_is_damaged_reads_as_none() -> None:
    for part in range(3):
        flash, journal = fresh(4)
        for length in (5, 300, 7):
            journal.append(long_payload(length))
        at = flash.data.find(long_payload(300)[part * 116 : part * 116 + 40])
        flash.data[at + 3] ^= 0x10
        journal = Journal(flash)
        journal.mount()
        assert list(journal.scan(1)) == [(1, long_payload(5)), (2, None), (3, long_payload(7))]


def test_parts_of_two_records_are_never_put_together() -> None:
    flash, journal = fresh(4)
    journal.append(b"before")
    journal.append(long_payload(300))
    # Lost: the torn record's last part, what the restart wrote, and its successor's first part.
    commit = flash.data.find(long_payload(300)[232:]) - 12
    for at in range(commit, commit + 128):
        flash.data[at] = 0xFF
    journal = Journal(flash)
    journal.mount()
    other = bytes([0xA5]) + long_payload(299)
    journal.append(other)
    start = flash.data.find(other[:40]) - 12
    for at in range(start - 2 * 128, start + 128):
        flash.data[at] = 0
    journal = Journal(flash)
    journal.mount()
    assert journal.read(2) is None


def test_a_long_record_is_refused_whole_when_its_last_part_has_no_room() -> None:
    flash, journal = fresh(4)
    while journal.room() > 3:
        journal.append(b"x")
    flash.programs, seq = 0, journal.next_seq
    raises(JournalFull, journal.append, long_payload(460))
    assert flash.programs == 0 and journal.next_seq == seq
    assert journal.append(long_payload(340)) == seq
    assert journal.room() == 0


def test_a_torn_record_is_passed_over_and_its_number_given_to_the_next() -> None:
    flash, journal = fresh(4)
    journal.append(b"one")
    journal.append(b"two")
    at = flash.data.find(b"two")
    flash.data[at] &= 0x0F
    journal = Journal(flash)
    assert journal.mount()["rows"] == ["TORN_TAIL"]
    assert journal.append(b"other") == 2
    assert list(journal.scan(1)) == [(1, b"one"), (2, b"other")]


def test_a_damaged_record_reads_as_none() -> None:
    flash, journal = fresh(4)
    for seq in range(1, 9):
        journal.append(b"record %d" % seq)
    at = flash.data.find(b"record 5")
    flash.data[at] = 0
    journal = Journal(flash)
    journal.mount()
    assert journal.read(5) is None
    assert [seq for seq, found in journal.scan(1) if found is None] == [5]


def test_a_full_journal_refuses_until_something_is_released() -> None:
    _, journal = fresh(4)
    room = journal.room()
    for _ in range(room):
        journal.append(b"x")
    assert journal.room() == 0
    raises(JournalFull, journal.append, b"x")
    journal.release(journal.next_seq)
    while journal.idle():
        pass
    assert journal.room() > 60
    assert journal.append(b"y") == room + 1


def test_an_unformatted_partition_is_read_only_and_left_alone() -> None:
    flash = Flash(4)
    journal = Journal(flash)
    report = journal.mount()
    assert report["rows"] == ["UNFORMATTED"] and report["read_only"]
    raises(JournalFault, journal.append, b"x")
    assert list(journal.scan(1)) == []
    assert flash.programs == flash.erases == 0


def test_payloads_have_a_length() -> None:
    _, journal = fresh(4)
    raises(ValueError, journal.append, b"")
    raises(ValueError, journal.append, bytes(MAX_PAYLOAD + 1))
    raises(ValueError, journal.read, 1)


if hasattr(gc, "mem_alloc"):  # MicroPython only: CPython cannot tell

    def test_an_append_allocates_nothing() -> None:
        _, journal = fresh(5)
        short, long = bytes(96), bytes(400)
        journal.append(short)
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(12):
            journal.append(short)
            journal.append(long)
        after = gc.mem_alloc()
        gc.enable()
        assert after == before, after - before
