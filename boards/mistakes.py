"""What is wrong with a board's data: what a person at a bench cannot see.

A pin that belongs to the flash, a strapping pin that something pulls at power-on, two things on
one pin, 5 V into an input, a partition that lies on another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boards.chips import CHIPS, Chip

if TYPE_CHECKING:
    from boards.boardfile import Board, Part, Pin

SECTOR = 0x1000
# ESP-IDF Programming Guide, "Partition Tables": apps lie at multiples of 64 KB; so does what is
# mapped into memory (the MMU's page), as MicroPython does with romfs.
PAGE = 0x10000
FIRST_OFFSET = 0x9000  # behind the bootloader and the partition table at 0x8000
RAILS = ("3V3", "5V", "GND", "SUPPLY")
# What the firmware cannot do without, and the bytes it wants at least.
NEEDED = {"journal": 0x20000, "vault": 0x6000, "log": 0x4000, "romfs": 0x40000, "vfs": 0x10000}


def of(board: Board, name: str) -> list[str]:
    """Every mistake of the board in the folder ``name``."""
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
    kept = {("uart", 0): "the REPL"} if board.repl == "uart" else {}
    for bus in board.buses.values():
        if (bus.kind, bus.id) in kept:
            found.append(f"buses.{bus.name}.id: {bus.kind} {bus.id} is {kept[bus.kind, bus.id]}")
        kept[bus.kind, bus.id] = bus.name
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
            if not 0x08 <= part.address <= 0x77:
                found.append(f"{where}.address: 0x{part.address:02X} is none of I2C")
            if key in addresses:
                found.append(f"{where}.address: {addresses[key]} has 0x{part.address:02X}")
            addresses[key] = part.id
        signals = part.volts.partition("signals")[2] or part.volts
        if "5 V" in signals and _drives_unprotected(board, part):
            found.append(f"{where}.wires: 5 V into an input of the chip: name the divider in via")
    return found


def _drives_unprotected(board: Board, part: Part) -> bool:
    """A 5 V part whose output reaches a pin with nothing between."""
    return any(
        wire.to in board.pins and board.pins[wire.to].direction != "out" and not wire.via
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
