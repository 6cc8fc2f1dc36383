"""`make flash` with the real esptool, mpremote and companion, against a bench (bench.py)."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards import firmware
from boards.flash import plan, program, table
from boards.flash.__main__ import main
from boards.flash.build import Build, build
from boards.flash.carry import Flashing
from boards.flash.errors import Refused
from boards.flash.target import Target, target
from boards.virtual.shop import card, held_port
from companion.flash.partitions import Partition
from tests.flash import stockimage
from tests.flash.bench import Bench
from tests.flash.test_look import CONTENTS

PSRAM = "2000wk"


@pytest.fixture(autouse=True)
def no_reset_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pty has no DTR and RTS: esptool gets reset sequences that do nothing. And the virtual
    board's file system is there already."""
    monkeypatch.setattr(plan, "FIRST_START_S", 0)
    config = tmp_path / "esptool.cfg"
    config.write_text("[esptool]\ncustom_reset_sequence = W0\ncustom_hard_reset_sequence = W0\n")
    monkeypatch.setenv("ESPTOOL_CFGFILE", str(config))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which nothing of the program runs."""
    monkeypatch.setattr(program, "_modules", lambda: CONTENTS)
    monkeypatch.setattr(program, "_board", lambda module: {"board.mpy": b"M"})


def built(board: Target, folder: Path, *, romfs: bool = True) -> Build:
    stock = folder / "stock.bin"
    stock.write_bytes(stockimage.stock(board.chip, romfs=romfs))
    return build(board, stock, folder / "image")


def flashing(build: Build, bench: Bench, said: list[str], *provision: str) -> Flashing:
    return Flashing(build, bench.port, provision, False, said.append)


def refused(build: Build, bench: Bench) -> str:
    before = bytes(bench.flash)
    said: list[str] = []
    with pytest.raises(Refused) as error:
        flashing(build, bench, said).run()
    # It is not left in its loader, if it came there.
    assert "hard-reset" in said[-1] or len(said) == 1
    assert bench.loader.written == []
    assert bytes(bench.flash) == before
    return str(error.value)


@pytest.mark.usefixtures("small")
def test_esptool_puts_every_part_where_it_belongs(tmp_path: Path) -> None:
    board = target("esp32_devkitc")
    made = built(board, tmp_path)
    with Bench(board, tmp_path) as bench:
        write = plan.new(made, bench.port, None)[0]
        done = subprocess.run(
            [sys.executable, "-m", *write.command], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for part in made.start + made.code:
            assert bench.flash[part.offset : part.offset + len(part.data)] == part.data
        for row in board.ours[:3]:
            assert bench.part(row) == b"\xff" * row.size
        sector = bytes(bench.flash[0x8000:0x9000])
        assert table.read(sector, "the board") == made.rows


def words(made: Build, bench: Bench, tmp_path: Path) -> list[str]:
    """What make flash calls."""
    given = ["flash", "--board", made.target.name, "--firmware", str(tmp_path / "stock.bin")]
    return [*given, "--port", bench.port, "--out", str(made.folder), "--no-hands"]


@pytest.mark.usefixtures("small")
def test_another_chip_behind_the_port_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = built(target("esp32_devkitc"), tmp_path)
    with Bench(target("esp32s3_devkitc"), tmp_path) as bench:
        assert main(words(made, bench, tmp_path)) == 1
        assert bench.loader.written == []
        told = capsys.readouterr().err
        assert told.startswith("refused, nothing was written: ")
        assert "ESP32-S3" in told


@pytest.mark.thorough
@pytest.mark.usefixtures("small")
def test_a_board_that_went_away_halfway_is_finished_by_the_same_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_BACK_S", 0)
    monkeypatch.setattr(plan, "_REPL_S", 1)
    board = target("esp32_devkitc")
    made = built(board, tmp_path)
    with Bench(board, tmp_path) as bench:
        for what in ("a new board", "a board that was not finished"):
            assert main(words(made, bench, tmp_path)) == 2  # nothing runs on this one
            said = capsys.readouterr()
            assert what in said.out
            assert said.err.startswith("not finished: ")
            assert "run the same command again" in said.err
            for part in made.start + made.code:
                assert bench.flash[part.offset : part.offset + len(part.data)] == part.data


@pytest.mark.thorough
@pytest.mark.usefixtures("small")
def test_a_smaller_flash_is_refused(tmp_path: Path) -> None:
    board = target("esp32s3_devkitc")
    with Bench(dataclasses.replace(board, flash_size=4 << 20), tmp_path) as bench:
        assert "4 MB of flash" in refused(built(board, tmp_path), bench)


@pytest.mark.thorough
@pytest.mark.usefixtures("small")
def test_a_board_whose_journal_would_move_is_refused(tmp_path: Path) -> None:
    board = target("esp32_devkitc")
    made = built(board, tmp_path)
    other = [
        Partition(row.label, 1, row.subtype, row.offset + 0x10000, row.size, False)
        for row in board.ours
    ]
    with Bench(board, tmp_path) as bench:
        bench.flash[0x8000:0x9000] = table.encoded(made.stock.table, [*made.stock.rows, *other])
        assert "its journal would move" in refused(made, bench)


@pytest.mark.thorough
@pytest.mark.usefixtures("small")
def test_a_newer_firmware_on_the_board_is_refused(tmp_path: Path) -> None:
    board = target("esp32_devkitc")
    made = built(board, tmp_path)
    place = board.ours[-1].offset
    newer = firmware.romfs({"VERSION": b"99.0.0", **CONTENTS})
    with Bench(board, tmp_path) as bench:
        bench.flash[0x8000:0x9000] = table.encoded(made.stock.table, made.rows)
        bench.flash[place : place + len(newer)] = newer
        assert "firmware 99.0.0, newer" in refused(made, bench)


def virtual(name: str) -> Target:
    """The board with the virtual board's hardware: its pins are not there."""
    module = firmware.REPOSITORY / "boards/virtual/device/board.py"
    return dataclasses.replace(target(name), module=module)


@pytest.fixture(params=[("esp32_devkitc", True, "160wk"), ("m5stack_core2", False, PSRAM)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Build, Bench]]:
    """An empty board, with ROMFS, and with PSRAM instead of it."""
    name, romfs, heap = request.param
    board = virtual(name)
    with Bench(board, tmp_path, heap) as bench:
        yield built(board, tmp_path, romfs=romfs), bench


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port on which nobody listens, nor will."""
    with held_port() as held:
        yield held.getsockname()[1]


@pytest.mark.thorough
def test_from_an_empty_board_to_a_terminal_and_through_an_update(
    desk: tuple[Build, Bench], deaf: int, tmp_path: Path
) -> None:
    made, bench = desk
    said: list[str] = []
    store = str(tmp_path / "store")
    options = ("--store", store, "--reversal-wait-ms", "600000", "--host-port", str(deaf))
    flashing(made, bench, said, *options).run()
    told = "\n".join(said)
    assert "a new board" in told
    assert "no part has failed" in told
    where = "in ROMFS" if made.program.executed == "romfs" else "in RAM"
    assert f"runs {where}" in told
    terminal = bench.board
    assert terminal is not None
    assert "ALL THAT WAS TRIED OK" in terminal.screen  # the receipt
    assert "ALL THAT WAS TRIED OK" in terminal.printed
    terminal.power_cycle()
    # Nobody answers at that address: an unfinished sale is what an update must not lose.
    terminal.wait_screen("Enter amount")
    terminal.type("100")
    terminal.press("ENTER")
    terminal.press("ENTER")
    terminal.wait_screen("tap card")
    terminal.insert_card(card(1))
    terminal.wait_screen("NO CONNECTION")
    before = {label: terminal.flash[label].image() for label in ("vault", "journal")}
    done = len(bench.loader.written)
    flashing(made, bench, said).run()
    assert f"firmware {made.program.version} -> {made.program.version}" in "\n".join(said)
    code = {part.offset for part in made.code}
    assert {at for _, at, _ in bench.loader.written[done:]} == code
    for label, old in before.items():
        # What was written is as it was: the starts have added to it, and nothing erased.
        new = terminal.flash[label].image()
        assert all(new[at] == old[at] or old[at] == 0xFF for at in range(len(old)))
    assert terminal.flash["journal"].image() != before["journal"]
    assert "ok      vault: a configuration" in "\n".join(said)
