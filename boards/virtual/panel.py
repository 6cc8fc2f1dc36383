"""The front panel of a virtual board in a terminal: python -m boards.virtual.panel --port N."""

import argparse
import json
import os
import select
import socket
import sys
import termios
import tty
from typing import TextIO

_KEYS = {
    "z": "00",
    "\r": "ENTER",
    "\n": "ENTER",
    "\x7f": "CLEAR",
    "\x08": "CLEAR",
    "\x1b": "CANCEL",
}
_COLUMNS = 21
_CARD = {"pan": "9999990000000014", "expiry": "3012", "entry": "021"}
# At most 80 characters: a line that wraps runs into the paper.
_HELP = "digits, z = 00, Enter, Backspace = CLEAR, Esc = CANCEL, c = test card, q = leave"


def draw(message: dict[str, object], out: TextIO) -> None:
    """Screens in a frame at the top, paper below, errors as they come."""
    screen = message.get("screen")
    if isinstance(screen, list):
        lines = [_padded(str(line)) for line in [*screen, *[""] * (8 - len(screen))]]
        frame = "+" + "-" * _COLUMNS + "+"
        picture = [frame, *(f"|{line}|" for line in lines), frame, _HELP]
        out.write("\x1b7\x1b[H" + "".join(f"{line}\x1b[K\r\n" for line in picture) + "\x1b8")
    elif "print" in message:
        out.write(f"{message['print']}\r\n")
    elif "beep" in message:
        out.write("\a")
    elif "error" in message:
        out.write(f"error: {message['error']}\r\n")
    out.flush()


def _padded(line: str) -> str:
    # A terminal gives a Chinese character two columns.
    return line + " " * (_COLUMNS - len(line) - sum(char > "~" for char in line))


def event(key: str) -> dict[str, object] | None:
    if key == "c":
        return {"card": _CARD}
    if key.isdigit():
        return {"key": key}
    return {"key": _KEYS[key]} if key in _KEYS else None


def converse(board: socket.socket) -> str:
    """Until the board closes the connection or somebody types q; returns why it ended."""
    lines = board.makefile("rb", buffering=0)
    while True:
        readable, _, _ = select.select([sys.stdin, lines], [], [])
        if lines in readable:
            line = lines.readline()
            if not line:
                return "the board is off"
            draw(json.loads(line), sys.stdout)
        if sys.stdin in readable:
            key = os.read(sys.stdin.fileno(), 1).decode(errors="replace")
            if key in ("q", "\x03", ""):
                return ""
            answer = event(key)
            if answer is not None:
                board.sendall(json.dumps(answer).encode() + b"\n")


def tcp_port(text: str) -> int:
    """An argument that is a TCP port; ValueError for argparse otherwise."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m boards.virtual.panel",
        description="Show a virtual board's front panel and type on it.",
        epilog="example: python -m boards.virtual.panel --port 7000",
    )
    parser.add_argument(
        "--port", type=tcp_port, required=True, help="what boards.virtual.run printed"
    )
    arguments = parser.parse_args()
    if not sys.stdin.isatty():
        print("panel: needs a terminal to type on", file=sys.stderr)
        return 1
    saved = termios.tcgetattr(sys.stdin)
    ending = ""
    try:
        with socket.create_connection(("127.0.0.1", arguments.port)) as board:
            tty.setraw(sys.stdin)
            sys.stdout.write("\x1b[2J\x1b[12r\x1b[13;1H")  # the paper scrolls below the screen
            ending = converse(board)
    except OSError as error:
        ending = error.strerror or str(error)
    except ValueError:
        ending = "what answers there is no virtual board"
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        sys.stdout.write("\x1b[r\x1b[999;1H\n")
        sys.stdout.flush()
    if ending:
        print(f"panel: 127.0.0.1:{arguments.port}: {ending}", file=sys.stderr)
    return 1 if ending else 0


if __name__ == "__main__":
    sys.exit(main())
