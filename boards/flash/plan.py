"""The commands, in order. Nothing is run here: what is shown and what is run is the same list."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from boards.flash import table
from boards.flash.build import Build, Part
from boards.flash.program import HEAD
from companion.flash.partitions import TABLE_OFFSET, Partition

# What USB-UART bridges of these boards carry without losses; esptool's own variable changes it.
_BAUD = os.environ.get("ESPTOOL_BAUD", "460800")
# A board is back on its port after a reset, with a new file system or a native USB port.
_BACK_S = 30
_REPL_S = 20
# 300 KB at 115200 baud, and the flash's own time.
_COPY_S = 180
# The first start makes the file system. What mpremote sends first is Ctrl-C, which would end that
# halfway (MicroPython, ports/esp32/modules/_boot.py and inisetup.py run with Ctrl-C on).
FIRST_START_S = 5
# Version and board; the configuration's two copies.
_LOOK = {"romfs": HEAD, "vault": 2 * table.SECTOR}
# Held all the while, since each command resets the board where its lines allow that.
_BUTTONS = "hold BOOT, press RESET or EN, run this again, and release BOOT when it writes"
# Modules in the file system come before those in ROMFS, so none of an earlier install may stay.
_CLEAR = """import os
def clear(p):
    try:
        if os.stat(p)[0] & 0x4000:
            for n in os.listdir(p): clear(p + "/" + n)
            os.rmdir(p)
        else: os.remove(p)
    except OSError: pass
for p in ("terminal", "protocol", "drivers", "board.py", "board.mpy"): clear("/" + p)"""


@dataclass(frozen=True)
class Step:
    """One command. ``why`` in a few words; ``hint`` for when it fails; ``patience`` seconds in
    which it is tried again; ``limit`` seconds that one try may take; ``may_fail``: then the next
    one shows whether that matters; ``told``: what it says is for the person."""

    why: str
    command: tuple[str, ...]
    patience: float = 0
    limit: float = 900
    may_fail: bool = False
    hint: str = ""
    told: bool = False

    def shown(self) -> str:
        """As a person types it."""
        return shlex.join(("python", "-m", *self.command))


def esptool(build: Build, port: str, after: str, *command: str) -> tuple[str, ...]:
    return (
        *("esptool", "--chip", build.target.chip, "--port", port, "--baud", _BAUD),
        *("--after", after, *command),
    )


def look_first(build: Build, port: str, folder: Path) -> list[Step]:
    """Size of the flash and partition table."""
    sector = _read(TABLE_OFFSET, table.SIZE, folder / "partitions.bin")
    return [
        Step(
            "which chip, how much flash",
            esptool(build, port, "no-reset", "flash-id"),
            hint=_BUTTONS,
        ),
        Step("its partition table", esptool(build, port, "no-reset", *sector)),
    ]


def look_into(build: Build, port: str, folder: Path, row: Partition) -> Step:
    """A partition of the board, as much of it as says what is there."""
    place = _read(row.offset, _LOOK.get(row.label, row.size), folder / f"{row.label}.bin")
    return Step(f"what is in {row.label}", esptool(build, port, "no-reset", *place))


def leave(build: Build, port: str) -> Step:
    """After a refusal: the chip waits in its loader, and is to run what it has."""
    command = esptool(build, port, "hard-reset", "flash-id")
    return Step("nothing for this board: let it run again", command, may_fail=True)


def _read(offset: int, size: int, to: Path) -> tuple[str, ...]:
    return ("read-flash", "--no-progress", hex(offset), hex(size), str(to))


def _write(parts: list[Part], *options: str) -> tuple[str, ...]:
    places = [word for part in parts for word in (hex(part.offset), str(part.file))]
    return ("write-flash", "--no-progress", *options, *places)


def new(
    build: Build, port: str, provision: tuple[str, ...] | None, hands: bool = True
) -> list[Step]:
    """Everything onto a board that holds nothing of ours."""
    parts = build.start + build.code
    write = esptool(build, port, "hard-reset", *_write(parts, "--erase-all"))
    steps = [
        Step("erase it, write everything", write, told=True),
        *_files(build, port, "press RESET or EN", FIRST_START_S),
    ]
    if provision is not None:
        command = ("companion", "provision", "--port", port, *provision)
        hint = "all is written: companion provision goes on from here, or this again"
        steps.append(Step("who it is and its keys", command, _BACK_S, hint=hint, told=True))
    return [*steps, _test(port, hands)]


def update(build: Build, port: str, hands: bool = True) -> list[Step]:
    """New code; journal, vault, log and the file system's other files stay."""
    write = _write(build.code)
    after = "hard-reset"
    steps = []
    slots = table.ota_data(build.rows)
    if slots:
        after = "no-reset"
        erase = ("erase-region", hex(slots.offset), hex(slots.size))
        command = esptool(build, port, "hard-reset", *erase)
        steps.append(Step("start from the slot just written", command))
    steps.insert(0, Step("the new code", esptool(build, port, after, *write), told=True))
    return [
        *steps,
        Step(
            "the port for the REPL",
            ("companion", "escape", "--port", port),
            _BACK_S / 3,
            may_fail=True,
        ),
        *_files(build, port, "hold the safe-mode button and press reset"),
        _test(port, hands),
    ]


def _files(build: Build, port: str, hint: str, wait_s: int = 0) -> list[Step]:
    to_board = ("mpremote", "connect", port, "resume")
    clear = (*to_board, *(("sleep", str(wait_s)) if wait_s else ()), "exec", _CLEAR)
    names = sorted({place.split("/")[0] for place in build.program.files})
    folders = [name for name in names if (build.files / name).is_dir()]
    single = [str(build.files / name) for name in names if name not in folders]
    steps = [
        # mpremote waits without end for a board that says nothing.
        Step("no modules of an earlier install", clear, _BACK_S, wait_s + _REPL_S, hint=hint),
        Step("the files that start it", (*to_board, "fs", "cp", *single, ":"), limit=_COPY_S),
    ]
    for name in folders:
        copy = ("fs", "cp", "-r", str(build.files / name), ":")
        steps.append(Step(f"the modules of {name}", (*to_board, *copy), limit=_COPY_S))
    return [*steps, Step("start it", (*to_board, "reset"), limit=_REPL_S)]


def _test(port: str, hands: bool) -> Step:
    words = () if hands else ("--no-hands",)
    command = ("companion", "selftest", "--port", port, *words)
    return Step("the self-test", command, may_fail=True, told=True)
