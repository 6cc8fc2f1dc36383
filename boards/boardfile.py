"""A board as data: boards/NAME/board.json, loaded, typed and checked.

What is wrong is told with the file and the field. The checks are what a person at a bench cannot
see: a pin that belongs to the flash, a strapping pin that something pulls at power-on, two things
on one pin, a partition that lies on another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from boards.chips import CHIPS, Chip
from boards.fields import BoardError, Field

BOARDS = Path(__file__).resolve().parent
SECTOR = 0x1000
# ESP-IDF Programming Guide, "Partition Tables": apps lie at multiples of 64 KB; so does what is
# mapped into memory (the MMU's page), as MicroPython does with romfs.
PAGE = 0x10000
FIRST_OFFSET = 0x9000  # behind the bootloader and the partition table at 0x8000
RAILS = ("3V3", "5V", "GND", "SUPPLY")
# What the firmware cannot do without, and the bytes it wants at least.
NEEDED = {"journal": 0x20000, "vault": 0x6000, "log": 0x4000, "romfs": 0x40000, "vfs": 0x10000}
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
    mistakes = list(_mistakes(board, name))
    if mistakes:
        raise BoardError("\n".join(f"{where}: {mistake}" for mistake in mistakes))
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
    if not at.key.isdigit():
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
    address = at.text("address", "")
    part = Part(
        id=at.text("id"),
        name=at.text("name"),
        driver=at.text("driver", ""),
        bus=at.text("bus", ""),
        address=int(address, 16) if address else None,
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


def _mistakes(board: Board, name: str) -> list[str]:
    found = [] if board.name == name else [f"name: {board.name!r}, but the folder is {name}"]
    chip = CHIPS[board.chip]
    for pin in board.pins.values():
        found += [f"pins.{pin.function}: {what}" for what in pin_mistakes(board, chip, pin)]
    found += _shared_pins(board)
    found += _part_mistakes(board)
    found += _partition_mistakes(board)
    for trap in board.traps:
        if not trap.source:
            found.append(f"traps: {trap.what[:40]!r} names no source")
    return found


def pin_mistakes(board: Board, chip: Chip, pin: Pin) -> list[str]:
    """Why this pin may not do what it is for."""
    gpio = pin.gpio
    name = f"GPIO{gpio}"
    if gpio not in chip.gpios:
        return [f"{board.chip} has no {name}"]
    found = []
    if gpio in chip.flash:
        found.append(f"{name} belongs to the flash")
    if board.psram == "octal" and gpio in chip.octal:
        found.append(f"{name} belongs to the octal PSRAM")
    if board.psram == "quad" and gpio in chip.quad:
        found.append(f"{name} belongs to the PSRAM")
    if gpio in chip.repl:
        found.append(f"{name} is UART0: the REPL and the boot messages")
    if gpio in chip.usb:
        found.append(f"{name} is USB")
    if gpio in board.taken:
        found.append(f"{name} is taken by: {board.taken[gpio]}")
    if gpio in chip.input_only and pin.direction != "in":
        found.append(f"{name} can only be an input")
    if gpio in chip.input_only and pin.pull != "none":
        found.append(f"{name} has no pull resistor")
    if gpio in chip.straps and not pin.strap:
        found.append(
            f"{name} is a strapping pin ({chip.straps[gpio]}): say in strap why it may be"
        )
    if pin.function == "trace" and gpio in chip.high_at_reset:
        found.append(f"{name} is high at reset: a rig would count an edge at each start")
    if gpio not in chip.straps and pin.strap:
        found.append(f"{name} is no strapping pin")
    return found


def _users(board: Board, function: str) -> list[Part]:
    return [part for part in board.parts if any(wire.to == function for wire in part.wires)]


def _shared_pins(board: Board) -> list[str]:
    """Two functions on one pin are right only for parts of which one is connected."""
    found = []
    pins = list(board.pins.values())
    for at, one in enumerate(pins):
        for other in pins[at + 1 :]:
            if one.gpio != other.gpio:
                continue
            users = [*_users(board, one.function), *_users(board, other.function)]
            choices = {part.choice for part in users}
            if len(users) < 2 or len(choices) != 1 or "" in choices:
                found.append(f"pins.{other.function}: GPIO{one.gpio} is {one.function} already")
    return found


def _part_mistakes(board: Board) -> list[str]:
    found = []
    used = {wire.to for part in board.parts for wire in part.wires}
    for function, pin in board.pins.items():
        if function not in used:
            found.append(f"pins.{function}: no part is connected to GPIO{pin.gpio}")
    for bus in board.buses.values():
        for line, function in bus.lines.items():
            if function not in board.pins:
                found.append(f"buses.{bus.name}.lines.{line}: no pin {function}")
    addresses: dict[tuple[str, int], str] = {}
    for part in board.parts:
        where = f"parts.{part.id}"
        if part.bus and part.bus not in board.buses:
            found.append(f"{where}.bus: no bus {part.bus}")
        for wire in part.wires:
            if wire.to not in board.pins and wire.to not in RAILS:
                found.append(f"{where}.wires: {wire.terminal} goes to {wire.to}, which is nothing")
            elif wire.to in board.pins and not part.onboard:
                gpio = board.pins[wire.to].gpio
                if gpio not in board.headers:
                    found.append(f"{where}.wires: {wire.terminal}: GPIO{gpio} is on no header")
        if (
            not part.onboard
            and part.volts != "passive"
            and "GND" not in {wire.to for wire in part.wires}
        ):
            found.append(f"{where}.wires: no GND: without it no signal has a level")
        if part.address is not None:
            key = (part.bus, part.address)
            if key in addresses:
                found.append(f"{where}.address: {addresses[key]} has 0x{part.address:02X}")
            addresses[key] = part.id
        if "5 V" in part.volts and _drives_unprotected(board, part):
            found.append(f"{where}.wires: 5 V into an input of the chip: name the divider in via")
    return found


def _drives_unprotected(board: Board, part: Part) -> bool:
    """A 5 V part whose output reaches a pin with nothing between."""
    return any(
        wire.to in board.pins and board.pins[wire.to].direction == "in" and not wire.via
        for wire in part.wires
    )


def _partition_mistakes(board: Board) -> list[str]:
    found = []
    labels = [row.label for row in board.partitions]
    for label in labels:
        if labels.count(label) > 1:
            found.append(f"partitions.{label}: twice")
    for label, least in NEEDED.items():
        if label not in labels:
            found.append(f"partitions: no {label}")
        elif board.partition(label).size < least:
            found.append(f"partitions.{label}.size: at least 0x{least:X}")
    if not any(row.is_app for row in board.partitions):
        found.append("partitions: no app")
    end, before = FIRST_OFFSET, "the partition table"
    for row in sorted(board.partitions, key=lambda row: row.offset):
        where = f"partitions.{row.label}"
        if row.offset < end:
            found.append(f"{where}.offset: 0x{row.offset:X} lies in {before}")
        unit = PAGE if row.is_app or row.label == "romfs" else SECTOR
        if row.offset % unit or row.size % SECTOR:
            found.append(f"{where}: offset in units of 0x{unit:X}, size in units of 0x1000")
        if row.end > board.flash_size:
            found.append(f"{where}: ends behind the flash at 0x{row.end:X}")
        end, before = max(end, row.end), row.label
    if "vfs" in labels and board.partition("vfs").end != board.flash_size:
        found.append("partitions.vfs: MicroPython makes it from the last partition to the end")
    return found
