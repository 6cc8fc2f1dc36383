"""The oracle says what is wrong, and nothing when nothing is. The journal it reads was written by
the firmware's own code, which it shares nothing with."""

from __future__ import annotations

import pytest

from companion.acquirer import kinds
from protocol import record, seal
from terminal.journal import Journal
from tests.hil.host import Booked
from tests.hil.oracle import Failure, Oracle
from tests.hil.tape import Slip
from tests.journal.nor import Nor

KEY = bytes(range(32))
DEVICE = "hil-0"
AMOUNT = 1234
BATCH, STAN = 1, 7
APPROVED = Booked(kinds.SALE, BATCH, STAN, AMOUNT, AMOUNT, "APPROVED")
REVERSED = Booked(kinds.SALE, BATCH, STAN, AMOUNT, AMOUNT, "REVERSED")
SLIP = Slip("SALE 消费", BATCH, STAN, AMOUNT, duplicate=False)


class Terminal:
    """A journal on a flash, and an oracle that looks at it."""

    def __init__(self) -> None:
        self.nor = Nor(8)
        self.journal = Journal(self.nor)
        self.journal.format()
        self.journal.mount()
        self.oracle = Oracle(KEY, DEVICE)
        self._seal = seal.first(KEY, DEVICE)

    def armed(self, txn: int = record.SALE, stan: int = STAN, displayed: int = AMOUNT) -> None:
        self.write(
            {
                "kind": record.ARMED,
                "wall": 0,
                "txn": txn,
                "stan": stan,
                "batch": BATCH,
                "amount_minor": AMOUNT,
                "displayed_minor": displayed,
                "entry": "021",
                "pan": "999999******0014",
                "token": bytes(8),
                "card": bytes(16),
                "card_key": 1,
                "orig_batch": 0,
                "orig_stan": 0,
                "orig_date": "",
                "orig_rrn": "",
                "orig_auth": "",
                "chip": b"",
                "host": 0,
            }
        )

    def outcome(
        self, result: int = record.APPROVED, stan: int = STAN, amount: int = AMOUNT
    ) -> None:
        self.write(
            {
                "kind": record.OUTCOME,
                "wall": 0,
                "stan": stan,
                "batch": BATCH,
                "result": result,
                "code": "00",
                "rrn": "000000000001",
                "auth": "000001",
                "host_time": "1120090000",
                "amount_minor": amount,
            }
        )

    def reversed(self, result: int = record.REV_OK) -> None:
        self.write(
            {
                "kind": record.REVERSAL_END,
                "wall": 0,
                "stan": STAN,
                "batch": BATCH,
                "result": result,
                "code": "00",
                "rrn": "",
                "attempts": 1,
            }
        )

    def closed(self, *phases: int, debit_minor: int = AMOUNT) -> None:
        for phase in phases:
            self.write(
                {
                    "kind": record.BATCH,
                    "wall": 0,
                    "batch": BATCH,
                    "phase": phase,
                    "stan": STAN + 1,
                    "debit_count": 1,
                    "debit_minor": debit_minor,
                    "credit_count": 0,
                    "credit_minor": 0,
                    "cursor": 0,
                    "code": "00",
                }
            )

    def write(self, rec: dict[str, object], key: bytes = KEY) -> None:
        data = record.encode(rec)
        self._seal = seal.seal(key, self._seal, data)
        self.journal.append(data + self._seal)

    def look(self) -> list[Failure]:
        return self.oracle.journal(bytes(self.nor.data))

    def codes(
        self,
        booked: list[Booked],
        shown: str = "",
        slips: list[Slip] | None = None,
        what: str = kinds.SALE,
    ) -> list[str]:
        screens = [[shown, "CNY 12.34"]] if shown else []
        found = self.look()
        found += self.oracle.transaction(what, AMOUNT, booked, screens, slips or [])
        return sorted({failure.code for failure in found})

    def settled(self, booked: list[Booked], at_the_host: bool = True) -> list[str]:
        assert self.look() == []
        found = self.oracle.settlement(BATCH, at_the_host, booked)
        return sorted({failure.code for failure in found})


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def test_an_approved_sale_that_both_sides_have_is_right(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    assert terminal.codes([APPROVED], "APPROVED", [SLIP]) == []


def test_a_reversed_sale_is_right(terminal: Terminal) -> None:
    terminal.armed()
    terminal.reversed()
    assert terminal.codes([REVERSED], "NOT CHARGED") == []


def test_a_sale_that_nobody_has_is_right(terminal: Terminal) -> None:
    assert terminal.codes([]) == []


def test_money_that_only_the_host_has_moved_is_lost(terminal: Terminal) -> None:
    terminal.armed()
    terminal.reversed()
    assert terminal.codes([APPROVED]) == ["LOST"]


def test_an_approval_that_only_the_terminal_knows_is_lost(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    assert "LOST" in terminal.codes([REVERSED], slips=[SLIP])


def test_a_customer_who_pays_twice_is_double(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    again = Booked(kinds.SALE, BATCH, STAN + 1, AMOUNT, AMOUNT, "APPROVED")
    assert "DOUBLE" in terminal.codes([APPROVED, again], "APPROVED", [SLIP])


def test_a_stan_that_is_used_twice_is_double(terminal: Terminal) -> None:
    terminal.armed()
    terminal.armed()
    assert "DOUBLE" in terminal.codes([])


def test_a_sale_without_an_end_is_open(terminal: Terminal) -> None:
    terminal.armed()
    assert terminal.codes([]) == ["OPEN"]


def test_an_approval_and_a_reversal_of_one_sale_are_open(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    terminal.reversed()
    assert "OPEN" in terminal.codes([REVERSED])


def test_what_was_shown_must_be_so(terminal: Terminal) -> None:
    terminal.armed()
    terminal.reversed()
    assert terminal.codes([REVERSED], "APPROVED") == ["SHOWN"]


def test_an_approval_shown_as_not_charged_is_wrong(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    assert terminal.codes([APPROVED], "NOT CHARGED", [SLIP]) == ["SHOWN"]


def test_a_slip_must_come_out_and_be_of_this_sale(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    assert terminal.codes([APPROVED], "APPROVED") == ["SLIP"]
    other = Slip(SLIP.title, BATCH, STAN, AMOUNT + 1, duplicate=True)
    assert terminal.codes([APPROVED], "APPROVED", [other]) == ["SLIP"]
    other = Slip("REFUND 退货", BATCH, STAN, AMOUNT, duplicate=True)
    assert terminal.codes([APPROVED], "APPROVED", [other]) == ["SLIP"]


def test_an_approval_is_shown_with_its_amount(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    terminal.look()
    for amount, codes in (("CNY 12.34", set()), ("CNY 1.23", {"SHOWN"})):
        screens = [["APPROVED", amount]]
        found = terminal.oracle.transaction(kinds.SALE, AMOUNT, [APPROVED], screens, [SLIP])
        assert {failure.code for failure in found} == codes


def test_a_record_that_is_gone_is_named(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    assert terminal.look() == []
    older = Terminal()
    older.armed()
    found = terminal.oracle.journal(bytes(older.nor.data))
    assert {failure.code for failure in found} == {"RECORD"}
    assert any("record 2 is lost" in failure.text for failure in found)


def test_a_record_under_another_key_is_named(terminal: Terminal) -> None:
    terminal.armed()
    terminal.write({"kind": record.NOTE, "wall": 0, "code": "X", "detail": ""}, bytes(32))
    assert [failure.text for failure in terminal.look()] == ["record 2 has a wrong seal"]


# -- what is no sale -----------------------------------------------------------------------------


def test_a_transaction_is_told_from_another_of_the_same_amount(terminal: Terminal) -> None:
    terminal.armed()
    terminal.outcome()
    terminal.armed(record.VOID, STAN + 1)
    terminal.outcome(stan=STAN + 1)
    undone = Booked(kinds.VOID, BATCH, STAN + 1, AMOUNT, AMOUNT, "APPROVED")
    paper = Slip("VOID 撤销", BATCH, STAN + 1, AMOUNT, duplicate=False)
    assert terminal.codes([undone], "APPROVED", [paper], kinds.VOID) == []
    assert terminal.codes([], "APPROVED", [paper], kinds.VOID) == ["LOST"]
    assert terminal.oracle.everything([APPROVED, undone]) == []
    assert {one.code for one in terminal.oracle.everything([APPROVED])} == {"LOST"}


def test_a_refund_that_nobody_answered_is_a_case_and_a_sale_is_not(terminal: Terminal) -> None:
    for stan, txn, type, codes in (
        (STAN, record.REFUND, kinds.REFUND, []),
        (STAN + 1, record.SALE, kinds.SALE, ["CASE", "LOST"]),
    ):
        terminal.armed(txn, stan)
        terminal.outcome(record.NEEDS_RECON, stan)
        booked = Booked(type, BATCH, stan, AMOUNT, AMOUNT, "APPROVED")
        assert terminal.codes([booked], "OPEN CASE", [], type) == codes


def test_a_case_may_end_later_and_an_end_may_not_become_a_case(terminal: Terminal) -> None:
    terminal.armed()
    terminal.reversed(record.REV_SUSPENDED)
    assert terminal.codes([]) == ["CASE"]
    terminal.reversed()
    assert terminal.codes([REVERSED]) == []
    terminal.reversed(record.REV_SUSPENDED)
    assert terminal.codes([REVERSED]) == ["OPEN"]


def test_another_amount_than_was_shown_or_armed_is_named(terminal: Terminal) -> None:
    terminal.armed(displayed=AMOUNT - 1)
    terminal.outcome(amount=AMOUNT - 2)
    assert {failure.code for failure in terminal.look()} == {"SHOWN", "RECORD"}


# -- a batch -------------------------------------------------------------------------------------


def sold(terminal: Terminal) -> Terminal:
    terminal.armed()
    terminal.outcome()
    return terminal


def test_a_batch_that_both_sides_have_closed_is_right(terminal: Terminal) -> None:
    sold(terminal).closed(record.CLOSING, record.TOTALS_SENT, record.BALANCED, record.CLOSED)
    assert terminal.settled([APPROVED]) == []


@pytest.mark.parametrize(
    "phases", [(record.CLOSING,), (record.CLOSED, record.CLOSED), (record.UNSETTLED,)]
)
def test_a_batch_that_was_not_closed_once_is_named(
    terminal: Terminal, phases: tuple[int, ...]
) -> None:
    sold(terminal).closed(*phases)
    assert terminal.settled([APPROVED]) == ["BATCH"]


def test_a_batch_that_only_the_terminal_has_closed_is_named(terminal: Terminal) -> None:
    sold(terminal).closed(record.CLOSED)
    assert terminal.settled([APPROVED], at_the_host=False) == ["BATCH"]


def test_totals_that_are_not_what_moved_are_named(terminal: Terminal) -> None:
    sold(terminal).closed(record.CLOSED, debit_minor=AMOUNT + 1)
    assert terminal.settled([APPROVED]) == ["BATCH"]


def test_totals_that_change_while_the_batch_is_closed_are_named(terminal: Terminal) -> None:
    sold(terminal).closed(record.CLOSING)
    terminal.closed(record.CLOSED, debit_minor=AMOUNT + 1)
    assert terminal.settled([APPROVED]) == ["BATCH"]


def test_a_batch_in_which_the_host_has_more_is_named(terminal: Terminal) -> None:
    sold(terminal).closed(record.CLOSED)
    more = Booked(kinds.SALE, BATCH, STAN + 2, AMOUNT, AMOUNT, "APPROVED")
    assert terminal.settled([APPROVED, more]) == ["BATCH"]


def test_a_batch_that_the_terminal_never_heard_of_is_right_while_nothing_is_in_it(
    terminal: Terminal,
) -> None:
    assert terminal.settled([], at_the_host=False) == []
    assert terminal.settled([REVERSED], at_the_host=False) == ["BATCH"]
    terminal.armed()
    assert terminal.settled([], at_the_host=False) == ["BATCH"]
