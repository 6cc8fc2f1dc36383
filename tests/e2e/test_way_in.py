"""mpremote always gets in: at the start with Ctrl-C held down, by the button, by a frame."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from boards.virtual.board import VirtualBoard
from boards.virtual.shop import WAIT
from companion import link


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path) as made:
        made.install()
        yield made


def mpremote_gets_in(board: VirtualBoard) -> None:
    command = [sys.executable, "-m", "mpremote", "connect", board.pty, "resume", "eval", "6 * 7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT)
    assert done.stdout.strip() == "42", done.stderr


def test_ctrl_c_held_down_from_the_start(board: VirtualBoard) -> None:
    with serial.Serial(board.pty, timeout=0.01) as port:
        board.power_on()
        seen = b""
        until = time.monotonic() + WAIT
        while b">>> " not in seen:
            assert time.monotonic() < until, (board.is_on, board.screen, board.serial_tail)
            port.write(b"\x03")
            seen += port.read(100)
        port.timeout = WAIT
        port.write(b"'all' + 'heard'\r")
        assert port.read_until(b"allheard").endswith(b"allheard")
    mpremote_gets_in(board)


def test_the_button_held_at_the_start(board: VirtualBoard) -> None:
    board.safe_button = True
    board.power_on()
    board.wait_serial(">>> ")
    mpremote_gets_in(board)


def test_a_frame_while_it_runs(board: VirtualBoard) -> None:
    board.power_on()
    board.wait_screen("NOT PROVISIONED")
    transport = link.open_transport(board.pty)
    try:
        link.escape(transport)
    finally:
        transport.close()
    board.wait_serial(">>> ")
    mpremote_gets_in(board)
