"""Batches: which the host did not settle, and whether their totals are their transactions' sum."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.reconcile import batches
from companion.reconcile.fold import Items, fold
from companion.reconcile.run import reconcile
from companion.store import Store
from protocol import record, seal
from tests.companion.sealed import Device


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def items(device: Device) -> Items:
    return [
        (seq, None if payload is None else record.decode(seal.split(payload)[0]))
        for seq, payload in enumerate(device.payloads, 1)
    ]


def problems(device: Device) -> list[tuple[object, object]]:
    found = batches.problems(items(device), fold(items(device)))
    return [(row["code"], row["problem"]) for row in found]


def traded() -> tuple[Device, tuple[int, int, int, int]]:
    """A batch with one of each kind, and its totals."""
    device = Device()
    device.sale(1, 1000, "approved")
    device.sale(2, 200, "declined")
    device.sale(3, 300, "reversed")
    for stan, txn in ((4, record.VOID), (5, record.PREAUTH), (6, record.COMPLETION)):
        device.armed(stan, 1000 * stan, txn=txn)
        device.outcome(stan, 1000 * stan)
    device.armed(7, 500)
    device.outcome(7, 400, code="10")
    return device, (3, 7400, 1, 4000)


def closed(device: Device, totals: tuple[int, int, int, int], end: int = record.CLOSED) -> Device:
    device.closing(record.CLOSING, totals)
    device.closing(record.TOTALS_SENT, totals)
    device.closing(end, totals, "13" if end == record.UNSETTLED else "00")
    return device


def test_a_batch_settled_on_the_sum_of_its_transactions_is_no_problem() -> None:
    device, totals = traded()
    assert problems(closed(device, totals)) == []
    # A host may begin with the same number again.
    device.sale(8, 50, "approved")
    assert problems(closed(device, (1, 50, 0, 0))) == []


@pytest.mark.parametrize("at", range(4))
def test_totals_that_are_not_the_sum_are_one(at: int) -> None:
    device, totals = traded()
    wrong = list(totals)
    wrong[at] += 1
    a, b, c, d = wrong
    ((code, problem),) = problems(closed(device, (a, b, c, d)))
    assert code == "BATCH_TOTALS_DIFFER"
    assert f"{totals}" in str(problem) and f"{(a, b, c, d)}" in str(problem)


def test_what_a_gap_may_hide_is_not_counted() -> None:
    device, totals = traded()
    closed(device, totals)
    device.payloads[0] = None
    assert problems(device) == []


def test_what_was_sold_after_the_totals_were_frozen_is_not_counted() -> None:
    device, totals = traded()
    closed(device, totals, record.UNSETTLED)
    device.sale(9, 700, "approved")
    assert [code for code, _ in problems(device)] == ["BATCH_UNSETTLED"]
    assert problems(closed(device, (4, 8100, 1, 4000))) == []


def test_a_batch_number_that_comes_back_after_its_settlement_is_another_batch() -> None:
    device = closed(Device(), (0, 0, 0, 0))
    closed(device, (0, 0, 0, 0), record.UNSETTLED)
    first, second = batches.fold(items(device))
    assert (first.settled, second.settled, second.first_seq) == (True, False, 4)


def test_a_batch_that_the_host_would_not_settle_is_a_break_until_it_is_settled(
    store: Store,
) -> None:
    device, totals = traded()
    closed(device, totals, record.UNSETTLED)
    device.offer(store)
    device.sync(store)
    found = [item for item in reconcile(store).breaks if item.code == "BATCH_UNSETTLED"]
    (item,) = found
    assert "answered 13 and did not settle batch 000001" in item.reason
    assert (item.actor, item.effect_minor) == ("acquirer", 0)
    assert reconcile(store).opened == []
    device.sync(store)
    closed(device, totals)
    device.sync(store)
    again = reconcile(store)
    assert len(again.closed) == 1 and "BATCH_UNSETTLED" not in again.counts
