"""What is made of rows without a partner: waiting, provisional, doubled, dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from companion.rules.engines import Engine
from tests.companion.rules.small import NOON, Judged, acquirer, both, terminal
from tests.companion.rules.worlds import FIRST

pytestmark = pytest.mark.thorough

_TODAY = (FIRST + 2, FIRST + 3)


@pytest.mark.parametrize("today", _TODAY)
def test_what_only_the_terminal_has_is_provisional_within_the_grace(
    today: int, engine: Engine, tmp_path: Path
) -> None:
    txns = ("SALE", "VOID", "PREAUTH_CANCEL")
    ts = [terminal(n, txn=txn, amount_minor=100) for n, txn in enumerate(txns, 1)]
    judged = Judged(engine, tmp_path, ts, [], today=today)
    early = int(today == FIRST + 2)
    assert sorted((b["code"], b["effect_minor"], b["provisional"]) for b in judged.breaks) == [
        ("PREAUTH_NOT_RELEASED", 0, early),
        ("TERMINAL_ONLY", -100, early),
        ("VOID_NOT_APPLIED", 100, early),
    ]


def test_without_the_acquirers_statement_nothing_is_proven(engine: Engine, tmp_path: Path) -> None:
    ts = [terminal(n, status) for n, status in enumerate(("APPROVED", "REVERSED", "PENDING"), 1)]
    judged = Judged(engine, tmp_path, ts, [], covered=False)
    assert judged.breaks == []
    assert {p["verdict"] for p in judged.open} == {"WAITING"}
    assert sum(p["effect_minor"] for p in judged.open) == -ts[0]["amount_minor"]


def test_what_only_the_host_has_is_provisional_until_the_terminal_is_synced(
    engine: Engine, tmp_path: Path
) -> None:
    a = acquirer(1, at=NOON)
    for seen, early in ((NOON - 1, 1), (NOON, 0)):
        judged = Judged(engine, tmp_path / str(seen), [], [a], seen=seen)
        found = [
            (b["code"], b["effect_minor"], b["provisional"], b["note"]) for b in judged.breaks
        ]
        assert found == [("HOST_ONLY", a["amount_minor"], early, "unseen=1" if early else "")]


def test_what_the_host_alone_declined_is_no_break_and_what_it_reversed_has_no_money(
    engine: Engine, tmp_path: Path
) -> None:
    judged = Judged(engine, tmp_path, [], [acquirer(1, "DECLINED"), acquirer(2, "REVERSED")])
    assert [(b["code"], b["effect_minor"]) for b in judged.breaks] == [("HOST_ONLY", 0)]


def test_of_charges_that_the_terminal_does_not_know_the_first_is_no_duplicate(
    engine: Engine, tmp_path: Path
) -> None:
    alike: dict[str, Any] = {"amount_minor": 500, "card": "622200******0001"}
    first = acquirer(1, at=NOON, rrn="000000000001", **alike)
    second = acquirer(2, at=NOON + 600, **alike)
    third = acquirer(3, at=NOON + 1201, **alike)
    judged = Judged(engine, tmp_path, [], [third, second, first])
    found = {b["a_id"]: (b["code"], b["note"]) for b in judged.breaks}
    assert found == {
        first["id"]: ("HOST_ONLY", ""),
        second["id"]: ("DUPLICATE_CHARGE", "twin=000000000001"),
        third["id"]: ("HOST_ONLY", ""),
    }


def test_a_second_charge_after_midnight_is_seen(engine: Engine, tmp_path: Path) -> None:
    t, a = both(1, "APPROVED", "CAPTURED", amount_minor=500)
    again = {**a, "id": a["id"] + 1000, "day": FIRST + 1, "at": a["at"] + 300, "stan": "000002"}
    judged = Judged(engine, tmp_path, [t], [a, again])
    assert judged.codes == ["DUPLICATE_CHARGE"]


def test_a_mark_is_kept_for_the_state_many_days_later(engine: Engine, tmp_path: Path) -> None:
    t, a = both(1, "APPROVED", "CAPTURED", amount_minor=500)
    again = {**a, "id": a["id"] + 1000}
    later = [both(n, "APPROVED", "CAPTURED", day=FIRST + 4 * n) for n in (2, 3)]
    judged = Judged(
        engine, tmp_path, [t, *(x for x, _ in later)], [a, again, *(x for _, x in later)]
    )
    assert judged.codes == ["DUPLICATE_CHARGE"]


def test_a_duplicate_that_turns_out_to_be_a_sale_of_its_own_is_none(
    engine: Engine, tmp_path: Path
) -> None:
    t, a = both(1, "APPROVED", "CAPTURED", amount_minor=500)
    other_t, other_a = both(2, "APPROVED", "CAPTURED", amount_minor=500, card=t["card"])
    other_a["at"] = a["at"] + 60
    # The terminal's second sale comes with the next day's sync.
    other_t["day"] = FIRST + 1
    judged = Judged(engine, tmp_path, [t, other_t], [a, other_a])
    assert judged.breaks == []


def test_the_equation_holds_in_a_world_of_everything(engine: Engine, tmp_path: Path) -> None:
    ts = [terminal(1), terminal(2, "DECLINED"), terminal(3, txn="REFUND")]
    as_ = [acquirer(4), acquirer(5, "REVERSED"), acquirer(6, txn="VOID")]
    pairs = [
        both(n, *s) for n, s in enumerate([("APPROVED", "DECLINED"), ("REVERSED", "CAPTURED")], 7)
    ]
    judged = Judged(
        engine, tmp_path, [*ts, *(t for t, _ in pairs)], [*as_, *(a for _, a in pairs)]
    )
    sides = [p["charged_minor"] - p["booked_minor"] for p in (*judged.pairs, *judged.open)]
    assert sum(sides) == sum(b["effect_minor"] for b in judged.breaks) != 0


def test_a_row_without_money_stays_as_long_as_its_grace(engine: Engine, tmp_path: Path) -> None:
    a, late = acquirer(1, "REVERSED"), acquirer(2, day=FIRST + 11)
    for grace, stays in ((10, 0), (11, 1)):
        judged = Judged(
            engine, tmp_path / str(grace), [], [a, late], today=FIRST + 11, grace=grace
        )
        assert [p["a_id"] for p in judged.open if p["a_id"] == a["id"]] == [a["id"]] * stays
        assert judged.codes == ["HOST_ONLY", "HOST_ONLY"]
