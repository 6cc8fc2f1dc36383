"""The second serial port: a stream that never waits, no Ctrl-C, a rate of its own."""

import os
import time
from pathlib import Path

import pytest
import serial

from boards.virtual.board import TIMEOUT, BoardError, VirtualBoard
from boards.virtual.serialport import RECEIVE_RING, Line
from tests.boards.test_virtual_serial import mpremote

ECHO = """
import asyncio, board
async def main():
    uart = board.sync_uart()
    reader = asyncio.StreamReader(uart)
    board.Panel().show(["listening", board.reset_cause()])
    while True:
        data = await reader.read(100)
        reader.write(data)
        await reader.drain()
asyncio.run(main())
"""

DEAF = """
import asyncio, board
panel = board.Panel()
uart = board.sync_uart()
async def main():
    empty = uart.any(), uart.read(10)
    panel.show(["deaf"])
    await panel.event()
    there, got = uart.any() > 0, 0
    while uart.any():
        got += len(uart.read(5000))
        await asyncio.sleep_ms(50)
    panel.show(["got", repr(empty), str(there), str(got), str(uart.read(1))])
    await panel.event()
asyncio.run(main())
"""

RATES = """
import board, machine, time
uart = board.sync_uart()
first = machine.reset_cause() == machine.PWRON_RESET
if first:
    uart.write(b"w" * 100)
    uart.init(baudrate=921600)
board.Panel().show([board.reset_cause()])
said = b""
while len(said) < 5:
    said += uart.read(5) or b""
    time.sleep_ms(1)
uart.write(said)
if first:
    machine.reset()
"""


def start(folder: Path, main: str, line: Line | None = None) -> VirtualBoard:
    board = VirtualBoard(folder, uart=True, line=line)
    (board.fs / "main.py").write_text(main)
    board.power_on()
    return board


def test_all_bytes_pass_both_ways_and_none_is_a_ctrl_c(tmp_path: Path) -> None:
    every = bytes(range(256))
    with start(tmp_path, ECHO) as board, serial.Serial(board.uart, timeout=TIMEOUT) as port:
        board.wait_screen("listening")
        for chunk in (every[:128], every[128:], every[::-1][:250], b"\x03" * 250):
            port.write(chunk)
            assert port.read(len(chunk)) == chunk
        assert board.uart_dropped == 0
        assert board.serial_tail == ""


def test_the_port_stays_over_power_cycles_and_resets_and_leaves_the_repl_alone(
    tmp_path: Path,
) -> None:
    with start(tmp_path, ECHO) as board, serial.Serial(board.uart, timeout=TIMEOUT) as port:
        path = board.uart
        for cause in ("PWRON", "HARD", "PWRON"):
            board.wait_screen(cause)
            port.write(b"hello")
            assert port.read(5) == b"hello"
            assert mpremote(board, "exec", "print(6 * 7)") == "42\n"
            if cause == "PWRON":
                mpremote(board, "reset")
            else:
                board.power_cycle()
        assert board.uart == path != board.pty


def test_a_read_gives_what_is_there_and_the_ring_loses_the_rest(tmp_path: Path) -> None:
    with start(tmp_path, DEAF) as board, serial.Serial(board.uart, timeout=TIMEOUT) as port:
        board.wait_screen("deaf")
        port.write(b"x" * 3000)
        until = time.monotonic() + TIMEOUT
        while not board.uart_dropped:
            assert time.monotonic() < until
            os.sched_yield()
        board.press("1")
        _, empty, there, got, after = board.wait_screen("got")
        assert (empty, there, after) == ("(0, None)", "True", "None")
        assert RECEIVE_RING <= int(got) < 1000
        assert int(got) + board.uart_dropped == 3000


def test_it_has_a_rate_of_its_own_until_the_chip_restarts(tmp_path: Path) -> None:
    with (
        start(tmp_path, RATES, Line()) as board,
        serial.Serial(board.uart, 115200, timeout=TIMEOUT) as port,
    ):
        assert port.read(100) == b"w" * 100
        for cause, rate in (("PWRON", 921600), ("HARD", 115200)):
            board.wait_screen(cause)
            assert (board.uart_rate, board.serial_rate) == (rate, 115200)
            port.baudrate = rate
            port.write(b"hello")
            assert port.read(5) == b"hello"


def test_a_board_without_one(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path) as board:
        (board.fs / "main.py").write_text("import board\nprint('UART', board.sync_uart())\n")
        board.power_on()
        board.wait_serial("UART None")
        with pytest.raises(BoardError, match="uart=True"):
            board.uart  # noqa: B018
