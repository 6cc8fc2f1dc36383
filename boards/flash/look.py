"""What is on a board before anything is written there, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boards.flash import program, table
from boards.flash.build import Build
from boards.flash.errors import Refused
from companion import flash
from companion.flash.partitions import Partition


@dataclass(frozen=True)
class Held:
    """``rows``: the board's partition table, None on an erased flash. ``version``: the firmware's,
    None when there is none that can be read."""

    rows: list[Partition] | None
    version: str | None = None


def rows_of(sector: Path) -> list[Partition] | None:
    """The partition table out of the sector read from the board."""
    return table.read(sector.read_bytes(), "the board")


def is_update(build: Build, rows: list[Partition] | None) -> bool:
    """Whether the board is one of ours with the same partitions. Refused when it is ours and they
    differ: what is in its journal would be lost."""
    if rows is None or not any(row.label == "journal" for row in rows):
        return False
    if rows != build.rows:
        raise Refused(
            "the board has another partition table, and its journal would move:\n"
            f"{table.told(rows)}\nnot\n{table.told(build.rows)}\n"
            "Sync it, settle it and erase it with esptool erase-flash to begin anew"
        )
    return True


def check_size(build: Build, found: int) -> None:
    """Refused when the flash is smaller than the board's should be."""
    if found < build.target.flash_size:
        raise Refused(
            f"the board has {found >> 20} MB of flash, {build.target.name} "
            f"has {build.target.flash_size >> 20} MB"
        )


def check_version(build: Build, head: Path) -> str | None:
    """The firmware's version on the board; Refused when it is newer than what would come."""
    version = program.version_in(head.read_bytes())
    if version and program.numbers(version) > program.numbers(build.program.version):
        raise Refused(
            f"the board has firmware {version}, newer than {build.program.version}: an older one "
            "may not understand its journal"
        )
    return version


def check_no_journal(build: Build, place: Path) -> None:
    """Refused when a journal lies where a new one would be made."""
    try:
        flash.load(place)
    except flash.FlashError:
        return
    row = table.labelled(build.rows, "journal")
    raise Refused(
        f"the board's partition table has no journal, but one lies at 0x{row.offset:x}. Save it: "
        f"esptool read-flash 0x{row.offset:x} 0x{row.size:x} journal.bin, then "
        "companion journal read journal.bin --load; erase the board with esptool erase-flash to "
        "begin anew"
    )
