"""A terminal starts, whatever comes in on its cable meanwhile: a companion greets a port as soon
as it is there, and one frame in twelve holds the byte that is Ctrl-C to a REPL."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import serial

from boards.virtual.board import VirtualBoard
from boards.virtual.shop import WAIT
from companion import link
from protocol import config as configuration
from protocol import frame, messages
from tests.companion.sealed import config

STARTS = 20


def a_greeting(rng: random.Random) -> bytes:
    """The frame of a HELLO that holds 0x03."""
    while True:
        nonce = rng.randbytes(messages.NONCE_LENGTH)
        hello = frame.encode(messages.build(messages.HELLO, messages.VERSION, nonce))
        if b"\x03" in hello:
            return hello


def rubbish(rng: random.Random) -> bytes:
    """Never so many 0x03 in a row as from somebody who holds Ctrl-C down."""
    return bytes([255, *rng.choices([0, 1, 2, 3, 3, 3, 4, 13, 200], k=7)])


@pytest.mark.parametrize("noise", [a_greeting, rubbish])
def test_a_terminal_starts(tmp_path: Path, noise: Callable[[random.Random], bytes]) -> None:
    rng = random.Random(3)
    with VirtualBoard(tmp_path) as board:
        board.install()
        with serial.Serial(board.pty, timeout=0.001, write_timeout=WAIT) as port:
            for _ in range(STARTS):
                board.power_cycle()
                until = time.monotonic() + WAIT
                while not board.screen:
                    assert time.monotonic() < until, board.serial_tail
                    port.write(noise(rng))
                    port.read(1000)
                    assert ">>> " not in board.serial_tail
                assert board.screen[0] == "NOT PROVISIONED"
        with closing(link.open_transport(board.pty)) as transport:
            link.provision(transport, configuration.encode(config()))
        board.wait_screen("TEST SHOP", WAIT)
