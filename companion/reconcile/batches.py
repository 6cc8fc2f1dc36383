"""What a terminal's journal says of its batches: whether each was settled, and on which totals.

The frozen totals of a batch have to be the sum of its approved transactions. Both are the
terminal's own word; they are counted here once more because the host settles by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from companion.reconcile import codes
from companion.reconcile.fold import APPROVED, Items, Transaction
from companion.statements.statement import GIVES_BACK, HOLDS
from protocol import record

# Of BATCH: debit count and amount, credit count and amount.
_TOTALS = ("debit_count", "debit_minor", "credit_count", "credit_minor")
Totals = tuple[int, int, int, int]


@dataclass
class Batch:
    """One batch that was, or is, being closed, as its newest BATCH record tells."""

    batch: str
    first_seq: int
    last_seq: int
    frozen_seq: int
    after: int
    """The record that closed the one before."""
    phase: int
    code: str
    totals: Totals

    @property
    def settled(self) -> bool:
        """Whether the host has closed it too."""
        return self.phase == record.CLOSED


def fold(items: Iterable[tuple[int, dict[str, object] | None]]) -> list[Batch]:
    """The batches of a journal, oldest first. One that is closed again after the host refused it
    stays the same batch; a number that comes back after it was settled is another one."""
    found: list[Batch] = []
    for seq, content in items:
        if content is None or content["kind"] != record.BATCH:
            continue
        number, phase = f"{_uint(content, 'batch'):06d}", _uint(content, "phase")
        last = found[-1] if found else None
        if last is None or last.settled or last.batch != number:
            after = max((one.last_seq for one in found if one.settled), default=0)
            last = Batch(number, seq, seq, seq, after, phase, "", (0, 0, 0, 0))
            found.append(last)
        if phase == record.CLOSING:
            last.frozen_seq = seq
        last.last_seq, last.phase = seq, phase
        last.code = str(content["code"])
        a, b, c, d = (_uint(content, name) for name in _TOTALS)
        last.totals = a, b, c, d
    return found


def problems(items: Items, done: Sequence[Transaction]) -> list[dict[str, object]]:
    """A fact row for each batch that somebody has to look at."""
    rows: list[dict[str, object]] = []
    for one in fold(items):
        if one.phase == record.UNSETTLED:
            said = f"the host answered {one.code} and did not settle batch {one.batch}"
            rows.append(_row(codes.BATCH_UNSETTLED, one, said))
        # A gap may hide what was approved; it is a break of its own.
        if all(content is not None for _, content in items):
            summed = _summed(one, done)
            if summed != one.totals:
                said = f"totals of batch {one.batch} are {one.totals}, its transactions {summed}"
                rows.append(_row(codes.BATCH_TOTALS_DIFFER, one, said))
    return rows


def _row(code: str, one: Batch, said: str) -> dict[str, object]:
    return {"code": code, "first_seq": one.first_seq, "last_seq": one.last_seq, "problem": said}


def _summed(one: Batch, done: Sequence[Transaction]) -> Totals:
    sums = [0, 0, 0, 0]
    for item in done:
        within = item.batch == one.batch and one.after < item.first_seq < one.frozen_seq
        if within and item.status == APPROVED and item.txn not in HOLDS:
            at = 2 if item.txn in GIVES_BACK else 0
            sums[at] += 1
            sums[at + 1] += item.amount_minor or 0
    return sums[0], sums[1], sums[2], sums[3]


def _uint(content: dict[str, object], name: str) -> int:
    value = content[name]
    return value if isinstance(value, int) else 0
