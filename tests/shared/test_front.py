"""The panel's side of a sale: what is shown is what is charged."""

from protocol import record
from terminal import money, screens
from terminal.front import Front
from tests.shared.expect import raises


class Panel:
    """Carries the front's show effects out, as the runner does."""

    def __init__(self) -> None:
        self.front = Front("Corner shop", lambda: "READY")
        self.shown = []
        self.effects = []

    def carry_out(self, effects: list) -> list:
        for effect in effects:
            if effect[0] == "show":
                self.front.mode = effect[1]
                self.shown = screens.lines(effect[2], *effect[3:])
        self.effects = effects
        return effects

    def keys(self, *names: str) -> "Panel":
        for name in names:
            self.carry_out(self.front.key(name))
        return self

    def card(self) -> list:
        return self.front.card({"pan": "x"}, self.shown)


def test_digits_enter_enter_card_gives_the_amount_that_is_on_the_screen():
    panel = Panel().keys("1", "2", "3", "4", "ENTER")
    assert panel.shown[2] == "CNY 12.34"
    panel.keys("ENTER")
    assert panel.card() == [("card_in", record.SALE, 1234, 1234, {"pan": "x"}, None)]


def test_the_displayed_amount_is_read_from_the_screen_not_from_the_digits():
    panel = Panel().keys("5", "0", "0", "ENTER", "ENTER")
    panel.shown = ["CNY 50.00"]
    assert panel.card()[0][2:4] == (500, 5000)


def test_letters_are_taken_where_a_host_gives_some_and_nowhere_else():
    stan = Panel().keys("ENTER", "1", "A", "7", "b", "ENTER")
    assert stan.effects == [("find", "original", record.VOID, 7)]
    refund = Panel().keys("ENTER", "2", *"12345678901", "x", "ENTER")
    assert refund.shown[2] == "DATE MMDD"
    refund.keys("A", "1", "1", "2", "0", "ENTER", "5", "ENTER", "ENTER")
    assert refund.card()[0][5] == {"batch": 0, "stan": 0, "rrn": "12345678901x", "date": "1120"}
    assert Panel().keys("ENTER", "2", "中", "é", "", "AB").shown[3] == "-"


def test_a_card_before_the_confirmation_charges_nothing():
    for keys in ([], ["7"], ["7", "ENTER"]):
        assert Panel().keys(*keys).card() == []


def test_cancel_at_every_stage_goes_back_to_the_first_screen():
    for keys in (["7"], ["7", "ENTER"], ["7", "ENTER", "ENTER"]):
        panel = Panel().keys(*keys).keys("CANCEL")
        assert panel.front.mode == "idle"
        assert panel.keys("9").shown[2] == "CNY 0.09"


def test_clear_takes_the_last_digit_and_zero_cannot_be_confirmed():
    panel = Panel().keys("1", "2", "CLEAR", "CLEAR", "ENTER")
    assert panel.front.mode == "amount"
    assert panel.shown[2] == "CNY 0.00"


def test_more_than_ten_digits_are_not_taken():
    panel = Panel().keys(*["9"] * 10)
    assert panel.keys("9").effects == [("beep", 1)]
    assert panel.shown[2] == "CNY 99999999.99"


def test_keys_do_nothing_while_the_engine_is_busy():
    panel = Panel()
    panel.front.mode = "busy"
    for key in ("1", "ENTER", "CANCEL", "CLEAR"):
        assert panel.front.key(key) == []


def test_an_owed_receipt_is_answered_with_enter_or_clear_only():
    panel = Panel()
    panel.front.mode = "ask"
    assert panel.front.key("1") == []
    assert panel.front.key("ENTER") == [("answer", True)]
    assert panel.front.key("CLEAR") == [("answer", False)]


def test_amounts_read_back_as_they_were_shown():
    for amount_minor in (0, 1, 10, 99, 100, 1234, 999999999999):
        assert money.read(money.show(amount_minor)) == amount_minor
    for text in ("", "12", "12.3", "12.345", "x.34", "12,34", "-1.00"):
        raises(ValueError, money.read, text)


def test_digits_start_a_sale_and_enter_opens_the_menu():
    assert Panel().keys("1").shown[0] == "SALE"
    panel = Panel().keys("ENTER")
    assert panel.front.mode == "menu"
    assert panel.keys("CANCEL").front.mode == "idle"
    assert Panel().keys("ENTER", "9").effects == [("ask_settle",)]
    assert Panel().keys("ENTER", "0").effects == [("ask_reprint",)]


def test_a_void_asks_for_the_stan_and_confirms_what_was_found():
    panel = Panel().keys("ENTER", "1", "4", "2", "ENTER")
    assert panel.effects == [("find", "original", record.VOID, 42)]
    original = {"stan": 42}
    panel.carry_out(panel.front.offer(record.VOID, 1234, original))
    assert panel.shown[0] == "VOID" and panel.shown[2] == "CNY 12.34"
    panel.keys("ENTER")
    assert panel.card() == [("card_in", record.VOID, 1234, 1234, {"pan": "x"}, original)]


def test_a_refund_asks_for_rrn_date_and_amount():
    panel = Panel().keys("ENTER", "2").keys(*"000000000042")
    assert panel.keys("7").effects == [("beep", 1)]
    panel.keys("ENTER", "1", "1", "2", "CLEAR")
    assert panel.keys("ENTER").front.mode == "prompt"  # two digits are no date
    panel.keys("2", "2", "ENTER", "5", "0", "0", "ENTER", "ENTER")
    original = {"batch": 0, "stan": 0, "rrn": "000000000042", "date": "1122"}
    assert panel.card() == [("card_in", record.REFUND, 500, 500, {"pan": "x"}, original)]


def test_each_kind_of_the_menu_asks_for_what_names_its_original():
    auth = ["A", "1", "2", "3", "4", "5", "ENTER", "1", "1", "2", "2", "ENTER"]
    for key, txn, typed in (
        ("3", record.PREAUTH, []),
        ("4", record.PREAUTH_CANCEL, auth),
        ("5", record.COMPLETION, auth),
        ("6", record.COMPLETION_NOTICE, auth),
    ):
        panel = Panel().keys("ENTER", key, *typed).keys("5", "0", "0", "ENTER", "ENTER")
        effect = panel.card()[0]
        assert effect[:4] == ("card_in", txn, 500, 500)
        assert (effect[5] or {}).get("auth", "") == ("A12345" if typed else "")
    assert Panel().keys("ENTER", "7", "9", "ENTER").effects[0][2] == record.COMPLETION_VOID


def test_a_balance_takes_a_card_at_once_and_no_amount():
    panel = Panel().keys("ENTER", "8")
    assert panel.card() == [("card_in", record.BALANCE, 0, 0, {"pan": "x"}, None)]


def test_a_large_amount_is_confirmed_twice():
    for digits, mode in ((["5", "0", "0"], "card"), (["5", "0", "1"], "sure")):
        panel = Panel()
        panel.front = Front("Corner shop", lambda: "READY", 500)
        panel.keys(*digits).keys("ENTER", "ENTER")
        assert panel.front.mode == mode
    assert panel.card() == []
    panel.keys("ENTER")
    assert panel.card()[0][2:4] == (501, 501)
