"""Chips are copies of a server that has the wheel loaded: each is new, and none keeps a thing of
another, or of whoever started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boards.virtual import launch, starter
from boards.virtual.board import VirtualBoard

FLASH = {"journal": 16 * 1024}
WAIT = 60.0
PROMPT = ">>> "  # the last that a chip says when main.py has ended


def board(directory: Path, main: str) -> VirtualBoard:
    made = VirtualBoard(directory, flash=FLASH)
    (made.fs / "main.py").write_text(main)
    made.power_on()
    return made


def opened(process: int) -> dict[int, str]:
    """What a process has open, by its number."""
    folder = Path(f"/proc/{process}/fd")
    found = {}
    for entry in folder.iterdir():
        try:
            found[int(entry.name)] = os.readlink(entry)
        except FileNotFoundError:  # the one that lists
            continue
    return found


def chip_of(made: VirtualBoard) -> int:
    chip = made._supervisor._chip
    assert chip is not None
    return chip._pid


def test_each_start_runs_with_nothing_of_the_last(tmp_path: Path) -> None:
    count = "import gc, sys\nprint('START', len(sys.modules), gc.mem_alloc())\n"
    with board(tmp_path / "board", count) as made:
        first = made.wait_serial(PROMPT)
        made.clear_serial_tail()
        made.power_cycle()
        assert first.startswith("START ")
        assert made.wait_serial(PROMPT) == first


def test_a_chip_has_its_own_descriptors_and_no_others(tmp_path: Path) -> None:
    hello = "print('UP')\n"
    with board(tmp_path / "one", hello) as one, board(tmp_path / "two", hello) as two:
        one.wait_serial("UP")
        two.wait_serial("UP")
        first, second = opened(chip_of(one)), opened(chip_of(two))
        shared = set(first.values()) & set(second.values())
        assert {path for path in shared if not path.startswith("/dev/null")} == set()
        # Terminal three times, link, events, shared memory twice, and one file of flash.
        assert len(first) == 8
        assert sum(path.endswith("journal.flash") for path in first.values()) == 1
        server = starter._server
        assert server is not None
        kept = opened(server._process.pid).values()
        assert not set(kept) & (set(first.values()) | set(second.values()))


def test_the_server_and_its_chips_end_with_their_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, pathlib\n"
            "from boards.virtual.board import VirtualBoard\n"
            "from boards.virtual import starter\n"
            "board = VirtualBoard(pathlib.Path(sys.argv[1]), flash={'journal': 16384})\n"
            "board.power_on()\n"
            "print(starter._server._process.pid, board._supervisor._chip._pid, flush=True)\n"
            "sys.stdin.read()\n",
            str(tmp_path / "board"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout and owner.stdin
    with owner.stdout, owner.stdin:
        children = [os.pidfd_open(int(word)) for word in owner.stdout.readline().split()]
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    for child in children:
        ended, _, _ = select.select([child], [], [], WAIT)
        assert ended
        os.close(child)


def test_where_copies_cannot_be_each_chip_starts_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "AS_COPIES", False)
    with board(tmp_path / "board", "import board\nprint(board.reset_cause(), 'UP')\n") as made:
        assert made.wait_serial(PROMPT).startswith("PWRON UP")
        made.clear_serial_tail()
        made.power_cycle()
        assert made.wait_serial(PROMPT).startswith("PWRON UP")
