"""A terminal at the end of a serial line, with tests/hil/device on it: a real board, or a virtual
one that is treated like a real one."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import serial

from companion.link import Transport
from companion.link.transport import SerialTransport
from tests.hil.dut import Cutter
from tests.hil.power import Power
from tests.hil.tape import Message, PowerGone, Silence, Tape

_BAUD = 115200
_POLL_S = 0.05
_HELLO_S = 0.5
_ANSWER_S = 20.0
_OPEN_S = 20.0
_SECTOR = 4096
_LONGEST = 4096  # of a chunk
_TAPED = ("screen", "print", "beep", "boot")


class _Line(SerialTransport):
    """The companion's turn at the port; when it is closed the rig has it again."""

    def __init__(self, name: str, give_back: Callable[[], None]) -> None:
        super().__init__(name)
        self._give_back = give_back

    def close(self) -> None:
        super().close()
        self._give_back()


class SerialDut:
    """A Dut. A thread reads the port, which may vanish with the power and come back."""

    def __init__(self, path: str) -> None:
        self.tape = Tape()
        self._path = path
        self._port: serial.Serial | None = None
        self._reader: threading.Thread | None = None
        self._stopping = False
        self._answers: list[Message] = []
        self._news = threading.Condition()
        self._sectors: dict[int, bytes] = {}

    def open(self) -> None:
        """Silence when the port does not come in time."""
        if self._reader and self._reader.is_alive():
            return
        deadline = time.monotonic() + _OPEN_S
        while True:
            try:
                self._port = serial.Serial(
                    self._path, _BAUD, timeout=_POLL_S, write_timeout=_ANSWER_S, exclusive=True
                )
                break
            except (OSError, serial.SerialException) as error:
                if time.monotonic() > deadline:
                    raise Silence(f"{self._path}: {error}") from None
                time.sleep(_POLL_S)  # its USB bridge is starting, too
        self._stopping = False
        self._reader = threading.Thread(target=self._read, name=f"reader of {self._path}")
        self._reader.start()

    def send(self, event: Message) -> None:
        if self._port is None:
            return  # the power is off: nobody takes it
        chunk = b"\0" + json.dumps({"rig": event}).encode() + b"\0"
        with contextlib.suppress(OSError, serial.SerialException):
            self._port.write(chunk)

    def expect(self, wanted: Callable[[Message], bool], since: int) -> Message:
        return self.tape.wait(wanted, since)

    def flash_image(self) -> bytes:
        """Asks for the CRC of every sector, and for those that have changed."""
        sums: list[int] = []
        while True:
            told = self._ask({"sums": len(sums)}, _answers_from(len(sums)))
            sums += told["sums"]
            if len(sums) >= told["count"]:
                break
        for number, crc in enumerate(sums):
            if zlib.crc32(self._sectors.get(number, b"")) != crc:
                self._sectors[number] = self._sector(number, crc)
        return b"".join(self._sectors[number] for number in range(len(sums)))

    def transport(self) -> Transport:
        self._stop()
        return _Line(self._path, self.open)

    def close(self) -> None:
        self._stop()

    def _sector(self, number: int, crc: int) -> bytes:
        pieces: dict[int, bytes] = {}

        def whole(one: Message) -> bool:
            if one.get("sector") == number and "data" in one:
                with contextlib.suppress(binascii.Error):
                    pieces[one["at"]] = base64.b64decode(one["data"], validate=True)
            return sum(map(len, pieces.values())) == _SECTOR

        self._ask({"sector": number}, whole)
        data = b"".join(pieces[at] for at in sorted(pieces))
        if zlib.crc32(data) != crc:
            raise Silence(f"sector {number} does not have the CRC that was told")
        return data

    def _ask(self, question: Message, answers: Callable[[Message], bool]) -> Message:
        with self._news:
            self._answers.clear()
        self.send(question)
        deadline = time.monotonic() + _ANSWER_S
        with self._news:
            seen = 0
            while True:
                while seen < len(self._answers):
                    seen += 1
                    if answers(self._answers[seen - 1]):
                        return self._answers[seen - 1]
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Silence(f"no answer to {question}")
                if not self.tape.powered:
                    raise PowerGone
                self._news.wait(left)

    def _stop(self) -> None:
        self._stopping = True
        if self._reader:
            self._reader.join()
        if self._port:
            with contextlib.suppress(OSError):
                self._port.close()
        self._port = self._reader = None

    def _read(self) -> None:
        port, rest = self._port, b""
        assert port is not None
        heard, asked = False, time.monotonic()
        while not self._stopping:
            try:
                data = port.read(max(1, port.in_waiting))
            except (OSError, TypeError, serial.SerialException):
                break  # it went with the power
            if not heard and time.monotonic() - asked > _HELLO_S:
                # A start whose first words came before the port was there.
                asked = time.monotonic()
                self.send({"hello": 1})
            *chunks, rest = (rest + data).split(b"\0")
            rest = rest[-_LONGEST:]
            for chunk in chunks:
                heard = self._heard(chunk) or heard

    def _heard(self, chunk: bytes) -> bool:
        try:
            message: Any = json.loads(chunk)["rig"]
        except (ValueError, KeyError, TypeError):
            return False  # not for us: the companion's, or a REPL's
        if any(name in message for name in _TAPED):
            self.tape.add(message)
        else:
            with self._news:
                self._answers.append(message)
                self._news.notify_all()
        return True


def _answers_from(first: int) -> Callable[[Message], bool]:
    return lambda one: one.get("first") == first


class SerialPower:
    """A Power that opens the terminal's port again when it has been switched on."""

    def __init__(self, power: Power, dut: SerialDut) -> None:
        self._power = power
        self._dut = dut

    def on(self) -> None:
        self._dut.tape.power(True)  # before: a cut may be at work as soon as there is power
        self._power.on()
        self._dut.open()

    def off(self) -> None:
        self._power.off()

    def read(self) -> bool | None:
        return self._power.read()

    def close(self) -> None:
        self._power.close()


class SerialRig:
    """A Rig around a terminal, and whatever switches its power."""

    def __init__(self, dut: SerialDut, power: Power, cutter: Cutter | None = None) -> None:
        self.dut = dut
        self.power = SerialPower(power, dut)
        self.cutter = cutter

    def close(self) -> None:
        self.dut.close()
        self.power.close()


DEVICE_FILES = {
    "rig.py": Path(__file__).parent / "device" / "rig.py",
    "main.py": Path(__file__).parent / "device" / "main.py",
}
"""What a board needs besides the firmware, by its place in its file system."""
