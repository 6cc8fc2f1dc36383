"""What is on a board decides what is written; what would lose a journal is refused before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from boards import firmware
from boards.flash import look, program, table
from boards.flash.build import Build, build
from boards.flash.errors import Refused
from boards.flash.target import target
from boards.virtual import slots
from companion.flash.partitions import Partition
from terminal import MARK
from terminal.cell import Cell
from terminal.journal import Journal
from terminal.vault import Vault
from tests.flash import stockimage
from tests.journal.nor import Nor

# What is in the ROMFS matters to none of these.
CONTENTS = {"terminal/__init__.mpy": b"M\x06\x00\x1f"}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setattr(program, "_modules", lambda: CONTENTS)
    monkeypatch.setattr(program, "_board", lambda module: {"board.mpy": b"M"})
    stock = tmp_path / "stock.bin"
    stock.write_bytes(stockimage.stock())
    return build(target("esp32_devkitc"), stock, tmp_path / "image")


def rows(made: Build, data: bytes) -> list[Partition] | None:
    place = made.folder / "partitions.bin"
    place.write_bytes(data)
    return look.rows_of(place)


def test_an_erased_flash_is_a_new_board(made: Build) -> None:
    assert not look.is_ours(made, rows(made, b"\xff" * 4096))


def test_a_board_with_the_stock_image_is_new(made: Build) -> None:
    assert not look.is_ours(made, rows(made, made.stock.table))


def test_our_own_table_is_an_update(made: Build) -> None:
    assert look.is_ours(made, rows(made, table.encoded(made.stock.table, made.rows)))


@pytest.mark.parametrize("change", ["moved", "smaller", "one more", "one less"])
def test_another_table_with_a_journal_is_refused(made: Build, change: str) -> None:
    other = [("nvs", 1, 2, 0x9000, 0x6000), ("factory", 0, 0, 0x10000, 0x1F0000)]
    ours = [(row.label, 1, row.subtype, row.offset, row.size) for row in made.target.ours]
    label, kind, subtype, offset, size = ours[0]
    if change == "moved":
        ours = [(name, a, b, at + 0x10000, size) for name, a, b, at, size in ours]
    elif change == "smaller":
        ours[0] = (label, kind, subtype, offset, size - 0x1000)
    elif change == "one more":
        ours.append(("extra", 1, 0x81, 0x2F0000, 0x1000))
    else:
        ours.pop()
    with pytest.raises(Refused, match="its journal would move") as error:
        look.is_ours(made, rows(made, stockimage.sector([*other, *ours])))
    assert "journal" in str(error.value)


def test_a_damaged_table_is_refused(made: Build) -> None:
    data = bytearray(table.encoded(made.stock.table, made.rows))
    data[70] ^= 0x10
    with pytest.raises(Refused, match="the board: the partition table is damaged"):
        rows(made, bytes(data))
    with pytest.raises(Refused, match=r"no partition table.*erase-flash makes it a new board"):
        rows(made, bytes(4096))


def test_a_flash_that_is_too_small_is_refused(made: Build) -> None:
    look.check_size(made, 4 << 20)
    look.check_size(made, 16 << 20)
    with pytest.raises(Refused, match="2 MB of flash, esp32_devkitc has 4 MB"):
        look.check_size(made, 2 << 20)


@pytest.mark.parametrize(
    ("version", "taken"),
    [("0.0.9", True), ("0.1.0", True), ("0.1.1", False), ("0.10.0", False), ("1.0.0", False)],
)
def test_an_older_firmware_is_refused(made: Build, version: str, taken: bool) -> None:
    head = made.folder / "head.bin"
    head.write_bytes(firmware.romfs({"VERSION": version.encode(), **CONTENTS})[:4096])
    build = Build(
        made.target,
        made.stock,
        made.rows,
        program.Program("0.1.0", b"", {}, "romfs"),
        made.folder,
    )
    if taken:
        assert look.check_version(build, head) == version
    else:
        with pytest.raises(Refused, match=f"the board has firmware {version}, newer than 0.1.0"):
            look.check_version(build, head)


def test_a_board_that_was_cut_off_while_it_was_written_has_no_version(made: Build) -> None:
    head = made.folder / "head.bin"
    head.write_bytes(b"\xff" * 4096)
    assert look.check_version(made, head) is None


def test_a_journal_without_a_table_is_not_erased(made: Build) -> None:
    place = made.folder / "journal.bin"
    place.write_bytes(b"\xff" * 0x80000)
    look.check_no_records(made, place)
    place.write_bytes(b"some file system" * 0x8000)
    look.check_no_records(made, place)
    nor = Nor(128)
    journal = Journal(nor)
    journal.format()
    place.write_bytes(bytes(nor.data))
    look.check_no_records(made, place)
    journal.mount()
    journal.append(b"a sale")
    place.write_bytes(bytes(nor.data))
    with pytest.raises(Refused, match="but one lies at 0x200000"):
        look.check_no_records(made, place)


def test_a_part_of_a_journal_is_one(made: Build) -> None:
    """Of a board with two slots, whose journal began elsewhere; or damaged."""
    place = made.folder / "journal.bin"
    nor = Nor(128)
    journal = Journal(nor)
    journal.format()
    journal.mount()
    journal.append(b"a sale")
    assert not look.has_records(place_of(place, b"\xff" * 0x80000))
    assert look.has_records(place_of(place, b"\xff" * 0x10000 + bytes(nor.data[:0x70000])))
    damaged = bytearray(nor.data)
    damaged[0x80:0x100] = bytes(0x80)  # the first record
    assert look.has_records(place_of(place, bytes(damaged)))


def place_of(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


def test_a_vault_with_a_configuration(made: Build) -> None:
    place = made.folder / "vault.bin"
    nor = Nor(6)
    vault = Vault(nor, random.Random(1).randbytes)
    head = slice(0, 2 * 4096)
    assert not look.has_configuration(place_of(place, bytes(nor.data[head])))
    for configuration in (b"one" * 100, b"another" * 50, b"FACTORY RESET"):
        vault.set_config(configuration)
        assert look.has_configuration(place_of(place, bytes(nor.data[head])))
    Cell(nor, 0).clear()
    assert not look.has_configuration(place_of(place, bytes(nor.data[head])))
    # Cut in the middle of the copy.
    vault.set_config(b"one" * 100)
    torn = bytes(nor.data[head])
    at = torn.index(b"oneone") + 100
    torn = torn[:at] + b"\xff" * (len(torn) - at)
    assert not look.has_configuration(place_of(place, torn))


def test_the_firmware_of_another_board_is_refused(made: Build) -> None:
    head = made.folder / "head.bin"
    head.write_bytes(made.program.romfs[:4096])
    look.check_board(made, head)
    names = {"VERSION": b"0.1.0", "BOARD": b"t_display_s3", **CONTENTS}
    head.write_bytes(firmware.romfs(names)[:4096])
    with pytest.raises(Refused, match="the firmware of t_display_s3, not of esp32_devkitc"):
        look.check_board(made, head)


@pytest.fixture
def two_slots(tmp_path: Path, made: Build) -> Build:
    stock = tmp_path / "two.bin"
    stock.write_bytes(stockimage.stock("esp32s3", stockimage.TWO_SLOTS, megabytes=8))
    return build(target("esp32s3_devkitc"), stock, tmp_path / "two")


def test_the_slot_that_an_update_over_the_network_made_the_one_that_starts(
    two_slots: Build,
) -> None:
    place = two_slots.folder / "otadata.bin"

    def slot(*entries: bytes) -> str:
        data = b"".join(entry.ljust(4096, b"\xff") for entry in entries)
        found = look.updated_slot(two_slots, place_of(place, data))
        return found.label if found else ""

    one, two, gone = (slots.entry(n, state) for n, state in ((1, 2), (2, 0), (3, slots.ABORTED)))
    assert slot(b"", b"") == ""
    assert slot(one, b"") == "ota_0"
    assert slot(one, two) == "ota_1"
    assert slot(two, one) == "ota_1"
    assert slot(gone, two) == "ota_1"
    assert slot(gone, b"") == ""
    assert slot(two[:20], one) == "ota_0"
    assert slot(bytes(4096), bytes(4096)) == ""


def test_a_newer_firmware_in_the_slot_that_starts_is_refused(two_slots: Build) -> None:
    place = two_slots.folder / "ota_1.bin"
    mine = two_slots.program.version.encode()
    assert MARK.encode() == b"pingzhang firmware " + mine
    assert look.check_slot(two_slots, place_of(place, b"\xff" * 4096)) is None
    assert look.check_slot(two_slots, place_of(place, MARK.encode() + b"\0")) == mine.decode()
    newer = b"code" * 1000 + b"pingzhang firmware 9.10.2\0"
    with pytest.raises(Refused, match=r"firmware 9\.10\.2, newer"):
        look.check_slot(two_slots, place_of(place, newer))
