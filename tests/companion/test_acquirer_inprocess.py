"""The host inside another program: repeatable, whole in its books, and not to be upset."""

from __future__ import annotations

import random
from collections import Counter as Tally
from datetime import datetime, timedelta, timezone

import pytest

from companion.acquirer import faults, wire
from companion.acquirer.faults import Fault
from companion.acquirer.inprocess import InProcessHost, Sending
from companion.acquirer.kinds import KINDS
from companion.acquirer.records import APPROVED, PostTransaction, Transaction, Write
from tests.companion.acquirer_client import PAN, SHAPES, Counter, Fields, bcd, f48, lll, pack

OTHER = "6222001234560013"
FAULTS = (
    Fault(1, faults.DECLINE, f39="51"),
    Fault(1, faults.SAY, f39="96"),
    Fault(1, faults.CAPTURE_AFTER_REVERSAL),
    Fault(1, faults.PARTIAL, minor=5),
    Fault(1, faults.LOOSE_LOOKUP),
    Fault(1, faults.DUPLICATE_REQUEST),
    Fault(1, faults.DROP_ANSWER),
)


def trade(till: Counter, dice: random.Random, count: int) -> list[bytes]:
    """Mixed requests, many of which refer to what was booked before; all bytes that came out."""
    said = []
    for number in range(count):
        if number % 97 == 96:
            till.put(till.settlement_request(f48(dice.randrange(2), 0)))
            till.host.set_time(datetime(2026, 3, 2 + number // 97, 1, tzinfo=timezone.utc))
            till.signed_in(till.put(till.sign_in_request()))
        booked = till.host.ledger.transactions()
        fault = dice.choice(FAULTS) if dice.random() < 0.2 else None
        for due in till.host.receive(chosen(till, dice, booked), fault=fault):
            assert isinstance(due, Sending)
            said.append(due.data)
    return said


def chosen(till: Counter, dice: random.Random, booked: list[Transaction]) -> bytes:
    name = dice.choice(list(SHAPES))
    kind = KINDS[name.upper()]
    amount = dice.randrange(1, 50)
    if not booked or dice.random() < 0.2:
        return till.request(name, None if name == "balance" else amount)
    found = dice.choice(booked[-40:])
    if dice.random() < 0.2 and found.type not in ("REFUND", "COMPLETION_NOTICE"):
        return till.undo(found.type.lower(), found.asked_minor, int(found.stan))
    fitting = [row for row in booked[-90:] if row.type in kind.originals and row.auth]
    if not fitting:
        return till.request("sale", amount, pan=dice.choice([PAN, OTHER]))
    found = dice.choice(fitting)
    date = found.business_date[5:].replace("-", "")
    named = {
        "original": found.batch + found.stan + date,
        "rrn": found.rrn,
        "auth": found.auth,
        "pan": dice.choice([PAN, PAN, PAN, OTHER]),
    }
    return till.request(name, dice.choice([found.amount_minor, amount]), **named)


@pytest.mark.parametrize("seed", range(4))
def test_books_of_a_random_hostile_month_stay_whole(seed: int) -> None:
    till = Counter()
    trade(till, random.Random(seed), 800)
    rows = till.host.ledger.transactions()
    assert till.host.ledger.unbalanced() == []
    approved = [row for row in rows if row.status == APPROVED]
    assert {row.type for row in approved} == set(KINDS) - {"BALANCE"}
    given: Tally[int] = Tally()
    holds_ended: Tally[int] = Tally()
    for row in approved:
        if KINDS[row.type].sign < 0:
            given[row.original_id] += row.amount_minor
        if KINDS[row.type].hold < 0:
            holds_ended[row.original_id] += 1
    captured = {row.id: row.amount_minor for row in approved if KINDS[row.type].sign > 0}
    assert given
    assert all(total <= captured[original] for original, total in given.items())
    assert set(holds_ended.values()) == {1}
    paid = sum(KINDS[row.type].sign * row.amount_minor for row in approved)
    days = {row.business_date for row in rows}
    assert sum(till.host.ledger.totals(day).customer_debit_minor for day in days) == paid


def test_the_same_dice_and_requests_give_the_same_bytes() -> None:
    runs = [trade(Counter(), random.Random(9), 200) for _ in range(2)]
    assert runs[0] == runs[1]


def test_every_write_is_told_after_it_was_booked() -> None:
    told: list[Write] = []
    host = InProcessHost(random.Random(3), note=told.append)
    till = Counter(host=host)
    till.put(till.sale_request(500))
    till.put(till.sale_request(500, till.stan))  # 94: nothing is booked
    assert [type(change).__name__ for change in told] == ["OpenSession", "PostTransaction"]
    assert isinstance(told[1], PostTransaction)
    assert [told[1].transaction] == host.ledger.transactions()


def test_the_clock_is_the_callers() -> None:
    till = Counter()
    moment = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=8)))
    till.host.set_time(moment)
    answer = till.put(till.sale_request(500))
    assert (answer.get(13), answer.get(12)) == ("0101", "003000")
    (row,) = till.host.ledger.transactions("2027-01-01")
    assert row.host_time == "2026-12-31T16:30:00Z"


def mutated(till: Counter, dice: random.Random) -> bytes:
    """A request with a good MAC and a field that is strange or gone, or another bit flipped."""
    mti, fields = dice.choice(
        [
            ("0500", till.common("000900", f"00{till.batch}201") | {48: lll(f48(5, 1))}),
            ("0320", till.common("000901", f"00{till.batch}201") | {48: lll("00")}),
            ("0320", till.common("000902", f"00{till.batch}202") | {48: lll("0000")}),
            ("0800", till.common("000903", "00000000003")),
            *((SHAPES[name][0], till.shaped_fields(name, 7)) for name in SHAPES),
            *(("0400", till.shaped_fields(name, 7, 3) | {39: b"98"}) for name in SHAPES),
        ]
    )
    changes: Fields = {
        4: bcd("0" * 11 + str(dice.randrange(2))),
        37: bytes(dice.choice(b" 09AZ") for _ in range(12)),
        38: bytes(dice.choice(b" 09AZ") for _ in range(6)),
        48: lll("".join(dice.choice("019") for _ in range(dice.randrange(1, 323)))),
        60: lll("".join(dice.choice("012") for _ in range(dice.randrange(1, 18)))),
        61: lll("".join(dice.choice("019") for _ in range(dice.randrange(1, 30)))),
    }
    number = dice.choice([*changes, *fields])
    fields = dict(fields)
    if number in changes and dice.random() < 0.7:
        fields[number] = changes[number]
    else:
        fields.pop(number, None)
    data = bytearray(pack(mti, fields, till.mac_key if dice.random() < 0.9 else None))
    if dice.random() < 0.3:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def test_no_message_with_something_strange_in_it_upsets_the_host() -> None:
    till, dice = Counter(), random.Random(11)
    answered = 0
    for number in range(4000):
        for due in till.host.receive(mutated(till, dice)):
            assert isinstance(due, Sending)
            assert due.close or len(wire.decode(due.data[2:]).get(39)) == 2
            answered += not due.close
        if number % 50 == 0:
            till.signed_in(till.put(till.sign_in_request()))
    assert answered > 2000
    assert till.host.ledger.unbalanced() == []
