"""`companion selftest`: every part is tried, what fails is named, and the journal stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boards.virtual.board import FLASH, VirtualBoard
from boards.virtual.shop import WAIT, card
from companion.cli import selftest
from companion.cli.main import main
from terminal import FIRMWARE

MICROPYTHON = Path(sys.executable).parent / "micropython"


def started(board: VirtualBoard, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "companion", "selftest", "--port", board.pty, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_with_somebody_at_the_board(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path) as board:
        board.install()
        board.power_on()
        board.wait_screen("NOT PROVISIONED")
        process = started(board)
        board.wait_screen("Press ENTER")
        board.press("ENTER")
        board.wait_screen("Hold a card")
        board.insert_card(card(1))
        told, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 0, told
        assert told.splitlines()[-2] == "no part has failed"
        assert "with the next reset" in told.splitlines()[-1]
        for part in ("journal: not formatted", "vault: empty", "keys: ENTER", "reader: a card"):
            assert f"ok      {part}" in told
        assert f"program: firmware {FIRMWARE}" in told
        assert "runs in ROMFS" in told
        assert "ALL THAT WAS TRIED OK" in board.screen
        assert board.printed[-1] == "ALL THAT WAS TRIED OK"


BROKEN = """
import sys
from terminal import selftest

class Panel:
    def show(self, rows):
        if rows[-1:] == ["Reset it to start"] and "screen" in BREAKS: raise OSError(19)
    def beep(self, times): pass
    def print_line(self, text):
        if "printer" in BREAKS: raise OSError(5)
    async def event(self):
        if "reader" in BREAKS: raise ValueError("bus")
        return {}

class Board:
    NAME = "broken"
    def __getattr__(self, name): raise OSError(19)

Board.Panel = Panel
selftest.run(Board(), False)
"""


@pytest.mark.parametrize("breaks", ["printer", "reader", "screen", "printer reader screen"])
def test_whatever_breaks_the_test_comes_to_its_end(breaks: str) -> None:
    done = subprocess.run(
        [str(MICROPYTHON), "-c", f"BREAKS = {breaks!r}\n{BROKEN}"],
        env={**os.environ, "MICROPYPATH": ".:firmware:.frozen"},
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert done.stdout.splitlines()[-1] == "SELFTEST END failed", done.stdout + done.stderr
    if "printer" in breaks:
        assert "SELFTEST printer failed" in done.stdout


@pytest.mark.thorough
def test_a_part_that_fails_is_named_and_the_others_are_tried(tmp_path: Path) -> None:
    sizes = {label: size for label, size in FLASH.items() if label != "log"}
    sizes["journal"] = 8192  # two sectors: no journal can be there
    with VirtualBoard(tmp_path, flash=sizes) as board:
        board.install()
        board.safe_button = True
        board.power_on()
        board.wait_serial(">>> ")
        process = started(board, "--no-hands", "--json")
        told, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 1, told
        results = {part["part"]: part["result"] for part in json.loads(told)["parts"]}
        assert {part for part, how in results.items() if how == "failed"} == {"journal", "log"}
        assert results["printer"] == "ok"
        assert results["keys"] == "skipped"
        assert "FAILED: journal, log" in board.screen


def test_no_port_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "_PORT_S", 0)
    with pytest.raises(SystemExit) as ended:
        main(["selftest", "--port", str(tmp_path / "ttyUSB9")])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "ttyUSB9: " in told
    assert "safe-mode" not in told


@pytest.mark.thorough
def test_nobody_behind_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "_BACK_S", 0.5)
    with VirtualBoard(tmp_path) as board:
        with pytest.raises(SystemExit) as ended:
            main(["selftest", "--port", board.pty])
        assert ended.value.code == 2
        assert "the REPL does not answer" in capsys.readouterr().err
