"""Fees, own cards, clocks and missing statements: what is found in single rows and days."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from companion.facts import schema
from companion.rules import attributes, engines, fees, relations, statements_due
from companion.rules.engines import Engine
from tests.companion.rules.money_fold import ENGINES, MERCHANT, Row, table

DAY = 20_000
Told = list[tuple[Any, ...]]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = engines.named(request.param, tmp_path)
    yield made
    made.close()


def found(
    engine: Engine, tables: Sequence[tuple[str, Any]], inputs: Mapping[str, Any], name: str
) -> list[Row]:
    for given, put in inputs.items():
        engine.put(given, put)
    for made, expression in tables:
        engine.make(made, expression)
    rows: list[Row] = engine.rows(relations.table(name, relations.BREAKS)).to_pylist()
    return sorted(rows, key=lambda one: str(one["row_key"]))


def pairs(column: str, rows: Sequence[Row], **more: Any) -> Any:
    """A relation of pairs that calls each row "key-ID"."""
    other = "a_id" if column == "t_id" else "t_id"
    told = [
        {column: row["id"], other: None, "row_key": f"key-{row['id']}", **more} for row in rows
    ]
    return table(relations.PAIRS, told)


# Fees.


def plan(**more: Any) -> Row:
    row = {"merchant_no": MERCHANT, "channel": "card", "rate_ppm": 6000}
    return {**row, "valid_from": 0, "valid_to": schema.FAR, **more}


def charged(number: int, amount: int, fee: int | None, **more: Any) -> Row:
    row = {"id": number, "merchant_no": MERCHANT, "channel": "card", "day": DAY, "txn": "SALE"}
    return {**row, "status": "CAPTURED", "amount_minor": amount, "fee_minor": fee, **more}


def fee_breaks(engine: Engine, rows: Sequence[Row], plans: Sequence[Row]) -> Told:
    inputs = {
        "acquirer": table(schema.ACQUIRER, rows),
        "fee_plans": table(schema.FEE_PLANS, plans),
        "pairs": pairs("a_id", rows),
    }
    told = found(engine, fees.STEP, inputs, "fee_breaks")
    assert all(one["code"] == "FEE_DIFFERS" and one["owed_minor"] == 0 for one in told)
    return [(one["a_id"], one["row_key"], one["amount_minor"], one["note"]) for one in told]


def test_a_fee_is_rounded_half_up(engine: Engine) -> None:
    # 6000 ppm of 249.9.., 250 and 583 are 1.4994, 1.5 and 3.498.
    rows = [charged(1, 249, 1), charged(2, 250, 2), charged(3, 583, 3), charged(4, 250, 1)]
    told = fee_breaks(engine, rows, [plan()])
    assert told == [(4, "key-4", 1, "fee=1;expected=2;rate_ppm=6000")]


def test_a_refund_costs_nothing_or_gives_the_same_fee_back(engine: Engine) -> None:
    rows = [charged(n, 250, n - 3, txn=t) for n, t in enumerate(("REFUND", "VOID", "REFUND"), 1)]
    kept = fee_breaks(engine, rows, [plan()])
    assert [(number, amount) for number, _, amount, _ in kept] == [(1, 2), (2, 1)]
    back = fee_breaks(engine, rows, [plan(refund_back=1)])
    assert [(number, amount) for number, _, amount, _ in back] == [(2, 1), (3, 2)]


def test_a_fee_has_a_fixed_part_and_ends_at_the_cap(engine: Engine) -> None:
    capped = plan(fixed_minor=10, cap_minor=2000)
    rows = [charged(1, 1000, 16), charged(2, 331_666, 2000), charged(3, 331_500, 1999)]
    rows += [charged(4, 9_000_000, 2000), charged(5, 9_000_000, 54_010)]
    assert [one[0] for one in fee_breaks(engine, rows, [capped])] == [5]


def test_only_captured_rows_with_a_stated_fee_and_a_plan_are_judged(engine: Engine) -> None:
    rows = [
        charged(1, 1000, None),
        charged(2, 1000, 99, status="DECLINED"),
        charged(3, 0, 99, txn="FEE"),
        charged(4, 1000, 99, channel="wallet"),
        charged(8, 1000, 99, txn="REFUND", f39="CB"),
        charged(5, 1000, 99, day=DAY - 5),
        charged(6, 1000, 0, txn="PREAUTH", status="AUTHORISED"),
        charged(7, 1000, 6, txn="PREAUTH", status="AUTHORISED"),
    ]
    told = fee_breaks(engine, rows, [plan(valid_from=DAY)])
    assert [(number, amount) for number, _, amount, _ in told] == [(7, 6)]


def test_a_later_plan_takes_the_place_of_the_one_before(engine: Engine) -> None:
    plans = [plan(), plan(rate_ppm=5000, valid_from=DAY), plan(rate_ppm=1, valid_to=DAY - 9)]
    rows = [charged(1, 1000, 5), charged(2, 1000, 6, day=DAY - 1), charged(3, 1000, 6)]
    assert [one[0] for one in fee_breaks(engine, rows, plans)] == [3]


def test_fees_are_those_of_whole_numbers_for_any_amount(engine: Engine) -> None:
    rng = random.Random(7)
    rows, expected = [], {}
    plans = [plan(channel=f"c{n}", rate_ppm=rng.randrange(1, 30_000)) for n in range(20)]
    for number in range(1, 2001):
        terms = rng.choice(plans)
        amount = rng.randrange(10 ** rng.randrange(1, 14))
        fee, rest = divmod(amount * terms["rate_ppm"], 1_000_000)
        expected[number] = fee + (1 if 2 * rest >= 1_000_000 else 0)
        rows.append(charged(number, amount, -1, channel=terms["channel"]))
    told = fee_breaks(engine, rows, plans)
    assert {number: amount - 1 for number, _, amount, _ in told} == expected


# Own cards and clocks.


def test_a_payment_with_an_own_card_is_told_once(engine: Engine) -> None:
    row = {"merchant_no": MERCHANT, "terminal_no": "T1", "channel": "card", "day": DAY}
    row |= {"txn": "SALE", "status": "APPROVED", "amount_minor": 500, "token": "own"}
    rows = [
        {"id": 1, **row},
        {"id": 2, **row, "token": "other"},
        {"id": 3, **row, "txn": "REFUND"},
        {"id": 4, **row, "status": "DECLINED"},
        {"id": 5, **row, "merchant_no": "another"},
        {"id": 6, **row, "token": ""},
        {"id": 7, **row, "txn": "PREAUTH"},
        {"id": 8, **row, "txn": "COMPLETION"},
    ]
    own = [{"merchant_no": MERCHANT, "token": token} for token in ("own", "own", "")]
    inputs = {
        "terminal": table(schema.TERMINAL, rows),
        "own_cards": table(schema.OWN_CARDS, own),
        "pairs": pairs("t_id", rows),
    }
    told = found(engine, attributes.STEP[:2], inputs, "self_swipes")
    assert [(one["t_id"], one["row_key"], one["amount_minor"]) for one in told] == [
        (1, "key-1", 500),
        (8, "key-8", 500),
    ]
    assert {(one["code"], one["effect_minor"], one["owed_minor"]) for one in told} == {
        ("SELF_SWIPE", 0, 0)
    }


def test_a_clock_is_told_by_its_worst_pair_of_the_day(engine: Engine) -> None:
    base = {"merchant_no": MERCHANT, "channel": "card", "day": DAY, "a_at": 100_000}
    rows = [
        {**base, "t_id": 1, "a_id": 11, "terminal_no": "T1", "t_at": 100_700},
        {**base, "t_id": 2, "a_id": 12, "terminal_no": "T1", "t_at": 99_200},
        {**base, "t_id": 3, "a_id": 13, "terminal_no": "T2", "t_at": 100_600},
        {**base, "t_id": 4, "a_id": 14, "terminal_no": "T3", "t_at": 0},
        {**base, "t_id": 5, "a_id": 15, "terminal_no": "T4", "t_at": 1, "day": DAY - 1},
    ]
    inputs = {
        "matched": table(attributes.CLOCKS, rows),
        "step": table(relations.DAY, [{"day": DAY}]),
    }
    told = found(engine, attributes.STEP[2:], inputs, "clock_skews")
    assert [(one["row_key"], one["t_id"], one["a_id"], one["note"]) for one in told] == [
        (f"{MERCHANT}|T1|CLOCK|{DAY}", 2, 12, "seconds=-800")
    ]
    assert (told[0]["code"], told[0]["amount_minor"]) == ("CLOCK_SKEW", 0)


# Statements.


def wanted(leg: str, party: str, channel: str = "card", **more: Any) -> Row:
    row = {"leg": leg, "party": party, "merchant_no": MERCHANT, "channel": channel}
    return {**row, "day": DAY, "due_day": DAY + 1, **more}


def missing(
    engine: Engine,
    wants: Sequence[Row],
    here: Sequence[Row] = (),
    waiting: Sequence[Row] = (),
    today: int = DAY + 2,
) -> Told:
    inputs = {
        "wanted": table(schema.WANTED, wants),
        "coverage": table(schema.COVERAGE, here),
        "open_pairs": table(relations.PAIRS, waiting),
        "today": table(relations.DAY, [{"day": today}]),
    }
    told = found(engine, statements_due.STATE, inputs, "statement_breaks")
    assert {one["code"] for one in told} <= {"STATEMENT_MISSING"}
    return [(one["row_key"], one["amount_minor"], one["effect_minor"]) for one in told]


def test_a_statement_is_missing_when_its_day_has_passed(engine: Engine) -> None:
    key = f"{MERCHANT}|card|acquirer|{DAY}"
    assert missing(engine, [wanted("acquirer", MERCHANT)], today=DAY + 1) == []
    assert missing(engine, [wanted("acquirer", MERCHANT)]) == [(key, 0, 0)]


def test_a_statement_that_is_here_is_not_missing(engine: Engine) -> None:
    here = [{"leg": "acquirer", "party": MERCHANT, "channel": "card", "day": DAY}]
    assert missing(engine, [wanted("acquirer", MERCHANT)], here * 2) == []
    assert len(missing(engine, [wanted("acquirer", MERCHANT, "wallet")], here)) == 1


def test_what_waits_for_a_missing_statement_is_told_with_it(engine: Engine) -> None:
    row = {"merchant_no": MERCHANT, "channel": "card", "day": DAY, "verdict": "WAITING"}
    rows = [
        {**row, "t_id": 1, "effect_minor": -1000},
        {**row, "t_id": 2, "effect_minor": 300},
        {**row, "t_id": 3, "effect_minor": -50, "day": DAY - 1},
        {**row, "t_id": 4, "effect_minor": -70, "verdict": "TERMINAL_ONLY"},
        {**row, "t_id": 5, "effect_minor": -90, "channel": "wallet"},
    ]
    wants = [wanted("acquirer", MERCHANT), wanted("bank", "6222****01", "")]
    assert missing(engine, wants, waiting=rows) == [
        (f"6222****01||bank|{DAY}", 0, 0),
        (f"{MERCHANT}|card|acquirer|{DAY}", 1300, -700),
    ]


def test_a_statement_of_an_account_covers_every_channel(engine: Engine) -> None:
    here = [{"leg": "bank", "party": "6222****01", "channel": "", "day": DAY}]
    assert missing(engine, [wanted("bank", "6222****01", "wallet")], here) == []
