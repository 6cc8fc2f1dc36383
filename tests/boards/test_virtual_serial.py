"""The serial port: bytes unchanged, Ctrl-C, mpremote, power cycles, readers that stall."""

import subprocess
import sys
from pathlib import Path

import serial

from boards.virtual.board import TIMEOUT, VirtualBoard
from boards.virtual.cuts import PanelMessage
from boards.virtual.flash import SECTOR
from tests.boards.conftest import Boot

LOOP = """
import asyncio, board
panel = board.Panel()
async def main():
    panel.show(["ready", board.reset_cause()])
    while True:
        await asyncio.sleep(1)
asyncio.run(main())
"""

BINARY_ECHO = """
import board, micropython, sys
micropython.kbd_intr(-1)
board.Panel().show(["listening"])
left = {count}
while left:
    data = sys.stdin.buffer.read(1)
    sys.stdout.buffer.write(data)
    left -= len(data)
micropython.kbd_intr(3)
board.Panel().show(["escaped"])
while True:
    pass
"""


def mpremote(board: VirtualBoard, *arguments: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", board.pty, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{board.serial_tail}"
    return done.stdout


def connect(board: VirtualBoard) -> serial.Serial:
    return serial.Serial(board.pty, timeout=TIMEOUT)


def test_all_bytes_pass_unchanged_both_ways_while_main_py_speaks_binary(boot: Boot) -> None:
    every = bytes(range(256))
    chunks = [every[:128], every[128:], every[::-1][:200], every[::-1][200:], b"\x03" * 100]
    board = boot(BINARY_ECHO.format(count=sum(map(len, chunks))))
    board.wait_screen("listening")
    with connect(board) as port:
        for chunk in chunks:
            port.write(chunk)
            assert port.read(len(chunk)) == chunk
        board.wait_screen("escaped")
        port.write(b"\x03")
        assert b"KeyboardInterrupt" in port.read_until(b">>> ")
    assert mpremote(board, "exec", "print('in')") == "in\n"
    assert board.serial_dropped == 0


def test_mpremote_runs_code_while_an_app_runs(boot: Boot) -> None:
    board = boot(LOOP)
    board.wait_screen("ready")
    assert mpremote(board, "exec", "import board; print(board.NAME, 6 * 7)") == "virtual 42\n"


def test_mpremote_copies_files_both_ways_byte_for_byte(boot: Boot, tmp_path: Path) -> None:
    board = boot(LOOP)
    board.wait_screen("ready")
    original = tmp_path / "original.bin"
    original.write_bytes(bytes(range(256)) * 40)
    mpremote(board, "cp", str(original), ":copy.bin")
    assert (board.fs / "copy.bin").read_bytes() == original.read_bytes()
    mpremote(board, "cp", ":copy.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == original.read_bytes()


def test_mpremote_soft_reset_and_reset_restart_as_on_a_board(boot: Boot) -> None:
    board = boot(LOOP)
    board.wait_screen("PWRON")
    mpremote(board, "soft-reset")
    assert "MPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n" in board.serial_tail
    assert (
        mpremote(board, "resume", "exec", "import board; print(board.reset_cause())") == "SOFT\n"
    )
    mpremote(board, "reset")
    board.wait_screen("HARD")


def test_ctrl_d_at_the_prompt_runs_main_py_again(boot: Boot) -> None:
    board = boot(LOOP)
    board.wait_screen("PWRON")
    with connect(board) as port:
        port.write(b"\x03")
        port.read_until(b">>> ")
        port.write(b"\x04")
        board.wait_screen("SOFT")


def test_the_port_stays_open_over_power_cycles(boot: Boot) -> None:
    board = boot("print('hello')\n")
    path = board.pty
    with connect(board) as port:
        port.write(b"\r")
        port.read_until(b">>> ")
        for _ in range(3):
            board.power_off()
            port.reset_input_buffer()
            board.power_on()
            assert b"hello" in port.read_until(b">>> ")
    assert board.pty == path


def test_power_taken_under_mpremote_leaves_a_board_that_comes_back(boot: Boot) -> None:
    board = boot(LOOP)
    board.wait_screen("ready")
    command = [sys.executable, "-m", "mpremote", "connect", board.pty, "exec"]
    with subprocess.Popen(
        [*command, "import time\nprint('under way')\ntime.sleep(60)"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline() == b"under way\n"
        board.power_off()
        process.kill()
    board.power_on()
    board.wait_screen("ready")
    assert mpremote(board, "exec", "print('back')") == "back\n"


def test_input_during_start_waits_for_the_repl(boot: Boot) -> None:
    board = boot("print('main')\n")
    with connect(board) as port:
        for _ in range(10):
            port.write(b"\x03\r\x01")  # at once after power-on: must not hit the launcher
            prompt = b"raw REPL; CTRL-B to exit\r\n>"
            assert port.read_until(prompt).endswith(prompt), board.serial_tail
            board.power_cycle()
    assert board.is_on


def test_ctrl_c_is_data_but_while_a_script_runs(boot: Boot, board: VirtualBoard) -> None:
    deaf = (
        "from micropython import kbd_intr\n"
        "try:\n"
        "    kbd_intr(-1)\n"
        "    for _ in range(1):\n"
        "        pass\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
    )
    (board.fs / "boot.py").write_text(deaf)
    main = deaf + "import board, sys\nboard.Panel().show(['up', str(sys.stdin.buffer.read(1))])\n"
    board = boot(main)
    with connect(board) as port:
        for _ in range(10):
            while not board.screen:
                port.write(b"\x03")
                port.flush()
            assert board.screen == ["up", "b'\\x03'"], board.serial_tail
            board.power_cycle()


def test_a_chip_without_power_hears_nothing(boot: Boot, board: VirtualBoard) -> None:
    with connect(board) as port:
        for start in range(1, 4):
            port.write(b"lost")
            while board.serial_dropped < 4 * start:
                pass
            boot(
                "import board, sys\n"
                "panel = board.Panel()\n"
                "panel.show(['up'])\n"
                "panel.show(['got', str(sys.stdin.buffer.read(1))])\n"
            )
            board.wait_screen("up")
            port.write(b"k")
            assert board.wait_screen("got")[1] == "b'k'"
            board.power_off()


HAMMER = """
import board
part = board.partition("journal")
copy = bytearray(256)
records = [bytes([n]) * 256 for n in range(16)]
part.ioctl(6, 0)
for n in range(16):
    part.writeblocks(0, records[n], n * 256)

def hammer():
    while True:
        for n in range(16):
            part.readblocks(0, copy, n * 256)
            if copy != records[n]:
                print("TORN", n, copy)
            part.writeblocks(0, records[n], n * 256)

def hit(count):
    try:
        print("HIT", count, "END")
        hammer()
    except KeyboardInterrupt:
        pass

for count in range(201):
    hit(count)
"""


def test_ctrl_c_never_tears_a_flash_operation(boot: Boot) -> None:
    board = boot(HAMMER)
    with connect(board) as port:
        for count in range(200):
            board.wait_serial(f"HIT {count} END")
            port.write(b"\x03")
        board.wait_serial("HIT 200 END")
    assert "TORN" not in board.serial_tail
    assert board.flash["journal"].image()[:4096] == b"".join(bytes([n]) * 256 for n in range(16))


TWICE = """
import board, time, _link

class Jump:
    def __iter__(self):
        return self
    def __next__(self):
        _link._once = once
        raise KeyboardInterrupt

panel = board.Panel()
count = 0
once, _link._once = _link._once, Jump()
try:
    panel.print_line("one")
except KeyboardInterrupt:
    count += 1
try:
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    count += 1
blocks = board.partition("journal").ioctl(4, 0)
print("CAUGHT", count, "BLOCKS", blocks, "END")
"""


def test_two_ctrl_c_in_a_row_do_not_part_a_request_from_its_answer(
    boot: Boot, board: VirtualBoard
) -> None:
    """The first is raised at the jump that ``call`` has for it; the second comes before the
    answer, and has to wait."""
    became: list[str] = []

    def second(message: PanelMessage) -> bool:
        chip = board._supervisor._chip
        assert chip
        became.append(chip.interrupt())
        port.write(b"\x03")
        return False

    board.cut_on_panel(second)
    with connect(board) as port:
        boot(TWICE)
        tail = board.wait_serial("END")
    assert became == ["later"]
    blocks = board.flash["journal"].size // SECTOR
    assert f"CAUGHT 2 BLOCKS {blocks} END" in tail


def test_output_that_nobody_reads_does_not_stop_the_board(boot: Boot) -> None:
    board = boot(
        "import board\n"
        "for n in range(20000):\n"
        "    print('line %05d of noise' % n)\n"
        "board.Panel().show(['done'])\n"
    )
    board.wait_screen("done")
    board.wait_serial(">>> ")
    assert "line 19999 of noise" in board.serial_tail
    assert mpremote(board, "exec", "print('still here')") == "still here\n"


def test_a_reader_gets_every_byte_in_order(boot: Boot) -> None:
    board = boot(
        "import sys\nsys.stdin.buffer.read(1)\nfor n in range(20000):\n    print('%05d' % n)\n"
    )
    with connect(board) as port:
        port.write(b"g")
        for number in range(20000):
            assert port.read(6) == b"%05d\n" % number


def test_a_chip_that_does_not_listen_loses_what_does_not_fit_its_ring(boot: Boot) -> None:
    board = boot(
        "import asyncio, board, select, sys\n"
        "panel = board.Panel()\n"
        "async def main():\n"
        "    panel.show(['deaf'])\n"
        "    await panel.event()\n"
        "    poll = select.poll()\n"
        "    poll.register(sys.stdin, select.POLLIN)\n"
        "    count = 0\n"
        "    while poll.poll(50):\n"
        "        count += len(sys.stdin.buffer.read(1))\n"
        "    panel.show(['got', str(count)])\n"
        "asyncio.run(main())\n"
    )
    board.wait_screen("deaf")
    with connect(board) as port:
        port.write(b"x" * 3000)
        port.flush()
        board.press("1")
        got = int(board.wait_screen("got")[1])
    assert 259 <= got < 1000
    assert got + board.serial_dropped == 3000
