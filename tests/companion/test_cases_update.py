"""Cases follow from the breaks that are found, and what somebody works on stays together."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from companion.accounts import settlement
from companion.facts.schema import day_number
from companion.reconcile import codes
from companion.store.breaks import Break
from tests.companion.casebook import Book, broken, ids
from tests.companion.sealed import MERCHANT, TERMINAL, Device


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "store")


def test_each_break_of_its_own_cause_is_a_case_with_sum_deadline_and_who_acts(book: Book) -> None:
    changes = book.found(broken(stan=1, effect=1250), broken(stan=2, effect=-50))
    assert len(changes.opened) == 2
    large, small = sorted(book.open(), key=lambda one: -one.amount_minor)
    assert (large.amount_minor, large.effect_minor, large.breaks) == (1250, 1250, 1)
    assert (small.amount_minor, small.effect_minor) == (50, -50)
    assert (large.first_day, large.due, large.actor) == ("2026-03-02", "2026-03-05", "acquirer")


def test_a_reconciliation_that_finds_the_same_changes_nothing(book: Book) -> None:
    found = [broken(stan=stan) for stan in range(5)]
    book.found(*found)
    before = [one.__dict__ for one in book.listed()]
    changes = book.found(*reversed(found))
    assert (changes.opened, changes.closed, changes.reopened) == ([], [], [])
    assert [one.__dict__ for one in book.listed()] == before


def test_a_break_that_is_gone_closes_its_case_with_what_squared_it(book: Book) -> None:
    book.found(broken(stan=1), broken(stan=2))
    changes = book.found(broken(stan=2), why="the late row came")
    (closed,) = changes.closed
    (one,) = book.listed(ids=(closed,))
    assert (one.state, one.closed_by) == ("resolved", "companion")
    assert one.closed_reason == "the late row came"


def test_a_break_that_comes_back_opens_its_case_again(book: Book) -> None:
    book.found(broken())
    book.found()
    changes = book.found(broken())
    assert changes.reopened == [book.only().id]
    assert book.only().state == "open" and book.only().closed_reason is None


# Which breaks have one cause.


def journal(device: Device, *lost: int) -> Break:
    """The gap of a device's lost records."""
    first, last = min(lost), max(lost)
    return broken(
        codes.JOURNAL_GAP,
        effect=0,
        day=None,
        key=f"{device.device_id}|{first}",
        device_id=device.device_id,
        first_seq=first,
        last_seq=last,
        problem="not readable",
    )


def test_what_fell_into_a_gap_of_the_journal_is_one_case_with_it(book: Book) -> None:
    device = Device()
    device.offer(book.store)
    for stan in range(1, 5):
        device.sale(stan, 100, "approved")
    at = device._wall
    device.payloads[4] = None
    device.sync(book.store)
    inside = broken(codes.HOST_ONLY, 8, acquirer={"at": at - 4})
    outside = broken(codes.HOST_ONLY, 9, acquirer={"at": at - 3600})
    book.found(inside, outside, journal(device, 5))
    cases = {one.kind: one for one in book.open()}
    assert cases["journal"].breaks == 2 and cases["journal"].code == codes.JOURNAL_GAP
    assert cases["journal"].actor == "shop"
    assert book.members(cases["single"].id) == [outside.id]


def test_a_dead_terminal_is_one_case_not_nine_hundred(book: Book) -> None:
    device = Device()
    device.offer(book.store)
    device.sale(1, 100, "approved")
    device.sync(book.store)
    since = device._wall
    lost = [
        broken(codes.HOST_ONLY, stan, provisional=True, acquirer={"at": since + stan})
        for stan in range(2, 902)
    ]
    pending = broken(codes.REVERSAL_STUCK, 1, terminal={"status": "PENDING"})
    early = broken(codes.HOST_ONLY, 999, acquirer={"at": since - 1})
    book.found(*lost, pending, early)
    sizes = {one.kind: (one.breaks, one.actor) for one in book.open()}
    assert sizes == {"unsynced": (901, "shop"), "single": (1, "acquirer")}


def test_a_number_that_no_terminal_here_has_is_one_case(book: Book) -> None:
    book.found(*(broken(codes.HOST_ONLY, stan, number="10000009") for stan in range(3)))
    assert (book.only().kind, book.only().breaks) == ("unknown", 3)


def test_what_a_statement_lacks_is_one_case_for_each_day(book: Book) -> None:
    first = [broken(codes.TERMINAL_ONLY, stan, -100) for stan in (1, 2, 3)]
    second = [broken(codes.TERMINAL_ONLY, stan, -100, day="2026-03-03") for stan in (4, 5)]
    void = broken(codes.VOID_NOT_APPLIED, 6, 100)
    applied = broken(codes.VOID_NOT_APPLIED, 7, 100, acquirer={"status": "REVERSED"})
    book.found(*first, *second, void, applied)
    found = sorted((one.kind, one.first_day, one.breaks) for one in book.open())
    assert found == [
        ("absent", "2026-03-02", 4),
        ("absent", "2026-03-03", 2),
        ("single", "2026-03-02", 1),
    ]


def test_reversals_that_nobody_answered_on_one_day_are_one_case(book: Book) -> None:
    silent = {"status": "SUSPENDED", "reversal_code": ""}
    stuck = [broken(codes.REVERSAL_STUCK, stan, terminal=silent) for stan in (1, 2)]
    settled = broken(codes.REVERSED_BUT_SETTLED, 3, terminal={"reversal_code": ""})
    answered = broken(codes.REVERSED_BUT_SETTLED, 4, terminal={"reversal_code": "00"})
    book.found(*stuck, settled, answered)
    assert sorted((one.kind, one.breaks) for one in book.open()) == [("line", 3), ("single", 1)]


def payout(code: str, day: str = "2026-03-02", owed: int = 500, **more: object) -> Break:
    key = f"{MERCHANT}|card|{day}|PAYOUT"
    return broken(code, effect=0, owed=owed, day=day, key=key, number="", **more)  # type: ignore[arg-type]


def test_a_payout_that_is_late_and_short_is_one_case_and_missing_ones_another(book: Book) -> None:
    late = payout(codes.PAYOUT_LATE, owed=0)
    short = payout(codes.PAYOUT_SHORT)
    missing = [payout(codes.PAYOUT_MISSING, day) for day in ("2026-03-03", "2026-03-04")]
    book.found(late, short, *missing)
    assert sorted((one.kind, one.breaks) for one in book.open()) == [("payouts", 2), ("single", 2)]


def test_payouts_gone_wrong_after_the_account_was_changed_are_one_case(book: Book) -> None:
    new = date(2026, 3, 1)
    changed = day_number(new)
    with book.store.write() as connection:
        settlement.tell(connection, MERCHANT, "card", "****1111", "WANG")
        asked = settlement.ask(connection, MERCHANT, "card", "****2222", new, "WANG", "new")
        settlement.approve(connection, asked, "LI")
    missing = payout(codes.PAYOUT_MISSING, "2026-03-03", note=f"pay_day={changed + 3}")
    old = payout(codes.PAYOUT_OLD_ACCOUNT, note=f"pay_day={changed + 2}", bank={"account": "1"})
    before = payout(codes.PAYOUT_MISSING, "2026-02-20", note=f"pay_day={changed - 8}")
    book.found(missing, old, before)
    kinds = {one.kind: (one.code, one.breaks) for one in book.open()}
    assert kinds == {
        "account": (codes.PAYOUT_OLD_ACCOUNT, 2),
        "payouts": (codes.PAYOUT_MISSING, 1),
    }


def test_a_missing_bank_statement_explains_missing_payouts(book: Book) -> None:
    absent = broken(
        codes.STATEMENT_MISSING, effect=0, key="****1111||bank|20514", channel="", note="leg=bank"
    )
    book.found(payout(codes.PAYOUT_MISSING), absent)
    assert (book.only().kind, book.only().code) == ("statement", codes.STATEMENT_MISSING)


def test_fees_of_a_month_clocks_and_own_cards_are_one_case_each(book: Book) -> None:
    fees = [broken(codes.FEE_DIFFERS, stan, 0) for stan in (1, 2)]
    clocks = [
        broken(codes.CLOCK_SKEW, effect=0, key=f"m|t|CLOCK|{day}", day=day)
        for day in ("2026-03-02", "2026-03-03")
    ]
    own = [broken(codes.SELF_SWIPE, stan, 0, terminal={"token": "aa"}) for stan in (3, 4)]
    other = broken(codes.SELF_SWIPE, 5, 0, terminal={"token": "bb"})
    book.found(*fees, *clocks, *own, other)
    sizes = sorted((one.kind, one.breaks) for one in book.open())
    assert sizes == [("clock", 2), ("fees", 2), ("self", 1), ("self", 2)]


# What somebody works on.


def test_a_touched_case_keeps_its_breaks_when_their_cause_looks_different(book: Book) -> None:
    device = Device()
    device.offer(book.store)
    device.sale(1, 100, "approved")
    device.sync(book.store)
    at = device._wall + 60
    lost = [broken(codes.HOST_ONLY, stan, acquirer={"at": at}) for stan in (2, 3)]
    book.found(*lost)
    case = book.only()
    book.act("WANG", "note", case.id, "the terminal is at the repair shop")
    device._wall = at
    device.sale(9, 100, "approved")  # a sync: now they would be single cases
    device.sync(book.store)
    book.found(*lost)
    assert book.members(case.id) == ids(lost)
    assert [one.id for one in book.open()] == [case.id]


def test_what_a_break_turns_into_stays_in_the_case_that_somebody_works_on(book: Book) -> None:
    book.found(broken(codes.HOST_ONLY, 5))
    case = book.only()
    book.act("WANG", "send", case.id, "acquirer", None, "who is this?")
    turned = broken(codes.AMOUNT_MISMATCH, 5, 20)
    book.found(turned, why="it is now AMOUNT_MISMATCH")
    assert book.members(case.id) == [turned.id]
    assert (book.only().state, book.only().effect_minor) == ("sent", 20)


def test_a_touched_case_closes_when_the_late_row_comes_and_says_so(book: Book) -> None:
    book.found(broken(codes.TERMINAL_ONLY, 1, -100))
    case = book.only()
    book.act("WANG", "send", case.id, "acquirer", None, "not in your file")
    changes = book.found(why="both sides now agree")
    assert changes.closed == [case.id]
    assert book.only().closed_reason == "both sides now agree"


def test_a_case_that_a_person_closed_stays_closed_while_the_books_still_differ(book: Book) -> None:
    item = broken(effect=0, code=codes.CLOCK_SKEW)
    book.found(item)
    book.act("WANG", "resolve", book.only().id, "battery changed")
    for _ in range(2):
        changes = book.found(item)
        assert changes.opened == changes.reopened == []
    assert book.only().state == "resolved"


def test_the_same_cause_after_a_case_was_closed_by_a_person_is_another_case(book: Book) -> None:
    march, april = (
        broken(codes.CLOCK_SKEW, effect=0, key=f"m|t|CLOCK|{day}", day=day)
        for day in ("2026-03-02", "2026-04-02")
    )
    book.found(march)
    first = book.only()
    book.act("WANG", "resolve", first.id, "battery changed")
    changes = book.found(march, april)
    assert len(changes.opened) == 1 and changes.opened != [first.id]
    assert book.members(first.id) == [march.id]


def test_more_of_the_same_cause_joins_the_case_that_somebody_works_on(book: Book) -> None:
    absent = [broken(codes.TERMINAL_ONLY, stan, -100) for stan in (1, 2)]
    book.found(absent[0])
    case = book.only()
    book.act("WANG", "assign", case.id, "LI", None)
    book.found(*absent)
    assert (book.only().breaks, book.only().assignee) == (2, "LI")


def test_an_amount_that_changes_opens_a_closed_case_again(book: Book) -> None:
    book.found(broken(stan=1, effect=100))
    case = book.only()
    book.act("WANG", "write_off", case.id, "too small")
    book.act("LI", "approve", case.id)
    assert book.only().state == "written_off"
    assert book.found(broken(stan=1, effect=100)).reopened == []
    assert book.found(broken(stan=1, effect=90000)).reopened == [case.id]


def test_a_fee_that_changes_opens_a_closed_case_again(book: Book) -> None:
    fee = broken(codes.FEE_DIFFERS, 1, 0)
    book.found(fee)
    case = book.only()
    book.act("WANG", "write_off", case.id, "small")
    book.act("LI", "approve", case.id)
    assert book.found(fee).reopened == []
    assert book.found(replace(fee, amount_minor=90000)).reopened == [case.id]


def test_money_that_comes_after_it_was_written_off_opens_the_case_again(book: Book) -> None:
    book.found(broken(effect=100))
    case = book.only()
    book.act("WANG", "write_off", case.id, "too small")
    book.act("LI", "approve", case.id)
    assert book.found(why="credited").reopened == [case.id]
    assert book.only().state == "open"
    # Taking the adjustment back needs two people again.
    assert book.act("WANG", "resolve", case.id, "booking taken back") is False
    assert book.only().proposed_minor == -100
    book.act("LI", "approve", case.id)
    assert (book.only().state, book.only().adjusted_minor) == ("resolved", 0)


def test_a_case_with_a_proposal_is_not_closed_behind_the_second_person(book: Book) -> None:
    book.found(broken(effect=100))
    case = book.only()
    book.act("WANG", "write_off", case.id, "too small")
    assert book.found(why="credited").closed == []
    assert book.only().squared and book.only().proposed_minor == 100
    book.act("LI", "refuse", case.id, "it has come")
    assert (book.only().state, book.only().closed_by) == ("resolved", "companion")


def test_a_gap_is_to_be_seen_to_after_the_day_of_the_records_around_it(book: Book) -> None:
    device = Device()
    device.offer(book.store)
    device.sale(1, 100, "approved")
    device.sync(book.store)
    book.found(journal(device, 2))
    assert (book.only().first_day, book.only().due) == ("2026-03-02", "2026-03-03")


def test_any_order_of_reconciliations_ends_in_the_same_cases(tmp_path: Path) -> None:
    chance = random.Random(6)
    kinds = (
        codes.TERMINAL_ONLY,
        codes.HOST_ONLY,
        codes.AMOUNT_MISMATCH,
        codes.FEE_DIFFERS,
        codes.CLOCK_SKEW,
        codes.REVERSED_BUT_SETTLED,
    )
    every = [
        broken(
            chance.choice(kinds),
            stan,
            chance.choice((0, 100, -250)),
            day=f"2026-03-{chance.randint(1, 4):02d}",
            number=chance.choice((TERMINAL, "10000002")),
        )
        for stan in range(60)
    ]
    straight = Book(tmp_path / "straight")
    straight.found(*every)
    for seed in range(5):
        other = Book(tmp_path / str(seed))
        for _ in range(4):
            other.found(*chance.sample(every, chance.randint(0, len(every))))
        other.found(*chance.sample(every, len(every)))
        assert other.shape() == straight.shape(), seed


def test_touched_cases_keep_their_breaks_through_any_order(tmp_path: Path) -> None:
    chance = random.Random(7)
    for seed in range(5):
        book = Book(tmp_path / str(seed))
        every = [broken(codes.TERMINAL_ONLY, stan, -100) for stan in range(10)]
        every += [broken(codes.AMOUNT_MISMATCH, stan) for stan in range(20, 30)]
        book.found(*every)
        touched = {}
        for one in chance.sample(book.open(), 4):
            book.act("WANG", "note", one.id, "looking")
            touched[one.id] = book.members(one.id)
        for _ in range(4):
            book.found(*chance.sample(every, chance.randint(0, len(every))))
        book.found(*every)
        for case_id, members in touched.items():
            assert book.members(case_id) == members
        places = [member for one in book.open() for member in book.members(one.id)]
        assert sorted(places) == ids(every)
