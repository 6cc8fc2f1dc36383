"""What a terminal must know that takes another one's place (window 26).

The card key died with the old terminal, so the new one can reverse what was open there only when
the card is read again. It is told no more than may safely be reversed then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from companion.facts.journals import journal
from companion.reconcile.fold import (
    PENDING,
    SUSPENDED,
    Items,
    Taken,
    Transaction,
    carry_over,
    fold,
)
from companion.store import terminals, verdicts
from protocol import config, record

_SAME = (
    *("wall", "txn", "stan", "batch", "amount_minor", "entry", "pan", "token"),
    *("orig_batch", "orig_stan", "orig_date", "orig_rrn", "orig_auth", "host"),
)


@dataclass(frozen=True)
class Takeover:
    """`pendings` for its configuration; `left` open ones are no more than cases of the store."""

    pendings: list[bytes]
    left: int


def of_number(connection: Connection, terminal_no: str, merchant_no: str) -> Takeover:
    """What the next terminal with this number takes over from those before it."""
    journals: dict[str, Items] = {}
    whole = set()
    for terminal in terminals.with_number(connection, terminal_no, merchant_no):
        found = journal(connection, terminal)
        journals[terminal.device_id] = found.items
        if found.whole:
            whole.add(terminal.device_id)
    return of_journals(journals, whole, verdicts.decided(connection, merchant_no, terminal_no))


def of_journals(
    journals: Mapping[str, Items], whole: set[str], decided: Collection[tuple[int, int]] = ()
) -> Takeover:
    """The same from the journals themselves, by device id, the oldest terminal first; those in
    `whole` were read to their very end, not synced. What was `decided`, by batch and STAN, is
    open no more: to reverse it now would move the money once more."""
    done: dict[str, list[Transaction]] = {}
    for device, items in journals.items():
        taken: list[Taken] = []
        done[device] = fold(items, taken)
        carry_over(done, device, taken)
    found: list[bytes] = []
    left = 0
    settled = False
    for device in reversed(list(journals)):
        armed = {seq: content for seq, content in journals[device] if _is(content, record.ARMED)}
        closed = [seq for seq, content in journals[device] if _closes(content)]
        for one in reversed(done[device]):
            ended = (int(one.batch), int(one.stan)) in decided
            if ended or one.status not in (PENDING, SUSPENDED):
                continue
            content = armed.get(one.first_seq)
            late = settled or any(seq > one.first_seq for seq in closed)
            safe = one.status == SUSPENDED or one.unapproved or (device in whole and not one.gap)
            if content and safe and not late and len(found) < config.MAX_PENDINGS:
                found.append(_pending(device, one.first_seq, content))
            else:
                left += 1
        settled = settled or bool(closed)
    return Takeover(found, left)


def _pending(device: str, seq: int, armed: dict[str, object]) -> bytes:
    values = {name: armed[name] for name in _SAME}
    return record.encode({"kind": record.PENDING, "device": device, "seq": seq, **values})


def _is(content: dict[str, object] | None, kind: int) -> bool:
    return content is not None and content["kind"] == kind


def _closes(content: dict[str, object] | None) -> bool:
    """Whether a batch was settled here: what was open in it cannot be reversed any more."""
    return content is not None and _is(content, record.BATCH) and content["phase"] == record.CLOSED
