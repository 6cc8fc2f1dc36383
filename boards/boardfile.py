"""A board as data: boards/NAME/board.json, loaded, typed and checked.

What is wrong is told with the file and the field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from boards import mistakes
from boards.chips import CHIPS
from boards.fields import BoardError, Field

BOARDS = Path(__file__).resolve().parent
SUBTYPES = ("factory", "ota_0", "ota_1", "ota", "nvs", "phy", "fat", "romfs")
_APPS = ("factory", "ota_0", "ota_1")

__all__ = ["Board", "BoardError", "Part", "Partition", "Pin", "Wire", "load", "names"]


@dataclass(frozen=True)
class Pin:
    function: str
    gpio: int
    direction: str  # "in", "out", "both"
    pull: str  # the chip's own: "none", "up", "down"
    strap: str  # why what is connected to a strapping pin may be there


@dataclass(frozen=True)
class Bus:
    name: str
    kind: str  # "i2c", "spi", "uart", "parallel"
    id: int
    hz: int  # baud of a UART
    lines: dict[str, str]  # "sda" -> function


@dataclass(frozen=True)
class Wire:
    terminal: str  # what is printed on the part
    to: str  # a function, or a rail
    via: str  # what lies between, such as a divider


@dataclass(frozen=True)
class Part:
    id: str
    name: str
    driver: str
    bus: str
    address: int | None
    volts: str
    onboard: bool
    choice: str  # parts of one choice are alternatives: at most one is connected
    wires: tuple[Wire, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Partition:
    label: str
    subtype: str
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def is_app(self) -> bool:
        return self.subtype in _APPS


@dataclass(frozen=True)
class Trap:
    what: str
    source: str


@dataclass(frozen=True)
class Purchase:
    what: str
    why: str


@dataclass(frozen=True)
class Board:
    name: str
    title: str
    chip: str
    module: str
    flash_size: int
    psram: str  # "", "quad", "octal"
    stock: str  # MicroPython's name of the board whose image it takes
    variant: str
    repl: str  # "uart", "usb"
    safe_mode: str
    battery: bool
    power: str
    cut: str
    headers: dict[int, str]
    taken: dict[int, str]
    pins: dict[str, Pin]
    buses: dict[str, Bus]
    parts: tuple[Part, ...]
    keys: tuple[tuple[str, ...], ...]
    partitions: tuple[Partition, ...]
    traps: tuple[Trap, ...]
    purchases: tuple[Purchase, ...]

    @property
    def folder(self) -> Path:
        return BOARDS / self.name

    @property
    def image_name(self) -> str:
        """How MicroPython's download page begins the name of the stock image."""
        return f"{self.stock}-{self.variant}" if self.variant else self.stock

    def partition(self, label: str) -> Partition:
        for row in self.partitions:
            if row.label == label:
                return row
        raise BoardError(f"{self.name}: no partition {label}")


def names() -> list[str]:
    """Every board with a board.json."""
    return sorted(file.parent.name for file in BOARDS.glob("*/board.json"))


def load(name: str) -> Board:
    """The board of boards/NAME; BoardError says every mistake of its file."""
    file = BOARDS / name / "board.json"
    if name not in names():
        raise BoardError(f"no board {name}; there are: {', '.join(names())}")
    return parse(file.read_text(encoding="utf-8"), f"boards/{name}/board.json", name)


def parse(text: str, where: str, name: str) -> Board:
    """A board from the text of its file."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BoardError(f"{where}: {error}") from None
    board = _read(Field(where, data))
    found = mistakes.of(board, name)
    if found:
        raise BoardError("\n".join(f"{where}: {mistake}" for mistake in found))
    return board


def _read(top: Field) -> Board:
    board = Board(
        name=top.text("name"),
        title=top.text("title"),
        chip=top.one_of("chip", tuple(CHIPS)),
        module=top.text("module"),
        flash_size=top.number("flash_size"),
        psram=top.one_of("psram", ("", "quad", "octal")),
        stock=top.text("stock"),
        variant=top.text("variant", ""),
        repl=top.one_of("repl", ("uart", "usb")),
        safe_mode=top.text("safe_mode"),
        battery=top.flag("battery"),
        power=top.text("power"),
        cut=top.text("cut"),
        headers={_gpio(at): at.value_text() for at in top.items("headers")},
        taken={_gpio(at): at.value_text() for at in top.items("taken")},
        pins={at.key: _pin(at) for at in top.items("pins")},
        buses={at.key: _bus(at) for at in top.items("buses")},
        parts=tuple(_part(at) for at in top.rows("parts")),
        keys=tuple(tuple(cell.value_text() for cell in row.cells()) for row in top.rows("keys")),
        partitions=tuple(_partition(at) for at in top.rows("partitions")),
        traps=tuple(_trap(at) for at in top.rows("traps")),
        purchases=tuple(_purchase(at) for at in top.rows("purchases")),
    )
    top.nothing_else()
    return board


def _gpio(at: Field) -> int:
    if not at.key.isdecimal():
        raise BoardError(f"{at.path}: the name must be a GPIO's number")
    return int(at.key)


def _pin(at: Field) -> Pin:
    pin = Pin(
        function=at.key,
        gpio=at.number("gpio"),
        direction=at.one_of("direction", ("in", "out", "both")),
        pull=at.one_of("pull", ("none", "up", "down"), "none"),
        strap=at.text("strap", ""),
    )
    at.nothing_else()
    return pin


def _bus(at: Field) -> Bus:
    bus = Bus(
        name=at.key,
        kind=at.one_of("kind", ("i2c", "spi", "uart", "parallel")),
        id=at.number("id", 0),
        hz=at.number("hz", 0),
        lines={line.key: line.value_text() for line in at.items("lines")},
    )
    at.nothing_else()
    return bus


def _part(at: Field) -> Part:
    part = Part(
        id=at.text("id"),
        name=at.text("name"),
        driver=at.text("driver", ""),
        bus=at.text("bus", ""),
        address=at.number("address") if at.has("address") else None,
        volts=at.text("volts"),
        onboard=at.flag("onboard", False),
        choice=at.text("choice", ""),
        wires=tuple(_wire(wire) for wire in at.rows("wires")),
        notes=tuple(note.value_text() for note in at.rows("notes", [])),
    )
    at.nothing_else()
    return part


def _wire(at: Field) -> Wire:
    cells = [cell.value_text() for cell in at.cells()]
    if len(cells) not in (2, 3):
        raise BoardError(f"{at.path}: a wire is [terminal, where to] or [terminal, where to, via]")
    return Wire(cells[0], cells[1], cells[2] if len(cells) == 3 else "")


def _partition(at: Field) -> Partition:
    row = Partition(
        label=at.text("label"),
        subtype=at.one_of("subtype", SUBTYPES),
        offset=at.number("offset"),
        size=at.number("size"),
    )
    at.nothing_else()
    return row


def _trap(at: Field) -> Trap:
    trap = Trap(at.text("what"), at.text("source"))
    at.nothing_else()
    return trap


def _purchase(at: Field) -> Purchase:
    purchase = Purchase(at.text("what"), at.text("why"))
    at.nothing_else()
    return purchase
