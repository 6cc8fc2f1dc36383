"""A virtual external card reader, at the other end of a terminal's UART.

    python -m boards.virtual.reader --port PORT

Then one line a wish: ``tap N`` for test card N, ``chip N`` for the same as a chip card,
``sealed`` for a card that only its bank can read, ``yes`` and ``no`` for the chip's last word.
What the terminal says of a card is printed as it comes. The protocol is in
firmware/drivers/README.md; nothing of the firmware is used here.
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
from collections.abc import Callable
from types import TracebackType

import cbor2

from boards.virtual.shop import card

HELLO, CARD, CHIP, HEARD, ASK, ACK, SAID = 1, 2, 3, 4, 129, 130, 131
VERSION = 2
HOW = ("not approved", "approved", "declined", "approved, if the chip agrees")
TRIES = 100  # a busy machine is borne
RESEND_S = 0.2
PATIENCE_S = 20.0
_READ = 512


class ReaderError(RuntimeError):
    """The terminal did not take what the reader had for it."""


class VirtualReader:
    """Use it in ``with``. What is sent is sent until the terminal acknowledges it."""

    def __init__(
        self, port: str, name: str = "Virtual reader", on_said: Callable[[str], None] | None = None
    ) -> None:
        self._name = name
        self._on_said = on_said
        self._file = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._file)
        self._number: int | None = None  # of the newest message: at first, what the terminal says
        self._changed = threading.Condition()
        self._acked: int | None = None
        self._sends_card = False
        self.wanted: int | None = None
        """The amount that a card is wanted for, 0 for none; None: no card is wanted."""
        self.asked = 0
        """How often the terminal has asked whether a reader is there."""
        self.said: list[tuple[str, str, bytes]] = []
        """What became of the card: one of HOW, F39, the issuer's F55; the newest last."""
        self._said = -1  # the number of the last of them
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
        self._send(CARD, [amount_minor, *values])
        return amount_minor

    def tap_sealed(self) -> None:
        """A card whose number only the bank's key opens."""
        amount_minor = self._wait_wanted()
        values = ["071", "4912", "", "622202******0128", b"\x11" * 8, b"\x22" * 10, b"\x33" * 48]
        self._send(CARD, [amount_minor, *values, b"", False])

    def last_word(self, accepts: bool) -> None:
        """What the chip says to the issuer's approval."""
        self.wait_said(HOW[3])
        self._send(CHIP, [accepts, self._said])

    def wait_said(self, *how: str) -> tuple[str, bytes]:
        """F39 and F55 of what became of the newest card, when it is one of these."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: self.said and self.said[-1][0] in how, PATIENCE_S
            ):
                raise ReaderError(f"the terminal has not said: {' or '.join(how)}")
            return self.said[-1][1:]

    def _wait_wanted(self) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self.wanted is not None, PATIENCE_S)
            if self.wanted is None:
                raise ReaderError("the terminal wants no card")
            return self.wanted

    def _send(self, kind: int, values: list[object]) -> None:
        self._number = 0 if self._number is None else (self._number + 1) % 256
        self._acked = None
        self._sends_card = kind == CARD
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
                if self._number is None:
                    self._number = message[3]
                self._changed.notify_all()
            self._write(encode([HELLO, VERSION, self._name]))
        elif message[0] == ACK:
            with self._changed:
                if self._sends_card and self._acked != message[1]:
                    self.said.clear()  # what comes from now on is of this card
                    self._said = -1
                self._acked = message[1]
                self._changed.notify_all()
        elif message[0] == SAID:
            self._write(encode([HEARD, message[1]]))
            self._hear(message[1], HOW[message[2]], message[3], message[4])

    def _hear(self, number: int, how: str, code: str, icc: bytes) -> None:
        with self._changed:
            if number == self._said:
                return  # what was heard before comes again when the terminal does not know it
            self._said = number
            self.said.append((how, code, icc))
            self._changed.notify_all()
        if self._on_said:
            self._on_said(f"{how} {code}".strip())


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
        wished = False
        with VirtualReader(arguments.port, on_said=lambda said: print(said, flush=True)) as reader:
            for line in sys.stdin:
                if line.split():
                    _wish(reader, line.split())
                    print("taken", flush=True)
                    wished = True
            if wished:
                reader.wait_said(*HOW)
    except (OSError, ReaderError) as error:
        print(f"reader: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
