"""A virtual board that runs a real board's board.py and drivers, for heap.py.

What hangs on the buses is played, with as little memory as that can have: a reader without a card
(an RC522; a PN532 is not there), a printer with paper, and what keeps silent. Keys and cards come
from the virtual front panel, which shows what the board's own screen is told.
"""

import json
import select
import sys

import _link
import machine

_ENODEV = 19
_RC522 = {0x04: 0x01, 0x14: 0x83, 0x37: 0x92}  # its timer ran out, antenna on, version
_PAPER = b"\x12"
_ON_I2C = {0x28: _RC522, 0x34: {0x03: 0x03}, 0x38: {}, 0x3C: {}}


class Pin(machine.Pin):
    OPEN_DRAIN = 7


class I2C:
    def __init__(self, id, *, scl, sda, freq=400000):
        pass

    def _chip(self, address):
        if address not in _ON_I2C:
            raise OSError(_ENODEV)  # as a port says when nobody acknowledges
        return _ON_I2C[address]

    def writeto(self, address, data, stop=True):
        self._chip(address)
        return len(data)

    def writevto(self, address, parts, stop=True):
        self._chip(address)

    def writeto_mem(self, address, register, data):
        self._chip(address)

    def readfrom_mem(self, address, register, count):
        return bytes((self._chip(address).get(register, 0),)) * count

    def readfrom_mem_into(self, address, register, buffer):
        chip = self._chip(address)
        for i in range(len(buffer)):
            buffer[i] = chip.get(register + i, 0)

    def readfrom(self, address, count, stop=True):
        self._chip(address)
        return bytes(count)

    def readfrom_into(self, address, buffer, stop=True):
        self._chip(address)


class SPI:
    MSB = 0

    def __init__(self, id, baudrate=1000000, *, sck, mosi, miso, polarity=0, phase=0):
        pass

    def write(self, data):
        pass

    def write_readinto(self, out, into):
        for i in range(len(into) - 1):
            into[i + 1] = _RC522.get(out[i] >> 1 & 0x3F, 0)


class UART:
    """A printer that has paper."""

    def __init__(self, id, baudrate=9600, *, tx=None, rx=None, txbuf=256, rxbuf=256, timeout=0):
        self._asked = 0

    def any(self):
        return self._asked

    def read(self, count=-1):
        self._asked = 0
        return _PAPER

    def write(self, data):
        if data == b"\x10\x04\x04":
            self._asked = 1
        return len(data)

    def txdone(self):
        return True


class RTC(machine.RTC):
    def datetime(self, values=None):
        return values or (2026, 1, 1, 3, 0, 0, 0, 0)


class WDT:
    def __init__(self, id=0, timeout=5000):
        pass

    def feed(self):
        pass


class Front:
    """The virtual front panel beside a board's own."""

    def __init__(self, panel):
        self._show = panel.show
        self._poll = panel.poll
        self._events = _link.open_events()
        self._there = select.poll()
        self._there.register(self._events, select.POLLIN)
        panel.show = self.show
        panel.poll = self.poll

    def show(self, lines):
        self._show(lines)
        self._tell({"screen": lines})

    def _tell(self, message):
        data = json.dumps(message).encode()
        _link.call(_link.PANEL, 0, 0, len(data), data)

    def poll(self):
        if self._there.poll(0):
            return json.loads(self._events.readline())
        event = self._poll()
        if event and "printed" in event:
            self._tell({"print": "all"})
        return event


machine.mem32 = {}
for part in (Pin, I2C, SPI, UART, RTC, WDT):
    setattr(machine, part.__name__, part)
sys.path.insert(0, "/rom")  # before the virtual board.py


def start():
    import board

    build = board.Panel

    def panel():
        made = build()
        Front(made)
        return made

    board.Panel = panel
    from terminal import start

    start.run(board)
