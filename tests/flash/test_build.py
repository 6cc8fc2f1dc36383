"""`make image`: all that goes onto a board, for every board, offline; and what it refuses."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from boards import boardfile
from boards.flash import program
from boards.flash.__main__ import alone, main
from boards.flash.build import Build, build
from boards.flash.errors import Refused
from boards.flash.target import target
from tests.flash import stockimage


def made(name: str, folder: Path, *, romfs: bool = True, in_ram: bool = False) -> Build:
    board = target(name)
    file = folder / f"{board.image_name}.bin"
    file.write_bytes(stockimage.stock(board.chip, romfs=romfs))
    return build(board, file, folder / "image", in_ram)


@pytest.mark.parametrize("name", boardfile.names())
def test_the_parts_of_a_board_lie_where_its_table_says(name: str, tmp_path: Path) -> None:
    result = made(name, tmp_path)
    board = boardfile.load(name)
    places = {part.file.name: part for part in result.start + result.code}
    assert places["bootloader.bin"].offset == result.target.boot
    assert places["partitions.bin"].offset == 0x8000
    assert places["micropython.bin"].offset == board.partition("factory").offset
    assert places["romfs.bin"].offset == board.partition("romfs").offset
    end = 0
    for part in sorted(places.values(), key=lambda part: part.offset):
        assert part.file.read_bytes() == part.data
        assert part.offset >= end, part.file
        end = part.offset + len(part.data)
    # Never what is written after the first sale.
    kept = [board.partition(label) for label in ("journal", "vault", "log", "vfs")]
    for part in places.values():
        for row in kept:
            apart = part.offset + len(part.data) <= row.offset or part.offset >= row.end
            assert apart, (part.file, row.label)


@pytest.mark.parametrize("name", boardfile.names())
def test_the_image_lists_what_it_holds(name: str, tmp_path: Path) -> None:
    result = made(name, tmp_path)
    about = json.loads((tmp_path / "image" / "image.json").read_text())
    assert (about["board"], about["modules"]) == (name, "romfs")
    assert about["firmware"] == program.firmware_version()
    for part in about["parts"]:
        data = (tmp_path / "image" / part["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == part["sha256"]
    assert sorted(result.program.files) == ["boot.py", "main.py"]
    assert {file.name for file in result.files.iterdir()} == {"boot.py", "main.py"}


def test_the_version_is_read_from_the_first_sector_alone(tmp_path: Path) -> None:
    romfs = made("esp32_devkitc", tmp_path).program.romfs
    assert program.version_in(romfs[: program.HEAD]) == program.firmware_version()
    assert program.board_in(romfs[: program.HEAD]) == "esp32_devkitc"


@pytest.mark.parametrize(
    "head", [b"", b"\xff" * 4096, b"\xd2\xcd\x31", b"\xd2\xcd\x31\x80", bytes(4096)]
)
def test_what_is_no_image_of_ours_has_no_version(head: bytes) -> None:
    assert program.version_in(head) is None
    assert program.board_in(head) is None


def test_a_cut_or_changed_version_is_none(tmp_path: Path) -> None:
    head = made("esp32_devkitc", tmp_path).program.romfs[:64]
    version = program.firmware_version()
    for length in range(64):
        assert program.version_in(head[:length]) in (None, version)
        assert program.board_in(head[:length]) in (None, "esp32_devkitc")
    for at in range(24):
        bad = bytearray(head)
        bad[at] ^= 0xFF
        assert program.version_in(bytes(bad)) in (None, version)
        program.board_in(bytes(bad))


def test_without_romfs_the_modules_are_files_of_a_board_with_psram(tmp_path: Path) -> None:
    result = made("m5stack_core2", tmp_path, romfs=False)
    assert result.program.executed == "files"
    there = {str(f.relative_to(result.files)) for f in result.files.rglob("*") if f.is_file()}
    assert there == set(result.program.files)
    assert {"boot.py", "main.py", "board.mpy"} < there
    # The partition has them all the same: the version is read there.
    assert program.version_in(result.program.romfs[:4096]) == program.firmware_version()


def test_without_romfs_a_board_without_psram_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="MICROPY_VFS_ROM=1"):
        made("esp32_devkitc", tmp_path, romfs=False)
    assert made("esp32_devkitc", tmp_path, romfs=False, in_ram=True).program.executed == "files"


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = made("t_display_s3", tmp_path / "a"), made("t_display_s3", tmp_path / "b")
    assert [p.data for p in one.start + one.code] == [p.data for p in other.start + other.code]
    assert one.program.files == other.program.files


def test_an_old_build_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "image" / "files").mkdir(parents=True)
    (tmp_path / "image" / "files" / "old.mpy").write_bytes(b"old")
    (tmp_path / "image" / "image.json").write_text("{}")
    made("esp32_devkitc", tmp_path)
    assert not list(tmp_path.rglob("old.mpy"))
    assert not list(tmp_path.glob(".*"))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "thesis.tex").write_text("years of work")
    with pytest.raises(Refused, match="something in it that is not from here"):
        made("esp32_devkitc", tmp_path)
    assert (tmp_path / "image" / "thesis.tex").read_text() == "years of work"


def test_a_full_disk_leaves_the_image_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("esp32_devkitc", tmp_path)
    before = {f: f.read_bytes() for f in (tmp_path / "image").rglob("*") if f.is_file()}

    def full(self: Path, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_text", full)  # the last file
    with pytest.raises(Refused, match="No space left on device"):
        made("esp32_devkitc", tmp_path)
    assert {f: f.read_bytes() for f in (tmp_path / "image").rglob("*") if f.is_file()} == before
    assert not list(tmp_path.glob(".image*"))


def test_make_image_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stock = tmp_path / "stock.bin"
    stock.write_bytes(stockimage.stock())
    words = ["image", "--board", "esp32_devkitc", "--firmware", str(stock)]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "MicroPython 1.28.0" in told
    assert "journal    0x200000 .. 0x280000" in told
    assert (tmp_path / "out" / "romfs.bin").exists()
    # A download's name says which variant it is; what is in it does not.
    assert "stock.bin is not named like ESP32_GENERIC" in told
    right = stock.rename(tmp_path / "ESP32_GENERIC-20260101-v1.28.0.bin")
    words = ["image", "--board", "esp32_devkitc", "--firmware", str(right)]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert "is not named like" not in capsys.readouterr().out


def test_what_cannot_be_is_one_line_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["image", "--board", "esp32_devkitc", "--out", str(tmp_path / "out")]
    assert main([*words, "--firmware", str(tmp_path / "none.bin")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("refused, nothing was written: ")
    assert "No such file" in told
    assert not (tmp_path / "out").exists()
    assert main([*words, "--firmware", ""]) == 1
    assert "no FIRMWARE" in capsys.readouterr().err


def test_two_at_once_do_not_share_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stock = tmp_path / "stock.bin"
    stock.write_bytes(stockimage.stock())
    out = tmp_path / "out"
    words = ["image", "--board", "esp32_devkitc", "--firmware", str(stock), "--out"]
    with alone(tmp_path / ".out.lock", ""):
        assert main([*words, str(out)]) == 1
        assert f"{out} is in use by another run" in capsys.readouterr().err
        assert main([*words, str(tmp_path / "other")]) == 0
    assert main([*words, str(out)]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--hots 10.0.0.1", "No such option"),
        ("--tmk 12X", "not hexadecimal"),
        ("--host 'a", "No closing quotation"),
        ("--host", "requires an argument"),
    ],
)
def test_what_provisioning_would_not_take_is_refused_before_anything_is_written(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stock = tmp_path / "stock.bin"
    stock.write_bytes(stockimage.stock())
    words = ["flash", "--board", "esp32_devkitc", "--firmware", str(stock), "--port", "PORT"]
    assert main([*words, "--out", str(tmp_path / "out"), f"--provision={text}"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("refused, nothing was written: PROVISION: ")
    assert said in told
