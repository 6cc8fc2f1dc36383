"""A stock image is taken apart and checked; whatever is wrong with it is refused with its name."""

from __future__ import annotations

import random

import pytest
from esptool.bin_image import LoadFirmwareImage
from mp_image_tool_esp32.partition_table import PartitionTable

from boards import boardfile
from boards.flash import stock, table
from boards.flash.appimage import image_at
from boards.flash.errors import Refused
from boards.flash.target import Target, target
from tests.flash import stockimage

DEVKITC = target("esp32_devkitc")


def parsed(data: bytes, board: Target = DEVKITC) -> stock.Stock:
    return stock.parse(data, board, "stock.bin")


def refused(data: bytes, board: Target = DEVKITC) -> str:
    with pytest.raises(Refused) as error:
        parsed(data, board)
    return str(error.value)


@pytest.mark.parametrize("name", boardfile.names())
def test_a_stock_image_for_each_board(name: str) -> None:
    board = target(name)
    found = parsed(stockimage.stock(board.chip), board)
    assert found.version == "1.28.0"
    assert found.app.romfs
    assert [row.label for row in found.rows] == ["nvs", "phy_init", "factory"]


def test_esptool_finds_the_same_image_whole() -> None:
    found = parsed(stockimage.stock("esp32s3"), target("esp32s3_devkitc"))
    read = LoadFirmwareImage("esp32s3", found.app.data)
    assert read.checksum == read.calculate_checksum()
    assert read.stored_digest == read.calc_digest


@pytest.mark.parametrize("hashed", [True, False])
def test_an_image_ends_where_its_padding_and_hash_end(hashed: bool) -> None:
    for length in range(0, 40, 4):
        data = stockimage.image(0, [bytes(range(length))], hashed=hashed)
        assert image_at(data + b"\xff" * 7, 0, "app").data == data


def test_every_changed_byte_of_an_application_is_noticed() -> None:
    good = stockimage.stock(filling=0)
    start = 0x10000 - 0x1000
    assert parsed(good)
    draw = random.Random(7)
    # The 24 bytes of the header say how it is flashed; the segments' places are the loader's.
    for at in draw.sample(range(start + 24, len(good)), 60):
        bad = bytearray(good)
        bad[at] ^= 1 << draw.randrange(8)
        assert refused(bytes(bad)), at


def test_an_image_cut_short_anywhere_is_refused() -> None:
    good = stockimage.stock(filling=0)
    for length in random.Random(3).sample(range(len(good)), 40):
        assert refused(good[:length])


def test_another_chips_image() -> None:
    assert "for esp32s3, esp32_devkitc has esp32" in refused(stockimage.stock("esp32s3"))


def test_an_application_of_another_chip() -> None:
    data = stockimage.stock("esp32")
    other = data[:0xF000] + stockimage.stock("esp32s3")[0x10000:]
    assert "the application is for esp32s3" in refused(other)


def test_an_image_that_is_not_micropython() -> None:
    assert "not MicroPython" in refused(stockimage.stock(banner=b"ESP-AT"))


@pytest.mark.parametrize(
    ("version", "taken"), [(b"1.25.0", False), (b"1.26.0", True), (b"1.29.1", True)]
)
def test_a_micropython_that_is_too_old(version: bytes, taken: bool) -> None:
    data = stockimage.stock(banner=b"MicroPython v" + version)
    if taken:
        assert parsed(data).version == version.decode()
    else:
        assert "MicroPython 1.25.0; 1.26 or newer" in refused(data)


def test_an_application_larger_than_its_partition() -> None:
    rows = (*stockimage.SINGLE[:2], ("factory", 0, 0, 0x10000, 0x1000))
    assert "the partition factory 4096" in refused(stockimage.stock(rows=rows))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("nvs", 1, 2, 0x9000, 0x6000)], "no application"),
        ([("a", 1, 2, 0x9000, 0x6000), ("b", 0, 0, 0xE000, 0x100000)], "b overlaps"),
        ([("a", 1, 2, 0x8000, 0x1000), ("b", 0, 0, 0x10000, 0x100000)], "a overlaps"),
        (
            [("a", 1, 2, 0x9000, 0x1000), ("a", 0, 0, 0x10000, 0x100000)],
            "two partitions are called a",
        ),
        ([("a", 1, 2, 0x9000, 0x100), ("b", 0, 0, 0x10000, 0x100000)], "does not end with"),
    ],
)
def test_a_partition_table_that_cannot_be(rows: list[stockimage.ROW], said: str) -> None:
    assert said in refused(stockimage.stock(rows=rows))


def test_a_damaged_partition_table() -> None:
    data = bytearray(stockimage.stock())
    data[0x7000 + 40] ^= 1
    assert "MD5" in refused(bytes(data))


def test_something_that_is_no_image_at_all() -> None:
    assert "no image of ESP-IDF" in refused(b"PK\x03\x04" + bytes(100_000))
    assert refused(b"")
    assert "no image of MicroPython" in refused(bytes(33 << 20))


@pytest.mark.parametrize("name", boardfile.names())
def test_our_rows_lie_where_the_board_says(name: str) -> None:
    board = target(name)
    found = parsed(stockimage.stock(board.chip), board)
    rows = table.with_ours(found.rows, board.ours, board.flash_size)
    sector = table.encoded(found.table, rows)
    assert sector[: 3 * 32] == found.table[: 3 * 32]  # the stock rows keep their bytes
    known = boardfile.load(name)
    assert {row.label: (row.offset, row.size) for row in rows} == {
        row.label: (row.offset, row.size) for row in known.partitions if row.label != "vfs"
    }
    assert table.read(sector, name) == rows


def test_the_usual_tool_reads_our_table_and_finds_nothing_wrong() -> None:
    board = target("t_display_s3")
    found = parsed(stockimage.stock(board.chip), board)
    rows = table.with_ours(found.rows, board.ours, board.flash_size)
    read = PartitionTable.from_bytes(table.encoded(found.table, rows), board.flash_size)
    read.check(len(found.app.data))
    assert [(row.name, row.offset, row.size) for row in read] == [
        (row.label, row.offset, row.size) for row in rows
    ]


def test_behind_two_slots_our_rows_move_together() -> None:
    found = parsed(stockimage.stock(rows=stockimage.TWO_SLOTS, megabytes=8))
    rows = table.with_ours(found.rows, DEVKITC.ours, 8 << 20)
    ours = rows[-4:]
    assert ours[0].offset == 0x310000
    assert {row.offset - own.offset for row, own in zip(ours, DEVKITC.ours, strict=True)} == {
        0x110000
    }
    assert [row.label for row in table.apps(rows)] == ["ota_0", "ota_1"]


def placed(data: bytes, flash: int = 4 << 20) -> str:
    found = parsed(data)
    with pytest.raises(Refused) as error:
        table.with_ours(found.rows, DEVKITC.ours, flash)
    return str(error.value)


def test_a_flash_too_small_for_two_slots_and_a_file_system() -> None:
    assert "a flash of 4 MB has no room" in placed(stockimage.stock(rows=stockimage.TWO_SLOTS))


@pytest.mark.parametrize("megabytes", [2, 4, 8, 16])
def test_a_bootloader_is_told_how_large_the_flash_is(megabytes: int) -> None:
    boot = parsed(stockimage.stock(megabytes=2)).boot
    told = image_at(boot.for_flash(megabytes << 20), 0, "bootloader")
    assert told.flash_size == megabytes << 20
    assert boot.for_flash(2 << 20) == boot.data
    plain = image_at(stockimage.image(0, [b"boot"], hashed=False), 0, "bootloader")
    assert image_at(plain.for_flash(megabytes << 20), 0, "").flash_size == megabytes << 20


def test_an_image_that_has_our_rows_or_a_file_systems() -> None:
    ours = (*stockimage.SINGLE, ("journal", 1, 0x81, 0x200000, 0x80000))
    assert "a partition journal already" in placed(stockimage.stock(rows=ours))
    older = (*stockimage.SINGLE, ("vfs", 1, 0x81, 0x200000, 0x200000))
    assert "a row for vfs" in placed(stockimage.stock(rows=older))
