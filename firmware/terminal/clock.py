"""Wall time on a board that may have none.

An ESP32 without a battery starts with no time at all. The host's F13 and F12 (MMDDhhmmss, China
time) set it at sign-in; records made before carry 0. Wall time is evidence only: order is the
sequence number, matching uses the host's times (W27).

F12 and F13 carry no year. It is the first in which they are not before the journal's newest
record with a time; this program's, while there is none.
"""

BUILD_YEAR = 2026
_YEAR_S = 31556952
# So much may two clocks differ; one that was off for eleven months comes back a year early.
_BACK_S = 30 * 86400
_OFFSET_S = 8 * 3600


def unix_seconds(year: int, host_time: str) -> int:
    """Unix seconds of MMDDhhmmss in China time; raises ValueError when it is no date."""
    if len(host_time) != 10 or not host_time.isdigit():
        raise ValueError("not MMDDhhmmss: %r" % host_time)
    month = int(host_time[0:2])
    day = int(host_time[2:4])
    hour = int(host_time[4:6])
    minute = int(host_time[6:8])
    second = int(host_time[8:10])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        raise ValueError("no such time: %s" % host_time)
    days = _days(year, month, day)
    return days * 86400 + hour * 3600 + minute * 60 + second - _OFFSET_S


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, counted in years that begin in March so that leap days come last."""
    if month < 3:
        year -= 1
        month += 12
    leaps = year // 4 - year // 100 + year // 400
    return 365 * year + leaps + (153 * (month - 3) + 2) // 5 + day - 1 - 719468


class TerminalClock:
    """The board's clock, set from the host when it has no time."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.passed = 0  # Unix seconds of the newest record with a time, from before the start

    def wall(self) -> int:
        """Unix seconds, or 0 while nobody has told the time."""
        return self._clock.wall()

    def set(self, seconds: int) -> None:
        """Take the companion's time, Unix seconds."""
        self._clock.set(seconds)

    def set_from_host(self, host_time: str) -> None:
        """Take the host's time if the clock is not set; a wrong one is left alone."""
        if self._clock.wall():
            return
        year = max(BUILD_YEAR, 1969 + self.passed // _YEAR_S)
        try:
            while unix_seconds(year, host_time) < self.passed - _BACK_S:
                year += 1
            self._clock.set(unix_seconds(year, host_time))
        except ValueError:
            return
