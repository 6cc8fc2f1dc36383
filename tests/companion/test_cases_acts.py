"""What people may do with cases, in which order, and what nobody can take back."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from companion.cases import CaseError, history, states
from companion.reconcile import codes
from companion.store import Store, chained, verdicts
from companion.store.records import luhn
from protocol import record
from tests.companion.casebook import AS_OF, Book, broken
from tests.companion.sealed import MERCHANT, TERMINAL


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "store")


def with_money(book: Book, effect: int = 1250) -> str:
    book.found(broken(effect=effect))
    return book.only().id


def without_money(book: Book) -> str:
    book.found(broken(codes.CLOCK_SKEW, effect=0))
    return book.only().id


def events(book: Book, case_id: str) -> list[tuple[str, str, str]]:
    with book.store.read() as connection:
        return [(one.person, one.what, one.state) for one in history.of(connection, case_id)]


def problems(book: Book, known: str = "") -> list[str]:
    with book.store.read() as connection:
        return history.verify(connection, known).problems


def test_a_case_goes_its_way_and_every_step_is_remembered(book: Book) -> None:
    case = without_money(book)
    book.act("WANG", "note", case, "the customer called")
    book.act("WANG", "assign", case, "LI", "2026-03-20")
    book.act("LI", "gather", case, "slip 12")
    book.act("LI", "send", case, "acquirer", None, "claim 12")
    book.act("LI", "wait", case, "2026-04-01", "they look into it")
    book.act("LI", "resolve", case, "letter of 30 March")
    assert events(book, case) == [
        ("companion", "opened", "open"),
        ("WANG", "note", "open"),
        ("WANG", "assigned", "open"),
        ("LI", "gathered", "evidence"),
        ("LI", "sent", "sent"),
        ("LI", "waits", "waiting"),
        ("LI", "closed", "resolved"),
    ]
    one = book.only()
    assert (one.assignee, one.closed_by, one.closed_reason) == ("LI", "LI", "letter of 30 March")


def test_a_claim_that_was_sent_has_five_business_days(book: Book) -> None:
    case = with_money(book)
    book.act("WANG", "send", case, "acquirer", None, "claim", day=AS_OF)
    assert book.only().due == "2026-03-12"


@pytest.mark.parametrize("state", states.STATES)
def test_a_state_that_may_not_follow_is_refused(book: Book, state: str) -> None:
    acts: dict[str, tuple[Any, ...]] = {
        "open": ("reopen", "again"),
        "evidence": ("gather", "slip"),
        "sent": ("send", "acquirer", None, "claim"),
        "waiting": ("wait", None, "soon"),
        "resolved": ("resolve", "credited"),
        "rejected": ("reject", "too late"),
        "written_off": ("write_off", "small"),
    }
    case = without_money(book)
    if state != "open":
        book.act("WANG", acts[state][0], case, *acts[state][1:])
    assert book.only().state == state
    for after, (what, *values) in acts.items():
        before = [one.__dict__ for one in book.listed()]
        if states.may_follow(state, after):
            continue
        with pytest.raises(CaseError):
            book.act("LI", what, case, *values)
        assert [one.__dict__ for one in book.listed()] == before


def test_money_that_still_differs_needs_a_second_person(book: Book) -> None:
    case = with_money(book)
    assert book.act("WANG", "resolve", case, "booking 8841") is False
    assert (book.only().state, book.only().proposed_minor) == ("open", 1250)
    for again in ("WANG", " wang ", "\uff37\uff21\uff2e\uff27"):
        with pytest.raises(CaseError, match="somebody else has to approve"):
            book.act(again, "approve", case)
    book.act("LI", "approve", case)
    one = book.only()
    assert (one.state, one.adjusted_minor, one.proposed_minor) == ("resolved", 1250, None)
    assert one.closed_reason == "booking 8841; proposed by WANG, approved by LI"


def test_nothing_else_happens_to_a_case_while_a_proposal_waits(book: Book) -> None:
    case = with_money(book)
    book.act("WANG", "write_off", case, "small")
    acts: list[tuple[Any, ...]] = [
        ("send", "acquirer", None, ""),
        ("resolve", "x"),
        ("reject", "x"),
        ("write_off", "x"),
        ("assign", "LI", None),
    ]
    for act in acts:
        with pytest.raises(CaseError, match="waits for a second person"):
            book.act("LI", act[0], case, *act[1:])
    book.act("LI", "note", case, "why?")
    book.act("LI", "refuse", case, "ask first")
    assert (book.only().state, book.only().proposed_minor) == ("open", None)
    book.act("LI", "send", case, "acquirer", None, "asked")


def test_a_proposal_whose_sum_has_changed_since_cannot_be_approved(book: Book) -> None:
    case = with_money(book, 100)
    book.act("WANG", "write_off", case, "small")
    book.found(broken(effect=90000))
    with pytest.raises(CaseError, match=r"1\.00 was proposed, 900\.00 differs now"):
        book.act("LI", "approve", case)


def test_sums_of_both_directions_do_not_cancel_each_other(book: Book) -> None:
    both = [broken(codes.TERMINAL_ONLY, stan, effect) for stan, effect in ((1, 500), (2, -500))]
    book.found(*both)
    case = book.only().id
    assert book.act("WANG", "write_off", case, "they cancel out") is False
    assert book.only().proposed_minor == 1000


def test_a_fee_that_is_given_up_needs_a_second_person_too(book: Book) -> None:
    book.found(broken(codes.FEE_DIFFERS, 1, 0), broken(codes.FEE_DIFFERS, 2, 0))
    assert book.act("WANG", "write_off", book.only().id, "small") is False
    assert book.only().proposed_minor == 200


def test_a_rejected_claim_is_written_off_by_two(book: Book) -> None:
    case = with_money(book)
    book.act("WANG", "reject", case, "outside of the time limit")
    assert (book.only().state, book.only().adjusted_minor) == ("rejected", 0)
    assert book.act("WANG", "write_off", case, "no hope") is False
    book.act("LI", "approve", case)
    assert (book.only().state, book.only().adjusted_minor) == ("written_off", 1250)


def test_an_act_on_an_unknown_case_is_refused(book: Book) -> None:
    with pytest.raises(CaseError, match="case 0000: there is none"):
        book.act("WANG", "note", "0000", "x")


@pytest.mark.parametrize("form", ["{}{}{}{}", "card {} {} {} {}.", "{}-{}-{}-{}"])
def test_a_card_number_never_gets_into_a_history(book: Book, form: str) -> None:
    digits = "622200000000000"
    digits += next(one for one in "0123456789" if luhn(digits + one))
    case = with_money(book)
    with pytest.raises(CaseError, match="card number"):
        text = form.format(*(digits[at : at + 4] for at in range(0, 16, 4)))
        book.act("WANG", "note", case, text)
    book.act("WANG", "note", case, "RRN 123456789012, booking 20260302123")


def test_doing_the_last_thing_again_changes_nothing(book: Book) -> None:
    """Nobody saw whether a companion that was killed had done it."""
    case = with_money(book)
    for _ in range(2):
        book.act("WANG", "note", case, "one")
    for _ in range(2):
        book.act("WANG", "send", case, "acquirer", None, "claim")
    for _ in range(2):
        assert book.act("WANG", "write_off", case, "small") is False
    for _ in range(2):
        book.act("LI", "approve", case)
    assert [what for _, what, _ in events(book, case)] == [
        "opened",
        "note",
        "sent",
        "proposed",
        "approved",
    ]
    book.act("LI", "reopen", case, "no")
    book.found(broken(effect=-3))
    assert book.act("WANG", "write_off", case, "small") is False


# The verdict for the terminal.


@pytest.mark.parametrize(
    ("act", "result"),
    [
        (("resolve", "credited", "squared"), record.SQUARED),
        (("resolve", "money back", "refund"), record.REFUND_DUE),
        (("reject", "too late"), record.REJECTED),
        (("write_off", "small"), record.WRITTEN_OFF),
    ],
)
def test_the_terminal_is_told_how_its_case_ended(
    book: Book, act: tuple[str, ...], result: int
) -> None:
    side = {"status": "SUSPENDED", "batch": "000001", "stan": "000007"}
    book.found(broken(codes.REVERSAL_STUCK, 7, terminal=side))
    case = book.only().id
    book.act("WANG", act[0], case, *act[1:])
    with book.store.read() as connection:
        before = verdicts.waiting(connection, MERCHANT, TERMINAL)
    if act[0] != "reject":
        assert before == []  # not before the second person
        book.act("LI", "approve", case)
    with book.store.read() as connection:
        (told,) = verdicts.waiting(connection, MERCHANT, TERMINAL)
    assert (told.batch, told.stan, told.result) == (1, 7, result)


def test_a_terminal_is_not_told_of_what_is_no_case_of_its_own(book: Book) -> None:
    side = {"status": "APPROVED", "batch": "000001", "stan": "000007"}
    book.found(broken(codes.AMOUNT_MISMATCH, 7, terminal=side))
    book.act("WANG", "reject", book.only().id, "no")
    with book.store.read() as connection:
        assert verdicts.waiting(connection, MERCHANT, TERMINAL) == []


# History.


def test_sqlite_itself_refuses_to_change_the_history(book: Book) -> None:
    case = with_money(book)
    book.act("WANG", "write_off", case, "small")
    book.act("LI", "approve", case)
    connection = sqlite3.connect(book.store.directory / "store.sqlite")
    for statement in (
        "UPDATE case_events SET text = 'else'",
        "DELETE FROM case_events",
        "UPDATE adjustments SET amount_minor = 1",
        "UPDATE adjustments SET approved = 0",
        "DELETE FROM adjustments",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="what was written"):
            connection.execute(statement)
    connection.close()


def test_a_proposal_cannot_be_changed_while_it_waits(book: Book) -> None:
    book.act("WANG", "write_off", with_money(book), "small")
    connection = sqlite3.connect(book.store.directory / "store.sqlite")
    for change in ("amount_minor = 1", "maker = 'LI'", "amount_minor = 1, approved = 1"):
        with pytest.raises(sqlite3.IntegrityError, match="what was written"):
            connection.execute(f"UPDATE adjustments SET {change}")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE case_events SET text = 'else' WHERE seq = 2",
        "UPDATE case_events SET person = 'LI' WHERE seq = 3",
        "DELETE FROM case_events WHERE seq = 2",
        "DELETE FROM case_events WHERE seq = (SELECT max(seq) FROM case_events)",
        "UPDATE cases SET state = 'resolved'",
        "UPDATE cases SET assignee = 'LI'",
        "UPDATE cases SET due = '2030-01-01'",
        "UPDATE adjustments SET amount_minor = 1",
        "UPDATE adjustments SET maker = 'ZHAO'",
        "UPDATE adjustments SET checker = 'WANG', maker = 'LI'",
        "UPDATE adjustments SET approved = 0",
        "INSERT INTO adjustments VALUES (9, (SELECT id FROM cases), 'resolved', 5, 'x', 'A', '', "
        "1, 'B', '')",
    ],
)
def test_whoever_gets_around_the_triggers_is_found_out(book: Book, damage: str) -> None:
    case = with_money(book)
    book.act("WANG", "note", case, "one")
    book.act("WANG", "write_off", case, "two")
    book.act("LI", "approve", case)
    book.act("LI", "reopen", case, "three")
    book.act("LI", "send", case, "acquirer", None, "four")
    assert problems(book) == []
    connection = sqlite3.connect(book.store.directory / "store.sqlite")
    with connection:
        for trigger in ("case_events_stay", "case_events_remain", "adjustments_stay"):
            connection.execute(f"DROP TRIGGER {trigger}")
        assert connection.execute(damage).rowcount == 1
    connection.close()
    assert problems(book)


def test_a_head_that_was_noted_shows_that_the_end_was_made_anew(book: Book) -> None:
    case = with_money(book)
    book.act("WANG", "note", case, "one")
    with book.store.read() as read:
        _, head = history.head(read)
    book.act("WANG", "note", case, "two")
    assert problems(book, head) == []
    connection = sqlite3.connect(book.store.directory / "store.sqlite")
    with connection:
        connection.execute("DROP TRIGGER case_events_remain")
        connection.execute("DELETE FROM case_events WHERE seq > 1")
    connection.close()
    with Store.open(book.store.directory) as store, store.write() as write:
        one = {"id": case, "state": "open", "assignee": None, "due": "2026-03-05"}
        history.add(write, one, "WANG", "note", "another one")
    assert problems(book) == []
    (problem,) = problems(book, head)
    assert "not among the entries" in problem


def test_a_history_of_nothing_is_whole(book: Book) -> None:
    assert problems(book, chained.FIRST) == []
