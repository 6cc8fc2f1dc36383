"""The panel of a board with hardware: what its parts do becomes events, and screens say so."""

import asyncio

from drivers.buzzer import Buzzer, Tone
from drivers.panel import Panel
from tests.shared.expect import raises
from tests.shared.wires import Pin, Pwm, Time

CARD = {"pan": "9999991234567893", "expiry": "4912", "entry": "072", "test": True}
OTHER = {"pan": "9999990000000006", "expiry": "4912", "entry": "072", "test": True}


class Display:
    def __init__(self) -> None:
        self.shown: list = []

    def show(self, lines: list) -> None:
        assert len(lines) <= 8
        self.shown.append(list(lines))


class Keys:
    fault = ""

    def __init__(self) -> None:
        self.names: list = []

    def poll(self) -> list:
        names, self.names = self.names, []
        return names


class Reader:
    every_ms = 50
    fault = ""

    def __init__(self) -> None:
        self.card: dict | None = None
        self.polls = 0
        self.word: bool | None = None

    def poll(self) -> dict | None:
        self.polls += 1
        return self.card

    def verdict(self) -> bool | None:
        word, self.word = self.word, None
        return word


class Printer:
    fault = ""

    def __init__(self) -> None:
        self.rows: list = []
        self.polls = 0

    def line(self, text: str) -> None:
        self.rows.append(text)

    def printing(self) -> bool:
        return bool(self.rows)

    def poll(self) -> None:
        self.polls += 1


class Rig:
    def __init__(self) -> None:
        self.time = Time()
        self.display = Display()
        self.keys = Keys()
        self.reader = Reader()
        self.printer = Printer()
        self.pin = Pin(0)
        buzzer = Buzzer(self.pin, self.time)
        self.panel = Panel(
            self.display, self.keys, self.reader, self.printer, buzzer, now_ms=self.time
        )

    def wait(self, milliseconds: int) -> list:
        events = []
        for _ in range(milliseconds // 10):
            self.time.ms += 10
            event = self.panel.poll()
            if event:
                events.append(event)
        return events


def test_keys_are_events_in_their_order():
    rig = Rig()
    rig.keys.names = ["1", "2", "ENTER"]
    assert rig.wait(100) == [{"key": "1"}, {"key": "2"}, {"key": "ENTER"}]


def test_a_card_is_one_event_for_as_long_as_it_lies_there():
    rig = Rig()
    rig.reader.card = CARD
    assert rig.wait(2000) == [{"card": CARD}]
    rig.reader.card = OTHER
    assert rig.wait(2000) == [{"card": OTHER}]
    rig.reader.card = None
    assert rig.wait(2000) == []
    rig.reader.card = OTHER
    assert rig.wait(2000) == [{"card": OTHER}]


def test_a_card_that_is_missed_once_or_twice_did_not_leave():
    rig = Rig()
    rig.reader.card = CARD
    assert rig.wait(200) == [{"card": CARD}]
    for misses, events in ((1, []), (2, []), (3, [{"card": CARD}])):
        rig.reader.card = None
        rig.wait(50 * misses)
        rig.reader.card = CARD
        assert rig.wait(200) == events


def test_a_card_that_lies_there_counts_again_after_a_key():
    """The cashier presses ENTER for "insert or tap card", and the card is there already."""
    rig = Rig()
    rig.reader.card = CARD
    rig.wait(200)
    rig.keys.names = ["ENTER"]
    assert rig.wait(200) == [{"key": "ENTER"}, {"card": CARD}]


def test_a_chips_word_is_an_event():
    rig = Rig()
    rig.reader.word = False
    assert rig.wait(200) == [{"chip": False}]


def test_a_reader_that_waits_to_be_told_is_told_and_another_is_not():
    rig = Rig()
    rig.panel.want_card(500)
    told = []
    rig.reader.want = told.append
    for wanted in (500, 0, None):
        rig.panel.want_card(wanted)
    assert told == [500, 0, None]
    Panel(Display(), now_ms=Time()).want_card(500)


def test_the_screens_of_a_test_card_say_so_until_the_next_key():
    rig = Rig()
    rig.panel.show(["CNY 1.00", "", "Insert or tap card"])
    rig.reader.card = CARD
    rig.wait(100)
    assert rig.display.shown[-1] == ["CNY 1.00", "TEST CARD", "Insert or tap card"]
    rig.panel.show(["APPROVED", "CNY 1.00", "SALE", "RRN 1", "AUTH 2"])
    assert rig.display.shown[-1][:2] == ["APPROVED TEST CARD", "CNY 1.00"]
    rig.panel.show(["一" * 10, "￥1.00", "", "x"])
    assert rig.display.shown[-1] == ["一" * 10, "￥1.00", "测试卡", "x"]
    rig.panel.show(["x" * 11, "y"])
    assert rig.display.shown[-1] == ["x" * 11 + " TEST CARD", "y"]  # 21 columns
    rig.panel.show(["x" * 12, "y"])
    assert rig.display.shown[-1] == ["x" * 12, "y", "TEST CARD"]
    rig.panel.show(["批" * 7, "y"])
    assert rig.display.shown[-1] == ["批" * 7 + " 测试卡", "y"]
    rig.panel.show(["批" * 8, "y"])
    assert rig.display.shown[-1] == ["批" * 8, "y", "测试卡"]
    rig.panel.show(["x" * 20] * 8)
    assert rig.display.shown[-1] == ["x" * 20] * 8
    full = ["12345678901234567890"] * 7
    rig.panel.show(full)
    assert rig.display.shown[-1][:7] == full
    assert rig.display.shown[-1][7:] == ["TEST CARD"]
    rig.reader.card = None
    rig.keys.names = ["1"]
    rig.wait(100)
    rig.panel.show(["Shop", "", "Enter amount"])
    assert rig.display.shown[-1] == ["Shop", "", "Enter amount"]


def test_the_slip_of_a_test_card_says_so_also_when_it_is_printed_again():
    rig = Rig()
    rows = ["CARD     999999******4856", "RRN      999999123456", "卡号 622202******4856"]
    for row in rows:
        rig.panel.print_line(row)
    assert rig.printer.rows == [rows[0] + " TEST", rows[1], rows[2]]
    assert len(rig.printer.rows[0]) <= 32


def test_another_readers_card_is_not_called_a_test():
    rig = Rig()
    rig.panel.show(["CNY 1.00", ""])
    rig.reader.card = {"pan": "", "sealed": b"x"}
    rig.wait(100)
    assert rig.display.shown == [["CNY 1.00", ""]]


def test_the_screen_says_when_there_is_no_paper_and_stops_saying_it():
    rig = Rig()
    rig.panel.show(["Shop", "", "Enter amount"])
    rig.printer.fault = "no paper"
    rig.wait(20)
    assert rig.display.shown[-1] == ["Shop", "NO PAPER", "Enter amount"]
    rig.printer.fault = "printer does not answer"
    rig.wait(20)
    assert rig.display.shown[-1][1] == "PRINTER OFF"
    rig.printer.fault = ""
    rig.wait(20)
    assert rig.display.shown[-1] == ["Shop", "", "Enter amount"]
    shown = len(rig.display.shown)
    rig.wait(500)
    assert len(rig.display.shown) == shown


def test_a_display_that_fails_is_told_to_who_shows_a_screen_and_to_nobody_else():
    rig = Rig()
    rig.panel.show(["Shop", ""])

    def fail(lines: list) -> None:
        raise OSError(5)

    rig.display.show = fail
    rig.printer.fault = "no paper"
    rig.keys.names = ["1"]
    assert rig.wait(100) == [{"key": "1"}]
    raises(OSError, rig.panel.show, ["Shop", ""])


def test_the_caller_keeps_its_lines():
    rig = Rig()
    lines = ["A", "", "B"]
    rig.printer.fault = "no paper"
    rig.panel.show(lines)
    assert lines == ["A", "", "B"]


def test_the_parts_are_polled_and_the_reader_in_its_own_time():
    rig = Rig()
    rig.panel.print_line("row")
    assert rig.panel.printing()
    rig.wait(1000)
    assert rig.printer.polls == 100
    assert rig.reader.polls == 20
    assert rig.printer.rows == ["row"]


def test_the_end_of_printing_is_an_event_and_none_is_lost():
    rig = Rig()
    assert rig.wait(100) == []
    rig.panel.print_line("row")
    assert rig.wait(100) == []
    rig.printer.rows.clear()
    assert rig.wait(100) == [{"printed": True}]
    rig.panel.print_line("row")
    rig.printer.rows.clear()
    rig.keys.names = ["1"] * 20
    rig.panel.poll()
    assert rig.wait(1000)[-1] == {"printed": True}
    assert rig.wait(1000) == []


def test_events_that_nobody_takes_do_not_pile_up():
    rig = Rig()
    for _ in range(100):
        rig.keys.names = ["1"] * 10
        rig.panel.poll()
    assert len(rig.wait(10000)) == 16 - 1  # one was taken


def test_a_board_may_have_nothing_but_a_display():
    display = Display()
    panel = Panel(display, now_ms=Time())
    panel.show(["x"])
    panel.print_line("row")
    panel.beep(3)
    assert panel.poll() is None
    assert not panel.printing()
    assert panel.faults() == []
    assert display.shown == [["x"]]


def test_faults_of_the_parts_are_told():
    rig = Rig()
    rig.reader.fault = "card reader does not answer"
    rig.printer.fault = "no paper"
    assert rig.panel.faults() == ["card reader does not answer", "no paper"]


def test_an_event_that_is_there_is_given_without_waiting():
    rig = Rig()
    rig.keys.names = ["5"]
    assert asyncio.run(rig.panel.event()) == {"key": "5"}


def test_beeps_are_counted_and_nobody_waits_for_them():
    rig = Rig()
    rig.panel.beep(3)
    assert rig.pin.level == 0
    rig.wait(1000)
    assert rig.pin.changes.count(1) == 3
    assert rig.pin.level == 0
    rig.pin.changes.clear()
    rig.panel.beep(1)
    rig.wait(50)
    assert rig.pin.level == 1
    rig.wait(100)
    assert rig.pin.level == 0


def test_more_beeps_than_anybody_counts_are_five_and_fewer_than_none_are_none():
    rig = Rig()
    rig.panel.beep(1000)
    rig.wait(3000)
    assert rig.pin.changes.count(1) == 5
    rig.panel.beep(-1)
    rig.pin.changes.clear()
    rig.wait(500)
    assert 1 not in rig.pin.changes


def test_beeps_that_come_while_it_beeps_begin_anew():
    rig = Rig()
    rig.panel.beep(3)
    rig.wait(100)
    rig.panel.beep(2)
    rig.pin.changes.clear()
    rig.wait(1000)
    assert rig.pin.changes.count(1) == 2 and rig.pin.level == 0


def test_a_piezo_is_driven_by_its_duty():
    time = Time()
    pwm = Pwm()
    tone = Tone(pwm, time)
    tone.beep(1)
    for _ in range(30):
        time.ms += 10
        tone.poll()
    assert pwm.duties[-2:] == [32768, 0]
