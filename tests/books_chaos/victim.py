"""Companions that are killed: run as a process of its own, which forks one for each line of stdin.

A line is {"args": the command's, "typed": what stands on its stdin, "at": n or null, "after":
seconds or null}: run `companion ARGS`, and be killed with SIGKILL before its n-th step or after
so long. A step is an SQL statement, a commit, or a file opened, renamed or removed. Answers
{"killed": bool, "code": exit code, "said": its output, "seconds": how long, "steps": how many,
"renamed": the last step that put a part of the chain in place, "commits": the last commit}.
It has no threads, which is why the test process does not fork them itself.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO, Any

from sqlalchemy import Engine, event

from companion.cli.main import _MODULES, main

_FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")


class _Steps:
    """Counts the steps of this process, and kills it at one."""

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.told = {"steps": 0, "renamed": 0, "commits": 0}

    def step(self, *_: object) -> None:
        self.told["steps"] += 1
        if self.told["steps"] == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def committed(self, *_: object) -> None:
        self.step()
        self.told["commits"] = self.told["steps"]

    def audited(self, name: str, values: tuple[Any, ...]) -> None:
        if name in _FILE_EVENTS:
            self.step()
        if name == "os.rename" and "/facts/state" in str(values[1]):
            self.told["renamed"] = self.told["steps"]


def _companion(order: dict[str, Any], said: IO[str], typed: IO[str], put: int) -> None:
    """One companion, in the child; does not return."""
    os.dup2(typed.fileno(), 0)
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    steps = _Steps(order["at"])
    event.listen(Engine, "before_cursor_execute", steps.step)
    event.listen(Engine, "commit", steps.committed)
    sys.addaudithook(steps.audited)
    code = 70
    try:
        main(order["args"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        os.write(put, json.dumps(steps.told).encode())
        os._exit(code)


def _run(order: dict[str, Any]) -> dict[str, Any]:
    begun = time.monotonic()
    get, put = os.pipe()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as typed:
        typed.write(order["typed"])
        typed.seek(0)
        child = os.fork()
        if child == 0:
            os.close(get)
            _companion(order, said, typed, put)
        os.close(put)
        # The pipe ends with the child.
        if order["after"] is not None and not select.select([get], [], [], order["after"])[0]:
            os.kill(child, signal.SIGKILL)
        with os.fdopen(get) as pipe:
            told = pipe.read()
        status = os.waitpid(child, 0)[1]
        said.seek(0)
        return {
            "killed": os.WIFSIGNALED(status),
            "code": os.waitstatus_to_exitcode(status),
            "said": said.read(),
            "seconds": time.monotonic() - begun,
            **json.loads(told or "{}"),
        }


def serve(orders: Sequence[str] | IO[str]) -> None:
    """Run one companion for each order."""
    for name in set(_MODULES.values()):
        importlib.import_module(f"companion.cli.{name}")
    for line in orders:
        print(json.dumps(_run(json.loads(line))), flush=True)


if __name__ == "__main__":
    serve(sys.stdin)
