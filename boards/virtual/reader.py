"""A virtual external card reader, at the other end of a terminal's UART.

    python -m boards.virtual.reader --port PORT

Then one line a wish: ``tap N`` for test card N, ``chip N`` for the same as a chip card,
``sealed`` for a card that only its bank can read, ``yes`` and ``no`` for the chip's last word. The
protocol is in firmware/drivers/README.md; nothing of the firmware is used here.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import threading
import time
import tty
import zlib
from types import TracebackType

import cbor2

from boards.virtual.shop import card

HELLO, CARD, CHIP, ASK, ACK = 1, 2, 3, 129, 130
VERSION = 1
TRIES = 100  # a busy machine is borne
RESEND_S = 0.2
PATIENCE_S = 20.0
_READ = 256


class ReaderError(RuntimeError):
    """The terminal did not take what the reader had for it."""


class VirtualReader:
    """Use it in ``with``. What is sent is sent until the terminal acknowledges it."""

    def __init__(self, port: str, name: str = "Virtual reader") -> None:
        self._name = name
        self._file = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._file)
        self._number = int.from_bytes(os.urandom(1), "big")  # another one than before a restart
        self._changed = threading.Condition()
        self._acked: int | None = None
        self.wanted: int | None = None
        """The amount that a card is wanted for, 0 for none; None: no card is wanted."""
        self.asked = 0
        """How often the terminal has asked whether a reader is there."""
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="card reader", daemon=True)
        self._thread.start()

    def __enter__(self) -> VirtualReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for file in (self._file, self._stop_read, self._stop_write):
            os.close(file)

    def tap(self, number: int, chip: bool = False, icc: bytes = b"") -> int:
        """Test card ``number``; ``chip``: it has the last word on an approval. Returns the amount
        that the terminal wanted a card for."""
        amount_minor = self._wait_wanted()
        test = card(number)
        entry = "051" if chip else "071"
        values = [entry, test["expiry"], test["pan"], "", b"", b"", b"", icc, chip]
        self._send(CARD, values)
        return amount_minor

    def tap_sealed(self) -> None:
        """A card whose number only the bank's key opens."""
        self._wait_wanted()
        values = ["071", "4912", "", "622202******0128", b"\x11" * 8, b"\x22" * 10, b"\x33" * 48]
        self._send(CARD, [*values, b"", False])

    def last_word(self, accepts: bool) -> None:
        """What the chip says to the issuer's approval."""
        self._send(CHIP, [accepts])

    def _wait_wanted(self) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self.wanted is not None, PATIENCE_S)
            if self.wanted is None:
                raise ReaderError("the terminal wants no card")
            return self.wanted

    def _send(self, kind: int, values: list[object]) -> None:
        self._number = (self._number + 1) % 256
        self._acked = None
        frame = encode([kind, self._number, *values])
        for _ in range(TRIES):
            self._write(frame)
            with self._changed:
                if self._changed.wait_for(self._is_acked, RESEND_S):
                    return
        raise ReaderError("the terminal does not acknowledge")

    def _is_acked(self) -> bool:
        return self._acked == self._number

    def _write(self, frame: bytes) -> None:
        while frame:
            frame = frame[os.write(self._file, frame) :]

    def _listen(self) -> None:
        pending = b""
        while True:
            ready, _, _ = select.select([self._file, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            try:
                data = os.read(self._file, _READ)
            except OSError:  # the other end is closed; it may open again
                time.sleep(RESEND_S)
                continue
            *frames, pending = (pending + data).split(b"\0")
            pending = pending[-_READ:]
            for frame in frames:
                self._heard(decode(frame))

    def _heard(self, message: object) -> None:
        if not isinstance(message, list) or not message:
            return
        if message[0] == ASK:
            with self._changed:
                self.asked += 1
                self.wanted = message[2]
                self._changed.notify_all()
            self._write(encode([HELLO, VERSION, self._name]))
        elif message[0] == ACK:
            with self._changed:
                self._acked = message[1]
                self._changed.notify_all()


def encode(message: object) -> bytes:
    """CBOR, its CRC-32, COBS, between two zeros."""
    data = cbor2.dumps(message)
    data += zlib.crc32(data).to_bytes(4, "big")
    out = b""
    for block in data.split(b"\0"):
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
        out += bytes([len(block) + 1]) + block
    return b"\0" + out + b"\0"


def decode(frame: bytes) -> object:
    """The message of what stood between two zeros; None when it is none."""
    data = b""
    at = 0
    while at < len(frame):
        run = frame[at]
        data += frame[at + 1 : at + run]
        at += run
        if run < 255 and at < len(frame):
            data += b"\0"
    payload, crc = data[:-4], data[-4:]
    if not payload or zlib.crc32(payload).to_bytes(4, "big") != crc:
        return None
    message: object = cbor2.loads(payload)
    return message


def _wish(reader: VirtualReader, words: list[str]) -> None:
    if words[0] in ("tap", "chip") and len(words) == 2 and words[1].isdecimal():
        reader.tap(int(words[1]) % 1_000_000_000, words[0] == "chip")
    elif words == ["sealed"]:
        reader.tap_sealed()
    elif words in (["yes"], ["no"]):
        reader.last_word(words == ["yes"])
    else:
        raise ReaderError("tap N, chip N, sealed, yes or no")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m boards.virtual.reader",
        description="A card reader for a terminal: one wish a line, until the end of the input.",
        epilog="example: echo tap 5 | python -m boards.virtual.reader --port /dev/pts/7",
    )
    parser.add_argument("--port", required=True, help="the other end of the terminal's UART")
    arguments = parser.parse_args()
    try:
        with VirtualReader(arguments.port) as reader:
            for line in sys.stdin:
                if line.split():
                    _wish(reader, line.split())
                    print("taken", flush=True)
    except (OSError, ReaderError) as error:
        print(f"reader: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
