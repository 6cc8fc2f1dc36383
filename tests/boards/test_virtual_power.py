"""Cuts, power cycles, resets, the heap: what is left of a board whose power was taken."""

import errno
import gc
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from boards.virtual import starter
from boards.virtual.board import TIMEOUT, BoardCrashed, BoardError, BoardTimeout, VirtualBoard
from boards.virtual.chip import Chip
from boards.virtual.cuts import Cut, Operation, Phase
from boards.virtual.flash import SECTOR, FlashError
from tests.boards.conftest import Boot

SCRIPT = """
import board, json
part = board.partition("journal")
with open("/script.json") as file:
    script = json.load(file)
for kind, address, data in script:
    if kind == "program":
        part.writeblocks(0, bytes.fromhex(data), address)
    else:
        part.ioctl(6, address // 4096)
board.Panel().show(["done"])
"""


@dataclass(frozen=True)
class Step:
    kind: Operation
    address: int
    data: bytes


def small_program() -> list[Step]:
    """Ten operations over three sectors, with programs over programs and erases between."""
    chance = random.Random(20)
    steps = [Step("erase", 0, b"")]
    for number in range(9):
        if number in (3, 6):
            steps.append(Step("erase", chance.randrange(3) * SECTOR, b""))
        else:
            address = chance.randrange(3 * SECTOR - 300)
            steps.append(Step("program", address, chance.randbytes(chance.randrange(1, 300))))
    return steps


def apply(image: bytearray, step: Step) -> None:
    """The NOR rules once more, written down independently of the flash model."""
    if step.kind == "erase":
        image[step.address : step.address + SECTOR] = b"\xff" * SECTOR
    for offset, byte in enumerate(step.data):
        image[step.address + offset] &= byte


@pytest.mark.parametrize("phase", ["before", "torn", "after"])
@pytest.mark.parametrize("number", range(10))
def test_a_cut_leaves_exactly_what_it_should(
    board: VirtualBoard, boot: Boot, number: int, phase: Phase
) -> None:
    start = random.Random(1).randbytes(4 * SECTOR)
    board.flash["journal"].load(start)
    steps = small_program()
    script = [(step.kind, step.address, step.data.hex()) for step in steps]
    (board.fs / "script.json").write_text(json.dumps(script))
    cut_step = steps[number]
    nth = [step.kind for step in steps[: number + 1]].count(cut_step.kind)
    arm = board.cut_at_program if cut_step.kind == "program" else board.cut_at_erase
    arm(nth, phase, seed=number)
    boot(SCRIPT)
    length = len(cut_step.data) or SECTOR
    assert board.wait_cut() == Cut(cut_step.kind, phase, "journal", cut_step.address, length)
    assert not board.is_on

    old = bytearray(start)
    for step in steps[:number]:
        apply(old, step)
    new = bytearray(old)
    apply(new, cut_step)
    left = board.flash["journal"].image()
    if phase == "before":
        assert left == old
    elif phase == "after":
        assert left == new
    else:
        between = zip(old, new, left, strict=True)
        assert all((was ^ got) & ~(was ^ will) == 0 for was, will, got in between)
        assert left not in (old, new), "seeds that tear in the middle"

    board.power_on()  # the next run goes through
    board.wait_screen("done")


def test_a_cut_counts_from_now_and_only_its_partition(boot: Boot, board: VirtualBoard) -> None:
    board.cut_at_program(2, "after", partition="vault")
    boot(
        "import board\n"
        "journal, vault = board.partition('journal'), board.partition('vault')\n"
        "for n in range(9):\n"
        "    journal.writeblocks(0, b'j', n)\n"
        "    vault.writeblocks(0, b'v', n)\n"
    )
    board.wait_cut()
    assert board.flash["journal"].counts.programs == 2
    assert board.flash["vault"].image()[:4] == b"vv\xff\xff"


def test_a_cut_stays_armed_over_power_cycles_until_it_is_cancelled(
    boot: Boot, board: VirtualBoard
) -> None:
    board.cut_at_program(2, "before")
    boot("import board\nboard.partition('journal').writeblocks(0, b'x', 0)\nprint('ONCE')\n")
    board.wait_serial("ONCE")
    board.power_cycle()
    board.wait_cut()
    board.cut_at_program(1, "before")
    board.cancel_cuts()
    board.clear_serial_tail()
    board.power_on()
    board.wait_serial("ONCE")


def test_a_cut_at_an_operation_counts_programs_and_erases(boot: Boot, board: VirtualBoard) -> None:
    board.cut_at_operation(3, "after")
    boot(
        "import board\n"
        "journal = board.partition('journal')\n"
        "journal.writeblocks(0, b'x', 0)\n"
        "journal.ioctl(6, 1)\n"
        "journal.ioctl(6, 0)\n"
        "journal.writeblocks(0, b'y', 0)\n"
    )
    assert board.wait_cut() == Cut("erase", "after", "journal", 0, SECTOR) == board.last_cut
    assert (board.flash["journal"].counts.programs, board.flash["journal"].counts.erases) == (1, 2)


def test_a_flash_cut_that_is_cancelled_says_whether_it_was_still_to_come(
    boot: Boot, board: VirtualBoard
) -> None:
    assert not board.cancel_flash_cut()
    board.cut_at_program(1, "before")
    assert board.cancel_flash_cut()
    board.cut_at_program(1, "before")
    boot("import board\nboard.partition('journal').writeblocks(0, b'x', 0)\n")
    board.wait_cut()
    assert not board.cancel_flash_cut()


@pytest.mark.parametrize(("rising", "seen"), [(True, ["1"]), (False, ["1", "2"])])
def test_a_cut_at_an_edge_of_the_trace_pin(
    boot: Boot, board: VirtualBoard, rising: bool, seen: list[str]
) -> None:
    board.cut_at_edge(2, rising)
    boot(
        "import board\n"
        "panel, pin = board.Panel(), board.trace_pin()\n"
        "pin(0)\n"
        "for line in '1', '2', '3':\n"
        "    pin(1)\n"
        "    pin(1)\n"
        "    panel.print_line(line)\n"
        "    pin(0)\n"
    )
    assert board.wait_cut().what == "edge"
    assert board.printed == seen


def test_bad_cuts_are_refused(board: VirtualBoard) -> None:
    with pytest.raises(ValueError, match="is number 1, not 0"):
        board.cut_at_program(0, "before")
    with pytest.raises(ValueError, match="is number 1, not 0"):
        board.cut_at_edge(0, True)
    with pytest.raises(ValueError, match="no partition 'money', only journal, vault"):
        board.cut_at_program(1, "before", partition="money")


def test_a_cut_on_the_panel_comes_before_anybody_sees_it(boot: Boot, board: VirtualBoard) -> None:
    board.cut_on_panel(lambda message: message.get("print") == "line 3")
    with socket.create_connection(("127.0.0.1", board.panel_port)) as client:
        lines = client.makefile()
        assert json.loads(lines.readline()) == {"screen": []}
        boot(
            "import board\n"
            "panel = board.Panel()\n"
            "for n in range(1, 9):\n"
            "    panel.print_line('line %d' % n)\n"
            "    board.partition('journal').writeblocks(0, b'p', n)\n"
        )
        cut = board.wait_cut()
        assert (cut.what, cut.message) == ("panel", {"print": "line 3"})
        assert board.printed == ["line 1", "line 2"]
        assert board.flash["journal"].counts.programs == 2
        assert [json.loads(lines.readline()) for _ in range(2)] == [
            {"print": "line 1"},
            {"print": "line 2"},
        ]


def test_power_off_closes_the_chips_connections_before_it_returns(boot: Boot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT)
        board = boot(
            "import socket, time\n"
            "s = socket.socket()\n"
            f"s.connect(socket.getaddrinfo('127.0.0.1', {server.getsockname()[1]})[0][-1])\n"
            "s.send(b'hello')\n"
            "while True:\n"
            "    time.sleep(1)\n"
        )
        peer, _ = server.accept()
        with peer:
            assert peer.recv(5) == b"hello"
            board.power_off()
            peer.setblocking(False)
            assert peer.recv(1) == b""


LOOP = """
import asyncio, board
panel = board.Panel()
async def main():
    panel.show(["ready", board.reset_cause()])
    while True:
        print(await panel.event())
asyncio.run(main())
"""


def held() -> tuple[int, int, int]:
    """Processes, descriptors and threads of this process; not those of earlier tests' garbage."""
    gc.collect()
    return children(), len(os.listdir("/dev/fd")), threading.active_count()


def children() -> int:
    listing = subprocess.run(["ps", "-A", "-o", "ppid="], capture_output=True, text=True)
    return [int(line) for line in listing.stdout.split()].count(os.getpid())


def test_a_hundred_power_cycles_leak_no_process_descriptor_or_thread(boot: Boot) -> None:
    board = boot(LOOP)
    board.wait_screen("ready")
    before = held()
    for _ in range(100):
        board.power_off()
        board.power_on()
        board.wait_screen("ready")
    assert held() == before


def test_close_gives_everything_back(board: VirtualBoard) -> None:
    board.close()
    before = held()
    for _ in range(5):
        with VirtualBoard(board.directory, flash={"journal": 16384, "vault": 16384}) as another:
            (another.fs / "main.py").write_text(LOOP)
            another.power_on()
            another.wait_screen("ready")
        another.close()
    assert held() == before
    with pytest.raises(BoardError, match="closed"):
        board.power_on()


def test_files_that_do_not_fit_do_not_keep_the_directory(tmp_path: Path) -> None:
    part = tmp_path / "journal.flash"
    part.write_bytes(b"\xff")
    with pytest.raises(FlashError, match="1 bytes, the partition has 16384"):
        VirtualBoard(tmp_path, flash={"journal": 16384})
    part.unlink()
    VirtualBoard(tmp_path, flash={"journal": 16384}).close()


def test_a_chip_that_cannot_be_started_leaves_nothing_open(
    board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(job: object, descriptors: object) -> int:
        raise OSError(errno.EAGAIN, "no process left")

    monkeypatch.setattr(starter, "start", start)
    before = held()
    with pytest.raises(OSError, match="no process left"):
        board.power_on()
    assert held() == before and not board.is_on


def test_a_chip_that_has_just_been_reaped_can_be_switched_off() -> None:
    """Another thread has waited for it, and has not had its turn since."""
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    chip = Chip.__new__(Chip)
    chip._pid, chip._status = ended.pid, None
    chip.kill()


def test_power_switches_from_many_threads_end_in_one_state(boot: Boot) -> None:
    board = boot(LOOP)
    threads = [
        threading.Thread(target=switch)
        for switch in [board.power_on, board.power_off, board.power_cycle] * 5
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    board.power_off()
    assert not board.is_on
    board.power_on()
    board.wait_screen("ready")


RESETS = """
import board, machine, sys, time
board.Panel().show([board.reset_cause()])
if board.reset_cause() == "PWRON":
    {action}
"""


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        ("machine.reset()", "HARD"),
        ("machine.soft_reset()", "SOFT"),
        ("sys.exit()", "SOFT"),
        ("machine.WDT(timeout=50); time.sleep(60)", "WDT"),
    ],
)
def test_resets_start_the_chip_again_with_their_cause(
    boot: Boot, action: str, cause: Literal["HARD", "SOFT", "WDT"]
) -> None:
    board = boot(RESETS.format(action=action))
    board.wait_screen("PWRON")
    board.wait_screen(cause)
    assert board.is_on


def test_a_fed_watchdog_does_not_bite(boot: Boot) -> None:
    board = boot(
        "import board, machine, time\n"
        "dog = machine.WDT(timeout=1000)\n"
        "for _ in range(150):\n"
        "    time.sleep_ms(10)\n"
        "    dog.feed()\n"
        "board.Panel().show([board.reset_cause()])\n"
    )
    assert board.wait_screen(lambda screen: True) == ["PWRON"]


def test_the_safe_button_is_seen_at_start(boot: Boot, board: VirtualBoard) -> None:
    board.safe_button = True
    boot("import board\nboard.Panel().show([str(board.safe_mode())])\n")
    board.wait_screen("True")
    board.safe_button = False
    board.power_cycle()
    board.wait_screen("False")


def test_the_heap_is_as_small_as_an_esp32s(boot: Boot) -> None:
    board = boot(
        "import gc\n"
        "gc.collect()\n"
        "print('HEAP', gc.mem_free() + gc.mem_alloc())\n"
        "kept, count = [], 0  # a new name would need room\n"
        "try:\n"
        "    while True:\n"
        "        kept.append(bytearray(1024))\n"
        "except MemoryError:\n"
        "    count = len(kept)\n"
        "    kept = None\n"
        "    print('KIB', count, 'END')\n"
    )
    tail = board.wait_serial(" END")
    assert 200 < int(tail.split("KIB ")[1].split()[0]) < 320
    assert int(tail.split("HEAP ")[1].split()[0]) <= 160 * 1024 * 2


def test_an_uncaught_exception_leads_to_the_repl(boot: Boot) -> None:
    board = boot("1 / 0\n")
    tail = board.wait_serial(">>> ")
    assert 'File "main.py", line 1' in tail and "ZeroDivisionError" in tail
    assert board.is_on


def test_a_boot_py_that_fails_keeps_main_py_from_running(boot: Boot, board: VirtualBoard) -> None:
    (board.fs / "boot.py").write_text("print('BOOT')\n1 / 0\n")
    boot("print('MAIN')\n")
    tail = board.wait_serial(">>> ")
    assert "BOOT" in tail and "MAIN" not in tail


def test_a_crash_of_the_interpreter_is_reported_loudly(boot: Boot) -> None:
    board = boot("print('so far')\nimport uctypes\nuctypes.bytearray_at(0, 1)[0] = 1\n")
    with pytest.raises(BoardCrashed, match="died: SIGSEGV") as caught:
        board.wait_screen("never")
    assert "so far" in str(caught.value)
    assert "the interpreter died: SIGSEGV" in board.serial_tail
    with pytest.raises(BoardCrashed):
        board.power_off()
    (board.fs / "main.py").write_text(LOOP)
    board.power_on()
    board.wait_screen("ready")


def test_a_cut_condition_that_raises_is_reported_and_the_board_goes_off(
    boot: Boot, board: VirtualBoard
) -> None:
    board.cut_on_panel(lambda message: bool(message["no such key"]))
    boot(LOOP)
    with pytest.raises(BoardCrashed, match="the supervisor failed: KeyError"):
        board.wait_cut()
    assert not board.is_on


def test_waits_time_out_with_the_last_screen_and_serial_output(boot: Boot) -> None:
    board = boot(LOOP)
    board.wait_screen("ready")
    board.press("7")
    board.wait_serial("{'key': '7'}")
    waits: dict[str, Callable[[], object]] = {
        "no screen with 'PAID'": lambda: board.wait_screen("PAID", 0.02),
        "no such screen": lambda: board.wait_screen(lambda screen: False, 0.02),
        "no line with 'total' printed": lambda: board.wait_printed("total", 0.02),
        "no 'hello' on the serial port": lambda: board.wait_serial("hello", 0.02),
        "no cut": lambda: board.wait_cut(0.02),
    }
    for message, wait in waits.items():
        with pytest.raises(BoardTimeout) as caught:
            wait()
        text = str(caught.value)
        assert text.startswith(f"{message} in 0.02 s; power on; last screen: ready / PWRON")
        assert "{'key': '7'}" in text
