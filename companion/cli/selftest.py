"""`companion selftest`: try every part of a board, with or without somebody at it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import click

from companion import link
from companion.cli.output import FOUND, json_option, print_json
from companion.errors import CompanionError
from companion.link.conversation import printable

_PROGRAM = "import board\nfrom terminal import selftest\nselftest.run(board, {hands})"
_MARK = "SELFTEST "
# A board's watchdog can't be stopped: it resets itself on the way to the REPL.
_BACK_S = 20.0
_PORT_S = 5.0
_SLOWEST_S = 120.0
_AGAIN_S = 0.5


@click.command()
@click.option("--port", required=True, metavar="PORT", help="Serial port of the terminal.")
@click.option("--no-hands", is_flag=True, help="Nobody is there to press a key or hold a card.")
@json_option
def selftest(port: str, no_hands: bool, as_json: bool) -> None:
    """Try every part of a board: flash, clock, screen, printer, keys, card reader.

    The firmware stops for it and the REPL runs the test, which changes nothing in the journal; its
    receipt stays on the screen until the board is reset. Exits 1 when a part has failed.

    \b
    Example:
      companion selftest --port /dev/ttyACM0
      mpremote connect /dev/ttyACM0 reset
    """
    parts = []
    with closing(_opened(port)) as transport, contextlib.suppress(link.LinkError):
        link.escape(transport)  # a board that has the REPL already does not answer
    for line in _run(port, not no_hands):
        part, how, seen = [*line.split(" ", 2), "", ""][:3]
        if part == "END":
            break
        parts.append({"part": part, "result": how, "seen": seen})
        if not as_json:
            click.echo(f"{how:8}{part}: {seen}")
    else:
        raise CompanionError(f"{port}: the self-test did not come to its end")
    if as_json:
        print_json({"parts": parts})
    failed = [row["part"] for row in parts if row["result"] == "failed"]
    if not as_json:
        click.echo(f"failed: {', '.join(failed)}" if failed else "no part has failed")
        click.echo("the terminal starts with the next reset: its button, or mpremote reset")
    if failed:
        sys.exit(FOUND)


def _opened(port: str) -> link.Transport:
    """The port; after a reset a chip's own USB port is away for a moment."""
    until = time.monotonic() + _PORT_S
    while True:
        try:
            return link.open_transport(port)
        except link.LinkError:
            if time.monotonic() >= until:
                raise
        time.sleep(_AGAIN_S)


def _run(port: str, hands: bool) -> Iterator[str]:
    """What the board says of its parts, as it says it."""
    command = [sys.executable, "-m", "mpremote", "connect", port]
    _until_there([*command, "resume", "eval", "1"], port)
    process = subprocess.Popen(
        [*command, "exec", _PROGRAM.format(hands=hands)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    other = []
    assert process.stdout is not None
    guard = threading.Timer(_SLOWEST_S, process.kill)
    guard.start()
    with process, contextlib.ExitStack() as last:
        last.callback(guard.cancel)
        for line in process.stdout:
            if line.startswith(_MARK):
                yield printable(line.removeprefix(_MARK).strip())
            else:
                other.append(line)
    if process.returncode:
        raise CompanionError(f"{port}: {printable(' '.join(other[-3:]))}")


def _until_there(command: list[str], port: str) -> None:
    """Wait for the REPL."""
    until = time.monotonic() + _BACK_S
    why = "silence"
    while (left := until - time.monotonic()) > 0:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=left
            )
        except subprocess.TimeoutExpired:
            break
        if done.returncode == 0:
            return
        why = ((done.stderr or done.stdout).strip().splitlines() or [why])[-1]
        time.sleep(_AGAIN_S)
    raise CompanionError(
        f"{port}: the REPL does not answer ({printable(why)}); hold the safe-mode button, press "
        "reset, and try again"
    )
