"""Everything that goes onto a board, as files, made without the board and without a network."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from boards.flash import program, stock, table
from boards.flash.errors import Refused
from boards.flash.program import Program
from boards.flash.stock import LARGEST, Stock
from boards.flash.target import Target
from companion.flash.partitions import TABLE_OFFSET, Partition

_ABOUT, _FILES = "image.json", "files"


@dataclass(frozen=True)
class Part:
    """A file and its place in the flash."""

    file: Path
    offset: int
    data: bytes


@dataclass(frozen=True)
class Build:
    """What was made in ``folder``."""

    target: Target
    stock: Stock
    rows: list[Partition]
    program: Program
    folder: Path

    @property
    def start(self) -> list[Part]:
        """Bootloader and partition table: only for a board that is new."""
        boot = self.stock.boot.for_flash(self.target.flash_size)
        sector = table.encoded(self.stock.table, self.rows)
        return [
            Part(self.folder / "bootloader.bin", self.target.boot, boot),
            Part(self.folder / "partitions.bin", TABLE_OFFSET, sector),
        ]

    @property
    def code(self) -> list[Part]:
        """MicroPython and the application: what an update brings."""
        app, romfs = table.apps(self.rows)[0], table.labelled(self.rows, "romfs")
        return [
            Part(self.folder / "micropython.bin", app.offset, self.stock.app.data),
            Part(self.folder / "romfs.bin", romfs.offset, self.program.romfs),
        ]

    @property
    def files(self) -> Path:
        """What goes into the file system."""
        return self.folder / _FILES


def build(target: Target, firmware: Path, folder: Path, in_ram: bool = False) -> Build:
    """Make it all in ``folder``, which is replaced; Refused when it would not work.

    ``in_ram``: take an image without ROMFS for a board without PSRAM too.
    """
    what = firmware.name
    found = stock.parse(_read(firmware), target, what)
    rows = table.with_ours(found.rows, target.ours, target.flash_size)
    if not found.app.romfs and not target.psram and not in_ram:
        raise Refused(
            f"{what} is a MicroPython without ROMFS: the program would lie in the RAM of "
            f"{target.name}, which has no PSRAM and not enough of it. Take an image built with "
            "MICROPY_VFS_ROM=1 (boards/flash/README.md says how), or try with IN_RAM=1"
        )
    made = program.build(target, found.app.romfs)
    room = table.labelled(rows, "romfs").size
    if len(made.romfs) > room:
        raise Refused(f"the program has {len(made.romfs)} bytes, the partition romfs {room}")
    result = Build(target, found, rows, made, folder)
    _write(result)
    return result


def _read(firmware: Path) -> bytes:
    if not firmware.name:
        raise Refused("no FIRMWARE: the image of MicroPython that the board's README names")
    try:
        with firmware.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise Refused(f"{firmware}: {error.strerror}") from None


def _write(made: Build) -> None:
    """All of it beside the folder first: what fails leaves the old one as it was."""
    folder, new = made.folder, made.folder.with_name(f".{made.folder.name}.new")
    about = folder / _ABOUT
    try:
        if folder.exists() and not about.exists() and any(folder.iterdir()):
            raise Refused(f"{folder} has something in it that is not from here; name another")
        shutil.rmtree(new, ignore_errors=True)
        (new / _FILES).mkdir(parents=True)
        _fill(made, new)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise Refused(f"{error.filename or folder}: {error.strerror}") from None


def _fill(made: Build, folder: Path) -> None:
    for part in made.start + made.code:
        (folder / part.file.name).write_bytes(part.data)
    for place, data in made.program.files.items():
        (folder / _FILES / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / _FILES / place).write_bytes(data)
    about = {
        "board": made.target.name,
        "chip": made.target.chip,
        "micropython": made.stock.version,
        "firmware": made.program.version,
        "modules": made.program.executed,
        "partitions": {row.label: [row.offset, row.size] for row in made.rows},
        "parts": [
            {
                "file": part.file.name,
                "offset": part.offset,
                "bytes": len(part.data),
                "sha256": hashlib.sha256(part.data).hexdigest(),
            }
            for part in made.start + made.code
        ],
        "files": sorted(made.program.files),
    }
    (folder / _ABOUT).write_text(json.dumps(about, indent=2) + "\n")
