"""The clock of a board whose epoch is 2000, as ESP32's: prints JSON."""

import json
import sys
import time as host

YEAR_2000 = 946684800


class Time:
    """time of an ESP32: what the RTC says, 0 at power-on."""

    now = 0

    def time(self):
        return self.now

    def gmtime(self, seconds):
        return host.gmtime(seconds + YEAR_2000)


time = Time()
sys.modules["time"] = time

import machine  # noqa: E402

from drivers import chip  # noqa: E402

clock = chip.Clock()
walls = [clock.wall()]
time.now = 86400  # a day without a time is no time
walls.append(clock.wall())
clock.set(1795311000)
time.now = 1795311000 - YEAR_2000
walls.append(clock.wall())
print(json.dumps([walls, machine.clock]))
