"""What is taken for a flash image and what is refused, and that no image does harm."""

from __future__ import annotations

import os
import random
import time
import tracemalloc
from pathlib import Path

import pytest

from companion import flash
from tests.companion.flashed import Life, Shop, entry, header, slot, whole_flash
from tests.journal.nor import SECTOR

KEPT = 0x310000


@pytest.fixture(scope="module")
def journal() -> bytes:
    shop = Shop(16)
    shop.sell(1, 100)
    return shop.image()


def refused(path: Path, data: bytes, offset: int | None = None, size: int | None = None) -> str:
    path = path / "flash.bin"
    path.write_bytes(data)
    with pytest.raises(flash.FlashError) as caught:
        flash.load(path, offset, size)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    return text


@pytest.mark.parametrize("form", ["partition", "whole", "no md5", "named"])
def test_the_journal_is_found_in_an_image(form: str, journal: bytes, tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    data = journal if form == "partition" else whole_flash(journal, md5=form != "no md5")
    path.write_bytes(data)
    named = (KEPT, len(journal)) if form == "named" else (None, None)
    image = flash.load(path, *named)
    assert image.partition == journal
    assert image.offset == (0 if form == "partition" else KEPT)


def test_an_image_of_nothing_is_refused(journal: bytes, tmp_path: Path) -> None:
    assert "0 bytes at 0x0" in refused(tmp_path, b"")
    assert "at least 4 sectors" in refused(tmp_path, journal[: 3 * SECTOR])
    assert "erased, all of it" in refused(tmp_path, b"\xff" * 65536)
    assert "it begins with 48656c6c6f" in refused(tmp_path, b"Hello, it is I. " * 4096)
    assert "it looks random: encrypted?" in refused(tmp_path, random.Random(1).randbytes(65536))


def test_a_truncated_image_is_refused(journal: bytes, tmp_path: Path) -> None:
    assert "whole sectors of 4096; was the read cut short" in refused(tmp_path, journal[:-100])
    assert "cut short, or the wrong offset" in refused(tmp_path, journal[: 13 * SECTOR])
    flashed = whole_flash(journal)
    assert "0x310000, but the image has" in refused(tmp_path, flashed[: KEPT + len(journal) - 1])


def test_half_of_a_journal_that_fits_by_chance_is_read_with_a_warning(journal: bytes) -> None:
    # Every epoch of the first lap fits a ring of half the size as well.
    reading = flash.read(journal[: len(journal) // 4])
    assert any("cut short" in warning for warning in reading.warnings)
    assert flash.read(journal).warnings == []


def test_an_image_too_big_to_be_one_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.bin"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(flash.FlashError, match="at most 33554432"):
        flash.load(path)


def test_what_is_not_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(flash.FlashError, match="not a file"):
            flash.load(path)


def test_another_place_must_lie_in_the_image(journal: bytes, tmp_path: Path) -> None:
    data = whole_flash(journal)
    assert "the image has" in refused(tmp_path, data, len(data) - SECTOR, 4 * SECTOR)
    assert "not whole sectors" in refused(tmp_path, data, KEPT + 16, len(journal))
    assert "erased, all of it" in refused(tmp_path, data, 0x100000, 16 * SECTOR)
    assert "wrong offset or size" in refused(tmp_path, data, KEPT - SECTOR, len(journal))


def test_a_table_without_a_journal_to_read_says_what_it_has(
    journal: bytes, tmp_path: Path
) -> None:
    nvs = entry("nvs", 0x9000, 0x6000)
    size = len(journal)
    assert "it has nvs, vault" in refused(
        tmp_path, whole_flash(journal, nvs, entry("vault", 0x300000, 0x4000))
    )
    twice = (entry("journal", KEPT, size), entry("journal", 0x200000, size))
    assert "2 partitions are called" in refused(tmp_path, whole_flash(journal, *twice))
    assert "is encrypted" in refused(
        tmp_path, whole_flash(journal, entry("journal", KEPT, size, flags=1))
    )
    assert "has type 0" in refused(
        tmp_path, whole_flash(journal, entry("journal", KEPT, size, type_=0))
    )
    for offset, length in ((0xFFFFF000, 0x10000), (0x3FF000, 0x4000), (KEPT, 0xFFFFF000)):
        text = refused(tmp_path, whole_flash(journal, entry("journal", offset, length)))
        assert "but the image has 4194304 bytes" in text
    assert "erased" in refused(tmp_path, whole_flash(journal, entry("journal", 0x100000, size)))


def test_a_damaged_table_is_refused(journal: bytes, tmp_path: Path) -> None:
    data = bytearray(whole_flash(journal))
    for at, what in (
        (0x8005, "nvs is 24576 bytes at 0x9100"),
        (0x8020, "entry 1 begins"),
        (0x800D, "MD5"),
    ):
        changed = bytearray(data)
        changed[at] ^= 1
        assert what in refused(tmp_path, bytes(changed))
    endless = whole_flash(journal, *([entry("nvs", 0x9000, 0x6000)] * 96), md5=False)
    assert "it has no end" in refused(tmp_path, endless)


def test_a_journal_that_looks_like_a_table_at_0x8000_is_read_as_a_journal(tmp_path: Path) -> None:
    epoch = 0x50AA  # the magic of a table's entry, in the sector at 0x8000 of a ring of 10
    count = 21
    while epoch % count != 8:
        epoch += 0x10000
    data = bytearray(b"\xff" * (count * SECTOR))
    data[8 * SECTOR : 8 * SECTOR + 32] = header(epoch)
    (tmp_path / "flash.bin").write_bytes(data)
    assert flash.load(tmp_path / "flash.bin").offset == 0


def bounded(image: bytes) -> flash.Reading:
    """Read it; a few seconds and a multiple of its size are all it may take."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        reading = flash.read(image)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < 20
    assert peak < 64 * len(image) + (1 << 20)
    return reading


@pytest.mark.parametrize("seed", range(150))
def test_changed_images_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    *_, image = Life(seed % 10).images()
    data = bytearray(image if seed % 3 else whole_flash(image))
    for _ in range(rng.choice((1, 10, 300))):
        at = rng.randrange(len(data))
        if seed % 3 == 0 and rng.random() < 0.5:
            at = 0x8000 + rng.randrange(256)
        size = rng.choice((1, 1, 4, 128, 4096))
        data[at : at + size] = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))
    path = tmp_path / "flash.bin"
    path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
    try:
        loaded = flash.load(path)
    except flash.FlashError as error:
        assert "\n" not in str(error)
        return
    reading = flash.read(loaded.partition)
    numbers = [record.seq for record in reading.records]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("seed", range(30))
def test_forged_headers_and_slots_with_good_checksums_do_no_harm(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.choice((4, 9, 64))
    lap = rng.choice((1, 2, 0xFFFFFFFF // count - 1))
    data = bytearray(b"\xff" * (count * SECTOR))
    extremes = (0, 1, 2, 300, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
    for sector in range(count):
        epoch = (lap - rng.randrange(2)) * count + sector
        if rng.random() < 0.9:
            fields = [rng.choice(extremes) for _ in range(4)]
            data[sector * SECTOR : sector * SECTOR + 32] = header(epoch, *fields)
        for number in range(1, 32):
            if rng.random() < 0.8:
                start = sector * SECTOR + number * 128
                data[start : start + 128] = slot(
                    epoch,
                    rng.choice((b"R", b"R", b"C", b"M", b"?")),
                    rng.choice((*extremes, number, sector * 31 + number)),
                    rng.randbytes(rng.choice((0, 4, 116))),
                    rng.randrange(6),
                    rng.randrange(6),
                )
    reading = bounded(bytes(data))
    assert len(reading.gaps) <= len(reading.records) + 2


def test_no_epoch_follows_the_last_number_there_is() -> None:
    data = bytearray(b"\xff" * (4 * SECTOR))
    data[3 * SECTOR : 3 * SECTOR + 32] = header(0xFFFFFFFF)
    data[128:256] = slot(0, b"R", 1, b"of the first epoch")
    assert bounded(bytes(data)).records == []


def test_gaps_that_all_lie_in_one_stretch_of_the_log_are_named_in_bounded_time() -> None:
    # Numbers that fall back behind a peak put every later gap in front of it.
    count = 1024
    data = bytearray()
    for sector in range(count):
        epoch = count + sector
        places = [b"\x01" * 128] * 31 if 0 < sector < count // 2 else []
        seqs = [sector * 31 + number for number in range(31)] if sector > count // 2 else []
        places += [slot(epoch, b"R", 2 * seq, b"x") for seq in seqs]
        if sector in (0, count // 2):
            places = [slot(epoch, b"R", 5 if sector == 0 else 10**7, b"x")]
        data += b"".join([header(epoch).ljust(128, b"\xff"), *places]).ljust(SECTOR, b"\xff")
    begun = time.process_time()
    reading = flash.read(bytes(data))
    assert time.process_time() - begun < 20
    assert len(reading.gaps) > 15_000
    assert "damaged: sector 1 slot 1-31" in reading.gaps[-2].reason


def test_the_largest_image_is_read_in_bounded_time() -> None:
    count = flash.image.MAX_SIZE // SECTOR
    data = bytearray(random.Random(1).randbytes(SECTOR) * count)
    # A header at each end: everything between is a hole that has to be looked into.
    data[:32] = header(count)
    data[-SECTOR : 32 - SECTOR] = header(2 * count - 1, prev=2 * count - 2)
    begun = time.process_time()
    reading = flash.read(bytes(data))
    assert time.process_time() - begun < 30
    assert reading.records == []
