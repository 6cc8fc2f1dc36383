"""Calls everything that a board.py has, and prints what it made of the chip, as JSON."""

import json
import os

import board
import esp32
import machine
import network

at_import = machine.made[:]


def fresh():
    machine.made[:] = []


def panel(reader):
    fresh()
    if reader:
        board.READER = reader
    lines = ["line %d" % i for i in range(8)]
    built = board.Panel()
    built.show(lines)
    built.print_line("Amount 1.00")
    built.beep(1)
    built.poll()
    return at_import + machine.made


def safe_mode(held):
    fresh()
    machine.held.clear()
    machine.held.update(held)
    for place, value in TOUCHES.items():
        machine.registers[place] = value if "touch" in held else 0
    result = board.safe_mode()
    machine.held.clear()
    return result


# FT6336U: one finger at (5, 5)
TOUCHES = {(0x38, 2): 1, (0x38, 3): 0, (0x38, 4): 5, (0x38, 5): 0, (0x38, 6): 5}


def clock():
    found = board.Clock()
    unset = found.wall()
    found.set(1795311000)  # 2026-11-22 01:30:00
    return [unset, machine.clock[-1]]


def kept():
    """What the next start makes of a clock that was set; a chip that is gone does no harm."""
    machine.clock[:] = []
    board.Clock()
    made = machine.clock[:]
    gone = machine.chips.pop(0x51)
    board.Clock().set(1795311060)
    machine.chips[0x51] = gone
    return [made, machine.clock[-1][5]]


def wifi():
    answers = [board.connect_wifi("", "", "pos"), board.connect_wifi("shop", "secret", "p" * 40)]
    network.fails = True
    answers.append(board.connect_wifi("shop", "secret", "pos"))
    return [answers, network.calls]


def partition():
    found = board.partition("journal")
    try:
        board.partition("absent")
    except OSError as error:
        return [isinstance(found, esp32.Partition), found.label, error.errno]


def causes():
    names = []
    for machine.cause in (1, 2, 3, 4, 5, 99):
        names.append(board.reset_cause())
    return names


def trace():
    fresh()
    pin = board.trace_pin()
    if pin is None:
        return None
    made = machine.made[:]
    pin(1)
    high = machine.pins[made[0][1]].value()
    pin(0)
    return [made, high, machine.pins[made[0][1]].value()]


def baud():
    fresh()
    board.set_baud(921600)
    return [board.max_baud(), machine.made[:]]


wanted = json.loads(os.getenv("WANTED"))
print(
    json.dumps(
        {
            "name": board.NAME,
            "idle": safe_mode([]),
            "held": [safe_mode([tuple(h) if isinstance(h, list) else h]) for h in wanted["held"]],
            "panels": [panel(reader) for reader in wanted["readers"]],
            "clock": clock(),
            "kept": kept(),
            "wifi": wifi(),
            "partition": partition(),
            "causes": causes(),
            "trace": trace(),
            "baud": baud(),
            "uart": board.sync_uart(),
            "watchdog": board.watchdog(8000).timeout,
            "id": board.unique_id().hex(),
        }
    )
)
