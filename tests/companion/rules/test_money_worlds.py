"""Payouts in made-up worlds: the same answers as a plain reference, whatever engine and order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from companion.accounts.channels import Channel
from companion.facts import calendar
from companion.rules import engines
from tests.companion.rules.money_fold import ENGINES, Facts, Result, fold
from tests.companion.rules.money_reference import Reference

pytestmark = pytest.mark.thorough

# A Friday before a working Saturday and the week of the Spring Festival of 2026.
START = 20_496
DAYS = 12
SEEDS = range(4)

MERCHANTS = ("898000000000001", "898000000000002")
CHANNELS = (Channel("card"), Channel("wallet", settle_days=1, pay_days=0, late_days=1))


def world(seed: int) -> Facts:
    """Two merchants and two channels; payouts of every fate, with few different amounts."""
    rng = random.Random(seed)
    facts = Facts()
    facts.due = calendar.due(CHANNELS, START, START + 60).to_pylist()
    facts.pay_due = calendar.pay_due(CHANNELS, START, START + 60).to_pylist()
    change = START + rng.randrange(DAYS)
    for number, merchant_no in enumerate(MERCHANTS):
        for channel in CHANNELS:
            common = {"merchant_no": merchant_no, "channel": channel.channel}
            facts.account(f"6222****{number}1", valid_to=change, **common)
            facts.account(f"6222****{number}2", valid_from=change, **common)
    for day in range(START, START + DAYS):
        for merchant_no in MERCHANTS:
            _card_day(rng, facts, merchant_no, day)
            _wallet_day(rng, facts, merchant_no, day)
    for _ in range(rng.randrange(4)):
        _noise(rng, facts)
    return facts


def _card_day(rng: random.Random, facts: Facts, merchant_no: str, day: int) -> None:
    """No references: amounts and days have to do, unless the payout is announced with one."""
    for _ in range(rng.choice((0, 1, 1, 2))):
        facts.charge(
            day,
            rng.choice((100, 200, 300)),
            merchant_no=merchant_no,
            txn=rng.choice(("SALE", "SALE", "SALE", "REFUND", "PREAUTH")),
            fee_minor=rng.choice((None, 1)),
        )
    amount = rng.choice((99, 100, 198, 199, 200, 298, 299, 300, 400, 500, 700, -100, -300))
    account = f"6222****{MERCHANTS.index(merchant_no)}{rng.choice('12')}"
    ref = rng.choice(("", "", f"P{day}"))
    if rng.random() < 0.7:
        facts.credit(day + rng.choice((1, 1, 1, 2, 4)), amount, account=account, ref=ref)
    if rng.random() < 0.3:
        facts.announce(
            day + 1,
            day,
            amount,
            merchant_no=merchant_no,
            account=account,
            ref=ref,
            status=rng.choice(("SENT", "SENT", "RETURNED")),
        )
    if rng.random() < 0.1:
        facts.credit(day + rng.choice((2, 3)), -abs(amount), account=account, kind="RETURN")


def _wallet_day(rng: random.Random, facts: Facts, merchant_no: str, day: int) -> None:
    """The acquirer and the bank name the settlement, now and then late rows join it."""
    ref = f"S{day - day % 2}-{merchant_no[-1]}"
    for _ in range(rng.choice((1, 2, 3))):
        facts.charge(
            day,
            rng.randrange(1, 10_000),
            merchant_no=merchant_no,
            channel="wallet",
            settle_ref=ref,
            fee_minor=rng.randrange(10),
        )
    if day % 2 or rng.random() < 0.2:
        return
    rows = [row for row in facts.acquirer if row.get("settle_ref") == ref]
    net = sum(row["amount_minor"] - row["fee_minor"] for row in rows)
    account = f"6222****{MERCHANTS.index(merchant_no)}{rng.choice('1122')}"
    if rng.random() < 0.1:
        account = "6222****99"
    for part in rng.choice(([net], [net], [net - 7, 7], [net - 7], [net, 50])):
        paid = day + rng.choice((2, 3, 6))
        facts.credit(paid, part, account=account, channel="wallet", ref=ref)
        if rng.random() < 0.1:
            facts.credit(
                paid + 1, -part, account=account, channel="wallet", ref=ref, kind="RETURN"
            )


def _noise(rng: random.Random, facts: Facts) -> None:
    day = START + rng.randrange(DAYS)
    facts.credit(day, rng.randrange(1, 500), account="6222****01", ref=rng.choice(("", "?")))
    facts.credit(day, 100, account="6222****01", channel="", ref=f"S{day}-1")


def judged(name: str, scratch: Path, facts: Facts, as_of: int) -> Result:
    engine = engines.named(name, scratch)
    try:
        return fold(engine, facts, as_of)
    finally:
        engine.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_is_judged_as_by_the_reference(seed: int, tmp_path: Path) -> None:
    facts = world(seed)
    as_of = START + random.Random(seed).randrange(4, DAYS + 20)
    expected = Reference(facts, as_of).told()
    result = judged(ENGINES[seed % len(ENGINES)], tmp_path, facts, as_of)
    assert result.told == expected
    assert result.unexplained == 0
    assert result.missing_evidence == []


def test_ids_of_rows_and_their_order_change_nothing(tmp_path: Path) -> None:
    facts = world(1)
    as_of = START + 9
    expected = judged("duckdb", tmp_path, facts, as_of).told
    for rows in (facts.acquirer, facts.bank, facts.payouts):
        random.Random(1).shuffle(rows)
        for number, row in enumerate(rows, 1):
            row["id"] = number
    assert judged("sqlite", tmp_path, facts, as_of).told == expected
