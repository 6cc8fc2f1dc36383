"""The oracle says what is wrong, and nothing when nothing is. The journal it reads was written by
the firmware's own code, which it shares nothing with."""

from __future__ import annotations

import pytest

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
APPROVED = Booked(BATCH, STAN, AMOUNT, AMOUNT, "APPROVED")
REVERSED = Booked(BATCH, STAN, AMOUNT, AMOUNT, "REVERSED")
SLIP = Slip(BATCH, STAN, AMOUNT, duplicate=False)


class Terminal:
    """A journal on a flash, and an oracle that looks at it."""

    def __init__(self) -> None:
        self.nor = Nor(8)
        self.journal = Journal(self.nor)
        self.journal.format()
        self.journal.mount()
        self.oracle = Oracle(KEY, DEVICE)
        self._seal = seal.first(KEY, DEVICE)

    def armed(self, stan: int = STAN) -> None:
        self.write(
            {
                "kind": record.ARMED,
                "wall": 0,
                "txn": record.SALE,
                "stan": stan,
                "batch": BATCH,
                "amount_minor": AMOUNT,
                "displayed_minor": AMOUNT,
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

    def outcome(self, result: int = record.APPROVED) -> None:
        self.write(
            {
                "kind": record.OUTCOME,
                "wall": 0,
                "stan": STAN,
                "batch": BATCH,
                "result": result,
                "code": "00",
                "rrn": "000000000001",
                "auth": "000001",
                "host_time": "1120090000",
                "amount_minor": AMOUNT,
            }
        )

    def reversed(self) -> None:
        self.write(
            {
                "kind": record.REVERSAL_END,
                "wall": 0,
                "stan": STAN,
                "batch": BATCH,
                "result": record.REV_OK,
                "code": "00",
                "rrn": "",
                "attempts": 1,
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
    ) -> list[str]:
        screens = [[shown]] if shown else []
        found = self.look() + self.oracle.sale(AMOUNT, booked, screens, slips or [])
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
    again = Booked(BATCH, STAN + 1, AMOUNT, AMOUNT, "APPROVED")
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
    other = Slip(BATCH, STAN, AMOUNT + 1, duplicate=True)
    assert terminal.codes([APPROVED], "APPROVED", [other]) == ["SLIP"]


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
