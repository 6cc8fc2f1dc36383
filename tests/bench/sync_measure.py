"""What a sync moves and how long it takes: the real firmware, the real companion as a process, and
between them a line that has a baud rate and counts its bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpremote.transport_serial import SerialTransport

from boards.virtual.board import FLASH, VirtualBoard
from boards.virtual.serialport import Line
from boards.virtual.wire import BITS, Traffic
from companion import link
from companion.store import Store, terminals
from protocol import config as configuration
from tests.bench.sync_journal import fill, payloads
from tests.companion.sealed import config

_WAIT = 30.0
_READY = "TEST SHOP"
# The kernel's peak of this process; what getrusage says of a child has its parent's in it.
_COMPANION = """
import sys
from companion.cli.main import main
try:
    main(sys.argv[1:])
finally:
    with open("/proc/self/status") as status:
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    print(peak, file=sys.stderr)
"""


@dataclass(frozen=True)
class Moved:
    """Bytes wanted, and what the line carried for them. ``rate`` is 0 for a port without one;
    ``peak_kb`` is the companion's memory."""

    rate: int
    records: int
    size: int
    line: Traffic
    peak_kb: int = 0

    @property
    def share(self) -> float:
        """Of the bytes that the line could have carried meanwhile."""
        return self.size * BITS / (self.rate * self.line.seconds)

    @property
    def overhead(self) -> float:
        """Bytes that the line carried besides, both ways, as a share of those wanted."""
        return (self.line.to_host + self.line.to_chip) / self.size - 1


class Rig:
    """A terminal with a full journal on a line, and the store that provisioned it."""

    def __init__(self, folder: Path, line: Line | None, journal_bytes: int) -> None:
        self._rate = line.max_rate if line else 0
        self._fresh = folder / "fresh"
        self._store = folder / "store"
        flash = {**FLASH, "journal": journal_bytes}
        self.board = VirtualBoard(folder / "board", line=line, flash=flash)
        self.board.install()
        self.board.power_on()
        self.board.wait_screen("NOT PROVISIONED", _WAIT)
        settings = config()
        with Store.open(self._fresh, create=True) as store:
            terminals.offer(store, settings, replace=False)
        with closing(link.open_transport(self.board.pty)) as transport:
            link.provision(transport, configuration.encode(settings))
        self.board.wait_screen(_READY, _WAIT)
        self.board.power_off()
        key = settings["seal_key"]
        assert isinstance(key, bytes)
        journal = self.board.flash["journal"]
        fill(journal.path, key, str(settings["device_id"]))
        self._image = journal.image()

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.board.close()

    def first_sync(self) -> Moved:
        """All of the full journal into an empty store."""
        self.board.power_off()
        self.board.flash["journal"].load(self._image)
        shutil.rmtree(self._store, ignore_errors=True)
        shutil.copytree(self._fresh, self._store)
        self.board.power_on()
        self.board.wait_screen(_READY, _WAIT)
        return self.sync()

    def sync(self) -> Moved:
        """`companion sync`; its time runs from its first byte on the line to the last one."""
        self.board.line_traffic()
        # The clock of a terminal that sells is the host's.
        result, peak = companion(
            *("sync", "--no-clock", "--port", self.board.pty, "--store", str(self._store))
        )
        if result["gaps"] or result["broken_seals"]:
            raise RuntimeError(f"a sync that is not whole: {result}")
        line = self.board.line_traffic()
        return Moved(self._rate, result["records"], result["bytes"], line, peak)


def companion(*arguments: str) -> tuple[dict[str, Any], int]:
    """What a command says with --json, and its peak of memory in KB."""
    done = subprocess.run(
        [sys.executable, "-c", _COMPANION, *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"companion {' '.join(arguments)}: {done.stderr}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said, int(done.stderr.split()[-1])


def measure_syncs(
    folder: Path, rate: int, journal_bytes: int, enough: float, tries: int
) -> tuple[list[Moved], Moved]:
    """First syncs until one has ``enough`` share of the line, then one that finds nothing new.

    A machine that is busy with other things can only make a sync slower.
    """
    with Rig(folder, Line(max_rate=rate), journal_bytes) as rig:
        firsts = [rig.first_sync()]
        while firsts[-1].share < enough and len(firsts) < tries:
            firsts.append(rig.first_sync())
        return firsts, rig.sync()


def measure_copy(folder: Path, rate: int, data: bytes) -> Moved:
    """`mpremote cp` of these bytes from a board that starts at this rate.

    The command has one rate only, so this calls what the command calls.
    """
    with VirtualBoard(folder, line=Line(max_rate=rate)) as board:
        (board.fs / "records.bin").write_bytes(data)
        (board.fs / "main.py").write_text(f"import board\nboard.set_baud({rate})\nprint('READY')")
        board.power_on()
        board.wait_serial("READY", _WAIT)
        transport = SerialTransport(board.pty, baudrate=rate)
        try:
            transport.enter_raw_repl(soft_reset=False)
            board.line_traffic()
            copied = transport.fs_readfile("records.bin")
            line = board.line_traffic()
        finally:
            transport.close()
    if copied != data:
        raise RuntimeError("mpremote brought other bytes")
    return Moved(rate, 0, len(data), line)


def record_bytes(folder: Path, journal_bytes: int) -> bytes:
    """The records of a full journal, one behind the other."""
    with Rig(folder, None, journal_bytes) as rig:
        return b"".join(payloads(rig.board.flash["journal"].path))


def measure_memory(folder: Path, journal_bytes: int) -> Moved:
    """A first sync of a full journal of this size, on a port without a rate."""
    with Rig(folder, None, journal_bytes) as rig:
        return rig.first_sync()
