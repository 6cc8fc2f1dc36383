"""The whole firmware on a board.py: from the start to the screen that wants a card, by its own
keys; with parts connected on to the slip. Prints the screens as JSON."""

import asyncio
import json
import os
import sys
import time

import board
import machine
import parts

import drivers.panel
from protocol import config
from terminal import start
from terminal.journal import Journal
from terminal.vault import Vault

PATIENCE_MS = 10000
SEEN = 5  # polls are 10 ms apart, keys settle within 25
SETTINGS = {
    "device_id": "PZ-TEST-1",
    "terminal_no": "10000001",
    "merchant_no": "104110070110001",
    "merchant_name": "Test shop",
    "profile": "unionpay_pos",
    "tpdu": bytes((0x60, 0, 3, 0, 0)),
    "tmk": bytes(range(16)),
    "seal_key": bytes(32),
    "sync_key": bytes(32),
    "token_key": bytes(32),
    "host": "127.0.0.1",
    "port": 1,  # nobody is there
    "sync_port": 0,
    "response_ms": 1000,
    "reversal_tries": 3,
    "reversal_wait_ms": 500,
    "wifi_ssid": "",
    "wifi_password": "",
}
wanted = json.loads(os.getenv("WANTED"))
panels = []
polls = [0]
wrong = []  # of each screen, what its glass shows otherwise
build = board.Panel


def panel():
    made = build()
    poll = made.poll

    def counted():
        polls[0] += 1
        return poll()

    made.poll = counted
    panels.append(made)
    return made


board.Panel = panel


async def shown(text):
    """The screen, once a line of it begins with the text."""
    begun = time.ticks_ms()
    lines = []
    while time.ticks_diff(time.ticks_ms(), begun) < PATIENCE_MS:
        lines = panels[-1]._lines if panels else []
        if [line for line in lines if line.startswith(text)]:
            lines = drivers.panel._with_notice(lines, panels[-1]._noticed)
            wrong.append(parts.screen.wrong(lines))
            return lines
        await asyncio.sleep_ms(1)
    raise SystemExit("no %r on %r" % (text, lines))


async def let_go():
    """Hold nothing until the keys must have seen it: what is held from before is no press."""
    machine.held.clear()
    machine.registers[(0x38, 2)] = 0
    until = polls[0] + SEEN
    while polls[0] < until:
        await asyncio.sleep_ms(1)


def hold(place):
    if len(place) == 2:
        machine.held.add(tuple(place))
    else:  # a touch: fingers, x and y as the controller's five bytes say them
        for i in range(5):
            machine.registers[(0x38, 2 + i)] = place[i]


async def cashier():
    screens = [await shown(wanted["first"])]
    for key, text in wanted["steps"]:
        await let_go()
        hold(wanted["keys"][key])
        screens.append(await shown(text))
    if "last" in wanted:
        screens += await sale()
    found = {"screens": screens, "faults": panels[-1].faults(), "wrong": wrong}
    found["paper"] = {uart: bytes(data).hex() for uart, data in machine.sent.items()}
    print(json.dumps(found))
    raise SystemExit


async def sale():
    """A card on the reader, until the slip is out."""
    parts.tap(field)
    screens = [await shown(wanted["last"])]
    begun = time.ticks_ms()
    while panels[-1].printing() and time.ticks_diff(time.ticks_ms(), begun) < PATIENCE_MS:
        await asyncio.sleep_ms(1)
    await let_go()
    return screens


field = parts.connect(board.NAME, wanted["wired"]) if "wired" in wanted else None
if wanted["provisioned"]:
    SETTINGS.update(wanted.get("settings", {}))
    if "tmk_hex" in wanted:
        SETTINGS["tmk"] = bytes.fromhex(wanted["tmk_hex"])
    Journal(board.partition("journal")).format()
    Vault(board.partition("vault"), bytes).set_config(config.encode(SETTINGS))
start._tell = lambda log, error: sys.print_exception(error)  # not only into the log
asyncio.create_task(cashier())
start.run(board)
