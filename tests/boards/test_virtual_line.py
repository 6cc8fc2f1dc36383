"""The serial line with a baud rate: bytes take their time, a wrong rate or noise damages them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from boards.virtual.board import TIMEOUT, VirtualBoard
from boards.virtual.serialport import MAX_RATE, Line
from boards.virtual.wire import Traffic, Wire

SECOND = 1_000_000_000


def test_bytes_arrive_one_by_one_at_the_rate() -> None:
    wire = Wire()
    wire.put(b"abc", 1000, 115200, 115200)
    byte = 10 * SECOND // 115200
    assert wire.take(1000 + byte - 1) == b""
    assert wire.take(1000 + byte) == b"a"
    assert wire.next_at == 1000 + 2 * byte
    assert wire.take(1000 + 3 * byte) == b"bc"
    assert wire.next_at is None
    wire.put(b"d", 9 * byte, 115200, 115200)
    assert wire.next_at == 10 * byte  # an idle line saves up nothing


def test_noise_flips_single_bits_as_often_as_it_says_and_the_same_ones_for_a_seed() -> None:
    sent = bytes(100_000)
    heard = []
    for _ in range(2):
        wire = Wire(noise=10_000, seed=7)
        wire.put(sent, 0, 9600, 9600)
        heard.append(wire.take(1000 * SECOND))
    assert heard[0] == heard[1]
    flipped = [byte for byte in heard[0] if byte]
    assert 800 < len(flipped) < 1200
    assert all(byte.bit_count() == 1 for byte in flipped)


def test_a_receiver_at_another_rate_reads_rubbish() -> None:
    wire = Wire(seed=1)
    wire.put(bytes(1000), 0, 115200, 9600)
    heard = wire.take(1000 * SECOND)
    assert len(heard) == 1000
    assert len(set(heard)) > 200


def test_traffic_counts_bytes_turns_and_the_time_from_the_first_byte_to_the_last() -> None:
    wire, traffic = Wire(), Traffic()
    for now, size, to_chip in (
        (1000, 3, True),
        (2000, 5, True),
        (3000, 9, False),
        (4000, 1, True),
    ):
        wire.put(bytes(size), now, 115200, 115200)
        traffic.add(size, to_chip, now, wire.free_at)
    assert (traffic.to_chip, traffic.to_host, traffic.flights) == (9, 9, 2)
    assert traffic.seconds == pytest.approx(18 * 10 / 115200, abs=1e-6)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path, line=Line()) as made:
        yield made


_TALKS = """
import sys, board
sys.stdout.write("x" * 12000 + "END")
rate = int(sys.stdin.readline())
board.set_baud(rate)
sys.stdin.readline()
sys.stdout.write("y" * 12000 + "END")
"""


def _until(port: serial.Serial, end: bytes) -> tuple[bytes, float]:
    data, first = b"", 0.0
    while end not in data:
        assert len(data) < 20_000, data[-100:]
        data += port.read(max(1, min(64, port.in_waiting)))
        first = first or time.monotonic()
    return data.partition(end)[0], time.monotonic() - first


def test_a_board_talks_at_its_rate_and_at_another_when_it_is_told(board: VirtualBoard) -> None:
    (board.fs / "main.py").write_text(_TALKS)
    with serial.Serial(board.pty, 115200, timeout=TIMEOUT) as port:
        board.power_on()
        data, seconds = _until(port, b"END")
        assert data.count(b"x") == 12000
        assert seconds > 0.98 * 11900 * 10 / 115200
        port.write(b"921600\n")
        port.flush()
        time_out = time.monotonic() + TIMEOUT
        while board.serial_rate != 921600:
            assert time.monotonic() < time_out
            os.sched_yield()
        port.baudrate = 921600
        port.write(b"\n")
        data, fast = _until(port, b"END")
        assert data.count(b"y") == 12000
        assert fast < seconds / 2


def test_what_was_written_before_a_change_of_rate_leaves_at_the_old_one(
    board: VirtualBoard,
) -> None:
    (board.fs / "main.py").write_text(
        "import board, sys\nsys.stdout.write('w' * 500 + 'END')\nboard.set_baud(921600)\n"
    )
    with serial.Serial(board.pty, 115200, timeout=TIMEOUT) as port:
        board.power_on()
        assert _until(port, b"END")[0].count(b"w") == 500
        traffic = board.line_traffic()
    assert (traffic.to_host >= 503, traffic.to_chip, traffic.flights) == (True, 0, 0)


def test_a_host_at_the_wrong_rate_reads_rubbish(board: VirtualBoard) -> None:
    (board.fs / "main.py").write_text("print('z' * 2000 + 'END')")
    with serial.Serial(board.pty, 9600, timeout=TIMEOUT) as port:
        board.power_on()
        data = port.read(1000)
        assert data.count(b"z") < 100


def test_a_restart_brings_the_first_rate_back(board: VirtualBoard) -> None:
    (board.fs / "main.py").write_text(
        "import board, machine, sys\nprint('AT', board.max_baud())\n"
        "if machine.reset_cause() == machine.PWRON_RESET:\n"
        "    board.set_baud(board.max_baud())\n    machine.reset()\n"
    )
    with serial.Serial(board.pty, 115200, timeout=TIMEOUT) as port:
        board.power_on()
        shown = b""
        while shown.count(b"AT %d" % MAX_RATE) < 2:
            shown += port.read(1)
            assert len(shown) < 3000
    assert board.serial_rate == 115200


def test_without_a_line_the_port_has_no_rate(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path) as board:
        (board.fs / "main.py").write_text("import board\nprint('MAX', board.max_baud())\n")
        board.power_on()
        assert "MAX 0" in board.wait_serial("MAX 0")
