"""The fold over the journal: what belongs to what, and what a restart still needs."""

from protocol import record
from terminal.state import State


def rec(kind: int, stan: int = 5, batch: int = 7, **more) -> dict:
    fields = {"kind": kind, "stan": stan, "batch": batch}
    fields.update(more)
    if kind == record.ARMED:
        fields["txn"] = record.SALE
    if kind == record.OUTCOME:
        fields["amount_minor"] = 500
    return fields


def fold(*records) -> State:
    state = State()
    for i in range(len(records)):
        state.apply(i + 1, records[i])
    return state


ARMED = rec(record.ARMED)
APPROVED = rec(record.OUTCOME, result=record.APPROVED)
RECEIPT = rec(record.RECEIPT, copy=1)
CHECKPOINT = rec(record.CHECKPOINT, boot=1, key_block=b"", suspended=[], recon=[], phase=0)
CHECKPOINT.update({"first": 0, "debit_count": 0, "debit_minor": 0})
CHECKPOINT.update({"credit_count": 0, "credit_minor": 0, "host_date": 0})


def test_a_record_of_another_batch_or_stan_ends_nothing():
    for change in ({"stan": 6}, {"batch": 8}):
        strange = [
            rec(record.OUTCOME, result=record.APPROVED, **change),
            rec(record.REVERSAL, reason="98", attempt=1, **change),
            rec(record.REVERSAL_END, result=record.REV_OK, **change),
        ]
        state = fold(ARMED, *strange)
        assert state.open and state.open.attempt == 0
        assert state.odd == 3
        state = fold(ARMED, APPROVED, rec(record.RECEIPT, copy=1, **change))
        assert not state.last.printed


def test_an_end_is_for_one_transaction_and_a_second_one_is_odd():
    state = fold(ARMED, APPROVED, APPROVED)
    assert state.open is None and state.odd == 1
    state = fold(ARMED, rec(record.OUTCOME, result=record.DECLINED))
    assert state.open is None and state.last is None


def test_a_transaction_whose_end_is_lost_becomes_a_case_when_the_next_is_armed():
    state = fold(ARMED, rec(record.ARMED, 6))
    assert state.suspended == [1]
    assert state.open.seq == 2


def test_what_a_restart_needs_is_kept():
    assert fold(ARMED, APPROVED, RECEIPT).keep_from() == 0  # no checkpoint: all
    assert fold(ARMED, APPROVED, RECEIPT, CHECKPOINT).keep_from() == 4
    done = [CHECKPOINT, rec(record.ARMED), APPROVED]
    for more in range(3):
        state = fold(*done[: more + 1])
        state.checkpoint_seq = 100
        assert state.keep_from() == (100, 2, 2)[more]
    state = fold(CHECKPOINT, ARMED, rec(record.OUTCOME, result=record.NEEDS_RECON))
    state.checkpoint_seq = 100
    assert state.keep_from() == 2
    state.handed_over(2)
    assert state.keep_from() == 2
    state.handed_over(3)
    assert state.keep_from() == 100
