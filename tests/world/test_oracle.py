"""Each of the 13 invariants can fail: by hand, and by a bug put into the terminal."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from protocol import record
from terminal import cards, takeover, trade
from terminal.engine import Engine
from terminal.ledger import Ledger
from terminal.state import State
from tests.world import invariants as inv
from tests.world.book import Book, Row
from tests.world.case import run
from tests.world.invariants import Entry, Intent, Violation

KEY = (1, 7)


def entry(*ends: str, **more: Any) -> Entry:
    armed = {"batch": 1, "stan": 7, "txn": 1, "amount_minor": 500, "displayed_minor": 500}
    made = Entry(3, {**armed, "pan": "622200*********0004", **more})
    made.ends = list(ends)
    made.approved = "APPROVED" in ends
    if made.approved:
        made.outcome = {"amount_minor": 500}
    return made


def decided() -> Entry:
    made = entry()
    made.decided_seq = 5
    return made


def judged() -> Entry:
    made = entry("NEEDS_RECON")
    made.judged = True
    return made


REFUND = {"batch": 1, "orig_rrn": "000000000007", "orig_auth": "", "orig_date": "0302"}


def unsure() -> Entry:
    return entry("NEEDS_RECON", **REFUND)


def row(kind: str = "SALE", amount_minor: int = 500, of: Any = None) -> Row:
    return Row(KEY, kind, amount_minor, "card", approved=True, of=of)


def book(*rows: Row, customers: int = 500) -> Book:
    made = Book(set())
    made.rows = {(1, 7 + n): one for n, one in enumerate(rows)}
    made.customers["card"] = customers
    made.merchant_minor = 500
    return made


def known(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"open": None, "suspended": [], **more})


SOLD = row()
BROKEN: list[tuple[str, Callable[[], None]]] = [
    ("I1", lambda: inv.i01_nothing_is_sent_before_armed_is_durable(KEY, "0200", {})),
    ("I2", lambda: inv.i02_no_outcome_is_shown_before_it_is_durable("x", entry(), ("APPROVED",))),
    ("I2", lambda: inv.i02_no_outcome_is_shown_before_it_is_durable("x", None, ("APPROVED",))),
    ("I3", lambda: inv.i03_every_armed_has_one_end(entry("APPROVED", "REV_OK"))),
    ("I3", lambda: inv.i03_every_armed_has_an_end([entry()])),
    ("I5", lambda: inv.i05_what_is_pending_is_never_dropped(entry(), [], known())),
    ("I5", lambda: inv.i05_what_is_pending_is_never_dropped(None, [3], known())),
    ("I5", lambda: inv.i05_what_is_pending_is_not_released(entry(), 4)),
    ("I5", lambda: inv.i05_what_the_companion_knows_is_adopted({"pendings": [b"x"]}, [])),
    (
        "I5",
        lambda: inv.i05_what_was_decided_is_open_no_more([judged()], known(suspended=[3])),
    ),
    (
        "I9",
        lambda: inv.i09_what_nobody_knows_is_not_keyed_again(REFUND, [unsure()]),
    ),
    ("I5", lambda: inv.i05_what_is_to_be_reversed_is_handed_on([decided()], [], 0, 9)),
    ("I6", lambda: inv.i06_a_stan_is_used_once(KEY, {7})),
    ("I6", lambda: inv.i06_a_request_goes_to_one_host("0200", 0, 1)),
    ("I7", lambda: inv.i07_armed_is_what_was_entered(entry().armed, None)),
    (
        "I7",
        lambda: inv.i07_armed_is_what_was_entered(entry().armed, Intent(500, "5413330089604111")),
    ),
    ("I7", lambda: inv.i07_sent_is_what_is_armed(entry(), 501, "0200")),
    ("I7", lambda: inv.i07_said_is_what_is_armed(entry("APPROVED"), 501, "the slip")),
    (
        "I8",
        lambda: inv.i08_completions_keep_to_the_hold(
            [row("COMPLETION", 576, row("PREAUTH"))], 115
        ),
    ),
    (
        "I8",
        lambda: inv.i08_completions_keep_to_the_hold(
            [row("PREAUTH_CANCEL", 499, row("PREAUTH"))], 115
        ),
    ),
    (
        "I9",
        lambda: inv.i09_no_more_goes_back_than_was_captured(
            [row("REFUND", 300, SOLD), row("REFUND", 201, SOLD)]
        ),
    ),
    (
        "I10",
        lambda: inv.i10_batch_totals_are_the_fold(1, (500, 1, 0, 1), [entry("APPROVED")]),
    ),
    ("I11", lambda: inv.i11_both_sides_agree({KEY: entry("DECLINED")}, book(row()))),
    ("I11", lambda: inv.i11_both_sides_agree({}, book(row()))),
    ("I11", lambda: inv.i11_both_sides_agree({KEY: entry("APPROVED")}, book(customers=0))),
    ("I11", lambda: inv.i11_both_sides_agree({KEY: entry("APPROVED")}, book(row(), customers=9))),
    ("I12", lambda: inv.i12_nothing_like_card_data_in_flash([b"..4761739001010119.."])),
    ("I12", lambda: inv.i12_no_card_data_in_flash([b"..4111.."], {b"4111": "a PAN"})),
    ("I13", lambda: inv.i13_replay_gives_the_same_state({"stan": 7}, {"stan": 8})),
]


@pytest.mark.parametrize("at", range(len(BROKEN)))
def test_each_invariant_finds_what_breaks_it(at: int) -> None:
    kind, break_it = BROKEN[at]
    with pytest.raises(Violation) as caught:
        break_it()
    assert caught.value.kind == kind


def test_an_approval_beside_a_reversal_is_found() -> None:
    both = entry("APPROVED")
    both.reversals = 1
    with pytest.raises(Violation, match="approved and reversed") as caught:
        inv.i04_no_approval_beside_a_reversal(both)
    assert caught.value.kind == "I4"


def test_an_end_that_no_good_answer_speaks_for_is_found() -> None:
    good = (("APPROVED", "00", "0210"), ("APPROVED", "94", ""), ("REV_OK", "00", "0410"))
    for end, code, mti in (*good, ("REV_ABSENT", "25", ""), ("DECLINED", "51", "")):
        told = entry(end)
        told.code, told.heard = code, {mti}
        inv.an_end_rests_on_what_was_said(told)
    bad = (("APPROVED", "00", ""), ("REV_OK", "00", "0210"), ("REV_OK", "96", "0410"))
    for end, code, mti in (*bad, ("REV_ABSENT", "", ""), ("DECLINED", "09", "")):
        told = entry(end)
        told.code, told.heard = code, {mti}
        with pytest.raises(Violation, match="heard of it"):
            inv.an_end_rests_on_what_was_said(told)


def test_an_approval_that_the_chip_has_not_agreed_to_is_found() -> None:
    told = entry("APPROVED")
    told.code, told.heard, told.chip = "00", {"0210"}, True
    with pytest.raises(Violation, match="the chip has not agreed"):
        inv.an_end_rests_on_what_was_said(told)


def test_a_case_and_what_the_host_did_not_say_explain_a_difference_and_nothing_else_does() -> None:
    inv.i11_both_sides_agree({KEY: entry("APPROVED")}, book(row()))
    inv.i11_both_sides_agree({KEY: entry("REV_SUSPENDED")}, book(row()))
    misled = book(row())
    misled.misled.add(KEY)
    told = entry("REV_OK")
    told.code = "00"
    inv.i11_both_sides_agree({KEY: told}, misled)
    # Any answer taken for success: 96 undoes nothing.
    told.code = "96"
    with pytest.raises(Violation, match="the host moved 500"):
        inv.i11_both_sides_agree({KEY: told}, misled)


def _send_first(patch: pytest.MonkeyPatch) -> None:
    """The pending record is written after the send."""
    connected = Engine._connected

    def reordered(*values: Any) -> list[Any]:
        effects = connected(*values)
        return sorted(effects, key=lambda effect: effect[0] == "append")

    patch.setitem(Engine.handle.__globals__["_HANDLERS"], "connected", reordered)


def _show_first(patch: pytest.MonkeyPatch) -> None:
    """The approval is on the screen before it is stored."""
    approved = trade.approved

    def reordered(*values: Any) -> list[Any]:
        effects = approved(*values)
        shown = next(n for n, effect in enumerate(effects) if effect[0] == "show")
        return [effects[shown], *effects[:shown], *effects[shown + 1 :]]

    patch.setattr(trade, "approved", reordered)


def _decline_unknown(patch: pytest.MonkeyPatch) -> None:
    """No answer is taken for a refusal: nothing is reversed."""
    from terminal import judge
    from terminal.exchange import Answer

    def declined(engine: Any, reason: str) -> list[Any]:
        answer = Answer.__new__(Answer)
        answer.code, answer.rrn, answer.auth, answer.host_time = "51", "", "", ""
        answer.icc = b""
        return list(trade.declined(engine.known.open, answer, False))

    patch.setattr(judge, "unanswered", declined)


def _same_stan(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "next_stan", lambda self: 77)


def _clear_pan(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cards, "masked", lambda pan: pan)


def _queue_in_ram(patch: pytest.MonkeyPatch) -> None:
    """A restart forgets what was pending."""
    replay = Ledger.replay

    def forgetful(self: Any, apply: Any, lost: Any) -> None:
        replay(self, apply, lost)
        lost.__self__.open = None

    patch.setattr(Ledger, "replay", forgetful)


def _none_adopted(patch: pytest.MonkeyPatch) -> None:
    """A terminal that takes over a number leaves the reversals of the one before alone."""
    adopt = takeover.adopt

    def without(engine: Any) -> list[Any]:
        return [one for one in adopt(engine) if one[1]["kind"] != record.PENDING]

    patch.setattr(takeover, "adopt", without)


def _stans_from_one(patch: pytest.MonkeyPatch) -> None:
    """A terminal that takes over a number begins with STAN 1."""
    adopt = takeover.adopt

    def without(engine: Any) -> list[Any]:
        effects = [one for one in adopt(engine) if one[1]["kind"] != record.ADOPTED]
        engine.stan = engine.known.stan
        return effects

    patch.setattr(takeover, "adopt", without)


def _release_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(State, "keep_from", lambda self: 1 << 30)


def _no_totals(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(State, "add_to_totals", lambda self, *values: None)


def _another_amount(patch: pytest.MonkeyPatch) -> None:
    """A cent more is stored and printed than was asked for."""
    approved = trade.approved

    def more(config: Any, tx: Any, answer: Any, amount_minor: int) -> Any:
        return approved(config, tx, answer, amount_minor + 1)

    patch.setattr(trade, "approved", more)


BUGS: list[tuple[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]]] = [
    (_send_first, ("I1",)),
    (_show_first, ("I2",)),
    (_decline_unknown, ("I11",)),
    (_same_stan, ("I6",)),
    (_clear_pan, ("I7", "I12")),
    (_queue_in_ram, ("I5", "I13")),
    (_none_adopted, ("I5",)),
    (_stans_from_one, ("I6",)),
    (_release_all, ("I5",)),
    (_no_totals, ("I10",)),
    (_another_amount, ("I7", "I11")),
]


CASES = range(40)


def test_without_a_bug_the_cases_below_break_nothing() -> None:
    assert [case.id for case in (run(f"4.{n}") for n in CASES) if case.violation] == []


@pytest.mark.parametrize("bug, kinds", BUGS, ids=[bug.__name__[1:] for bug, _ in BUGS])
def test_a_bug_in_the_terminal_is_found_within_forty_cases(
    bug: Callable[[pytest.MonkeyPatch], None],
    kinds: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bug(monkeypatch)
    for number in CASES:
        violation = run(f"4.{number}").violation
        if violation and violation.kind in kinds:
            return
    pytest.fail("no case found it")
