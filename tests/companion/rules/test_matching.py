"""Which rows are paired, by which pass, and how they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from companion.rules import settings
from companion.rules.engines import Engine
from tests.companion.rules.small import NOON, Judged, acquirer, both, terminal
from tests.companion.rules.worlds import FIRST, Row


def test_the_nth_of_a_key_belongs_to_the_nth(engine: Engine, tmp_path: Path) -> None:
    ts = [terminal(1, at=NOON + n, amount_minor=100 + n) for n in (0, 10, 20)]
    as_ = [acquirer(1, at=NOON + n, amount_minor=100 + n) for n in (20, 0)]
    judged = Judged(engine, tmp_path, list(reversed(ts)), as_)
    assert judged.matched() == {(ts[0]["id"], as_[1]["id"], 1), (ts[1]["id"], as_[0]["id"], 1)}
    assert [p["row_key"] for p in judged.open] == ["M1|T1|000001|000001|3"]


def test_a_row_of_the_acquirer_that_comes_days_later_finds_its_partner(
    engine: Engine, tmp_path: Path
) -> None:
    t, a = both(1, "APPROVED", "CAPTURED")
    # The terminal uses its number again meanwhile.
    again = terminal(1, day=FIRST + 1, at=NOON + 86_400)
    late = {**a, "day": FIRST + 3}
    judged = Judged(engine, tmp_path, [t, again], [late])
    assert judged.matched() == {(t["id"], late["id"], 1)}
    assert [p["row_key"] for p in judged.open] == ["M1|T1|000001|000001|2"]


def _days(count: int, **values: Any) -> list[tuple[Row, Row]]:
    """The same number once a day, a little earlier each day, each with the day's own card."""
    return [
        both(
            1,
            "APPROVED",
            "CAPTURED",
            day=FIRST + n,
            at=NOON + n * (86_400 - 600),
            card=f"622200******{n:04d}",
            amount_minor=500 + n,
            **values,
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("timed", [True, False])
def test_a_terminal_that_counts_from_one_each_day_keeps_its_days_apart(
    engine: Engine, tmp_path: Path, timed: bool
) -> None:
    """One row that its acquirer never had does not take the next day's, nor that one the next."""
    days = _days(4)
    if not timed:
        for _, a in days:
            a["at"] = 0
    judged = Judged(engine, tmp_path, [t for t, _ in days], [a for _, a in days[1:]])
    assert judged.matched() == {(t["id"], a["id"], 1) for t, a in days[1:]}
    assert [(b["code"], b["t_id"], b["row_key"]) for b in judged.breaks] == [
        ("TERMINAL_ONLY", days[0][0]["id"], "M1|T1|000001|000001|1")
    ]


def test_what_only_the_acquirer_had_does_not_take_the_next_days_row_either(
    engine: Engine, tmp_path: Path
) -> None:
    days = _days(4)
    judged = Judged(engine, tmp_path, [t for t, _ in days[1:]], [a for _, a in days])
    assert judged.matched() == {(t["id"], a["id"], 1) for t, a in days[1:]}
    assert [(b["code"], b["a_id"]) for b in judged.breaks] == [("HOST_ONLY", days[0][1]["id"])]


def test_rows_of_two_days_are_no_pair_though_nothing_else_is_there(
    engine: Engine, tmp_path: Path
) -> None:
    """The terminal's second day comes with its next export."""
    (t, _), (_, a) = _days(2)
    judged = Judged(engine, tmp_path, [t], [a])
    assert judged.matched() == set()
    assert judged.codes == ["HOST_ONLY", "TERMINAL_ONLY"]


def test_of_two_days_rows_that_come_late_together_each_finds_its_own(
    engine: Engine, tmp_path: Path
) -> None:
    days = _days(3)
    late = [{**a, "day": FIRST + 2} for _, a in days]
    for rows in (late, late[::-1]):
        judged = Judged(engine, tmp_path / str(rows[0]["id"]), [t for t, _ in days], rows)
        assert judged.matched() == {
            (t["id"], a["id"], 1) for (t, _), a in zip(days, late, strict=True)
        }


def test_a_late_row_without_a_time_finds_the_oldest_of_its_number(
    engine: Engine, tmp_path: Path
) -> None:
    days = _days(2)
    late = {**days[0][1], "day": FIRST + 3, "at": 0}
    judged = Judged(engine, tmp_path, [t for t, _ in days], [late])
    assert judged.matched() == {(days[0][0]["id"], late["id"], 1)}


def test_a_clock_that_is_wrong_by_years_keeps_no_late_row_away(
    engine: Engine, tmp_path: Path
) -> None:
    """What a clock says that is not near the row's own day is no time."""
    t, a = both(1, "APPROVED", "CAPTURED")
    t["at"] -= 700 * 86_400
    late = {**a, "day": FIRST + 2}
    judged = Judged(engine, tmp_path, [t], [late])
    assert judged.matched() == {(t["id"], a["id"], 1)}


def test_a_terminal_that_is_synced_late_finds_what_its_host_has_had_for_weeks(
    engine: Engine, tmp_path: Path
) -> None:
    t, a = both(1, "APPROVED", "CAPTURED")
    other = acquirer(2, "REVERSED")
    t["day"] += 30
    judged = Judged(engine, tmp_path, [t], [a, other], today=FIRST + 31)
    assert judged.matched() == {(t["id"], a["id"], 1)}
    # What moved no money is not waited for that long, but it stays a break.
    assert judged.open == []
    assert [(b["code"], b["effect_minor"]) for b in judged.breaks] == [("HOST_ONLY", 0)]


def test_rrn_and_card_pair_rows_that_have_no_stan(engine: Engine, tmp_path: Path) -> None:
    t, a = both(7, "APPROVED", "CAPTURED", rrn="000000000001")
    a.update(batch="", stan="")
    judged = Judged(engine, tmp_path, [t], [a])
    assert judged.matched() == {(t["id"], a["id"], 2)}
    assert [p["row_key"] for p in judged.pairs] == ["M1|T1|000001|000007|1"]


def test_rrn_and_card_do_not_pair_what_differs_in_token_or_terminal(
    engine: Engine, tmp_path: Path
) -> None:
    t1, a1 = both(1, "APPROVED", "CAPTURED", rrn="000000000001")
    t2, a2 = both(2, "APPROVED", "CAPTURED", rrn="000000000002")
    t3, a3 = both(3, "APPROVED", "CAPTURED", rrn="000000000003", terminal_no="")
    for a in (a1, a2, a3):
        a.update(batch="000009", at=0)
    t1["token"], a1["token"] = "one", "two"
    a2["terminal_no"] = "T2"
    t3["terminal_no"] = "T1"
    judged = Judged(engine, tmp_path, [t1, t2, t3], [a1, a2, a3])
    assert judged.matched() == {(t3["id"], a3["id"], 2)}


def test_time_and_amount_pair_the_nearest_of_both_sides(engine: Engine, tmp_path: Path) -> None:
    ts = [terminal(n, at=NOON + at, amount_minor=900, card="") for n, at in ((1, 0), (2, 100))]
    as_ = [acquirer(0, at=NOON + at, amount_minor=900, card="") for at in (90, 130)]
    judged = Judged(engine, tmp_path, ts, as_)
    # The second terminal row is nearest to both; what is left over finds the other.
    assert judged.matched() == {(ts[1]["id"], as_[0]["id"], 3), (ts[0]["id"], as_[1]["id"], 3)}


def test_time_and_amount_never_pair_two_rows_that_have_a_stan(
    engine: Engine, tmp_path: Path
) -> None:
    t = terminal(1, at=NOON, amount_minor=900, card="")
    a = acquirer(2, at=NOON, amount_minor=900, card="")
    judged = Judged(engine, tmp_path, [t], [a])
    assert judged.matched() == set()
    assert judged.codes == ["HOST_ONLY", "TERMINAL_ONLY"]


def test_time_and_amount_want_the_same_channel_way_of_the_money_and_a_known_time(
    engine: Engine, tmp_path: Path
) -> None:
    far = 301
    ts = [terminal(n, at=NOON, amount_minor=100 * n, card="") for n in range(1, 7)]
    ts[3]["at"] = 0
    as_ = [acquirer(0, at=NOON, amount_minor=100 * n, card="") for n in range(1, 7)]
    as_[0]["txn"] = "REFUND"
    as_[1]["at"] += far
    as_[2]["at"] += far - 1
    as_[4]["terminal_no"] = "T2"
    as_[5]["channel"] = "qr"
    judged = Judged(engine, tmp_path, ts, as_)
    assert judged.matched() == {(ts[2]["id"], as_[2]["id"], 3)}


def test_a_row_matches_once_though_every_pass_would_take_it(
    engine: Engine, tmp_path: Path
) -> None:
    t, a = both(1, "APPROVED", "CAPTURED", rrn="000000000001", amount_minor=900)
    second = {**a, "id": a["id"] + 1000, "batch": "", "stan": ""}
    judged = Judged(engine, tmp_path, [t], [a, second])
    assert judged.matched() == {(t["id"], a["id"], 1)}
    assert judged.codes == ["DUPLICATE_CHARGE"]


def test_what_an_acquirer_charges_for_itself_is_no_transaction(
    engine: Engine, tmp_path: Path
) -> None:
    judged = Judged(engine, tmp_path, [], [acquirer(0, txn="FEE", amount_minor=0)])
    assert (judged.pairs, judged.open, judged.breaks) == ([], [], [])


def test_a_declined_attempt_does_not_take_the_place_of_its_retry(
    engine: Engine, tmp_path: Path
) -> None:
    t, a = both(1, "APPROVED", "CAPTURED")
    attempt = {**a, "id": a["id"] + 1000, "status": "DECLINED", "at": a["at"] - 5}
    judged = Judged(engine, tmp_path, [t], [attempt, a])
    assert judged.matched() == {(t["id"], a["id"], 1)}
    assert judged.breaks == []


def test_a_number_that_a_hundred_rows_have_is_none(engine: Engine, tmp_path: Path) -> None:
    def rows(count: int) -> tuple[list[Row], list[Row]]:
        same: dict[str, Any] = {"rrn": "000000000000", "card": "", "at": 0}
        return [terminal(1, **same) for _ in range(count)], [
            acquirer(1, amount_minor=5, **same) for _ in range(count)
        ]

    for count, pairs in ((settings.CROWD, settings.CROWD), (settings.CROWD + 1, 0)):
        judged = Judged(engine, tmp_path / str(count), *rows(count))
        assert len(judged.matched()) == pairs
        keys = [pair["row_key"] for pair in (*judged.pairs, *judged.open) if pair["t_id"]]
        assert len(set(keys)) == len(keys) == count
