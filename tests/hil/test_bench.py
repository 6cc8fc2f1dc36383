"""make hil BOARD=... PORT=... POWER=..., as a person types it, up to the electricity: a virtual
board at the port, and a program uhubctl that switches it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard
from tests.hil.pico import END, cutter, lines
from tests.hil.virtual import VirtualRig

pytestmark = pytest.mark.thorough

_PROGRAM = """#!{python}
import socket, sys
action = sys.argv[sys.argv.index("-a") + 1]
with socket.socket(socket.AF_UNIX) as hub:
    hub.connect({place!r})
    hub.sendall(action.encode())
    hub.recv(10)
print("Current status for hub 1-1 [0424:2422]")
print("  Port 2: 0503 power highspeed enable connect")
print("Sent power", action, "request")
print("New status for hub 1-1 [0424:2422]")
print("  Port 2: 0100 power" if action == "on" else "  Port 2: 0000 off")
"""


@contextmanager
def hub(rig: VirtualRig, folder: Path, works: bool = True) -> Iterator[list[str]]:
    """A program ``uhubctl`` in ``folder``, and what it was told."""
    told: list[str] = []
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "hub"))
    server.listen()

    def serve() -> None:
        while True:
            there, _ = server.accept()
            with there:
                action = there.recv(10).decode()
                if action == "end":
                    return
                told.append(action)
                if works:
                    (rig.board.power_on if action == "on" else rig.board.power_off)()
                there.sendall(b"done")

    thread = threading.Thread(target=serve)
    thread.start()
    program = folder / "uhubctl"
    program.write_text(_PROGRAM.format(python=sys.executable, place=str(folder / "hub")))
    program.chmod(0o755)
    try:
        yield told
    finally:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(folder / "hub"))
            last.sendall(b"end")
        thread.join()
        server.close()


@contextmanager
def pico(board: VirtualBoard) -> Iterator[str]:
    """The cutter with its program: its port. Its gate is the board's feed, and the board's trace
    pin is at it."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    busy = threading.Lock()

    def say(text: str) -> None:
        os.write(ours, text.encode() + b"\r\n")

    with cutter(say) as (program, parts):

        def edge(rising: bool) -> bool:
            with busy:
                parts.trace = int(rising)
                parts.run(1000)  # whatever follows takes longer
                return not parts.gate

        def follow() -> None:
            parts.rail = 65535 // 2 if parts.gate else 0
            (board.power_on if parts.gate else board.power_off)()

        def serve() -> None:
            for line in lines(ours):
                with busy:
                    answer = program.command(line)
                follow()
                say(answer)

        board._supervisor.cuts.due_at_edge = edge  # type: ignore[method-assign]
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield os.ttyname(theirs)
        finally:
            os.write(theirs, END + b"\n")
            thread.join()
            os.close(ours)
            os.close(theirs)


def campaign(rig: VirtualRig, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.hil", "run", "--board", "esp32_devkitc", "--wipe"]
    command += ["--port", rig.board.pty, "--address", "127.0.0.1"]
    command += ["--settle", "0", "--response-ms", "300", "--every", "1", "--out", f"{folder}/out"]
    path = f"{folder}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, env=environment, timeout=300
    )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[VirtualRig]:
    """A board with the firmware on it, as make flash leaves it."""
    rig = VirtualRig(tmp_path / "board")
    yield rig
    rig.close()


def test_a_campaign_on_a_board_at_a_port(rig: VirtualRig, tmp_path: Path) -> None:
    with hub(rig, tmp_path) as told:
        done = campaign(rig, tmp_path, "--cycles", "5", "--power", "uhubctl:1-1.2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "power cuts on esp32_devkitc" in done.stdout
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["board"], result["cycles"], result["failures"]) == ("esp32_devkitc", 5, [])
    assert result["power"].startswith("a switch that cannot see the rail, silence, then a start")
    # Each cut was a word to the hub; so were making it ready, and the proof.
    assert told.count("off") >= result["cuts"] + 2


def test_a_hub_that_only_says_that_it_switches_ends_it_before_the_first_cut(
    rig: VirtualRig, tmp_path: Path
) -> None:
    rig.board.power_on()
    with hub(rig, tmp_path, works=False) as told:
        done = campaign(rig, tmp_path, "--cycles", "5", "--power", "uhubctl:1-1.2")
    assert done.returncode == 2
    assert "the rail did not fall" in done.stderr
    assert told == ["on", "off"]
    assert not (tmp_path / "out" / "result.json").exists()


def test_cuts_by_the_cutter_are_exact_in_transactions_and_in_restarts(
    rig: VirtualRig, tmp_path: Path
) -> None:
    with pico(rig.board) as port:
        done = campaign(rig, tmp_path, "--cycles", "10", "--seed", "383", "--cutter", port)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["cycles"], result["failures"]) == (10, [])
    assert result["power"].startswith("no power behind the switch")
    assert result["by_kind"]["exact, transaction"] >= 4
    assert result["by_kind"]["exact, restart"] >= 1
    assert {"program before", "program torn", "program after"} <= result["by_hit"].keys()
