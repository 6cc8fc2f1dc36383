"""Wall time from the host's clock."""

from terminal import receipt, zone
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


def test_the_year_that_the_host_does_not_give_is_that_of_the_journal_or_the_next():
    for newest, host_time, year in (
        (0, "0101000000", 2026),
        ((2026, "1122093000"), "1122093100", 2026),
        ((2026, "1231235959"), "0101000000", 2027),
        ((2027, "0101000000"), "1231235959", 2026),  # two clocks that differ
        ((2028, "0110000000"), "1220000000", 2027),
        ((2028, "0110000000"), "1205000000", 2028),  # it was off for eleven months
        ((2027, "1130000000"), "0229120000", 2028),
        ((2031, "0615000000"), "0615000100", 2031),
    ):
        clock = Clock(0)
        terminal = TerminalClock(clock)
        terminal.passed = unix_seconds(*newest) if newest else 0
        terminal.set_from_host(host_time)
        assert clock.now == unix_seconds(year, host_time), (newest, host_time)


def test_a_wrong_host_time_leaves_the_clock_unset():
    clock = Clock(0)
    TerminalClock(clock).set_from_host("9999999999")
    assert clock.now == 0
    assert TerminalClock(clock).wall() == 0


def test_a_date_is_the_inverse_of_its_seconds():
    assert zone.civil(0) == (1970, 1, 1, 0, 0, 0)
    assert zone.civil(1795311000 + 8 * 3600) == (2026, 11, 22, 9, 30, 0)
    for year, month, last in ((2024, 2, 29), (2026, 2, 28), (2026, 12, 31), (2100, 2, 28)):
        for day in (1, last):
            host_time = f"{month:02d}{day:02d}235959"
            seconds = unix_seconds(year, host_time) + 8 * 3600
            assert zone.civil(seconds) == (year, month, day, 23, 59, 59)


def test_a_time_of_the_host_is_shown_in_the_terminals_zone():
    assert zone.of_host("1122093000", 480) == "1122093000"
    assert zone.of_host("1122093000", 540) == "1122103000"
    assert zone.of_host("1231233000", 540) == "0101003000"
    assert zone.of_host("0301000000", -210) == "0228123000"
    assert zone.of_host("no time", 540) == "no time"
    # February has 29 days when the year is known to be such a one, or the host says so.
    leap = unix_seconds(2028, "0301000000")
    assert zone.of_host("0301000000", -210, leap) == "0229123000"
    for wall in (0, leap, leap - 365 * 86400):
        assert zone.of_host("0229120000", 540, wall) == "0229130000"
        assert zone.of_host("0229233000", 540, wall) == "0301003000"
    shown = [zone.named(offset) for offset in (480, 0, -210, 840)]
    assert shown == ["+08:00", "+00:00", "-03:30", "+14:00"]


def test_a_slip_says_its_zone_unless_it_is_chinas():
    names = {"merchant_name": "Shop", "merchant_no": "1", "terminal_no": "2"}
    armed = {"txn": 1, "pan": "", "batch": 1, "stan": 1, "amount_minor": 1, "orig_stan": 0}
    armed.update({"orig_rrn": "", "orig_auth": ""})
    outcome = {"rrn": "", "auth": "", "host_time": "1122093000", "amount_minor": 1}

    def time_of(config: dict) -> str:
        rows = receipt.approved(config, armed, outcome)
        assert max([len(row) for row in rows]) <= 32
        return next(row for row in rows if row.startswith("TIME"))

    assert time_of(names) == "TIME     11-22 09:30:00"
    names["utc_offset_min"] = 480
    assert time_of(names) == "TIME     11-22 09:30:00"
    names["utc_offset_min"] = -210
    assert time_of(names) == "TIME     11-21 22:00:00 -03:30"
    outcome.update({"host_time": "0301000000", "wall": unix_seconds(2028, "0301000000")})
    assert time_of(names) == "TIME     02-29 12:30:00 -03:30"
