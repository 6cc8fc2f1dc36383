"""The fold: what a terminal's records say about each transaction, damaged journals included."""

from __future__ import annotations

import random

import pytest

from companion.reconcile.fold import Transaction, fold
from protocol import record, seal
from tests.companion.sealed import CARD, Device


def items(device: Device) -> list[tuple[int, dict[str, object] | None]]:
    return [
        (seq, None if payload is None else record.decode(seal.split(payload)[0]))
        for seq, payload in enumerate(device.payloads, 1)
    ]


def only(device: Device) -> Transaction:
    (transaction,) = fold(items(device))
    return transaction


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("approved", "APPROVED"),
        ("declined", "DECLINED"),
        ("reversed", "REVERSED"),
        ("absent", "REVERSED"),
        ("suspended", "SUSPENDED"),
        ("recon", "NEEDS_RECON"),
        ("pending", "PENDING"),
    ],
)
def test_each_end_gives_its_status(end: str, status: str) -> None:
    device = Device()
    device.sale(17, 1250, end, batch=42)
    transaction = only(device)
    assert transaction.status == status
    assert (transaction.batch, transaction.stan) == ("000042", "000017")
    assert (transaction.amount_minor, transaction.card) == (1250, CARD)
    assert transaction.remarks == []


def test_a_reversal_under_way_is_pending_with_its_reason_and_tries() -> None:
    device = Device()
    device.armed(1, 100)
    device.reversal(1, attempt=0)
    device.reversal(1, attempt=1)
    device.reversal(1, attempt=2)
    transaction = only(device)
    assert (transaction.status, transaction.reversal_reason) == ("PENDING", "98")
    assert transaction.reversal_attempts == 2


def test_a_suspended_reversal_that_is_taken_up_again_can_still_end_well() -> None:
    device = Device()
    device.sale(1, 100, "suspended")
    device.reversal(1, attempt=4)
    device.reversal_end(1, record.REV_OK)
    assert only(device).status == "REVERSED"
    assert only(device).remarks == []


def test_a_late_answer_is_evidence_and_changes_no_status() -> None:
    device = Device()
    device.sale(1, 100, "reversed")
    device.add(record.LATE, stan=1, batch=1, mti="0210", code="00", amount_minor=100)
    transaction = only(device)
    assert (transaction.status, transaction.late_code) == ("REVERSED", "00")


def test_the_displayed_amount_is_what_counts_and_a_difference_is_remarked() -> None:
    device = Device()
    device.armed(1, 5000, displayed=500)
    device.outcome(1, 5000)
    transaction = only(device)
    assert (transaction.amount_minor, transaction.sent_minor) == (500, 5000)
    assert "displayed 500 and sent 5000" in transaction.remarks[0]


def test_a_part_that_the_host_approved_is_the_amount_and_no_difference() -> None:
    device = Device()
    device.armed(1, 500)
    device.outcome(1, 300, code="10")
    transaction = only(device)
    assert (transaction.amount_minor, transaction.sent_minor) == (300, 500)
    assert transaction.partial and transaction.remarks == []


@pytest.mark.parametrize(("code", "echoed"), [("00", 300), ("10", 600), ("10", 0)])
def test_any_other_amount_in_an_approval_is_a_difference(code: str, echoed: int) -> None:
    device = Device()
    device.armed(1, 500)
    device.outcome(1, echoed, code=code)
    transaction = only(device)
    assert (transaction.amount_minor, transaction.partial) == (500, False)
    assert f"accepted an answer about {echoed}" in transaction.remarks[0]


def test_a_void_is_checked_against_what_it_goes_back_to() -> None:
    device = Device()
    device.sale(1, 500, "approved")
    device.sale(2, 500, "declined")
    voids = ((3, 1, 500, b"tokentok"), (4, 2, 500, b"tokentok"), (5, 1, 400, b"tokentok"))
    for stan, of, amount, token in (*voids, (6, 1, 500, b"another!")):
        device.armed(stan, amount, txn=record.VOID, of=of, token=token)
        device.outcome(stan, amount)
    device.armed(7, 500, txn=record.VOID, of=1)
    device.outcome(7, 500, record.DECLINED, "12")
    remarks = {item.stan: item.remarks for item in fold(items(device))}
    assert remarks["000003"] == remarks["000007"] == []
    assert remarks["000004"] == ["it undoes STAN 000002, which is no approval here"]
    assert remarks["000005"] == [
        "it undoes STAN 000001, which has another card or amount",
        "STAN 000001 had been undone before",
    ]
    assert remarks["000006"] == remarks["000005"]


def test_a_stan_used_twice_in_a_batch_is_two_transactions() -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.sale(1, 200, "declined")
    assert [(t.amount_minor, t.status) for t in fold(items(device))] == [
        (100, "APPROVED"),
        (200, "DECLINED"),
    ]


def test_an_approval_whose_armed_record_is_lost_keeps_its_amount() -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.payloads[0] = None
    transaction = only(device)
    assert (transaction.status, transaction.amount_minor) == ("APPROVED", 100)
    assert transaction.remarks == ["the record that armed it is missing"]


def test_a_sale_whose_end_may_be_in_a_gap_says_so() -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.sale(2, 100, "approved")
    device.payloads[1] = None
    first, second = fold(items(device))
    assert (first.status, second.status) == ("PENDING", "APPROVED")
    assert "missing" in first.remarks[0] and second.remarks == []


def test_a_sale_that_ends_after_a_gap_has_nothing_missing() -> None:
    device = Device()
    device.armed(1, 100)
    device.reversal(1, attempt=1)
    device.reversal(1, attempt=2)
    device.reversal_end(1, record.REV_OK)
    device.payloads[1] = None
    assert (only(device).status, only(device).remarks) == ("REVERSED", [])


def test_an_approved_sale_that_is_then_reversed_is_remarked() -> None:
    device = Device()
    device.sale(1, 100, "approved")
    device.reversal(1)
    device.reversal_end(1, record.REV_OK)
    assert only(device).status == "REVERSED"
    assert only(device).remarks == ["a reversal was begun after it was approved"]


def test_a_record_kind_from_a_newer_terminal_is_passed_over() -> None:
    device = Device()
    device.sale(1, 100, "approved")
    (transaction,) = fold([*items(device), (3, {"kind": 200, "fields": [1, "x"]})])
    assert transaction.status == "APPROVED"


def test_any_records_in_any_order_fold_without_an_error() -> None:
    device = Device()
    for stan, end in enumerate(("approved", "declined", "reversed", "suspended", "recon"), 1):
        device.sale(stan, 100, end)
    whole = items(device)
    for seed in range(200):
        chance = random.Random(seed)
        some = [
            (seq, content if chance.random() < 0.8 else None)
            for seq, (_, content) in enumerate(chance.choices(whole, k=20), 1)
        ]
        for transaction in fold(some):
            assert transaction.first_seq <= transaction.last_seq <= 20
