"""The terminal as it stands on a rig: what its panel shows also goes out on the REPL port, keys
and cards come in there, and a pin tells of each flash operation. Not tried on hardware.

Everything for or from the rig is one chunk between zero bytes, {"rig": {...}} as JSON: to the sync
protocol on the same port that is noise, and it is taken out of what comes in.
"""

import asyncio
import binascii
import json
import sys

import board

from terminal import start
from terminal.console import Console

_BLOCK = 4096
_PIECE = 512
_SUMS = 16
_PREFIX = b'{"rig"'
# No frame towards a terminal is longer: what grows beyond is passed on as it is.
_LONGEST = 300


def say(message: dict):
    sys.stdout.buffer.write(b"\0" + json.dumps({"rig": message}).encode() + b"\0\n")


class Traced:
    """A partition; the pin is high while something is programmed or erased. No allocation."""

    def __init__(self, partition, trace):
        self._partition = partition
        self._trace = trace
        self.readblocks = partition.readblocks

    def writeblocks(self, block: int, buffer, offset: int | None = None):
        self._trace(1)
        try:
            if offset is None:
                self._partition.writeblocks(block, buffer)
            else:
                self._partition.writeblocks(block, buffer, offset)
        finally:
            self._trace(0)

    def ioctl(self, command: int, argument: int):
        if command != 6:
            return self._partition.ioctl(command, argument)
        self._trace(1)
        try:
            return self._partition.ioctl(command, argument)
        finally:
            self._trace(0)


_read_all = Console.read
_chunk = b""


async def _read(port: Console, limit: int) -> bytes:
    """Console.read without what the rig says."""
    global _chunk
    while True:
        data = await _read_all(port, limit)
        if not data:
            return data
        passed = b""
        chunks = (_chunk + data).split(b"\0")
        for chunk in chunks[:-1]:
            if chunk.startswith(_PREFIX):
                panel.take(chunk)
            else:
                passed += chunk + b"\0"
        _chunk = chunks[-1]
        if len(_chunk) > _LONGEST:
            passed, _chunk = passed + _chunk, b""
        if passed:
            return passed


class Panel:
    """The rig, and the board's own display if it has one that works. Paper and beeps are for the
    rig only: a campaign would use up rolls of the one, and nobody polls what makes the other."""

    def __init__(self):
        self._events: list = []
        self._there = asyncio.Event()
        self._shown: list = []
        self._own = None
        try:
            self._own = board.Panel()
        except OSError as error:
            say({"note": "no panel: " + repr(error)})

    def show(self, lines: list):
        self._shown = lines
        say({"screen": lines})
        if self._own:
            self._own.show(lines)

    def print_line(self, text: str):
        say({"print": text})

    def beep(self, n: int):
        say({"beep": n})

    async def event(self) -> dict:
        """The rig's keys and cards only: nobody else is to touch a terminal that is measured."""
        while not self._events:
            self._there.clear()
            await self._there.wait()
        return self._events.pop(0)

    def take(self, chunk: bytes):
        """What the rig said; a chunk that is spoiled is dropped, and the rig says it again."""
        try:
            message = json.loads(chunk)["rig"]
        except (ValueError, KeyError):
            return
        if "key" in message or "card" in message:
            self._events.append(message)
            self._there.set()
        elif "hello" in message:
            say({"boot": board.reset_cause()})
            say({"screen": self._shown})
        elif "sums" in message:
            _sums(message["sums"])
        elif "sector" in message:
            _sector(message["sector"])


def _sums(first: int):
    """The CRC-32 of some sectors of the journal, and how many sectors there are."""
    flash = board.partition("journal")
    count = int(flash.ioctl(4, 0) or 0)
    buffer = bytearray(_BLOCK)
    sums = []
    for sector in range(first, min(first + _SUMS, count)):
        flash.readblocks(sector, buffer)
        sums.append(binascii.crc32(buffer))
    say({"first": first, "count": count, "sums": sums})


def _sector(number: int):
    """A sector of the journal, raw, in pieces."""
    flash = board.partition("journal")
    buffer = bytearray(_PIECE)
    for at in range(0, _BLOCK, _PIECE):
        flash.readblocks(number, buffer, at)
        data = binascii.b2a_base64(buffer).decode().strip()
        say({"sector": number, "at": at, "data": data})


class Board:
    """The board's module, with the rig's panel and traced partitions."""

    def __init__(self):
        pin = getattr(board, "trace_pin", None)
        self._trace = pin() if pin else None

    def __getattr__(self, name: str):
        return getattr(board, name)

    def partition(self, label: str):
        found = board.partition(label)
        return Traced(found, self._trace) if self._trace and label == "journal" else found

    def Panel(self) -> Panel:
        return panel


panel = Panel()


def run():
    """Run the terminal; returns when the REPL is to have the board."""
    say({"boot": board.reset_cause()})
    # In the class: the name that the program knows it by may be another.
    Console.read = _read  # type: ignore[assignment]
    start.run(Board())
