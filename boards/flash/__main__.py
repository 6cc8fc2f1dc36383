"""MicroPython and the firmware onto a board: make image, make flash."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from boards import boardfile
from boards.flash import table
from boards.flash.build import Build, build
from boards.flash.carry import Flashing, Say
from boards.flash.errors import Interrupted, Refused
from boards.flash.target import target
from companion.cli.provision import provision as provision_command
from companion.store.errors import StoreBusy
from companion.store.lock import locked


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


def _told(made: Build, firmware: Path) -> str:
    wanted = made.target.image_name
    other = f"{firmware.name} is not named like {wanted}, this board's image: is it the right one?"
    where = "runs from the partition romfs" if made.program.executed == "romfs" else "runs in RAM"
    parts = "\n".join(
        f"  0x{part.offset:06x} {len(part.data):8} {part.file}" for part in made.start + made.code
    )
    return (
        f"{made.target.name}: MicroPython {made.stock.version}, firmware {made.program.version}, "
        f"which {where}\n{parts}\n{table.told(made.rows)}"
        + ("" if firmware.name.startswith(wanted) else f"\n{other}")
    )


def main(words: list[str] | None = None) -> int:
    given = _arguments().parse_args(words)
    out = given.out or Path("build/image") / given.board
    out = out if out.name.strip(".") else out.resolve()
    busy = f"{out} is in use by another run; OUT=FOLDER names another folder"
    try:
        with alone(out.with_name(f".{out.name}.lock"), busy):
            return _image(given, out) if given.command == "image" else _flash(given, out)
    except Refused as error:
        print(f"refused, nothing was written: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped by hand, nothing was written; reset the board", file=sys.stderr)
        return 1
    except Interrupted as error:
        print(f"not finished: {error}\nrun the same command again", file=sys.stderr)
        return 2


def _image(given: argparse.Namespace, out: Path) -> int:
    made = build(target(given.board), given.firmware, out, given.in_ram)
    print(_told(made, given.firmware), flush=True)
    return 0


def _flash(given: argparse.Namespace, out: Path) -> int:
    provision = _provisioning(given.provision, given.port)
    made = build(target(given.board), given.firmware, out, given.in_ram)
    print(_told(made, given.firmware), flush=True)
    say: Say = lambda text: print(text, flush=True)  # noqa: E731
    flashing = Flashing(made, given.port, provision, not given.no_hands, say)
    if given.dry_run:
        flashing.show()
        return 0
    with alone(_port_lock(given.port), f"{given.port} is in use by another make flash"):
        if flashing.run():
            return 0
    print("the flashing is done, the self-test is not passed: see above", file=sys.stderr)
    return 3


def _provisioning(text: str, port: str) -> tuple[str, ...] | None:
    """Arguments for companion provision, which must take them before anything is written."""
    if text == "-":
        return None
    try:
        words = tuple(shlex.split(text))
        provision_command.make_context("companion provision", ["--port", port, *words])
    except (ValueError, click.ClickException, click.exceptions.Exit) as error:
        why = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise Refused(f"PROVISION: {why}") from None
    return words


def _port_lock(port: str) -> Path:
    name = os.path.realpath(port).strip("/").replace("/", "-")
    return Path(tempfile.gettempdir()) / f"pingzhang-{os.getuid()}" / f"{name}.lock"


@contextmanager
def alone(lock: Path, busy: str) -> Iterator[None]:
    """Refused(``busy``) while another process is in here with the same file."""
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        raise Refused(f"{lock}: {error.strerror}") from None
    try:
        with locked(lock, busy):
            yield
    except StoreBusy as error:
        raise Refused(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
