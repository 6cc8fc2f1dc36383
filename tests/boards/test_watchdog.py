"""What looks after a running terminal, and what one start tells the next: on the real MicroPython,
with a machine whose RTC memory is a variable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PARTS = """
import time
from machine import RTC
from terminal import rtc
from terminal.watch import Watch

class Log:
    seconds = 0
    def __init__(self):
        self.lines = []
    def line(self, text):
        self.lines.append(text)

log = Log()
watch = Watch(log)

def pass_by(seconds):
    watch._ms = time.ticks_add(time.ticks_ms(), -1000 * seconds)
    watch.turn()
"""
_PROGRAMS = {
    "a_minute_of_running_makes_up_for_every_crash": """
rtc.keep(rtc.SELL, 2)
for seconds, crashes in ((58, 2), (1, 2), (1, 0)):
    pass_by(seconds)
    assert rtc.load() == (rtc.SELL, crashes), (watch.seconds, rtc.load())
assert watch.seconds == log.seconds == 60
rtc.keep(rtc.SELL, 1)
pass_by(100)
assert rtc.load() == (rtc.SELL, 1)
""",
    "what_comes_and_goes_is_logged_thirty_times_an_hour_and_then_as_it_is": """
said = ["a"]
watch.add(lambda: said[0])
for number in range(200):
    said[0] = "number %d" % number
    pass_by(1)
assert log.lines == ["number %d" % number for number in range(30)], log.lines
pass_by(3600)
assert log.lines[30:] == ["number 199"]
pass_by(3600)
assert len(log.lines) == 31
""",
    "the_watchdog_is_fed_with_every_turn_and_a_board_may_have_none": """
class Dog:
    fed = 0
    def feed(self):
        self.fed += 1

class Board:
    def watchdog(self, timeout_ms):
        assert timeout_ms == 60000
        return Dog()

watch.guard(object())
assert watch.dog is None
watch.turn()
watch.guard(Board())
for _ in range(5):
    watch.turn()
assert watch.dog.fed == 5
""",
    "when_a_host_answered_last_and_what_is_wrong_with_it": """
class Line:
    answers = 0
    trouble = ""

line = Line()
watch.follow(line)
for seconds, answers, trouble, heard, lines in (
    (5, 0, "", -1, []),
    (5, 1, "", 10, ["host: answers"]),
    (5, 1, "connect: no answer", 10, ["host: connect: no answer"]),
    (5, 2, "", 20, ["host: answers"]),
    (5, 2, "", 20, []),
):
    line.answers, line.trouble = answers, trouble
    pass_by(seconds)
    assert (watch.heard, log.lines) == (heard, lines), (watch.heard, log.lines)
    del log.lines[:]
""",
    "a_start_takes_nothing_from_memory_that_is_not_whole": """
assert rtc.load() == (rtc.SELL, 0)  # as after a power cut
rtc.keep(rtc.TRAINING, 300)
assert rtc.load() == (rtc.TRAINING, 255)
rtc.keep(rtc.TRAINING, 2)
good = RTC().memory()
assert rtc.load() == (rtc.TRAINING, 2)
for bit in range(8 * len(good)):
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    RTC().memory(bad)
    assert rtc.load() == (rtc.SELL, 0), bad
for other in (good[:-1], good + b"0", bytes(6), b"\\xff" * 6):
    RTC().memory(other)
    assert rtc.load() == (rtc.SELL, 0), other
""",
}


@pytest.mark.parametrize("program", _PROGRAMS)
def test_on_a_board(program: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "micropython"), "-c", _PARTS + _PROGRAMS[program]],
        cwd=ROOT,
        env={"MICROPYPATH": "tests/boards/device:.:firmware:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
