"""Why a case came about: causes ranked by what speaks for them, and nothing that nothing does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from companion.accounts import settlement
from companion.cases import causes, listing
from companion.cases.cause_words import CAUSES, LINES
from companion.cases.causes import Cause
from companion.facts.schema import day_number
from companion.reconcile import codes
from companion.store.breaks import Break
from protocol import record
from tests.companion.casebook import Book, broken
from tests.companion.sealed import MERCHANT, Device


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "store")


def why(book: Book, code: str = "") -> list[Cause]:
    """The causes of the only case led by a code."""
    (case,) = book.listed(code=code)
    with book.store.read() as connection:
        return causes.ranked(connection, case, listing.breaks_of(connection, case.id))


def names(book: Book, code: str = "") -> list[str]:
    return [one.name for one in why(book, code)]


def of(device: Device, first: int, last: int, **more: object) -> dict[str, object]:
    """The terminal's row of a transaction in records first to last."""
    return {
        "device_id": device.device_id,
        "first_seq": first,
        "last_seq": last,
        "at": device._wall,
        "batch": "000001",
        "stan": "000001",
        "status": "SUSPENDED",
        "reversal_code": "",
        "reversal_attempts": 3,
        "amount_minor": 100,
        "remarks": "",
        "entry": "051",
        "code": "",
        **more,
    }


def synced(book: Book, device: Device) -> None:
    device.offer(book.store)
    device.sync(book.store)


def note(device: Device, code: str, detail: str = "") -> int:
    return device.add(record.NOTE, code=code, detail=detail)


def test_a_restart_in_the_middle_comes_first_and_names_its_record(book: Book) -> None:
    device = Device()
    first = device.armed(1, 100)
    boot = device.add(record.BOOT, boot=2, cause="PWRON", firmware="x")
    device.reversal(1, 0)
    last = device.reversal_end(1, record.REV_SUSPENDED, "")
    synced(book, device)
    book.found(broken(codes.REVERSAL_STUCK, terminal=of(device, first, last)))
    found = why(book)
    assert found[0].name == "restarted"
    assert found[0].because() == [f"record {boot} of pz-test-1: BOOT, cause PWRON"]
    assert found[0].because("zh") == [f"pz-test-1 记录 {boot}：BOOT, cause PWRON"]


def test_a_restart_after_the_answer_is_no_cause(book: Book) -> None:
    device = Device()
    first = device.armed(1, 100)
    last = device.outcome(1, 100)
    device.add(record.BOOT, boot=2, cause="PWRON", firmware="x")
    synced(book, device)
    side = of(device, first, last, status="APPROVED", code="00")
    book.found(broken(codes.NOT_CAPTURED, terminal=side))
    assert "restarted" not in names(book)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("NO_ANSWER", "no_answer"),
        ("LINE_CLOSED", "no_answer"),
        ("BAD_MAC", "bad_mac"),
        ("MISMATCH", "bad_answer"),
        ("CHIP_REFUSED", "chip_refused"),
        ("REVERSAL_REFUSED", "reversal_refused"),
    ],
)
def test_what_the_terminal_noted_is_the_cause(book: Book, code: str, cause: str) -> None:
    device = Device()
    first = device.armed(1, 100)
    note(device, code, "detail")
    device.reversal(1, 0)
    last = device.reversal_end(1, record.REV_SUSPENDED, "")
    synced(book, device)
    book.found(broken(codes.REVERSAL_STUCK, terminal=of(device, first, last)))
    assert names(book)[0] == cause


def test_others_without_an_answer_at_that_time_make_a_line_that_was_down(book: Book) -> None:
    device = Device()
    for stan in (7, 8):
        device.armed(stan, 100)
        note(device, "NO_ANSWER", "sale")
    first = device.armed(1, 100)
    note(device, "NO_ANSWER", "sale")
    device.reversal(1, 0)
    last = device.reversal_end(1, record.REV_SUSPENDED, "")
    synced(book, device)
    book.found(broken(codes.REVERSAL_STUCK, terminal=of(device, first, last)))
    assert names(book)[:2] == ["line_down", "no_answer"]
    assert "2 other transactions" in why(book)[0].because()[0]


def test_a_late_answer_and_a_slow_one_are_told(book: Book) -> None:
    device = Device()
    first = device.armed(1, 100)
    device._wall += 45
    device.outcome(1, 100, record.DECLINED, "51")
    last = device.add(record.LATE, stan=1, batch=1, mti="0210", code="00", amount_minor=100)
    synced(book, device)
    side = of(device, first, last, status="DECLINED", code="51")
    book.found(broken(codes.DECLINED_BUT_CAPTURED, terminal=side))
    assert names(book) == ["late_answer", "answer_differs", "slow_host"]
    assert any("46 seconds" in line for line in why(book)[2].because())


def test_a_correction_and_a_second_sale_on_the_same_card_are_told(book: Book) -> None:
    device = Device()
    first = device.armed(1, 100)
    last = device.outcome(1, 100)
    device.armed(2, 100)
    void = device.armed(3, 100, txn=record.VOID, of=2)
    device.armed(4, 100, token=b"another1")
    synced(book, device)
    side = of(device, first, last, status="APPROVED", code="00", token=b"tokentok".hex())
    book.found(broken(codes.AMOUNT_MISMATCH, terminal=side))
    found = {one.name: one.because() for one in why(book)}
    assert found["corrected"] == [f"record {void} of pz-test-1: VOID 1.00"]
    assert found["paid_again"] == [f"record {void - 1} of pz-test-1: SALE 1.00"]


@pytest.mark.parametrize(
    ("code", "cause"), [("00", "reversal_not_booked"), ("25", "overtaken"), ("", "no_answer")]
)
def test_the_answer_to_the_reversal_says_whose_fault_it_was(
    book: Book, code: str, cause: str
) -> None:
    side = of(Device(), 1, 3, status="REVERSED", reversal_code=code, device_id="")
    book.found(broken(codes.REVERSED_BUT_SETTLED, terminal=side))
    assert names(book)[0] == cause


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ({"status": "REVERSED", "reversal_f39": "00"}, "reversed_there"),
        ({"status": "DECLINED", "f39": "51"}, "declined_there"),
    ],
)
def test_the_acquirers_row_says_what_it_did(
    book: Book, row: dict[str, object], cause: str
) -> None:
    row = {**row, "file": "ab" * 32, "line": 7}
    book.found(broken(codes.NOT_CAPTURED, acquirer=row))
    (first, *_) = why(book)
    assert first.name == cause
    assert first.because()[0].startswith("line 7 of file abababababababab: ")


def test_a_digit_too_many_a_sum_that_was_not_displayed_and_a_loose_match(book: Book) -> None:
    side = of(Device(), 1, 2, device_id="", amount_minor=1250)
    item = broken(terminal=side, acquirer={"amount_minor": 12500}, match_pass=3)
    book.found(item)
    assert names(book)[:2] == ["decimal_place", "loose_match"]
    side["remarks"] = "the terminal displayed 1250 and sent 12500"
    book.found(broken(terminal=side, acquirer={"amount_minor": 12500}))
    assert names(book)[0] == "display_sent"


def test_close_to_midnight_it_may_be_in_the_next_statement(book: Book) -> None:
    midnight = (day_number(date(2026, 3, 3)) * 86400) - 8 * 3600
    near, far = (
        broken(codes.TERMINAL_ONLY, stan, -100, day=day, terminal={"at": at, "host_at": 0})
        for stan, day, at in (
            (1, "2026-03-02", midnight - 60),
            (2, "2026-03-01", midnight - 7200),
        )
    )
    book.found(near)
    assert names(book)[0] == "cut_off"
    book.found(far)
    (case,) = book.open()
    with book.store.read() as connection:
        found = causes.ranked(connection, case, listing.breaks_of(connection, case.id))
    assert "cut_off" not in [one.name for one in found]


def test_several_that_are_missing_speak_for_a_statement_that_is_not_complete(book: Book) -> None:
    book.found(*(broken(codes.TERMINAL_ONLY, stan, -100) for stan in (1, 2, 3)))
    (first, *_) = why(book)
    assert (first.name, first.breaks) == ("file_incomplete", 3)
    assert "3 approved transactions of 2026-03-02 are not in it" in first.because()


def test_a_batch_that_was_not_settled_speaks_for_what_its_statement_lacks(book: Book) -> None:
    batch = broken(codes.BATCH_UNSETTLED, effect=0, day=None, key="d|9")
    book.found(batch, broken(codes.TERMINAL_ONLY, 1, -100))
    assert names(book, codes.TERMINAL_ONLY)[0] == "batch"


def test_a_terminal_that_was_not_synced_says_since_when(book: Book) -> None:
    device = Device()
    device.sale(1, 100, "approved")
    synced(book, device)
    book.found(broken(codes.HOST_ONLY, 2, acquirer={"at": device._wall + 60}))
    (first, *_) = why(book)
    assert first.name == "not_synced"
    assert first.because() == ["the last known record of the terminal is from 2026-03-02 17:00:02"]


def test_a_gap_names_the_records_that_are_lost(book: Book) -> None:
    device = Device()
    for stan in range(1, 4):
        device.sale(stan, 100, "approved")
    device.payloads[3] = None
    synced(book, device)
    gap = broken(
        codes.JOURNAL_GAP,
        effect=0,
        day=None,
        key="pz-test-1|4",
        device_id="pz-test-1",
        first_seq=4,
        last_seq=4,
        problem="not readable",
    )
    book.found(gap, broken(codes.HOST_ONLY, 2, acquirer={"at": device._wall - 2}))
    (first, *_) = why(book)
    assert (first.name, first.because()) == (
        "journal_lost",
        ["records 4 to 4 of pz-test-1 are lost"],
    )


def payout(code: str, note: str = "", **more: object) -> Break:
    key = f"{MERCHANT}|card|2026-09-30|PAYOUT"
    return broken(code, 0, 0, 500, "2026-09-30", "", key, note=note, **more)  # type: ignore[arg-type]


def test_a_change_of_the_account_shortly_before_comes_first(book: Book) -> None:
    with book.store.write() as connection:
        settlement.tell(connection, MERCHANT, "card", "****1111", "WANG")
        asked = settlement.ask(
            connection, MERCHANT, "card", "****2222", date(2026, 9, 28), "WANG", "new bank"
        )
        settlement.approve(connection, asked, "LI")
    due = day_number(date(2026, 9, 30))
    book.found(payout(codes.PAYOUT_MISSING, f"pay_day={due};late_day={due + 1}"))
    assert names(book)[0] == "account_changed"


def test_holidays_in_between_are_told(book: Book) -> None:
    due = day_number(date(2026, 10, 9))
    book.found(payout(codes.PAYOUT_MISSING, f"pay_day={due};late_day={due}"))
    assert names(book) == ["holiday", "clearing"]
    assert "2026-10-01, 2026-10-02" in why(book)[0].because()[0]


@pytest.mark.parametrize(
    ("reason", "weight"), [("ACCOUNT FROZEN", 90), ("账户冻结", 90), ("see letter", 70), ("", 50)]
)
def test_a_payout_that_was_sent_back_gives_the_banks_reason(
    book: Book, reason: str, weight: int
) -> None:
    row = {"account": "****1", "reason": reason, "status": "RETURNED"}
    book.found(payout(codes.PAYOUT_RETURNED, payout=row))
    assert [(one.name, one.weight) for one in why(book)] == [("account_state", weight)]


def test_too_much_that_is_what_was_missing_before_was_paid_together(book: Book) -> None:
    short = broken(codes.PAYOUT_SHORT, 2, 0, 500, key="other")
    book.found(payout(codes.PAYOUT_OVER), short)
    (first, *_) = why(book, codes.PAYOUT_OVER)
    assert (first.name, first.weight) == ("paid_together", 85)
    assert short.id in first.because()[0]


def test_fees_tell_a_wrong_rate_from_rounding(book: Book) -> None:
    fee = broken(
        codes.FEE_DIFFERS, 1, 0, note="fee=60;expected=38", acquirer={"amount_minor": 10000}
    )
    book.found(fee)
    assert names(book) == ["other_rate"]
    assert why(book)[0].because() == ["kept 0.60 of 100.00, agreed 0.38; 1 alike"]
    cent = Break(**{**fee.__dict__, "amount_minor": 1})
    book.found(cent)
    assert names(book)[0] == "rounding"


def test_a_statement_that_is_missing_says_which_is_the_newest_here(book: Book) -> None:
    absent = broken(
        codes.STATEMENT_MISSING,
        effect=0,
        key=f"{MERCHANT}|card|acquirer|20514",
        note="leg=acquirer",
    )
    book.found(absent)
    assert why(book)[0].because() == ["none of this kind was ever imported"]


@pytest.mark.parametrize("code", codes.BREAKS)
def test_every_break_has_a_cause_and_a_next_action(book: Book, code: str) -> None:
    journal = {"device_id": "pz-x", "first_seq": 1, "last_seq": 1, "problem": "not there"}
    rows: dict[str, object] = {}
    if code in codes.OF_JOURNAL:
        rows.update(journal)
    else:
        rows["acquirer"] = {"status": "CAPTURED", "amount_minor": 1, "at": 5}
    book.found(broken(code, effect=0, **rows))  # type: ignore[arg-type]
    found = why(book)
    assert found and all(one.said("en") and one.said("zh") for one in found)
    assert all(line for one in found for line in (*one.because(), *one.because("zh")))
    action = book.only().action()
    assert action.days > 0 and all(action.text)
    assert "case show" not in action.said("en")


def test_every_cause_and_line_is_said_in_both_languages() -> None:
    for table in (CAUSES, LINES):
        for english, chinese in table.values():
            assert english.isascii() and not chinese.isascii()
