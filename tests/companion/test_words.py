"""Breaks in words: every code, in both languages, with who has to act."""

from __future__ import annotations

import json
import string
from datetime import date

import pyarrow as pa
import pytest

from companion.facts import schema
from companion.facts.schema import day_number
from companion.reconcile import codes, labels, words
from companion.reconcile.phrases import LANGUAGES, PHRASES
from companion.rules import relations

DAY = day_number(date(2026, 3, 2))
OF_ROWS = [code for code in codes.BREAKS if code not in codes.OF_JOURNAL]


def row(columns: pa.Schema, **values: object) -> dict[str, object]:
    """A row of facts: empty but for what is given."""
    empty = {field.name: "" if pa.types.is_string(field.type) else 0 for field in columns}
    return {**empty, **values}


def broken(code: str, **values: object) -> dict[str, object]:
    return row(
        relations.BREAKS,
        code=code,
        row_key="m|t|000001|000002|1",
        day=DAY,
        amount_minor=123456,
        match_pass=1,
        **values,
    )


Row = dict[str, object]


def sides() -> tuple[Row, Row, Row, Row]:
    return (
        row(schema.TERMINAL, amount_minor=1000, status="SUSPENDED", txn="SALE", code="00"),
        row(schema.ACQUIRER, amount_minor=2000, status="CAPTURED", txn="SALE"),
        row(schema.BANK, amount_minor=1, day=DAY + 3, account="****1234", ref="S1"),
        row(schema.PAYOUTS, status="SENT", account="****9999", ref="S1"),
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", OF_ROWS)
def test_every_code_has_a_reason_and_somebody_who_acts(code: str, language: str) -> None:
    none: dict[str, object] | None = None
    for t, a, b, p in (sides(), (none, none, none, none)):
        reason, actor = words.describe(broken(code), t, a, b, p, language=language)
        assert reason and "{" not in reason
        assert actor in (words.SHOP, words.ACQUIRER, words.BANK)
        assert any("一" <= sign <= "鿿" for sign in reason) == (language == "zh"), reason


@pytest.mark.parametrize("code", codes.BREAKS)
def test_every_code_has_a_label_in_both_languages_and_a_reason_to_close(code: str) -> None:
    for language in LANGUAGES:
        assert labels.label(code, language)
        for verdict in (None, codes.MATCHED, codes.AMOUNT_MISMATCH):
            assert words.closing(code, verdict, language)


def test_what_is_not_about_a_pair_closes_for_its_own_reason() -> None:
    for code in (codes.FEE_DIFFERS, codes.SELF_SWIPE, codes.CLOCK_SKEW, codes.PAYOUT_SHORT):
        assert words.closing(code, codes.MATCHED) == words.closing(code, None)
    assert "both sides now agree" in words.closing(codes.PREAUTH_OVER, codes.MATCHED)
    assert words.closing(codes.HOST_ONLY, codes.AMOUNT_MISMATCH) == "it is now AMOUNT_MISMATCH"
    assert "no file or journal" in words.closing(codes.HOST_ONLY, None)


def test_phrases_have_the_same_places_in_both_languages() -> None:
    for name, texts in PHRASES.items():
        places = [{one[1] for one in string.Formatter().parse(text)} - {None} for text in texts]
        assert places[0] == places[1], name


@pytest.mark.parametrize(
    ("status", "code", "said", "actor"),
    [
        ("SUSPENDED", "", "suspended after 3 tries", words.ACQUIRER),
        ("NEEDS_RECON", "94", "the answer 94 left it undecided", words.ACQUIRER),
        ("PENDING", "", "sync again", words.SHOP),
    ],
)
def test_a_stuck_reversal_says_how_far_it_came(
    status: str, code: str, said: str, actor: str
) -> None:
    t, a, *_ = sides()
    t = {**t, "status": status, "code": code, "reversal_attempts": 3}
    reason, who = words.describe(broken(codes.REVERSAL_STUCK), t, a)
    assert said in reason and "20.00" in reason and who == actor


def test_only_the_acquirer_has_it_and_what_that_means() -> None:
    _, a, *_ = sides()
    none = broken(codes.HOST_ONLY, provisional=0)
    assert words.describe(none, None, a)[1] == words.ACQUIRER
    waiting = words.describe({**none, "provisional": 1}, None, a)
    assert "may still come" in waiting[0] and waiting[1] == words.SHOP
    assert "journal has a gap" in words.describe(none, None, a, lost=True)[0]
    declined = words.describe(none, None, {**a, "status": "DECLINED"})
    assert "nobody was charged" in declined[0]


def test_a_payout_says_which_settlement_and_when_it_was_due() -> None:
    note = f"net=123456;got=0;rows=4;pay_day={DAY + 1};late_day={DAY + 2}"
    *_, payout = sides()
    reason, _ = words.describe(broken(codes.PAYOUT_MISSING, note=note), p=payout)
    assert reason == (
        "nothing of the payout of 1,234.56 has come to the bank (settlement of 2026-03-02; "
        "reference S1; due 2026-03-03; at the latest 2026-03-04)"
    )
    short = words.describe(broken(codes.PAYOUT_SHORT, note=note), p=payout)[0]
    assert "owed 1,234.56, received 0.00" in short
    old = words.describe(broken(codes.PAYOUT_OLD_ACCOUNT, note=f"{note};valid_to={DAY}"), p=payout)
    assert "valid until 2026-03-01" in old[0]
    wrong = {**payout, "reason": "账户冻结"}
    assert "账户冻结" in words.describe(broken(codes.PAYOUT_RETURNED, note=note), p=wrong)[0]


@pytest.mark.parametrize(("seconds", "said"), [(1260, "21 minutes ahead"), (-900, "15 minutes b")])
def test_a_clock_that_is_wrong_says_by_how_much_and_which_way(seconds: int, said: str) -> None:
    assert said in words.describe(broken(codes.CLOCK_SKEW, note=f"seconds={seconds}"))[0]


def test_a_pair_of_low_confidence_and_remarks_are_told() -> None:
    t, a, *_ = sides()
    t = {**t, "remarks": "the terminal displayed 1000 and sent 2000"}
    loose = broken(codes.AMOUNT_MISMATCH)
    reason, _ = words.describe({**loose, "match_pass": 3}, t, a)
    assert "amount and time only" in reason and "displayed 1000" in reason


def test_a_stored_break_is_told_again_in_the_other_language() -> None:
    t, a, *_ = sides()
    made = words.break_of(broken(codes.AMOUNT_MISMATCH), t, a, None, None)
    stored = {**made.__dict__, "evidence": json.loads(json.dumps(made.evidence))}
    assert words.said(stored) == made.reason
    assert words.said(stored, "zh") == "终端显示金额 10.00，收单机构入账 20.00"
    assert (made.business_date, made.match_pass, made.amount_minor) == ("2026-03-02", 1, 123456)


def test_a_gap_is_told_with_its_records() -> None:
    gap = row(
        schema.GAPS,
        code=codes.JOURNAL_GAP,
        device_id="pz-1",
        first_seq=3,
        last_seq=5,
        problem="not readable",
        evidence='{"seen": 1}',
    )
    made = words.gap_break(gap)
    assert made.reason == "journal of pz-1, records 3 to 5: not readable"
    assert made.actor == words.SHOP and made.row_key == "pz-1|3"
    assert words.said({**made.__dict__}, "zh") == "pz-1 日志，记录 3 至 5：not readable"


def test_long_and_short_are_said_as_the_house_says_them() -> None:
    def said(effect: int, surplus: str) -> str:
        return labels.label(codes.HOST_ONLY, "zh", effect, surplus)

    assert said(100, labels.ACQUIRER_HAS_MORE).endswith("（长款）")
    assert said(-100, labels.ACQUIRER_HAS_MORE).endswith("（短款）")
    assert said(100, labels.SHOP_HAS_MORE).endswith("（短款）")
    assert said(100, labels.NEITHER) == labels.label(codes.HOST_ONLY, "zh")
    assert "款）" not in labels.label(codes.CLOCK_SKEW, "zh", 100, labels.SHOP_HAS_MORE)
