"""A panel is polled a hundred times a second: while nobody is at it, it must leave no garbage."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PARTS = """
import gc
from drivers.buzzer import Buzzer
from drivers.escpos import EscPos
from drivers.keypad import Keypad
from drivers.panel import Panel
from drivers.touchkeys import Ft6336, TouchKeys

class Pin:
    def value(self, level=1):
        return 1

class Uart:
    def any(self):
        return 0
    def txdone(self):
        return True
    def write(self, data):
        pass

class Glass:
    def readfrom_mem_into(self, address, register, into):
        into[0] = 0

class Display:
    def show(self, lines):
        pass

ms = 0
def now_ms():
    return ms
pins = [Pin() for _ in range(4)]
printer = EscPos(Uart(), now_ms=now_ms)
buzzer = Buzzer(Pin(), now_ms)
"""
_KEYPAD = "keys = Keypad(pins, pins, now_ms=now_ms)\n"
_TOUCH = "keys = TouchKeys(Ft6336(Glass()), now_ms=now_ms)\n"
_POLLS = """
panel = Panel(Display(), keys, None, printer, buzzer, now_ms)
panel.show(["Shop", "", "Enter amount"])
for ms in range(10, 5000, 10):
    panel.poll()
gc.collect()
gc.disable()
before = gc.mem_alloc()
for ms in range(5000, 6000, 10):
    panel.poll()
print(gc.mem_alloc() - before)
"""


@pytest.mark.parametrize("keys", [_KEYPAD, _TOUCH], ids=["keypad", "touch keys"])
def test_an_idle_panel_allocates_nothing(keys: str, tmp_path: Path) -> None:
    script = tmp_path / "polls.py"
    script.write_text(_PARTS + keys + _POLLS)
    run = subprocess.run(
        [Path(sys.executable).parent / "micropython", str(script)],
        env={"MICROPYPATH": f"{ROOT / 'firmware'}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.stdout, run.stderr) == ("0\n", "")
