"""A terminal's sync server as a process, and a store and a bad line for the link to meet."""

from __future__ import annotations

import json
import os
import random
import selectors
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from companion.link import Transport, UnknownTerminal
from protocol import config, seal
from tests.shared.expect import from_json, vectors

ROOT = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable]
MICROPYTHON = [str(Path(sys.executable).parent / "micropython"), "-X", "heapsize=160wk"]
WAIT = 60.0


def settings() -> dict[str, Any]:
    fields = from_json(vectors("record")["config"]["fields"])
    assert isinstance(fields, dict)
    return fields


DEVICE = str(settings()["device_id"])
CONFIG = config.encode(settings())


def payload(seq: int) -> bytes:
    return bytes([seq & 0xFF, (seq >> 8) & 0xFF]) * (10 + seq % 48)


class TerminalProcess:
    """A sync server in a process; on TCP, or on a pty that stays open when it dies."""

    def __init__(self, interpreter: list[str], serial: bool, **options: Any) -> None:
        options.setdefault("config", CONFIG.hex())
        self._ends: list[int] = []
        if serial:
            self._ends = list(os.openpty())
            self.url = os.ttyname(self._ends[1])
        else:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                options["port"] = probe.getsockname()[1]
            scheme = "tls" if "identity" in options else "tcp"
            self.url = f"{scheme}://127.0.0.1:{options['port']}"
        self._interpreter = interpreter
        self.start(**options)

    def start(self, **options: Any) -> None:
        stream: Any = self._ends[0] if self._ends else subprocess.DEVNULL
        paths = {"MICROPYPATH": ".:firmware:.frozen", "PYTHONPATH": ".:firmware"}
        environment = {**os.environ, **paths, "TERMINAL": json.dumps(options)}
        self.process = subprocess.Popen(
            [*self._interpreter, "tests/companion/terminal_process.py"],
            cwd=ROOT,
            env=environment,
            stdin=stream,
            stdout=stream,
            stderr=subprocess.PIPE,
        )
        assert self.said() == "ready"

    def said(self) -> str:
        """The next line of what the process tells, waiting for it."""
        assert self.process.stderr is not None
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                assert selector.select(WAIT), f"the terminal says nothing after {line!r}"
                byte = os.read(self.process.stderr.fileno(), 1)
                assert byte, f"the terminal ended after {line!r}"
                line += byte
        return line.decode().strip()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def close(self) -> None:
        self.stop()
        for end in self._ends:
            os.close(end)


class Store:
    """A sink that insists on order."""

    def __init__(self) -> None:
        self.items: list[bytes | None] = []
        self.calls = 0

    def next_seq(self, device_id: str) -> int:
        assert device_id == DEVICE
        return len(self.items) + 1

    def seal_before(self, device_id: str, seq: int) -> bytes:
        before = self.items[seq - 2] if seq > 1 else None
        return before[-seal.SEAL_LENGTH :] if before else b""

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        assert first_seq == self.next_seq(device_id)
        self.items.extend(payloads)
        self.calls += 1


def keys(device_id: str) -> bytes:
    if device_id != DEVICE:
        raise UnknownTerminal(device_id)
    return bytes(settings()["sync_key"])


class Spoiled:
    """A transport that changes bytes towards the companion: one in ``rarity``, seeded."""

    def __init__(self, inner: Transport, rarity: int) -> None:
        self._inner = inner
        self._rarity = rarity
        self._random = random.Random(7)
        self.spoiled = 0
        self.name = inner.name
        self.peer = inner.peer
        self.peer = inner.peer
        self.write = inner.write
        self.discard_input = inner.discard_input
        self.reopen = inner.reopen
        self.set_baud = inner.set_baud
        self.close = inner.close

    def read(self, timeout: float) -> bytes:
        data = bytearray(self._inner.read(timeout))
        for i in range(len(data)):
            if self._random.randrange(self._rarity) == 0:
                data[i] ^= 0x41
                self.spoiled += 1
        return bytes(data)
