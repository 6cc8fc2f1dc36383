"""A MicroPython image as it is downloaded: bootloader, partition table, application in one file.

The file begins where the chip's bootloader begins, so a place in it is a place in the flash less
that offset.
"""

from __future__ import annotations

from dataclasses import dataclass

from boards.flash import chips, table
from boards.flash.appimage import AppImage, image_at
from boards.flash.errors import Refused
from boards.flash.target import Target
from companion.flash.partitions import TABLE_OFFSET, Partition

# The first with a file system behind the last partition, wherever that ends.
OLDEST = (1, 26, 0)
LARGEST = 32 << 20


@dataclass(frozen=True)
class Stock:
    """A checked stock image."""

    boot: AppImage
    table: bytes
    rows: list[Partition]
    app: AppImage

    @property
    def version(self) -> str:
        return ".".join(str(number) for number in self.app.micropython or ())


def parse(data: bytes, board: Target, what: str) -> Stock:
    """Check an image for this board; Refused says what is wrong with it."""
    if len(data) > LARGEST:
        raise Refused(f"{what}: {len(data)} bytes are no image of MicroPython")
    boot = image_at(data, 0, f"{what}: bootloader")
    if boot.chip != chips.NUMBERS[board.chip]:
        raise Refused(f"{what} is for {chips.named(boot.chip)}, {board.name} has {board.chip}")
    at = TABLE_OFFSET - board.boot
    sector = data[at : at + table.SIZE]
    rows = table.read(sector, what) if len(sector) == table.SIZE else None
    if not rows:
        raise Refused(f"{what}: there is no partition table at 0x{TABLE_OFFSET:x}")
    _check(rows, what)
    places = table.apps(rows)
    if not places:
        raise Refused(f"{what}: the partition table has no application")
    app = image_at(data, places[0].offset - board.boot, f"{what}: application")
    if app.chip != boot.chip:
        raise Refused(f"{what}: the application is for {chips.named(app.chip)}")
    _check_app(app, places, what)
    return Stock(boot, sector, rows, app)


def _check(rows: list[Partition], what: str) -> None:
    """No two rows may share a sector, nor lie on the table."""
    labels = [row.label for row in rows]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise Refused(f"{what}: two partitions are called {', '.join(twice)}")
    end = TABLE_OFFSET + table.SIZE
    for row in sorted(rows, key=lambda row: row.offset):
        if row.offset < end:
            raise Refused(f"{what}: the partition {row.label} overlaps what is before it")
        if row.size % table.SECTOR:
            raise Refused(f"{what}: the partition {row.label} does not end with a sector")
        end = row.offset + row.size


def _check_app(app: AppImage, places: list[Partition], what: str) -> None:
    smallest = min(places, key=lambda row: row.size)
    if len(app.data) > smallest.size:
        raise Refused(
            f"{what}: the application has {len(app.data)} bytes, "
            f"the partition {smallest.label} {smallest.size}"
        )
    version = app.micropython
    if version is None:
        raise Refused(f"{what}: the application is not MicroPython")
    if version < OLDEST:
        wanted = ".".join(map(str, OLDEST[:2]))
        raise Refused(
            f"{what}: MicroPython {'.'.join(map(str, version))}; {wanted} or newer is needed"
        )
