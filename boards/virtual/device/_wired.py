"""The panel of a virtual board with a card reader at its second serial port: the one that boards
with hardware have (firmware/drivers/panel.py), with parts that end at the supervisor."""

import json
import select

import _link
from _uart import Uart

from drivers.panel import Panel
from drivers.serialreader import SerialReader


class _Keys:
    """The front panel's keys; its cards are not for this board."""

    fault = ""

    def __init__(self):
        self._events = _link.open_events()
        self._there = select.poll()
        self._there.register(self._events, select.POLLIN)

    def poll(self) -> list:
        names = []
        while self._there.poll(0):
            line = self._events.readline()
            if not line:
                break
            event = json.loads(line)
            if "key" in event:
                names.append(event["key"])
        return names


class _Printer:
    fault = ""

    def __init__(self, outputs):
        self.line = outputs.print_line

    def printing(self) -> bool:
        return False

    def room(self) -> int:
        return 1000

    def poll(self):
        pass


class _Buzzer:
    def __init__(self, outputs):
        self.beep = outputs.beep

    def poll(self):
        pass


def wired(outputs) -> Panel:
    """A Panel that shows, prints and beeps through ``outputs``."""
    return Panel(outputs, _Keys(), SerialReader(Uart()), _Printer(outputs), _Buzzer(outputs))
