"""Wall time from the host's clock."""

from terminal.clock import TerminalClock, unix_seconds
from tests.shared.expect import raises


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def wall(self) -> int:
        return self.now

    def set(self, seconds: int) -> None:
        self.now = seconds


def test_host_time_is_china_time():
    assert unix_seconds(2026, "1122093000") == 1795311000
    assert unix_seconds(2026, "0101000000") == 1767196800
    assert unix_seconds(2028, "0229120000") == 1835409600


def test_impossible_times_are_refused():
    for text in ("", "112209300", "1322093000", "1100093000", "1122243000", "11220930xx"):
        raises(ValueError, unix_seconds, 2026, text)


def test_the_host_sets_a_clock_that_has_no_time_and_leaves_one_that_has():
    clock = Clock(0)
    TerminalClock(clock).set_from_host("1122093000")
    assert clock.now == 1795311000
    TerminalClock(clock).set_from_host("0101000000")
    assert clock.now == 1795311000


def test_a_wrong_host_time_leaves_the_clock_unset():
    clock = Clock(0)
    TerminalClock(clock).set_from_host("9999999999")
    assert clock.now == 0
