"""The journal's behaviour on both interpreters; the proof by fault injection is tests/journal."""

import gc

from terminal.journal import MAX_PAYLOAD, Journal, JournalFault, JournalFull
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
    return bytes([(seq + i) & 0xFF for i in range(seq % MAX_PAYLOAD + 1)])


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
        data = bytes(96)
        journal.append(data)
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(60):
            journal.append(data)
        after = gc.mem_alloc()
        gc.enable()
        assert after == before, after - before
