"""What the application is on a board: a ROMFS image, or the same modules as files.

In ROMFS the bytecode runs where it lies in the flash. A MicroPython that was built without it (as
the images of micropython.org are, until boards enable it) has the modules as files, and their
bytecode in RAM: enough of that has only a board with PSRAM.

The version and the board are the first files of the ROMFS image, so that they can be read from a
board's flash without running anything there. Format: MicroPython, docs/reference/romfs.rst.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from boards import firmware
from boards.flash.errors import Refused
from boards.flash.target import Target

HEAD = 0x1000
"""Bytes from the beginning of the partition in which version and board are."""
STARTERS = ("boot.py", "main.py")
_VERSION, _BOARD = "VERSION", "BOARD"
_MAGIC = b"\xd2\xcd\x31"
_FILE, _VERBATIM = 5, 2
_NUMBERS = re.compile(r"\d+\.\d+\.\d+")
_NAME = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True)
class Program:
    """``romfs`` goes into the partition of that name in any case: what a board has is read
    there. ``files`` go into the file system; ``executed`` says where the modules run."""

    version: str
    romfs: bytes
    files: dict[str, bytes]
    executed: str  # "romfs" or "files"


def build(target: Target, in_romfs: bool) -> Program:
    """The application for this board."""
    version = firmware_version()
    modules = _modules() | _board(target.module)
    files = {name: (firmware.REPOSITORY / "firmware" / name).read_bytes() for name in STARTERS}
    if not in_romfs:
        files |= modules
    romfs = firmware.romfs({_VERSION: version.encode(), _BOARD: target.name.encode(), **modules})
    return Program(version, romfs, files, "romfs" if in_romfs else "files")


@cache
def _modules() -> dict[str, bytes]:
    return firmware.contents()


@cache
def _board(module: Path) -> dict[str, bytes]:
    return firmware.with_drivers(module)


def firmware_version() -> str:
    """FIRMWARE of terminal/__init__.py, without importing it."""
    text = (firmware.REPOSITORY / "firmware/terminal/__init__.py").read_text()
    found = re.search(r'^FIRMWARE = "([^"]+)"', text, re.MULTILINE)
    if found is None or not _NUMBERS.fullmatch(found[1]):
        raise Refused("firmware/terminal/__init__.py has no FIRMWARE of three numbers")
    return found[1]


def version_in(head: bytes) -> str | None:
    """The version at the beginning of a romfs partition; None for anything else there."""
    text, _ = _file(head, _begin(head), _VERSION)
    return text if _NUMBERS.fullmatch(text) else None


def board_in(head: bytes) -> str | None:
    """The board it was made for, behind the version; None where that is not said."""
    _, at = _file(head, _begin(head), _VERSION)
    text, _ = _file(head, at, _BOARD)
    return text if _NAME.fullmatch(text) else None


def _begin(head: bytes) -> int:
    """Where the first file is; the end for what is no ROMFS image."""
    if head[:3] != _MAGIC:
        return len(head)
    try:
        return _number(head, 3)[1]
    except IndexError:
        return len(head)


def _file(head: bytes, at: int, wanted: str) -> tuple[str, int]:
    """The text of the file that begins here, "" when it is another one, and where it ends."""
    try:
        kind, at = _number(head, at)
        _, at = _number(head, at)
        length, at = _number(head, at)
        name, at = head[at : at + length], at + length
        inner, at = _number(head, at)
        length, at = _number(head, at)
    except IndexError:
        return "", len(head)
    wrong = (kind, name, inner) != (_FILE, wanted.encode(), _VERBATIM)
    if wrong or at + length > len(head):
        return "", len(head)
    return head[at : at + length].decode("ascii", "replace"), at + length


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number in groups of seven bits, and where it ends."""
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def numbers(version: str) -> tuple[int, ...]:
    """A version as something that can be compared."""
    return tuple(int(part) for part in version.split("."))
