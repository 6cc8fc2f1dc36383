"""A new image into the slot that does not run, where a board has two (``ota_0``, ``ota_1``).

For images with the firmware frozen into them (manifest.py): such an image is MicroPython and
application in one. Whoever has the terminal's sync key may bring one, and where this firmware
names a publisher (signature.py), only one that he signed. It is written beside the one that runs,
read back, and started only when it is whole, for this chip, and newer firmware of ours; an image
that does not get as far as the first screen is undone by the bootloader (app.py says when one is
kept). The journal lies elsewhere and is not touched.

A push of it is a CBOR array: [0, size, SHA-256] begins or goes on, [1, offset, bytes] brings what
comes next, [2] or [2, signature] ends. An offset that is not the next one is refused with "at N".
"""

import hashlib
import os

from protocol import cbor
from terminal import FIRMWARE, MARK, signature

BEGIN = 0
DATA = 1
END = 2
_BLOCK = 4096
_LEAST = 4096
_DIGEST = 32
_MAGIC = 0xE9  # an image of ESP-IDF; bytes 12 and 13 of it say for which chip
_CHIP = 12
_CHIP_END = 14
_LONGEST = 12  # a version's characters


class Update:
    """``slot``: the partition to write; ``running``: the one to compare with. ``files``: this
    firmware runs from the file system, where its modules come before those of any image."""

    def __init__(self, slot, running, files: bool = False) -> None:
        self._files = files
        self._slot = slot
        self._running = running
        self._room = slot.ioctl(4, 0) * _BLOCK
        self._size = 0
        self._digest = b""
        self._at = 0
        self.version = ""  # once it is whole and will be started

    def take(self, data: bytes) -> str:
        """One push; "" or why not. Raises what the flash raises, ValueError for a bad schema."""
        message = cbor.loads(data)
        if not isinstance(message, list) or not message:
            return "not an array"
        if message[0] == BEGIN and _is(message, int, bytes):
            return self._begin(message[1], message[2])
        if message[0] == DATA and _is(message, int, bytes):
            return self._data(message[1], message[2])
        if message == [END]:
            return self._end(b"")
        if message[0] == END and _is(message, bytes):
            return self._end(message[1])
        return "not a message of an update"

    def _begin(self, size: int, digest: bytes) -> str:
        if self._files:
            return "its modules are files: they would go on running"
        if not _LEAST <= size <= self._room or len(digest) != _DIGEST:
            return "%d bytes do not fit into a slot of %d" % (size, self._room)
        if size != self._size or digest != self._digest:
            self._size, self._digest, self._at = size, digest, 0
            self.version = ""
        return ""

    def _data(self, offset: int, piece: bytes) -> str:
        if offset != self._at:
            return "at %d" % self._at
        if not piece or offset + len(piece) > self._size:
            return "beyond its size of %d" % self._size
        view = memoryview(piece)
        done = 0
        while done < len(view):
            block, start = divmod(self._at, _BLOCK)
            if not start:
                self._slot.ioctl(6, block)
            part = view[done : done + _BLOCK - start]
            self._slot.writeblocks(block, part, start)
            # Not before it is written: after a fault the same bytes come again.
            self._at += len(part)
            done += len(part)
        return ""

    def _end(self, signed: bytes) -> str:
        if not self._size or self._at != self._size:
            return "at %d" % self._at
        version = self._checked()
        if not version:
            self._at = 0
            return "what is in the flash is not what was sent"
        publisher = bytes.fromhex(signature.PUBLISHER)
        if publisher and not signature.good(publisher, self._digest, signed):
            return "not signed by the publisher of the firmware that runs"
        if _numbers(version) <= _numbers(FIRMWARE):
            return "firmware %s, not newer than %s" % (version, FIRMWARE)
        if self._head(self._slot) != self._head(self._running):
            return "an image for another chip"
        self._slot.set_boot()  # checks the image too, and raises OSError
        self.version = version
        return ""

    def _head(self, partition) -> bytes:
        head = bytearray(_CHIP_END)
        partition.readblocks(0, head, 0)
        return bytes((head[0],)) + bytes(head[_CHIP:]) if head[0] == _MAGIC else b""

    def _checked(self) -> str:
        """The firmware's version in the slot, "" when its digest is not the one announced."""
        digest = hashlib.sha256()
        buffer = bytearray(_BLOCK)
        mark = MARK[: -len(FIRMWARE)].encode()
        tail, version = b"", ""
        left = self._size
        for block in range((self._size + _BLOCK - 1) // _BLOCK):
            self._slot.readblocks(block, buffer)
            part = buffer if left >= _BLOCK else buffer[:left]
            digest.update(part)
            left -= len(part)
            # Across the seam of two blocks too.
            text = tail + bytes(part)
            found = text.find(mark) + len(mark)
            if found >= len(mark) and (found + _LONGEST <= len(text) or not left):
                version = version or _version(text[found:])
            tail = text[-len(mark) - _LONGEST :]
        if digest.digest() != self._digest:
            return ""
        return version or "0.0.0"


def _is(message: list, *kinds) -> bool:
    if len(message) != 1 + len(kinds):
        return False
    for i in range(len(kinds)):
        if type(message[1 + i]) is not kinds[i]:
            return False
    return True


def _version(data: bytes) -> str:
    text = ""
    for byte in data[:_LONGEST]:
        if chr(byte) not in "0123456789.":
            break
        text += chr(byte)
    return text


def _numbers(version: str) -> list:
    return [int(part or "0") for part in version.split(".")]


def slots():
    """The Update of this board; None where there is no second slot."""
    from esp32 import Partition

    try:
        running = Partition(Partition.RUNNING)  # type: ignore[arg-type]
        return Update(running.get_next_update(), running, _in_files())
    except (AttributeError, OSError):
        return None


def _in_files() -> bool:
    """Whether this very module is a file, and neither frozen nor in ROMFS."""
    if __file__.startswith("/rom"):
        return False
    try:
        os.stat(__file__)
    except OSError:
        return False
    return True
