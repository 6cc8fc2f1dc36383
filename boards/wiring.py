"""The wiring of a board as a picture and as tables, from its board.json.

python -m boards.wiring            # writes wiring.svg and the tables in README.md of each board
python -m boards.wiring --check    # exits 1 when one of them is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from boards import boardfile
from boards.boardfile import Board, Part, Wire

BEGIN = "<!-- from board.json: python -m boards.wiring -->"
END = "<!-- end -->"

_ROW = 22  # height of a wire
_HEAD = 40  # above the first wire of a part
_GAP = 18  # between parts
_PART = 290  # widths
_LANE = 70
_CHIP = 280
_MARGIN = 16
_TOP = 78
_WIDTH = 2 * (_MARGIN + _PART + _LANE) + _CHIP
_NOTE = 16  # height of a line of a note
_NOTE_CHARS = 50
_RAILS = {"3V3": "#c0392b", "5V": "#e67e22", "GND": "#222222", "SUPPLY": "#8e44ad"}
_COLOURS = {"i2c": "#2471a3", "spi": "#1e8449", "uart": "#b9770e", "parallel": "#117a65"}
_PLAIN = "#5d6d7e"


def pad(board: Board, function: str) -> str:
    """What a wire ends at: a rail, or a GPIO and its place on the board's headers."""
    if function not in board.pins:
        return "own supply" if function == "SUPPLY" else function
    gpio = board.pins[function].gpio
    place = board.headers.get(gpio, "")
    return f"GPIO{gpio}" + (f" ({place})" if place else "")


def _colour(board: Board, function: str) -> str:
    if function in _RAILS:
        return _RAILS[function]
    for bus in board.buses.values():
        if function in bus.lines.values():
            return _COLOURS[bus.kind]
    return _PLAIN


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= _NOTE_CHARS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _below(part: Part) -> list[str]:
    """The lines under the wires of a part."""
    vias = [f"{wire.terminal}: {wire.via}" for wire in part.wires if wire.via]
    return [line for note in [*vias, *part.notes] for line in _wrapped(note)]


def _height(part: Part) -> int:
    return _HEAD + _ROW * len(part.wires) + _NOTE * len(_below(part)) + 8


def _columns(board: Board) -> tuple[list[Part], list[Part]]:
    """The parts left and right of the board, so that both columns are about as high."""
    left: list[Part] = []
    right: list[Part] = []
    heights = [0, 0]
    for part in sorted(board.parts, key=lambda part: part.onboard):
        side = 0 if heights[0] <= heights[1] else 1
        (left, right)[side].append(part)
        heights[side] += _height(part) + _GAP
    return left, right


def svg(board: Board) -> str:
    """The picture: each wire runs straight from a part's terminal to the board's pad."""
    left, right = _columns(board)
    high = max(sum(_height(part) + _GAP for part in side) for side in (left, right)) - _GAP
    height = _TOP + high + _MARGIN + 24
    chip_x = _MARGIN + _PART + _LANE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        f' viewBox="0 0 {_WIDTH} {height}" font-family="Helvetica, Arial, sans-serif"'
        ' font-size="12">',
        f"<title>{escape(board.title)}: wiring</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(_MARGIN, 28, board.title, size=18, bold=True),
        _text(_MARGIN, 48, f"{board.module}. Not tried on hardware.", colour="#555555"),
        f'<rect x="{chip_x}" y="{_TOP}" width="{_CHIP}" height="{high}" rx="6"'
        ' fill="#eaf2f8" stroke="#1b4f72" stroke-width="2"/>',
        _text(_WIDTH // 2, _TOP + 18, board.title, bold=True, anchor="middle"),
        _text(_WIDTH // 2, _TOP + 33, "pins by use, not by place", 10, False, "middle", "#555555"),
    ]
    for side, parts in enumerate((left, right)):
        y = _TOP
        for part in parts:
            lines += _part(board, part, side, y)
            y += _height(part) + _GAP
    lines.append(_legend(board, height - _MARGIN))
    return "\n".join([*lines, "</svg>", ""])


def _part(board: Board, part: Part, side: int, y: int) -> Iterable[str]:
    x = _MARGIN if side == 0 else _WIDTH - _MARGIN - _PART
    dash = ' stroke-dasharray="5 4"' if part.onboard else ""
    fill = "#f4f6f7" if part.onboard else "#fef9e7"
    yield (
        f'<rect x="{x}" y="{y}" width="{_PART}" height="{_height(part)}" rx="5" fill="{fill}"'
        f' stroke="#7f8c8d"{dash}/>'
    )
    yield _text(x + 10, y + 17, part.name, bold=True)
    about = [part.volts]
    if part.address is not None:
        about.append(f"address 0x{part.address:02X}")
    if part.onboard:
        about.append("on the board")
    if part.choice:
        many = sum(other.choice == part.choice for other in board.parts)
        about.append(f"one of {many} to choose from")
    yield _text(x + 10, y + 32, " · ".join(about), size=10, colour="#555555")
    for number, wire in enumerate(part.wires):
        yield from _wire(board, wire, side, x, y + _HEAD + _ROW * number + _ROW // 2)
    start = y + _HEAD + _ROW * len(part.wires) + 11
    for number, line in enumerate(_below(part)):
        yield _text(x + 10, start + _NOTE * number, line, size=10, colour="#7d3c98")


def _wire(board: Board, wire: Wire, side: int, x: int, y: int) -> Iterable[str]:
    colour = _colour(board, wire.to)
    near = x + _PART if side == 0 else x
    far = near + _LANE if side == 0 else near - _LANE
    if wire.to == "SUPPLY":
        far = near + (_LANE // 3 if side == 0 else -_LANE // 3)
    yield (
        f'<line x1="{near}" y1="{y}" x2="{far}" y2="{y}" stroke="{colour}" stroke-width="2.5"/>'
    )
    yield f'<circle cx="{near}" cy="{y}" r="3.5" fill="{colour}"/>'
    yield f'<circle cx="{far}" cy="{y}" r="3.5" fill="{colour}"/>'
    if wire.via:
        middle = (near + far) // 2
        yield (
            f'<rect x="{middle - 12}" y="{y - 5}" width="24" height="10" fill="#ffffff"'
            f' stroke="{colour}" stroke-width="1.5"/>'
        )
    inner = near - 10 if side == 0 else near + 10
    yield _text(inner, y + 4, wire.terminal, anchor="end" if side == 0 else "start")
    if wire.to == "SUPPLY":
        return
    outer = far + 10 if side == 0 else far - 10
    yield _text(outer, y + 4, pad(board, wire.to), size=11, anchor="start" if side == 0 else "end")


def _legend(board: Board, y: int) -> str:
    kinds = {bus.kind for bus in board.buses.values()}
    names = [*_RAILS.items(), *((kind, _COLOURS[kind]) for kind in _COLOURS if kind in kinds)]
    used = {wire.to for part in board.parts for wire in part.wires}
    parts = []
    x = _MARGIN
    for name, colour in names:
        if name in _RAILS and name not in used:
            continue
        label = {"SUPPLY": "own supply", "i2c": "I2C", "spi": "SPI", "uart": "UART"}.get(
            name, name
        )
        parts.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke="{colour}"'
            ' stroke-width="2.5"/>'
        )
        parts.append(_text(x + 28, y, label, size=11))
        x += 46 + 8 * len(label)
    return "\n".join(parts)


def _text(
    x: int,
    y: int,
    text: str,
    size: int = 12,
    bold: bool = False,
    anchor: str = "start",
    colour: str = "#111111",
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}"{weight} text-anchor="{anchor}"'
        f' fill="{colour}">{escape(text)}</text>'
    )


def tables(board: Board) -> str:
    """What a README says of a board, as Markdown."""
    return "\n".join(
        [
            "![Wiring](wiring.svg)",
            "",
            f"{board.module}. MicroPython image: `{board.image_name}`. REPL: {_repl(board)}.",
            f"Safe mode: {board.safe_mode}.",
            "",
            f"**Power.** {board.power}.",
            "",
            f"**Cutting it.** {board.cut}.",
            "",
            "| part | its pin | goes to | |",
            "|---|---|---|---|",
            *_wire_rows(board),
            "",
            *_reader_note(board),
            "The keys: " + "; ".join(" ".join(row) for row in board.keys) + ".",
            "",
            "| partition | offset | size | |",
            "|---|---|---|---|",
            *(
                f"| `{at.label}` | 0x{at.offset:06X} | 0x{at.size:06X} | {at.size // 1024} KB |"
                for at in board.partitions
            ),
            "",
            "| trap | source |",
            "|---|---|",
            *(f"| {trap.what} | {trap.source} |" for trap in board.traps),
            "",
            "| to buy | for |",
            "|---|---|",
            *(f"| {purchase.what} | {purchase.why} |" for purchase in board.purchases),
        ]
    )


def _repl(board: Board) -> str:
    return "the chip's own USB" if board.repl == "usb" else "UART0, through the USB-UART bridge"


def _wire_rows(board: Board) -> Iterable[str]:
    for part in board.parts:
        name = part.name + (" (on the board)" if part.onboard else "")
        for wire in part.wires:
            pin = board.pins.get(wire.to)
            remarks = [text for text in (wire.via, pin.strap if pin else "") if text]
            where = pad(board, wire.to)
            yield f"| {name} | {wire.terminal} | {where} | {'. '.join(remarks)} |"
            name = ""
        for note in part.notes:
            yield f"| | | | {note} |"


def _reader_note(board: Board) -> list[str]:
    choices = [part.id for part in board.parts if part.choice == "reader"]
    if not choices:
        return []
    listed = ", ".join(f"`{choice}`" for choice in choices)
    return [f"Of the readers one is connected; `READER` in board.py says which: {listed}.", ""]


def _with_tables(text: str, board: Board) -> str:
    """The text with the part between the marks replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"boards/{board.name}/README.md: no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{tables(board)}\n{END}{after}"


def generated(board: Board) -> dict[Path, str]:
    """Each file that comes from the board's data, and what it must hold."""
    readme = board.folder / "README.md"
    return {
        board.folder / "wiring.svg": svg(board),
        readme: _with_tables(readme.read_text(encoding="utf-8"), board),
    }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        sys.exit("usage: python -m boards.wiring [--check]")
    stale = []
    for name in boardfile.names():
        for file, content in generated(boardfile.load(name)).items():
            if file.exists() and file.read_text(encoding="utf-8") == content:
                continue
            stale.append(file)
            if not arguments:
                file.write_text(content, encoding="utf-8")
    for file in stale:
        print(f"{'out of date' if arguments else 'written'}: {file.relative_to(boardfile.BOARDS)}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
