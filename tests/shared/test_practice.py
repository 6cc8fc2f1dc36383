"""Training: the cashier's way through a sale, with nothing behind it."""

from protocol import record
from terminal import columns, screens
from terminal.practice import Practice
from tests.shared.expect import Random
from tests.shared.test_screens import in_each_language

NAMES = {
    "merchant_name": "Corner shop",
    "merchant_no": "104110070110001",
    "terminal_no": "10000001",
    "language": 0,
}
CARD = {"pan": "9999990000000014", "expiry": "3012", "entry": "021"}


class Panel:
    def __init__(self, confirm_minor: int = 0) -> None:
        self.shown: list[str] = []
        self.every: list[list[str]] = []
        self.paper: list[str] = []
        self.left = False
        names = dict(NAMES)
        names["confirm_minor"] = confirm_minor
        self.practice = Practice(names, self, self.leave)
        self.practice.begin()

    def show(self, lines: list) -> None:
        self.shown = lines
        self.every.append(lines)

    def print_line(self, text: str) -> None:
        self.paper.append(text)

    def beep(self, times: int) -> None:
        pass

    def leave(self) -> None:
        self.left = True

    def keys(self, *names: str) -> "Panel":
        for name in names:
            self.practice.event({"key": name})
        return self

    def sell(self, *digits: str) -> "Panel":
        self.keys(*digits).keys("ENTER", "ENTER")
        self.practice.event({"card": CARD})
        return self


def test_every_screen_and_every_slip_says_that_it_is_training():
    panel = Panel().sell("5", "0", "0")
    assert "APPROVED" in panel.shown and "CNY 5.00" in panel.shown
    assert panel.paper[0] == panel.paper[-2] == "*** TRAINING 培训 ***"
    panel.keys("CLEAR", "ENTER", "1", "1", "ENTER", "ENTER")
    panel.practice.event({"card": CARD})
    assert "VOID" in panel.shown
    panel.keys("CLEAR", "ENTER", "0", "CLEAR", "ENTER", "9", "CLEAR", "ENTER", "00")
    for lines in panel.every:
        assert lines[0] == "*** TRAINING ***"
    slips = len([row for row in panel.paper if row == "*** TRAINING 培训 ***"])
    assert slips == 2 * 3


def everything() -> Panel:
    """A practice in which every screen is shown that it has."""
    panel = Panel(confirm_minor=100).keys("5", "ENTER", "ENTER", "ENTER")
    panel.practice.event({"card": CARD})
    panel.sell("5", "0").keys("CLEAR").sell("9", "1").keys("CLEAR", "ENTER", "1", "1")
    panel.keys("ENTER", "ENTER").practice.event({"card": CARD})
    panel.keys("CLEAR", "ENTER", "1", "1", "ENTER", "CLEAR", "ENTER", "00", "CLEAR", "ENTER")
    panel.keys("CLEAR", "1", "CLEAR", "ENTER", "0", "CLEAR", "ENTER", "2", *"123456789012")
    panel.keys("ENTER", *"1120", "ENTER", "5", "0", "0", "ENTER", "ENTER", "ENTER", "CANCEL")
    panel.keys("ENTER", "8").practice.event({"card": CARD})
    panel.keys("CLEAR", "ENTER", "3", "1", "ENTER", "CANCEL", "ENTER", "9", "CLEAR")
    return panel


def test_every_screen_says_so_in_either_language_and_loses_no_line_by_it():
    def said(texts) -> None:
        real = screens.lines
        whole: list = []

        def watched(name: str, *values: object) -> list:
            whole.append(real(name, *values))
            return list(whole[-1])

        screens.lines = watched
        try:
            shown = everything().every
        finally:
            screens.lines = real
        mark = screens.say("TRAINING", True)
        assert len(shown) == len(whole) > 50
        for i in range(len(shown)):
            lines, rows = shown[i], whole[i]
            assert mark in lines[0], lines
            assert len(lines) <= texts.LINES
            assert max([columns.width(row) for row in lines]) <= screens.WIDTH
            kept = "\n".join(lines)
            for row in rows:
                assert row in kept, (row, lines)

    in_each_language(said)


def test_whatever_is_pressed_and_read_the_screen_fits_and_says_so():
    keys = list("0123456789")
    keys.extend(("ENTER", "ENTER", "ENTER", "CLEAR", "CANCEL", "00", "A"))
    bad = ({}, None, {"pan": "1"}, {"pan": "", "sealed": "00"}, {"pan": CARD["pan"]})

    def holds(texts) -> None:
        mark = screens.say("TRAINING", True)
        for seed in range(8):
            dice = Random(seed)
            panel = Panel(confirm_minor=100)
            for _ in range(150):
                roll = dice.below(8)
                if roll == 0:
                    panel.practice.event({"card": bad[dice.below(len(bad))]})
                elif roll == 1:
                    panel.practice.event({"card": CARD})
                else:
                    panel.practice.event({"key": keys[dice.below(len(keys))]})
                assert mark in panel.shown[0] and len(panel.shown) <= texts.LINES
                assert max([columns.width(row) for row in panel.shown]) <= screens.WIDTH

    in_each_language(holds)


def test_what_is_not_there_in_training_is_not_in_its_menus():
    panel = Panel().keys("ENTER")
    assert not [row for row in panel.shown if "Cases" in row]
    panel.keys("CLEAR")
    assert [row for row in panel.shown if row[:1].isdigit()] == ["2 End of training"]


def test_some_amounts_are_declined_as_a_host_would():
    panel = Panel().sell("1", "0", "5", "1")
    assert panel.shown[1].startswith("DECLINED  51") and not panel.paper
    panel.keys("CLEAR").sell("1", "0", "5", "2")
    assert "APPROVED" in panel.shown


def test_only_what_was_practised_can_be_voided_and_once_it_was_settled_nothing():
    panel = Panel().keys("ENTER", "1", "7", "ENTER")
    assert "No such original" in panel.shown
    panel.keys("CLEAR").sell("5", "0", "0")
    panel.keys("CLEAR").sell("3", "0", "0")
    panel.keys("CLEAR", "ENTER", "1", "1", "ENTER", "ENTER").practice.event({"card": CARD})
    assert "VOID" in panel.shown
    panel.keys("CLEAR", "ENTER", "1", "1", "ENTER")
    assert "Already voided" in panel.shown
    panel.keys("CLEAR")
    # What was given back is less, as on a real batch's slip.
    panel.keys("ENTER", "9")
    assert "Practised: 3" in panel.shown and "CNY 3.00" in panel.shown
    panel.keys("CLEAR", "ENTER", "1", "1", "ENTER")
    assert "No such original" in panel.shown


def test_a_card_that_cannot_be_used_is_refused():
    panel = Panel().keys("5", "ENTER", "ENTER")
    panel.practice.event({"card": {"pan": "9999990000000013", "expiry": "3012"}})
    assert panel.shown[1] == "NOT POSSIBLE" and not panel.paper


def test_the_amount_that_is_approved_is_read_back_from_the_screen():
    panel = Panel().keys("5", "ENTER", "ENTER")
    panel.practice._shown = ["*** TRAINING ***", "CNY 0.06"]
    panel.practice.event({"card": CARD})
    assert "Amount differs" in panel.shown


def test_the_same_keys_as_into_training_lead_out_of_it_and_nothing_else_there_works():
    panel = Panel()
    for digit in ("0", "1", "9"):
        panel.keys("ENTER", "CLEAR", digit)
        assert "NOT POSSIBLE" in panel.shown and not panel.left
        panel.keys("CLEAR")
    panel.keys("ENTER", "CLEAR", "2")
    assert panel.left


def test_a_practice_keeps_few_sales_in_memory():
    panel = Panel()
    for _ in range(30):
        panel.sell("1", "0", "0").keys("CLEAR")
        panel.every, panel.paper = [], []
    assert len(panel.practice._done) == 8
    assert panel.practice._done[-1][0]["txn"] == record.SALE
