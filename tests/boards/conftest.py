"""A virtual board in a directory of its own, with a small program instead of the firmware."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard

Boot = Callable[[str], VirtualBoard]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    flash = {"journal": 16 * 1024, "vault": 16 * 1024}
    with VirtualBoard(tmp_path / "board", flash=flash) as board:
        yield board


@pytest.fixture
def boot(board: VirtualBoard) -> Boot:
    """Write main.py and switch on."""

    def start(main: str) -> VirtualBoard:
        (board.fs / "main.py").write_text(main)
        board.power_on()
        return board

    return start
