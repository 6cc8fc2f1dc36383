"""Pre-authorisations over days: completed, completed again, for too much, or never."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from companion.rules.engines import Engine
from tests.companion.rules.small import NOON, Judged, both
from tests.companion.rules.worlds import FIRST, Row

pytestmark = pytest.mark.thorough

_CARD = "622200******0001"


def _chain(*steps: tuple[str, int, dict[str, Any]]) -> tuple[list[Row], list[Row]]:
    """Transactions of one guest: type, amount, and what else they have."""
    pairs = [
        both(
            n,
            "APPROVED",
            "CAPTURED",
            **{"txn": txn, "amount_minor": amount, "card": _CARD, "at": NOON + 3600 * n, **more},
        )
        for n, (txn, amount, more) in enumerate(steps, 1)
    ]
    for t, _ in pairs:
        t.pop("orig_rrn", None)
    return [t for t, _ in pairs], [a for _, a in pairs]


_HOLD = ("PREAUTH", 10_000, {"rrn": "000000000001"})
_OF_HOLD = {"orig_rrn": "000000000001"}


def _told(judged: Judged) -> list[tuple[str, int, int, str]]:
    return sorted(
        (b["code"], b["amount_minor"], b["effect_minor"], b["note"]) for b in judged.breaks
    )


def test_a_completion_of_up_to_115_percent_is_fine(engine: Engine, tmp_path: Path) -> None:
    rows = _chain(_HOLD, ("COMPLETION", 11_500, {**_OF_HOLD, "day": FIRST + 2}))
    assert Judged(engine, tmp_path, *rows).breaks == []


@pytest.mark.parametrize(
    ("terms", "most"),
    [
        ({("", "pos"): (110, 30)}, 110),
        ({("", "pos"): (110, 30), ("M1", "pos"): (120, 30)}, 120),
        ({("", "qr"): (110, 30), ("M2", "pos"): (120, 30)}, 115),
    ],
)
def test_how_much_may_be_completed_is_the_merchants_or_the_channels(
    engine: Engine, tmp_path: Path, terms: dict[tuple[str, str], tuple[int, int]], most: int
) -> None:
    for amount, told in ((100 * most, []), (100 * most + 1, ["PREAUTH_OVER"])):
        rows = _chain(_HOLD, ("COMPLETION", amount, {**_OF_HOLD, "day": FIRST + 2}))
        judged = Judged(engine, tmp_path / str(amount), *rows, hold_terms=terms)
        assert judged.codes == told
        assert [f"percent={most}" in b["note"] for b in judged.breaks] == [True] * len(told)


def test_how_long_a_hold_may_stand_is_the_merchants_or_the_channels(
    engine: Engine, tmp_path: Path
) -> None:
    rows = _chain(_HOLD)
    for terms, days in (({("", "pos"): (115, 7)}, 7), ({("M1", "pos"): (115, 60)}, 60)):
        for today, told in ((FIRST + days, []), (FIRST + days + 1, ["PREAUTH_EXPIRED"])):
            judged = Judged(engine, tmp_path / str(today), *rows, today, hold_terms=terms)
            assert judged.codes == told


def test_completions_together_above_that_are_told_where_they_exceed(
    engine: Engine, tmp_path: Path
) -> None:
    rows = _chain(
        _HOLD,
        ("COMPLETION", 6_000, {**_OF_HOLD, "rrn": "000000000002", "day": FIRST + 1}),
        ("COMPLETION_NOTICE", 5_600, {**_OF_HOLD, "day": FIRST + 2}),
        ("COMPLETION", 100, {**_OF_HOLD, "day": FIRST + 2}),
    )
    assert _told(Judged(engine, tmp_path, *rows)) == [
        ("COMPLETION_DUPLICATE", 100, 0, "first=000000000002"),
        ("COMPLETION_DUPLICATE", 5_600, 0, "first=000000000002"),
        ("PREAUTH_OVER", 100, 0, "hold=10000;done=11600;percent=115"),
    ]


def test_card_and_authorisation_code_lead_to_the_newest_hold(
    engine: Engine, tmp_path: Path
) -> None:
    auth = {"auth": "A00001"}
    rows = _chain(
        ("PREAUTH", 1_000, auth),
        ("PREAUTH", 10_000, {**auth, "day": FIRST + 1}),
        ("COMPLETION", 10_000, {**auth, "day": FIRST + 2}),
    )
    judged = Judged(engine, tmp_path, *rows, today=FIRST + 40)
    assert [(b["code"], b["row_key"]) for b in judged.breaks] == [
        ("PREAUTH_EXPIRED", "M1|T1|000001|000001|1")
    ]


def test_a_completion_that_was_undone_counts_for_neither(engine: Engine, tmp_path: Path) -> None:
    rows = _chain(
        _HOLD,
        ("COMPLETION", 9_000, {**_OF_HOLD, "rrn": "000000000002"}),
        ("COMPLETION_VOID", 9_000, {"orig_rrn": "000000000002", "day": FIRST + 1}),
        ("COMPLETION", 9_500, {**_OF_HOLD, "day": FIRST + 1}),
    )
    assert Judged(engine, tmp_path, *rows).breaks == []


def test_a_hold_expires_when_it_is_neither_completed_nor_cancelled(
    engine: Engine, tmp_path: Path
) -> None:
    ts, as_ = _chain(
        _HOLD,
        ("PREAUTH", 2_000, {"rrn": "000000000002"}),
        ("PREAUTH_CANCEL", 2_000, {"orig_rrn": "000000000002", "day": FIRST + 5}),
        ("PREAUTH", 3_000, {"rrn": "000000000003"}),
    )
    # The terminal does not know of the last one.
    ts.pop()
    for today, expired in ((FIRST + 30, []), (FIRST + 31, [3_000, 10_000])):
        judged = Judged(engine, tmp_path / str(today), ts, as_, today=today)
        found = [b["amount_minor"] for b in judged.breaks if b["code"] == "PREAUTH_EXPIRED"]
        assert sorted(found) == expired


def test_a_second_completion_that_the_terminal_does_not_know_is_told_by_the_state(
    engine: Engine, tmp_path: Path
) -> None:
    ts, as_ = _chain(
        _HOLD,
        ("COMPLETION", 4_000, {**_OF_HOLD, "rrn": "000000000002"}),
        ("COMPLETION", 3_000, {**_OF_HOLD, "day": FIRST + 3}),
    )
    ts.pop()
    assert _told(Judged(engine, tmp_path, ts, as_)) == [
        ("COMPLETION_DUPLICATE", 3_000, 3_000, "first=000000000002")
    ]


def test_what_is_done_is_forgotten_after_90_days_and_what_is_open_never(
    engine: Engine, tmp_path: Path
) -> None:
    last = {"day": FIRST + 5}
    ts, as_ = _chain(
        _HOLD,
        ("PREAUTH", 2_000, {"rrn": "000000000002"}),
        ("PREAUTH_CANCEL", 2_000, {"orig_rrn": "000000000002", **last}),
        ("PREAUTH", 3_000, {"rrn": "000000000003"}),
        ("COMPLETION", 3_000, {"orig_rrn": "000000000003", **last}),
    )
    for days, kept in ((90, 5), (91, 1)):
        later = both(9, "APPROVED", "CAPTURED", day=FIRST + 5 + days)
        judged = Judged(engine, tmp_path / str(days), [*ts, later[0]], [*as_, later[1]])
        assert len(judged.holds) == kept
        assert as_[0]["id"] in {event["a_id"] for event in judged.holds}
