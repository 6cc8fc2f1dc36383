"""The commands are shown as they are run, and no order of them touches a journal."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from boards import boardfile
from boards.flash import plan, program, table
from boards.flash.__main__ import main
from boards.flash.build import Build, build
from boards.flash.plan import Step
from boards.flash.target import target
from tests.flash import stockimage
from tests.flash.test_look import CONTENTS


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_modules", lambda: CONTENTS)
    monkeypatch.setattr(program, "_board", lambda module: {"board.mpy": b"M"})


def made(name: str, folder: Path, rows: tuple[stockimage.ROW, ...] = stockimage.SINGLE) -> Build:
    board = target(name)
    stock = folder / "stock.bin"
    stock.write_bytes(stockimage.stock(board.chip, rows, megabytes=8, romfs=not board.psram))
    return build(board, stock, folder / "image")


def regions(step: Step) -> list[tuple[int, int]]:
    """(offset, size) of what a step changes in the flash."""
    words = list(step.command)
    if "erase-region" in words:
        at = words.index("erase-region") + 1
        return [(int(words[at], 0), int(words[at + 1], 0))]
    if "write-flash" not in words:
        return []
    places = [word for word in words[words.index("write-flash") + 1 :] if word[:2] != "--"]
    pairs = zip(places[::2], places[1::2], strict=True)
    return [(int(at, 0), Path(file).stat().st_size) for at, file in pairs]


@pytest.mark.parametrize("name", boardfile.names())
def test_an_update_writes_the_application_and_romfs_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    build = made(name, tmp_path)
    board = boardfile.load(name)
    allowed = [board.partition("factory"), board.partition("romfs")]
    steps = plan.update(build, "PORT")
    changed = [region for step in steps for region in regions(step)]
    assert len(changed) == 2
    for (at, size), row in zip(changed, allowed, strict=True):
        assert row.offset <= at and at + size <= row.end
    assert not any("erase" in word for step in steps for word in step.command)


def test_an_update_of_two_slots_starts_from_the_one_it_wrote(tmp_path: Path) -> None:
    (tmp_path / "stock.bin").write_bytes(
        stockimage.stock("esp32s3", stockimage.TWO_SLOTS, megabytes=8)
    )
    board = target("t_display_s3")
    build_ = build(board, tmp_path / "stock.bin", tmp_path / "image")
    steps = plan.update(build_, "PORT")
    assert [regions(step)[0][0] for step in steps[:2]] == [0x10000, 0xD000]
    assert regions(steps[1]) == [(0xD000, 0x2000)]
    assert "no-reset" in steps[0].command  # it is reset when both are done


@pytest.mark.parametrize("name", boardfile.names())
def test_a_new_board_is_erased_and_every_part_written_once(name: str, tmp_path: Path) -> None:
    build = made(name, tmp_path)
    steps = plan.new(build, "PORT", ())
    assert "--erase-all" in steps[0].command
    assert [at for at, _ in regions(steps[0])] == [
        part.offset for part in build.start + build.code
    ]
    assert [step.command[0] for step in steps[-3:]] == ["mpremote", "companion", "companion"]
    without = plan.new(build, "PORT", None)
    assert "provision" not in [word for step in without for word in step.command]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    build = made("esp32_devkitc", tmp_path)
    steps = plan.look_first(build, "PORT", tmp_path)
    steps += [plan.look_into(build, "PORT", tmp_path, row) for row in build.rows]
    for step in steps:
        assert {"flash-id", "read-flash"} & set(step.command)
        assert not regions(step)


def test_a_board_without_romfs_gets_the_modules_as_files(tmp_path: Path) -> None:
    build = made("m5stack_core2", tmp_path)
    steps = plan.update(build, "PORT")
    copied = [
        step.command[step.command.index("cp") + 1 :] for step in steps if "cp" in step.command
    ]
    assert [Path(word).name for word in copied[0]] == ["board.mpy", "boot.py", "main.py", ":"]
    assert [Path(word).name for word in copied[1]] == ["-r", "terminal", ":"]


@pytest.mark.parametrize("name", boardfile.names())
def test_a_dry_run_shows_every_command_and_runs_none(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = made(name, tmp_path)
    out = tmp_path / "image"
    words = [
        "flash",
        "--board",
        name,
        "--firmware",
        str(tmp_path / "stock.bin"),
        "--out",
        str(out),
    ]
    nowhere = str(tmp_path / "no port")
    assert main([*words, "--port", nowhere, "--dry-run", "--provision", "--host 'a b'"]) == 0
    shown = capsys.readouterr().out

    def look(label: str) -> Step:
        row = table.labelled(build.rows, label)
        return plan.look_into(build, nowhere, out / "board", row)

    steps = [
        *plan.look_first(build, nowhere, out / "board"),
        look("journal"),
        *plan.new(build, nowhere, ("--host", "a b")),
        look("romfs"),
        look("vault"),
        *plan.update(build, nowhere),
    ]
    at = 0
    for step in steps:
        at = shown.index(step.shown(), at) + 1
        # What is shown is what a shell makes the same words of.
        assert shlex.split(step.shown()) == ["python", "-m", *step.command]
    assert len(re.findall("^python -m", shown, re.MULTILINE)) == len(steps)


def test_the_commands_for_one_board_word_by_word(tmp_path: Path) -> None:
    build = made("esp32_devkitc", tmp_path)
    image = tmp_path / "image"
    tool = "python -m esptool --chip esp32 --port /dev/ttyUSB0 --baud 460800 --after hard-reset"
    assert [step.shown() for step in plan.update(build, "/dev/ttyUSB0")[:2]] == [
        f"{tool} write-flash --no-progress 0x10000 {image}/micropython.bin "
        f"0x290000 {image}/romfs.bin",
        "python -m companion escape --port /dev/ttyUSB0",
    ]
    assert plan.new(build, "/dev/ttyUSB0", None)[0].shown() == (
        f"{tool} write-flash --no-progress --erase-all 0x1000 {image}/bootloader.bin "
        f"0x8000 {image}/partitions.bin 0x10000 {image}/micropython.bin 0x290000 {image}/romfs.bin"
    )


def test_the_clearing_of_an_earlier_install_is_a_program(tmp_path: Path) -> None:
    build = made("esp32_devkitc", tmp_path)
    texts = [s.command[-1] for s in plan.update(build, "PORT") if "exec" in s.command]
    assert len(texts) == 1
    ast.parse(texts[0])
