"""A journal, or one of its rivals, on the real MicroPython, with the flash model on this side.

``RemoteJournal`` has the surface of terminal.journal.Journal. Each mount is a power-on: a new
process of the MicroPython binary that runs device_main.py, whose block device asks for every read,
program and erase over a pipe, and ``nor`` answers. When ``nor`` cuts the power the process is
killed before it hears of anything else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import terminal
from terminal.journal import JournalFault, JournalFull
from tests.journal.nor import Nor

HEAP = "160wk"
PATIENCE = 20.0  # seconds without a word from the device before it counts as hung

_HERE = Path(__file__).resolve().parent
_READ, _PROGRAM, _ERASE, _DONE, _FAILED, _READS = range(1, 7)
_FORMAT, _MOUNT, _APPEND, _FETCH, _SCAN, _IDLE, _RELEASE, _ROOM = range(1, 9)
_OPERATIONS = {
    "mount": _MOUNT,
    "append": _APPEND,
    "read": _FETCH,
    "scan": _SCAN,
    "idle": _IDLE,
    "release": _RELEASE,
}
_REQUEST = struct.Struct("<BBHII")
_COMMAND = struct.Struct("<BBHII")
_MEASURED, _STARVED = 1, 2
_STATE = struct.Struct("<BBIIIII")
_RECORD = struct.Struct("<IH")
_DAMAGED = 0xFFFF
_EXCEPTIONS: dict[str, type[Exception]] = {
    "JournalFault": JournalFault,
    "JournalFull": JournalFull,
    "ValueError": ValueError,
    "MemoryError": MemoryError,
}
# The wheel has MicroPython as an extension module; without site this starts in 10 ms.
_LAUNCH = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from micropython_run import run_main; run_main(['micropython', *sys.argv[2:]])"
)


class DeviceError(RuntimeError):
    """The program on the device ended, or failed in a way that a journal does not."""


class DeviceHung(DeviceError):
    """The device did not say anything for PATIENCE seconds."""


class Device:
    """One power-on of a MicroPython program whose only flash is ``nor``."""

    def __init__(self, nor: Nor, program: str, *arguments: str, heap: str = HEAP) -> None:
        found = importlib.util.find_spec("micropython_run")
        assert found is not None and found.origin is not None
        firmware = Path(str(terminal.__file__)).resolve().parent.parent
        self.nor = nor
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", "-c", _LAUNCH, str(Path(found.origin).parent)),
                *("-X", f"heapsize={heap}", str(_HERE / program), *arguments),
            ],
            env={**os.environ, "MICROPYPATH": f"{firmware}:{_HERE}:.frozen"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._stdin, self._stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._pending = bytearray()

    def cut(self) -> None:
        """Take the power away."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream:
                    stream.close()

    def call(self, command: bytes) -> tuple[bool, bytes]:
        """Send a command, serve its flash operations; (whether it was done, its answer).

        Whatever ``nor`` raises other than OSError takes the power away and is raised here.
        """
        try:
            self._send(command)
            while True:
                request = self._receive(_REQUEST.size)
                op, _, length, block, offset = _REQUEST.unpack(request)
                if not _READ <= op <= _READS:
                    self._pending[:0] = request
                    raise self._ended()
                if op in (_DONE, _FAILED):
                    return op == _DONE, self._receive(length)
                if op == _READS:
                    self.nor.operations += block
                    self.nor.read_bytes += offset
                    continue
                self._send(self._operate(op, length, block, offset))
        except BaseException:
            self.cut()
            raise

    def _operate(self, op: int, length: int, block: int, offset: int) -> bytes | bytearray:
        answer = bytearray(1 + length) if op == _READ else bytearray(1)
        data = self._receive(length) if op == _PROGRAM else b""
        try:
            if op == _READ:
                self.nor.readblocks(block, memoryview(answer)[1:], offset)
            elif op == _PROGRAM:
                self.nor.writeblocks(block, data, offset)
            else:
                self.nor.ioctl(6, block)
        except OSError as err:
            return bytes([err.errno or 5])
        return answer

    def _send(self, data: bytes | bytearray) -> None:
        try:
            os.write(self._stdin, data)  # shorter than a pipe's buffer, and the device reads it
        except BrokenPipeError:
            raise self._ended() from None

    def _receive(self, length: int) -> bytes:
        pending = self._pending
        while len(pending) < length:
            if not self._poll.poll(PATIENCE * 1000):
                raise DeviceHung(f"nothing from the device for {PATIENCE} s")
            data = os.read(self._stdout, 65536)
            if not data:
                raise self._ended()
            pending += data
        taken = bytes(pending[:length])
        del pending[:length]
        return taken

    def _ended(self) -> DeviceError:
        """What the device said at its end: a traceback, on stdout."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()
        output, errors = self._process.communicate()
        said = bytes(self._pending) + output + errors
        return DeviceError("the device ended: " + said.decode(errors="replace").strip())


def _pipe(stream: IO[bytes] | None) -> int:
    assert stream is not None
    return stream.fileno()


class RemoteJournal:
    """The surface of Journal; ``design`` is journal, littlefs, json or files.

    ``allocated`` is what the last ``append_measured`` took from the device's heap. With ``mirror``
    the device reads from a copy of its own: much faster, but no fault of a read reaches it, and
    ``nor`` counts the reads only when a command is done (and those that make the copy).
    """

    def __init__(
        self, nor: Nor, design: str = "journal", heap: str = HEAP, mirror: bool = False
    ) -> None:
        self.nor = nor
        self.design = design
        self.heap = heap
        self.mirror = mirror
        self.first_seq = self.next_seq = self.released = 0
        self.read_only, self.alarm = True, "NOT_MOUNTED"
        self.allocated = 0
        self._device: Device | None = None

    def __enter__(self) -> RemoteJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # at the interpreter's end, or half made
            self.close()

    def close(self) -> None:
        """Take the power away; what was acknowledged is in ``nor``."""
        if self._device:
            self._device.cut()
            self._device = None
        self.read_only, self.alarm = True, "NOT_MOUNTED"

    def format(self) -> None:
        self._start()
        self._call(_FORMAT)

    def mount(self) -> dict[str, Any]:
        self._start()
        return self.mount_again()

    def append(self, payload: bytes) -> int:
        return self._call(_APPEND, payload=payload)[0]

    def append_measured(self, payload: bytes) -> int:
        """Append with the collector off, and see what it took from the heap (``allocated``)."""
        return self._call(_APPEND, payload=payload, mode=_MEASURED)[0]

    def starve(self, operation: str, blocks: int, value: int = 0, payload: bytes = b"") -> None:
        """Do mount, append, release, idle, scan or read with so many blocks of memory and no more.

        Raises what the operation raised, with the traceback as its text. A mount is one of the
        journal that is there, without a power cut. A block is 4 words.
        """
        self._call(_OPERATIONS[operation], value, payload, _STARVED, blocks)

    def mount_again(self) -> dict[str, Any]:
        """A mount of the journal that is there, without a power cut."""
        report: dict[str, Any] = json.loads(self._call(_MOUNT)[1])
        return report

    def read(self, seq: int) -> bytes | None:
        there, payload = self._call(_FETCH, seq)
        return payload if there else None

    def scan(self, first: int) -> Iterator[tuple[int, bytes | None]]:
        while True:
            batch = self._call(_SCAN, first)[1]
            at = 0
            while at < len(batch):
                seq, length = _RECORD.unpack_from(batch, at)
                at += _RECORD.size
                if length == _DAMAGED:
                    yield seq, None
                else:
                    yield seq, batch[at : at + length]
                    at += length
                first = seq + 1
            if not batch:
                return

    def idle(self) -> bool:
        return bool(self._call(_IDLE)[0])

    def release(self, seq: int) -> None:
        self._call(_RELEASE, seq)

    def room(self) -> int:
        return self._call(_ROOM)[0]

    def _start(self) -> None:
        self.close()
        arguments = [self.design, str(self.nor.sectors), *(["mirror"] if self.mirror else [])]
        self._device = Device(self.nor, "device_main.py", *arguments, heap=self.heap)

    def _call(
        self, op: int, value: int = 0, payload: bytes = b"", mode: int = 0, blocks: int = 0
    ) -> tuple[int, bytes]:
        if self._device is None:
            raise JournalFault("the journal is read-only: NOT_MOUNTED")
        command = _COMMAND.pack(op, mode, len(payload), value, blocks)
        try:
            done, answer = self._device.call(command + payload)
        except BaseException:
            self.close()
            raise
        state = _STATE.unpack_from(answer)
        read_only, alarm, self.first_seq, self.next_seq, self.released, value, allocated = state
        self.read_only, self.allocated = bool(read_only), allocated
        rest = answer[_STATE.size + alarm :]
        self.alarm = answer[_STATE.size : _STATE.size + alarm].decode()
        if not done:
            name, _, text = rest.decode().partition(": ")
            if name in _EXCEPTIONS:
                raise _EXCEPTIONS[name](text)
            raise DeviceError(f"{name}: {text}")
        return value, rest
