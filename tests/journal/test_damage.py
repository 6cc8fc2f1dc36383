"""What is said about images that no power cut leaves.

Every single sector lost or swapped, bit rot anywhere and random images are families of the
campaign.
"""

from __future__ import annotations

import itertools
import random
import struct
from zlib import crc32

import pytest

from terminal.journal import Journal, JournalFault
from tests.journal.nor import SECTOR, Nor
from tests.journal.world import MOUNT_LIMIT, Terminal

SECTORS = 7


def epoch_of(image: bytearray, sector: int) -> int:
    epoch: int = struct.unpack_from("<I", image, sector * SECTOR)[0]
    return 0 if epoch == 0xFFFFFFFF else epoch


def slot(epoch: int, kind: bytes, seq: int, payload: bytes) -> bytes:
    """A slot of 16 bytes as the format says, written down independently."""
    body = struct.pack("<cBBBI4s", kind, len(payload), 0, 1, seq, payload[:4].ljust(4, b"\0"))
    return struct.pack("<I", crc32(body, crc32(struct.pack("<I", epoch)))) + body


def sold(appends: int) -> Terminal:
    terminal = Terminal(Nor(SECTORS))
    terminal.format()
    terminal.boot()
    terminal.work(appends, kept=60)
    return terminal


# Around every kind of place: within the first lap, at a rollover, in the middle of later laps.
AMOUNTS = (0, 1, 30, 31, 32, 63, 100, 217, 218, 300, 435, 500)


@pytest.mark.parametrize("appends", AMOUNTS)
def test_no_number_is_used_twice_even_if_every_slot_is_lost(appends: int) -> None:
    flash = sold(appends).nor
    for sector in range(SECTORS):
        flash.data[sector * SECTOR + 128 : (sector + 1) * SECTOR] = bytes(SECTOR - 128)
    journal = Journal(flash)
    journal.mount()
    assert appends < journal.next_seq <= appends + 31 * SECTORS
    assert {payload for _, payload in journal.scan(1)} <= {None}
    numbers = journal.next_seq
    assert Journal(flash).mount()["next_seq"] == numbers


def test_a_flipped_bit_in_any_record_is_reported_and_costs_only_that_record() -> None:
    terminal = sold(217)
    last = terminal.oracle.next_seq - 1
    for sector, slot in itertools.product(range(SECTORS), range(1, 32)):
        flash = terminal.nor.copy()
        at = sector * SECTOR + slot * 128
        seq = struct.unpack_from("<I", flash.data, at + 8)[0]
        # The newest may be a torn one: it cannot be told from a damaged one, see JOURNAL.md.
        if flash.data[at + 4] == ord("R") and seq != last:
            flash.data[at + 14] ^= 4
            Terminal(flash, terminal.oracle.copy()).boot(frozenset({seq}), gap=1)


def test_records_stay_when_the_newest_headers_are_all_lost() -> None:
    for appends in (20, 50, 100, 217):
        terminal = sold(appends)
        # In the first lap there are no others, and one is needed to know the place.
        for first in range(1 if appends < 200 else 0, 4):
            flash = terminal.nor.copy()
            newest = sorted(range(SECTORS), key=lambda s: epoch_of(flash.data, s))[-4:]
            for sector in newest[first:]:
                flash.data[sector * SECTOR : sector * SECTOR + 32] = bytes(32)
            after = Terminal(flash, terminal.oracle.copy())
            after.boot()
            after.work(8, kept=60)
            after.boot()


def test_a_torn_record_that_settles_does_not_stand_in_for_a_damaged_one() -> None:
    flash = Nor(SECTORS)
    Journal(flash).format()
    # 2 was torn and read erased; the restart wrote 1 again, then another 2 came.
    slots = ((b"R", 1, b"one"), (b"R", 2, b"torn"), (b"C", 1, b"one"), (b"R", 2, b"two"))
    for number, (kind, seq, payload) in enumerate(slots):
        at = (number + 1) * 128
        flash.data[at : at + 16] = slot(SECTORS, kind, seq, payload)
    journal = Journal(flash.copy())
    journal.mount()
    assert list(journal.scan(1)) == [(1, b"one"), (2, b"two")]
    flash.data[5 * 128 : 6 * 128] = slot(SECTORS, b"R", 3, b"more") + b"\xff" * 112
    flash.data[4 * 128 + 13] ^= 1
    journal = Journal(flash)
    journal.mount()
    assert list(journal.scan(1)) == [(1, b"one"), (2, None), (3, b"more")]


@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_refused_in_bounded_time_and_left_alone(seed: int) -> None:
    rng = random.Random(seed)
    flash = Nor(SECTORS, bytearray(rng.randbytes(SECTORS * SECTOR)))
    before = bytes(flash.data)
    flash.limit = MOUNT_LIMIT * SECTORS
    journal = Journal(flash)
    assert journal.mount()["alarm"] == "FOREIGN"
    with pytest.raises(JournalFault, match="read-only: FOREIGN"):
        journal.append(b"x")
    assert list(journal.scan(1)) == []
    assert not journal.idle()
    assert bytes(flash.data) == before
