"""`make flash` cut off at each step of each write, and run again: nothing of a terminal is lost,
and a board that was never one is finished.

The commands are those of the plan, word by word; what they do to a flash is done here, sector by
sector, so that there can be a thousand cuts. test_flashing.py has the real esptool.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from boards import firmware
from boards.flash import program
from boards.flash.build import Build, build
from boards.flash.carry import Flashing
from boards.flash.errors import Refused
from boards.flash.plan import Step
from boards.flash.target import target
from boards.virtual import slots
from terminal.journal import Journal
from terminal.vault import Vault
from tests.flash import stockimage
from tests.flash.test_look import CONTENTS
from tests.journal.nor import Nor

SECTOR = 4096
_FIVE_ROWS = 5 * 32  # a partition table without its end
KEPT = ("journal", "vault", "log")


class Cut(BaseException):
    """The cable was pulled."""


@dataclass
class Chip:
    """A board behind the commands; ``left``: so many steps of writing until it is cut off."""

    build: Build
    flash: bytearray
    left: int = 1 << 30
    stop: type[BaseException] = Cut
    commands: list[str] = field(default_factory=list)

    def do(self, words: tuple[str, ...]) -> str:
        self.commands.append(" ".join(words[:2]))
        if "flash-id" in words:
            return f"Detected flash size: {len(self.flash) >> 20}MB"
        if "read-flash" in words:
            offset, size, file = words[words.index("read-flash") + 2 :]
            place = int(offset, 0)
            Path(file).write_bytes(self.flash[place : place + int(size, 0)])
        elif "write-flash" in words:
            self._write(list(words[words.index("write-flash") + 1 :]))
        elif "erase-region" in words:
            offset, size = words[-2:]
            self._erase(int(offset, 0), int(size, 0))
        elif words[:2] == ("companion", "provision"):
            self._step()
            self.provision()
        return ""

    def _write(self, words: list[str]) -> None:
        if "--erase-all" in words:
            self._erase(0, len(self.flash))
        places = [word for word in words if not word.startswith("--")]
        for offset, file in zip(places[::2], places[1::2], strict=True):
            data = Path(file).read_bytes()
            for at in range(0, len(data), SECTOR):
                self._program(int(offset, 0) + at, data[at : at + SECTOR])

    def _erase(self, offset: int, size: int) -> None:
        # Half of it, then all of it: a chip erases in some order.
        for part in (size // 2, size):
            self.flash[offset : offset + part] = b"\xff" * part
            self._step()

    def _program(self, at: int, data: bytes) -> None:
        self.flash[at : at + SECTOR] = b"\xff" * SECTOR
        self._step()
        for part in (_FIVE_ROWS, len(data) // 2, len(data)):
            self.flash[at : at + part] = data[:part]
            self._step()

    def _step(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise self.stop

    def part(self, label: str) -> bytes:
        row = next(row for row in self.build.rows if row.label == label)
        return bytes(self.flash[row.offset : row.offset + row.size])

    def put(self, label: str, data: bytes) -> None:
        row = next(row for row in self.build.rows if row.label == label)
        self.flash[row.offset : row.offset + len(data)] = data

    def provision(self, sales: int = 0) -> None:
        """What the firmware writes then, and for its sales."""
        nor = Nor(len(self.part("journal")) // SECTOR)
        journal = Journal(nor)
        journal.format()
        journal.mount()
        for number in range(sales):
            journal.append(b"a sale that is not finished: %d" % number)
        self.put("journal", bytes(nor.data))
        nor = Nor(len(self.part("vault")) // SECTOR)
        Vault(nor, random.Random(3).randbytes).set_config(b"who it is" * 40)
        self.put("vault", bytes(nor.data))


@dataclass(frozen=True)
class Modelled(Flashing):
    """Flashing, its commands done by a chip."""

    chip: Chip | None = None

    def _do(self, step: Step) -> tuple[bool, str]:
        assert self.chip
        return True, self.chip.do(step.command)


def run(chip: Chip, said: list[str], provision: tuple[str, ...] | None = ()) -> None:
    Modelled(chip.build, "PORT", provision, False, said.append, chip).run()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_modules", lambda: {**CONTENTS, "a.bin": bytes(9000)})
    monkeypatch.setattr(program, "_board", lambda module: {"board.mpy": b"M"})


def built(rows: tuple[stockimage.ROW, ...], folder: Path) -> Build:
    board = target("esp32_devkitc" if rows == stockimage.SINGLE else "esp32s3_devkitc")
    stock = folder / "stock.bin"
    stock.write_bytes(stockimage.stock(board.chip, rows, megabytes=8, filling=9000))
    return build(board, stock, folder / "image")


@pytest.fixture(
    params=[
        pytest.param(stockimage.SINGLE, id="one application"),
        pytest.param(stockimage.TWO_SLOTS, id="two slots", marks=pytest.mark.thorough),
    ]
)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    return built(request.param, tmp_path)


def steps_of(chip: Chip) -> int:
    """How many steps a whole run has."""
    before = chip.left
    run(chip, [])
    return before - chip.left


def code(chip: Chip) -> list[bytes]:
    return [bytes(chip.flash[p.offset : p.offset + len(p.data)]) for p in chip.build.code]


def test_a_first_flashing_cut_off_anywhere_is_finished_by_the_same_command(made: Build) -> None:
    empty = b"\xff" * made.target.flash_size
    whole = Chip(made, bytearray(empty))
    steps = steps_of(whole)
    assert steps > 20
    for cut in range(1, steps + 1):
        chip = Chip(made, bytearray(empty), cut)
        with pytest.raises(Cut):
            run(chip, [])
        chip.left = 1 << 30
        said: list[str] = []
        run(chip, said)
        assert chip.flash == whole.flash, (cut, said)
        assert "companion provision" in chip.commands


def test_an_update_cut_off_anywhere_leaves_the_terminal_what_it_wrote(made: Build) -> None:
    chip = Chip(made, bytearray(b"\xff" * made.target.flash_size))
    run(chip, [])
    chip.provision(sales=3)
    for part in made.code:  # an older one
        chip.flash[part.offset : part.offset + 64] = bytes(64)
    old = bytes(chip.flash)
    kept = {label: chip.part(label) for label in KEPT}
    steps = steps_of(Chip(made, bytearray(old)))
    for cut in range(1, steps + 1):
        chip = Chip(made, bytearray(old), cut)
        with pytest.raises(Cut):
            run(chip, [])
        assert {label: chip.part(label) for label in KEPT} == kept, cut
        chip.left = 1 << 30
        chip.commands.clear()
        run(chip, [])
        assert {label: chip.part(label) for label in KEPT} == kept, cut
        assert code(chip) == [part.data for part in made.code]
        assert "companion provision" not in chip.commands


def test_records_without_a_configuration_are_left_as_they_are(made: Build) -> None:
    chip = Chip(made, bytearray(b"\xff" * made.target.flash_size))
    run(chip, [])
    chip.provision(sales=1)
    chip.put("vault", b"\xff" * len(chip.part("vault")))
    journal = chip.part("journal")
    chip.commands.clear()
    said: list[str] = []
    run(chip, said)
    assert chip.part("journal") == journal
    assert "companion provision" not in chip.commands
    assert "its vault is empty, its journal is not: it stays as it is" in said


def test_an_older_firmware_than_came_over_the_network_is_refused(tmp_path: Path) -> None:
    made = built(stockimage.TWO_SLOTS, tmp_path)
    chip = Chip(made, bytearray(b"\xff" * made.target.flash_size))
    run(chip, [])
    chip.provision()
    chip.put("ota_1", b"code" * 5000 + b"pingzhang firmware 9.0.0\0")
    run(chip, [])  # it lies there, but does not start
    chip.put("otadata", slots.entry(2, slots.VALID))
    before = bytes(chip.flash)
    with pytest.raises(Refused, match=r"firmware 9\.0\.0, newer"):
        run(chip, [])
    assert chip.flash == before


def test_the_wrong_board_of_the_same_chip_is_refused_once_it_is_a_terminal(tmp_path: Path) -> None:
    made = built(stockimage.SINGLE, tmp_path)
    chip = Chip(made, bytearray(b"\xff" * made.target.flash_size))
    run(chip, [], None)
    whole = bytes(chip.flash)
    other = firmware.romfs({"VERSION": b"0.1.0", "BOARD": b"another", **CONTENTS})
    chip.put("romfs", other)
    said: list[str] = []
    run(chip, said, None)  # the mistake of a first try costs nothing
    assert "a board that was not finished: all of its flash is erased" in said
    assert chip.flash == whole
    chip.provision()
    chip.put("romfs", other)
    before = bytes(chip.flash)
    with pytest.raises(Refused, match=f"the firmware of another, not of {made.target.name}"):
        run(chip, [])
    assert chip.flash == before
