"""How a command of the plan is run: seen as it works, ended when it hangs, stopped by Ctrl-C."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from boards.flash import carry
from boards.flash.__main__ import _port_lock, alone, main
from boards.flash.build import Build
from boards.flash.carry import Flashing
from boards.flash.errors import Interrupted, Refused
from boards.flash.plan import Step
from tests.flash import stockimage
from tests.flash.test_cuts import Chip, Modelled, built, small

__all__ = ["small"]


@pytest.fixture
def made(tmp_path: Path) -> Build:
    return built(stockimage.SINGLE, tmp_path)


def step(folder: Path, program: str, **how: object) -> Step:
    """A command that runs this program, which lies in the working directory."""
    (folder / "command.py").write_text(program)
    return Step("a try", ("command",), **how)  # type: ignore[arg-type]


def test_what_a_command_says_is_seen_while_it_works(
    made: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "go")
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text == "press ENTER":  # it goes on only when that was seen
            (tmp_path / "go").write_text("ENTER")

    program = "print('press ENTER')\nprint(open('go').read())"
    Flashing(made, "PORT", (), False, say)._do(step(tmp_path, program, told=True, limit=30))
    assert said[-2:] == ["press ENTER", "ENTER"]


def test_a_command_that_hangs_is_ended(
    made: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = "import signal\nprint('Connecting')\nsignal.pause()"
    flashing = Flashing(made, "PORT", (), False, print)
    with pytest.raises(Refused, match=r"Connecting\nno end within 0\.5 s\nfailed: a try"):
        flashing._do(step(tmp_path, program, limit=0.5))


def test_whoever_has_to_press_a_button_is_told_while_it_is_tried_again(
    made: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(carry, "_AGAIN_S", 0)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "press RESET" in text:
            (tmp_path / "pressed").touch()

    program = "import os, sys\nsys.exit(0 if os.path.exists('pressed') else 'no answer')"
    flashing = Flashing(made, "PORT", (), False, say)
    passed, _ = flashing._do(step(tmp_path, program, patience=30, hint="press RESET"))
    assert passed
    assert said[1:] == ["not yet (no answer), trying again; press RESET"]


def test_a_port_that_another_run_uses_is_left_to_it(
    made: Build,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Flashing, "run", lambda self: True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    port = tmp_path / "ttyUSB0"
    (tmp_path / "terminal-one").symlink_to(port)  # another name of it
    words = ["flash", "--board", made.target.name, "--firmware", str(tmp_path / "stock.bin")]
    words += ["--out", str(tmp_path / "out"), "--port", str(tmp_path / "terminal-one")]
    with alone(_port_lock(str(port)), ""):
        assert main(words) == 1
        assert "terminal-one is in use by another make flash" in capsys.readouterr().err
        assert main([*words, "--dry-run"]) == 0
    assert main(words) == 0


def test_ctrl_c_tells_whether_anything_was_written(
    made: Build,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chip = Chip(made, bytearray(b"\xff" * made.target.flash_size), 5, stop=KeyboardInterrupt)
    with pytest.raises(Interrupted, match="stopped by hand"):
        Modelled(made, "PORT", (), False, print, chip).run()

    def stopped(self: Flashing, step: Step) -> tuple[bool, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Flashing, "_do", stopped)
    words = ["flash", "--board", made.target.name, "--firmware", str(tmp_path / "stock.bin")]
    assert main([*words, "--port", "PORT", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("stopped by hand, nothing was written")
