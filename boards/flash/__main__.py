"""MicroPython and the firmware onto a board: make image, make flash."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from boards import boardfile
from boards.flash import table
from boards.flash.build import Build, build
from boards.flash.carry import Flashing, Say
from boards.flash.errors import Interrupted, Refused
from boards.flash.target import target


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m boards.flash",
        description="Build everything that goes onto a board, and put it there. Exits 1 when it "
        "refused and wrote nothing, 2 when it is not finished, 3 when a part of the board failed.",
        epilog="example: python -m boards.flash flash --board esp32_devkitc --port /dev/ttyUSB0 "
        "--firmware ESP32_GENERIC.bin --dry-run",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (
        ("image", "build it, offline; no board is needed"),
        ("flash", "build it, look at the board, write, provision, test"),
    ):
        command = commands.add_parser(name, help=about)
        command.add_argument("--board", required=True, choices=boardfile.names())
        command.add_argument(
            "--firmware", required=True, type=Path, help="stock image of MicroPython, a .bin"
        )
        command.add_argument("--out", type=Path, help="default: build/image/BOARD")
        command.add_argument(
            "--in-ram", action="store_true", help="an image without ROMFS on a board without PSRAM"
        )
        if name == "flash":
            command.add_argument("--port", required=True, help="the board's serial port")
            command.add_argument("--dry-run", action="store_true", help="only show the commands")
            command.add_argument(
                "--provision",
                metavar="ARGUMENTS",
                default="",
                help="for companion provision, on a new board; - for none",
            )
            command.add_argument(
                "--no-hands", action="store_true", help="nobody presses keys in the self-test"
            )
    return parser


def _told(made: Build) -> str:
    where = "runs from the partition romfs" if made.program.executed == "romfs" else "runs in RAM"
    parts = "\n".join(
        f"  0x{part.offset:06x} {len(part.data):8} {part.file}" for part in made.start + made.code
    )
    return (
        f"{made.target.name}: MicroPython {made.stock.version}, firmware {made.program.version}, "
        f"which {where}\n{parts}\n{table.told(made.rows)}"
    )


def main(words: list[str] | None = None) -> int:
    given = _arguments().parse_args(words)
    out = given.out or Path("build/image") / given.board
    try:
        made = build(target(given.board), given.firmware, out, given.in_ram)
        print(_told(made), flush=True)
        if given.command == "image":
            return 0
        provision = None if given.provision == "-" else tuple(shlex.split(given.provision))
        say: Say = lambda text: print(text, flush=True)  # noqa: E731
        flashing = Flashing(made, given.port, provision, not given.no_hands, say)
        if given.dry_run:
            flashing.show()
        elif not flashing.run():
            print("the flashing is done, the self-test is not passed: see above", file=sys.stderr)
            return 3
    except Refused as error:
        print(f"refused, nothing was written: {error}", file=sys.stderr)
        return 1
    except Interrupted as error:
        print(f"not finished: {error}\nrun the same command again", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
