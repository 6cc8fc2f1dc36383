"""The companion's reader of flash images against the firmware's mount, record by record."""

from __future__ import annotations

import random
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest

from companion import flash
from companion.flash.image import _check as check_partition
from terminal.journal import Journal
from tests.companion.flashed import Life, Shop, damaged, header, slot
from tests.journal.nor import SECTOR, Nor

ROOT = Path(__file__).resolve().parents[2]
REFUSED = ("UNFORMATTED", "FOREIGN")


def test_the_reader_shares_no_code_with_the_firmware() -> None:
    code = (
        "import sys, companion.flash; print([m for m in sys.modules if m.startswith('terminal')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n", done.stderr


def compare(image: bytes) -> tuple[list[str], flash.Reading | None]:
    """Read an image here and by the firmware; both must say the same."""
    nor = Nor(len(image) // SECTOR, bytearray(image))
    journal = Journal(nor)
    report = journal.mount()
    rows: list[str] = report["rows"]
    try:
        check_partition(image)
    except flash.FlashError:
        assert report["alarm"] in REFUSED
        return rows, None
    reading = flash.read(image)
    assert report["alarm"] not in REFUSED
    assert (reading.next_seq, reading.released) == (journal.next_seq, journal.released)
    if nor.erases == 0:  # else what the restart wrote cost a released sector
        assert reading.first_seq == journal.first_seq
    mine = {record.seq: record.payload for record in reading.served}
    for seq, payload in journal.scan(1):
        assert mine.get(seq) == payload, f"record {seq}"
    missing = [seq for gap in reading.gaps for seq in range(gap.first_seq, gap.last_seq + 1)]
    wanted = range(reading.first_seq, reading.next_seq)
    assert sorted([*missing, *mine]) == list(wanted), "each number is a record or in one gap"
    assert all(gap.reason for gap in reading.gaps)
    return rows, reading


@pytest.mark.parametrize("part", range(4))
def test_after_any_cut_it_serves_what_a_mount_serves_and_misses_nothing(part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part * 25, part * 25 + 25):
        for image in Life(seed).images():
            rows, reading = compare(image)
            seen.update(rows)
            assert reading is not None
            assert [gap for gap in reading.gaps if not gap.released] == [], f"seed {seed}"
            assert reading.warnings == [], f"seed {seed}"
    for row in ("CLEAN", "TORN_TAIL", "UNFINISHED_RECORD", "UNFINISHED_ERASE"):
        assert seen[row], row


@pytest.mark.parametrize("part", range(4))
def test_of_a_damaged_image_it_serves_what_a_mount_serves_and_names_the_rest(part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part * 60, part * 60 + 60):
        rng = random.Random(seed)
        *_, image = Life(seed).images()
        for _ in range(6):
            seen.update(compare(damaged(image, rng))[0])
    for row in ("SECTOR_LOST", "HEAD_LOST", "HEADER_LOST"):
        assert seen[row], row


def test_the_newest_record_is_unsure_when_a_restart_could_find_it_torn() -> None:
    unsure = Counter[bool]()
    for seed in range(60):
        for image in Life(seed).images():
            reading = flash.read(image)
            slots = [slot for record in reading.records for slot in record.slots]
            if not slots or not reading.served:
                continue
            last = max(slots, key=lambda slot: (slot.epoch, slot.number))
            torn = bytearray(image)
            start = last.sector * SECTOR + last.number * 128
            torn[start : start + 128] = bytes(128)
            mounted = Journal(Nor(len(image) // SECTOR, torn))
            mounted.mount()
            newest = reading.served[-1].seq
            assert reading.unsure_seq in (None, newest)
            assert (mounted.next_seq == newest) == (reading.unsure_seq is not None)
            unsure[reading.unsure_seq is not None] += 1
    assert unsure[True] and unsure[False]


def test_a_gap_is_named_with_its_numbers_and_its_place() -> None:
    shop = Shop()
    shop.sell(1, 10)
    image = bytearray(shop.image())
    place = {record.seq: record.slots[0] for record in flash.read(bytes(image)).served}
    for seq in (3, 4, 9):
        slot = place[seq]
        image[slot.sector * SECTOR + slot.number * 128 + 20] ^= 1
    reading = flash.read(bytes(image))
    assert [(gap.first_seq, gap.last_seq, gap.released) for gap in reading.gaps] == [
        (3, 4, False),
        (9, 9, False),
    ]
    sector, first, last = place[3].sector, place[3].number, place[4].number
    assert reading.gaps[0].reason == f"damaged: sector {sector} slot {first}-{last}"
    assert [(damage.sector, damage.slot) for damage in reading.damage] == [
        (place[seq].sector, place[seq].number) for seq in (3, 4, 9)
    ]


def test_a_lost_sector_is_named_as_what_may_have_been_given_out() -> None:
    shop = Shop()
    shop.sell(1, 10)  # all of it in one sector
    place = flash.read(shop.image()).served[0].slots[0].sector
    image = bytearray(shop.image())
    image[place * SECTOR : (place + 1) * SECTOR] = bytes(SECTOR)
    reading = flash.read(bytes(image))
    (gap,) = reading.gaps
    assert gap.unknown and gap.first_seq == 1 and gap.last_seq >= 20
    assert gap.reason == f"no header and no good slot in sector {place}"


def test_a_record_of_which_a_part_is_damaged_is_a_gap_and_the_next_one_is_read() -> None:
    nor = Nor(6)
    journal = Journal(nor)
    journal.format()
    journal.mount()
    payloads = [bytes([length % 251]) * length for length in (30, 300, 460, 40)]
    for payload in payloads:
        journal.append(payload)
    whole = flash.read(bytes(nor.data))
    assert [record.payload for record in whole.served] == payloads
    assert [len(record.slots) for record in whole.served] == [1, 3, 4, 1]
    for place in whole.served[2].slots:
        image = bytearray(nor.data)
        image[place.sector * SECTOR + place.number * 128 + 50] ^= 4
        reading = flash.read(bytes(image))
        assert [record.seq for record in reading.served] == [1, 2, 4]
        (gap,) = reading.gaps
        assert (gap.first_seq, gap.last_seq) == (3, 3)
        assert f"sector {place.sector} slot {place.number}" in gap.reason
        assert "the parts of record 3 are not all there" in gap.reason


def written(*slots: tuple[bytes, int, bytes, int, int]) -> bytes:
    """A ring of 6 sectors with these slots (kind, number, content, part, parts) in the first."""
    data = bytearray(b"\xff" * (6 * SECTOR))
    for number in range(4):
        start = number * SECTOR
        data[start : start + 32] = header(6 + number, prev=max(6, 5 + number), head=6)
    for number, (kind, seq, content, part, parts) in enumerate(slots, 1):
        data[number * 128 : number * 128 + 128] = slot(6, kind, seq, content, part, parts)
    return bytes(data)


def served(image: bytes) -> dict[int, bytes]:
    """What is read, by the firmware too."""
    reading = compare(image)[1]
    assert reading is not None
    return {record.seq: record.payload for record in reading.served}


def test_a_torn_record_that_turns_good_later_is_overruled() -> None:
    one, mark = (b"R", 1, b"one", 0, 1), (b"M", 1, b"\1\0\0\0", 0, 1)
    late, two, three = ((b"R", *rest, 0, 1) for rest in ((2, b"?"), (2, b"two"), (3, b"three")))
    assert served(written(one, late, mark)) == {1: b"one"}
    assert served(written(one, late, (b"C", 1, b"one", 0, 1), two)) == {1: b"one", 2: b"two"}
    # The place of its successor is damaged: it must not stand in for it.
    assert served(written(one, late, mark, (b"M", 2, b"\1\0\0\0", 0, 1), three)) == {
        1: b"one",
        3: b"three",
    }


def test_parts_that_do_not_belong_together_are_no_record() -> None:
    payload = bytes(range(200))
    whole = payload + zlib.crc32(payload).to_bytes(4, "little")
    first, last = (b"R", 1, whole[:116], 0, 2), (b"R", 1, whole[116:], 1, 2)
    other = (b"R", 1, bytes(116), 0, 2)
    assert served(written(first, last)) == {1: payload}
    assert served(written(first, first, last, last)) == {1: payload}
    assert served(written(other, first, last, (b"C", *last[1:]))) == {1: payload}
    assert served(written(other, last, (b"R", 2, b"two", 0, 1))) == {2: b"two"}
    assert served(written(last, (b"R", 2, b"two", 0, 1))) == {2: b"two"}
    reading = compare(written(other, last, (b"R", 2, b"two", 0, 1)))[1]
    assert reading is not None
    assert [gap.reason for gap in reading.gaps] == ["the parts of record 1 do not belong together"]


def test_records_of_an_earlier_lap_are_listed_as_left_over() -> None:
    shop = Shop(sectors=5)

    def sell() -> None:
        stan = len(shop.device.payloads) + 1
        shop.sell(stan, stan)
        shop.journal.release(shop.journal.next_seq - 5)

    while shop.journal.next_seq < 200:
        sell()
    place = flash.read(shop.image()).served[-1].slots[0]
    old = shop.image()[place.sector * SECTOR : (place.sector + 1) * SECTOR]
    while place.epoch + 1 >= flash.read(shop.image()).first_epoch:
        sell()
    image = bytearray(shop.image())
    image[place.sector * SECTOR : (place.sector + 1) * SECTOR] = old
    reading = flash.read(bytes(image))
    left_over = [record for record in reading.records if not record.served]
    assert left_over and {record.slots[0].sector for record in left_over} == {place.sector}
    for record in left_over:
        assert record.payload == shop.device.payloads[record.seq - 1]
    assert "left over from an earlier lap" in {damage.problem for damage in reading.damage}
