"""A campaign on virtual boards: shifts dealt out to workers, every line appended to one file."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tests.hil import plan, worker
from tests.hil.shift import Line

CYCLES_FILE = "cycles.jsonl"


class Log:
    """Lines in a file that is only ever appended to. A campaign begins with a line of its own, so
    that one file can have many."""

    def __init__(self, directory: Path, **about: object) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / CYCLES_FILE
        self.lines: list[Line] = []
        self._file = self.path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self.add(
            {"line": "campaign", "id": secrets.token_hex(4), "began": int(time.time())} | about
        )

    def add(self, line: Line) -> None:
        with self._lock:
            self.lines.append(line)
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()


def campaigns(path: Path) -> list[list[Line]]:
    """The campaigns in a file, each a list of its lines; a line that was cut short is passed over,
    as a rig has a power cord too."""
    found: list[list[Line]] = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line["line"] == "campaign":
            found.append([])
        if found:
            found[-1].append(line)
    return found


class _Worker(threading.Thread):
    """Feeds one worker process until no shift is left; a process that dies costs its shift."""

    def __init__(
        self,
        arguments: list[str],
        shifts: queue.SimpleQueue[int],
        seed: int,
        add: Callable[[Line], None],
    ) -> None:
        super().__init__(name="hil worker")
        self._arguments = arguments
        self._shifts = shifts
        self._seed = seed
        self._add = add
        self._process: subprocess.Popen[str] | None = None
        self._changing = threading.Lock()
        self._stopped = False

    def run(self) -> None:
        try:
            while process := self._running():
                if not self._play(process, self._shifts.get_nowait()):
                    self._finish()
        except queue.Empty:
            pass
        finally:
            self._finish()

    def stop(self) -> None:
        """In the middle of a shift, behind the cycle that it is at."""
        with self._changing:
            self._stopped = True
            if self._process:
                self._process.terminate()

    def _running(self) -> subprocess.Popen[str] | None:
        with self._changing:
            if not self._stopped and self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", worker.__name__, *self._arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,  # a Ctrl-C is for the campaign
                )
            return None if self._stopped else self._process

    def _play(self, process: subprocess.Popen[str], shift: int) -> bool:
        to, back = _pipes(process)
        try:
            to.write(f"{shift}\n")
            to.flush()
        except BrokenPipeError:
            pass  # told below
        for text in back:
            line = json.loads(text)
            self._add(line)
            if line["line"] == "end":
                return True
        if self._stopped:
            return False
        problem = {"code": "DEAD", "text": f"the worker ended with status {process.wait()}"}
        self._add({"line": "end", "seed": self._seed, "shift": shift, "failures": [problem]})
        return False

    def _finish(self) -> None:
        with self._changing:
            process, self._process = self._process, None
        if process:
            to, back = _pipes(process)
            with contextlib.suppress(BrokenPipeError):
                to.close()
            back.read()
            back.close()
            process.wait()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin and process.stdout
    return process.stdin, process.stdout


def run(
    log: Log,
    seed: int,
    cycles: int,
    workers: int,
    laps: int = plan.Limits.laps,
    tell: Callable[[Line], None] = lambda line: None,
) -> None:
    """So many cycles, in shifts; the same seed and cycles plan the same cuts. A Ctrl-C stops the
    workers."""
    each = min(plan.CYCLES_A_SHIFT, -(-cycles // workers))
    shifts: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(1, -(-cycles // each) + 1):
        shifts.put(number)

    def add(line: Line) -> None:
        log.add(line)
        tell(line)

    arguments = [str(seed), str(each), str(laps)]
    threads = [_Worker(arguments, shifts, seed, add) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join()
        raise
