"""The engine given events in orders that no honest line, timer or cashier would bring.

The world's line is honest: a connection that failed brings no answer. Here anything may come at
any time, with any link's or timer's number, and the journal may refuse. What the world asks of the
money is asked all the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from protocol import record
from terminal.state import State
from tests.shared.bench import Bench

pytestmark = pytest.mark.thorough

_SEEDS = 300
_CODES = ("00",) * 8 + ("10", "12", "22", "25", "30", "51", "64", "77", "94", "96", "97", "A0")
_NOW = 1_700_000_000
_REFUND = {"batch": 0, "stan": 0, "rrn": "000000000042", "date": "1122"}
_PREAUTH = {"batch": 0, "stan": 0, "auth": "A12345", "date": "1122"}
_FREE = (
    (record.REFUND, 300, _REFUND),
    (record.PREAUTH, 300, None),
    (record.PREAUTH_CANCEL, 300, _PREAUTH),
    (record.COMPLETION, 300, _PREAUTH),
    (record.COMPLETION_NOTICE, 300, _PREAUTH),
    (record.BALANCE, 0, None),
)


def _link(bench: Bench, rng: random.Random) -> int:
    return bench.link + rng.choice((0, 0, 0, 0, -1, 1))


def _sell(bench: Bench, rng: random.Random) -> None:
    bench.swipe(100 * rng.randrange(1, 5), rng.choice((1000, 1000, 1000, 100, 0)))


def _deal(bench: Bench, rng: random.Random) -> None:
    txn, amount_minor, original = rng.choice(_FREE)
    bench.deal(txn, amount_minor, original, chip=rng.random() < 0.3)


def _void(bench: Bench, rng: random.Random) -> None:
    ends = [rec for rec in bench.records if rec["kind"] == record.OUTCOME]
    bench.offered = None
    if ends:
        bench.give_effects([("find", "original", record.VOID, rng.choice(ends)["stan"])])
    if bench.offered:
        bench.deal(record.VOID, bench.offered[2], bench.offered[3])


def _connected(bench: Bench, rng: random.Random) -> None:
    step, link = bench.engine.step, _link(bench, rng)
    if not (step and step.link == link and step.request):  # a line says so once
        bench.give("connected", link, rng.choice((0, _NOW, _NOW + 90_000)))


def _answered(bench: Bench, rng: random.Random) -> None:
    if bench.request:
        header, balance = rng.choice((0, 0, 0, 3)), rng.choice("112")
        data = bench.answer(rng.choice(_CODES), rng.random() < 0.85, b"", header, balance)
        bench.give("received", _link(bench, rng), data)


def _timer(bench: Bench, rng: random.Random) -> None:
    name = rng.choice(("answer", "answer", "retry", "retry", "chip", "forget"))
    bench.give("timer", name, rng.choice((_link(bench, rng), bench.timers.get(name, 0), 0)))


def _checkpoint(bench: Bench, rng: random.Random) -> None:
    bench.known.since_checkpoint = 1000
    bench.give("idle")


def _refuse(bench: Bench, rng: random.Random) -> None:
    bench.fail_append = rng.randrange(1, 4)


def _restart(bench: Bench, rng: random.Random) -> None:
    before = _fold(bench.known)
    bench.fail_append = 0
    bench.restart()
    assert _fold(bench.known) == before
    assert _fold(_behind_the_checkpoint(bench.records)) == before
    bench.give("start", "PWRON", "test", "")


def _behind_the_checkpoint(records: list[dict[str, Any]]) -> State:
    """As Ledger.replay: the cases that the newest checkpoint names, then from it on."""
    kept = list(enumerate(records, 1))
    start = max([seq for seq, rec in kept if rec["kind"] == record.CHECKPOINT], default=1)
    cases = records[start - 1].get("suspended", ())
    known = State()
    for seq, rec in kept:
        if seq >= start or seq in cases:
            known.apply(seq, rec)
    return known


def _fold(known: State) -> list[Any]:
    names = ("stan", "batch", "phase", "first", "day", "debit_minor", "credit_minor", "suspended")
    return [known.open and vars(known.open)] + [getattr(known, name) for name in names]


def _honest(bench: Bench, rng: random.Random) -> None:
    """What a good host and an attentive cashier do next."""
    step = bench.engine.step
    if step is None:
        _sell(bench, rng)
    elif step.request is None:
        bench.connect()
    else:
        bench.reply()


_ACTIONS: dict[Callable[[Bench, random.Random], object], int] = {
    _honest: 60,
    _deal: 6,
    _void: 3,
    lambda bench, rng: bench.give("settle", rng.choice((1000, 1000, 10))): 4,
    _connected: 18,
    lambda bench, rng: bench.give("connect_failed", _link(bench, rng), "no answer"): 4,
    _answered: 16,
    lambda bench, rng: bench.give("received", _link(bench, rng), rng.randbytes(40)): 3,
    lambda bench, rng: bench.give("closed", _link(bench, rng), "gone"): 3,
    _timer: 10,
    lambda bench, rng: bench.give("chip", rng.random() < 0.6): 5,
    lambda bench, rng: bench.give("reprint", rng.random() < 0.5, 1000): 4,
    lambda bench, rng: bench.give("reprint_last"): 2,
    lambda bench, rng: bench.give("idle"): 3,
    _checkpoint: 2,
    _refuse: 1,
    _restart: 5,
}


def _ends(records: list[dict[str, Any]]) -> dict[tuple[int, int], list[str]]:
    """What became of each ARMED, by batch and STAN, in order."""
    ends: dict[tuple[int, int], list[str]] = {}
    for rec in records:
        key = rec.get("batch", 0), rec.get("stan", 0)
        if rec["kind"] == record.ARMED:
            assert key not in ends, f"STAN {key[1]} is armed twice"
            ends[key] = []
        elif rec["kind"] == record.OUTCOME:
            ends[key].append("approved" if rec["result"] == record.APPROVED else "ended")
        elif rec["kind"] == record.REVERSAL:
            ends[key].append("reversing")
        elif rec["kind"] == record.REVERSAL_END:
            done = rec["result"] != record.REV_SUSPENDED
            ends[key].append("ended" if done else "suspended")
    return ends


@pytest.mark.parametrize("backup", ["", "backup"])
def test_events_in_any_order_crash_nothing_and_end_nothing_twice(backup: str) -> None:
    actions, weights = list(_ACTIONS), list(_ACTIONS.values())
    approved = reversed_ = 0
    for seed in range(_SEEDS):
        rng = random.Random(f"{seed} {backup}")
        bench = Bench()
        bench.config["backup_host"] = backup
        bench.restart()
        bench.give("start", "PWRON", "test", "")
        try:
            for action in rng.choices(actions, weights, k=60):
                action(bench, rng)
            for key, ends in _ends(bench.records).items():
                last = ends[-1:] if ends else []
                whole = [end for end in ends if end in ("approved", "ended")]
                assert len(whole) <= 1 and (not whole or whole == last), f"{key}: {ends}"
                assert "approved" not in ends or ends == ["approved"], f"{key}: {ends}"
                approved += ends == ["approved"]
                reversed_ += "reversing" in ends and last == ["ended"]
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    assert approved > _SEEDS // 2 and reversed_ > _SEEDS // 20
