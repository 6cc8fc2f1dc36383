"""What flashing needs to know of a board, out of its board.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boards import boardfile
from boards.chips import CHIPS
from boards.flash import table
from boards.flash.errors import Refused
from companion.flash.partitions import Partition

# The rows that a stock image does not have; vfs gets none, MicroPython makes it behind them.
OURS = ("journal", "vault", "log", "romfs")
_SUBTYPES = {"fat": 0x81, "romfs": 0x8F}


@dataclass(frozen=True)
class Target:
    """One board. ``boot``: where its chip looks for the bootloader. ``image_name``: how the name
    of its stock image begins. ``ours``: the rows to add, in order."""

    name: str
    chip: str
    boot: int
    flash_size: int
    psram: bool
    image_name: str
    module: Path
    ours: list[Partition]


def target(name: str) -> Target:
    """Refused when there is no such board or its file has mistakes."""
    try:
        board = boardfile.load(name)
        rows = [board.partition(label) for label in OURS]
    except boardfile.BoardError as error:
        raise Refused(str(error)) from None
    ours = [
        Partition(row.label, table.DATA, _SUBTYPES[row.subtype], row.offset, row.size, False)
        for row in sorted(rows, key=lambda row: row.offset)
    ]
    return Target(
        board.name,
        board.chip,
        CHIPS[board.chip].bootloader,
        board.flash_size,
        bool(board.psram),
        board.image_name,
        board.folder / "board.py",
        ours,
    )
