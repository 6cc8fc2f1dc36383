"""NOR rules, counts, and what esp32.Partition of the virtual board does and refuses."""

import json
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.flash import SECTOR, FlashCounts, FlashError, NorFlash
from tests.boards.conftest import Boot


@pytest.fixture
def flash(tmp_path: Path) -> NorFlash:
    return NorFlash(tmp_path / "part.flash", 4 * SECTOR)


def test_a_new_part_reads_as_erased(flash: NorFlash) -> None:
    assert flash.image() == b"\xff" * 4 * SECTOR


def test_a_program_only_clears_bits(flash: NorFlash) -> None:
    flash.program(10, b"\xf0\x0f")
    flash.program(10, b"\x3c\xff")
    assert flash.read(9, 4) == b"\xff\x30\x0f\xff"


def test_an_erase_sets_one_whole_sector_and_no_other(flash: NorFlash) -> None:
    flash.program(0, b"\x00" * 4 * SECTOR)
    flash.erase(SECTOR)
    assert flash.image() == b"\x00" * SECTOR + b"\xff" * SECTOR + b"\x00" * 2 * SECTOR


@pytest.mark.parametrize(("address", "length"), [(1, SECTOR), (0, 100), (4 * SECTOR, SECTOR)])
def test_an_erase_that_is_not_of_whole_sectors_inside_is_refused(
    flash: NorFlash, address: int, length: int
) -> None:
    with pytest.raises(FlashError):
        flash.erase(address, length)
    assert flash.counts == FlashCounts()


def test_a_range_beyond_the_end_is_refused_and_changes_nothing(flash: NorFlash) -> None:
    with pytest.raises(FlashError, match="4 bytes at 16382 of 16384"):
        flash.program(4 * SECTOR - 2, b"\x00" * 4)
    with pytest.raises(FlashError):
        flash.read(-1, 2)
    assert flash.image() == b"\xff" * 4 * SECTOR


def test_counts_tell_operations_bytes_pages_and_reprogrammed_bytes(flash: NorFlash) -> None:
    flash.program(250, b"\x00" * 10)  # two pages
    before = flash.counts
    flash.program(255, b"\x00" * 128)  # two pages, five bytes already programmed
    flash.erase(0, 2 * SECTOR)
    flash.read(0, 64)
    assert flash.counts - before == FlashCounts(
        reads=1,
        bytes_read=64,
        programs=1,
        bytes_programmed=128,
        pages=2,
        reprogrammed=5,
        erases=2,
    )


def test_a_torn_program_leaves_any_subset_of_its_bits(tmp_path: Path) -> None:
    data = bytes(range(64))
    flash = NorFlash(tmp_path / "torn.flash", SECTOR)
    seen = set()
    for seed in range(50):
        flash.load(b"\xff" * SECTOR)
        flash.program_torn(100, data, seed)
        image = flash.image()
        torn = image[100:164]
        assert all(got & wanted == wanted for got, wanted in zip(torn, data, strict=True))
        assert image[:100] + image[164:] == b"\xff" * (SECTOR - 64)
        prefix = len(data)
        while prefix and torn[prefix:] != b"\xff" * (64 - prefix):
            prefix += 1
        seen.add(torn)
    prefixes = {data[:n] + b"\xff" * (64 - n) for n in range(65)}
    assert seen & prefixes and seen - prefixes, "both kinds of tearing"
    assert len(seen) > 25


def test_a_torn_erase_leaves_a_mixture_and_no_bit_is_cleared(flash: NorFlash) -> None:
    flash.program(0, b"\xa5" * SECTOR)
    flash.erase_torn(0, SECTOR, seed=3)
    torn = flash.image()[:SECTOR]
    assert all(byte & 0xA5 == 0xA5 for byte in torn)
    assert len(set(torn)) > 8


def test_the_same_seed_tears_the_same(tmp_path: Path) -> None:
    images = []
    for name in "ab":
        flash = NorFlash(tmp_path / name, SECTOR)
        flash.program_torn(0, bytes(200), seed=9)
        flash.erase_torn(0, SECTOR, seed=9)
        images.append(flash.image())
    assert images[0] == images[1]


def test_an_image_can_be_saved_and_loaded(flash: NorFlash, tmp_path: Path) -> None:
    flash.program(5, b"money")
    flash.save(tmp_path / "copy")
    flash.erase(0)
    flash.load((tmp_path / "copy").read_bytes())
    assert flash.read(5, 5) == b"money"
    with pytest.raises(FlashError, match="image of 3 bytes for 16384"):
        flash.load(b"abc")


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"\xff" * 100)
    with pytest.raises(FlashError, match=r"part: 100 bytes, the partition has 4096"):
        NorFlash(tmp_path / "part", SECTOR)


DRIVE = """
import board, json
part = board.partition("journal")
results = {}
def attempt(name, function, *arguments):
    try:
        results[name] = function(*arguments)
    except OSError as error:
        results[name] = list(error.args)
buffer = bytearray(16)
attempt("count", part.ioctl, 4, 0)
attempt("size", part.ioctl, 5, 0)
attempt("sync", part.ioctl, 3, 0)
attempt("unknown", part.ioctl, 99, 0)
attempt("program", part.writeblocks, 1, b"abc", 4094)
attempt("program_over", part.writeblocks, 1, b"\\xff\\x00c", 4094)
part.readblocks(1, buffer, 4090)
results["read"] = list(buffer)
attempt("whole", part.writeblocks, 3, bytes(4096))
attempt("erase", part.ioctl, 6, 0)
attempt("part_sector", part.writeblocks, 3, b"abc")
attempt("read_across_end", part.readblocks, 3, buffer, 4090)
attempt("read_beyond", part.readblocks, 5, buffer)
attempt("program_across_end", part.writeblocks, 3, buffer, 4090)
attempt("erase_beyond", part.ioctl, 6, 9)
attempt("no_label", board.partition, "money")
print("RESULT", json.dumps(results), "END")
"""


def test_partition_answers_and_fails_as_esp32_does(boot: Boot) -> None:
    board = boot(DRIVE)
    tail = board.wait_serial(" END")
    results = json.loads(tail[tail.index("{") : tail.rindex("}") + 1])
    size_error = [-260, "ESP_ERR_INVALID_SIZE"]
    argument_error = [-258, "ESP_ERR_INVALID_ARG"]
    assert results == {
        "count": 4,
        "size": 4096,
        "sync": 0,
        "unknown": None,
        "program": None,
        "program_over": None,
        "read": [0xFF] * 4 + [ord("a"), 0, ord("c")] + [0xFF] * 9,
        "whole": None,
        "erase": 0,
        "part_sector": size_error,
        "read_across_end": size_error,
        "read_beyond": argument_error,
        "program_across_end": size_error,
        "erase_beyond": argument_error,
        "no_label": [2],
    }
    counts = board.flash["journal"].counts
    assert (counts.programs, counts.bytes_programmed, counts.erases) == (3, 4102, 2)
    assert board.flash["vault"].counts == FlashCounts()


def test_flash_survives_power_cycles_and_a_new_board_object(board: VirtualBoard) -> None:
    (board.fs / "main.py").write_text(
        "import board\n"
        "part = board.partition('vault')\n"
        "buffer = bytearray(4)\n"
        "part.readblocks(2, buffer, 8)\n"
        "part.writeblocks(2, bytes(buffer[:1]) and b'kept', 8)\n"
        "board.Panel().show([str(bytes(buffer))])\n"
    )
    board.power_on()
    assert board.wait_screen("b'") == ["b'\\xff\\xff\\xff\\xff'"]
    board.power_cycle()
    assert board.wait_screen("b'") == ["b'kept'"]
    board.close()
    with VirtualBoard(board.directory, flash={"journal": 16384, "vault": 16384}) as again:
        assert again.unique_id == board.unique_id
        again.power_on()
        assert again.wait_screen("b'") == ["b'kept'"]


def test_flash_operations_do_not_allocate_on_the_device(boot: Boot) -> None:
    board = boot(
        "import board, gc\n"
        "part = board.partition('journal')\n"
        "record, copy = bytes(128), bytearray(128)\n"
        "def work(times):\n"
        "    for _ in range(times):\n"
        "        part.writeblocks(0, record, 0)\n"
        "        part.readblocks(0, copy, 0)\n"
        "work(1)\n"
        "gc.collect()\n"
        "before = gc.mem_free()\n"
        "work(100)\n"
        "print('USED', before - gc.mem_free(), 'END')\n"
    )
    tail = board.wait_serial(" END")
    assert int(tail.split("USED ")[1].split()[0]) < 200
