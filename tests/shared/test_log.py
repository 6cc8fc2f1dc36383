"""The log: lines that survive, never card data, and never in the way."""

from terminal.log import MOST, Log, cleaned
from tests.shared.test_journal import Flash


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def wall(self) -> int:
        return self.now


def texts(log: Log, most: int = 1 << 20) -> list:
    """Every line without its time, read in pieces."""
    found = []
    number = 0
    while True:
        number, rows = log.read(number, most)
        if not rows:
            return found
        found.extend([row.partition(" ")[2] for row in rows.split("\n")])


def test_lines_survive_restarts_in_their_order():
    flash = Flash(4)
    for start in range(5):
        log = Log(flash)
        log.line(f"start {start}")
        log.line(f"crash {start}")
    expected = [f"{what} {start}" for start in range(5) for what in ("start", "crash")]
    assert texts(Log(flash)) == expected
    for most in (1, 30, 100):
        assert texts(Log(flash), most) == expected


def test_a_line_has_the_clocks_time_or_that_since_the_start():
    log = Log(Flash(2))
    log.seconds = 7
    log.line("early")
    log.clock = Clock(0)
    log.line("still early")
    log.clock = Clock(1795311000)
    log.line("later")
    assert log.read(0, 999)[1] == "+7 early\n+7 still early\n1795311000 later"


def test_a_full_log_loses_its_oldest_lines_a_sector_at_a_time():
    flash = Flash(3)
    lines = [f"line {number} {'x' * 80}" for number in range(200)]
    for number in range(0, 200, 10):
        log = Log(flash)
        for line in lines[number : number + 10]:
            log.line(line)
        kept = texts(Log(flash))
        assert kept == lines[: number + 10][-len(kept) :]
    assert 2 * 4096 // 112 - 2 <= len(kept) <= 3 * 4096 // 112


def test_nothing_is_programmed_twice():
    flash = Flash(2)
    for number in range(150):
        before = bytes(flash.data)
        erases = flash.erases
        Log(flash).line(f"line {number}")
        if flash.erases == erases:
            for at in range(len(before)):
                assert before[at] == flash.data[at] or before[at] == 0xFF


def test_what_may_be_card_data_is_withheld():
    for text in (
        "not an amount: '622200123456'",
        "6222 0012 3456 7890",
        "622200 123456",
        "b'bb@'",
        "bytes \\x62\\x22",
        "two\nlines",
    ):
        assert cleaned(text) == "(withheld)", text
    for text in ("connect: ECONNREFUSED", "program of sector 3 failed: OSError(5,)"):
        assert cleaned(text) == text


def test_the_same_line_again_is_not_kept():
    log = Log(Flash(2))
    for text in ("a", "a", "b", "b", "a"):
        log.line(text)
    assert texts(log) == ["a", "b", "a"]


def test_a_long_line_is_cut_at_a_character():
    log = Log(Flash(2))
    log.line("平" * 100)
    (text,) = texts(log)
    assert text == "平" * (MOST // 3)


def test_a_line_for_which_there_is_no_memory_is_lost_and_no_other():
    class Short(Flash):
        fails = 0

        def writeblocks(self, block: int, buf, offset: int) -> None:
            if self.fails == 1:
                raise MemoryError
            super().writeblocks(block, buf, offset)
            if self.fails == 2:
                raise MemoryError

    for when in (1, 2):
        flash = Short(2)
        log = Log(flash)
        log.line("before")
        flash.fails = when
        log.line("then")
        flash.fails = 0
        log.line("afterwards")
        expected = ["before", "then", "afterwards"] if when == 2 else ["before", "afterwards"]
        assert texts(log) == texts(Log(flash)) == expected


def test_a_very_long_line_costs_no_more_than_a_long_one():
    log = Log(Flash(2))
    log.line("平a" * 5000)
    assert texts(log) == ["平a" * (MOST // 4)]


def test_without_a_partition_or_with_one_too_small_nothing_is_logged():
    for partition in (None, Flash(1)):
        log = Log(partition)
        log.line("a")
        assert log.read(0, 999)[1] == ""


def test_a_start_with_any_byte_of_the_log_damaged_keeps_the_other_lines_and_goes_on():
    whole = Flash(2)
    lines = [f"line {number} {'x' * 60}" for number in range(12)]
    for line in lines:
        Log(whole).line(line)
    for at in range(0, 1200, 7):
        flash = Flash(2)
        flash.data[:] = whole.data
        flash.data[4096 + at] ^= 1 << at % 8
        log = Log(flash)
        kept = texts(log)
        assert set(kept) <= set(lines)
        # One line, or all of a sector whose header is gone.
        assert len(kept) >= 11 or at < 16, at
        log.line("afterwards")
        kept.append("afterwards")
        assert texts(Log(flash)) == kept, at


def test_garbage_is_no_log_and_is_written_over():
    flash = Flash(3)
    for at in range(len(flash.data)):
        flash.data[at] = (at * 7919 >> 3) & 0xFF
    log = Log(flash)
    assert texts(log) == []
    log.line("a")
    assert texts(Log(flash)) == ["a"]
