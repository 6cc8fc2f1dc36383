"""The other way onto a board: `mpremote mip install`, as source, for a board with PSRAM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from boards.firmware import REPOSITORY
from boards.virtual.board import VirtualBoard
from tests.test_package import device_files

SLOWEST = 240


@pytest.mark.thorough
def test_a_board_that_mip_installed_starts(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path, heap="2000wk") as board:
        board.power_on()
        board.wait_serial(">>> ")
        command = [sys.executable, "-m", "mpremote", "connect", board.pty]
        package = str(REPOSITORY / "package.json")
        done = subprocess.run(
            [*command, "mip", "install", "--target", "/", package],
            capture_output=True,
            text=True,
            timeout=SLOWEST,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        there = {str(file.relative_to(board.fs)) for file in board.fs.rglob("*") if file.is_file()}
        assert there == set(device_files())
        board.power_cycle()
        board.wait_screen("NOT PROVISIONED")
