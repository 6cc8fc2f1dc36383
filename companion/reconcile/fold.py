"""From a terminal's journal records to its transactions.

A fold of its own, written without the firmware's: the two check each other. It is total: a
damaged journal leaves records without their ARMED and transactions without an end, and each is
kept as far as it can be known, with a remark that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from protocol import record

APPROVED = "APPROVED"
DECLINED = "DECLINED"
REVERSED = "REVERSED"
SUSPENDED = "SUSPENDED"
PENDING = "PENDING"
NEEDS_RECON = "NEEDS_RECON"

_OUTCOMES = {
    record.APPROVED: APPROVED,
    record.DECLINED: DECLINED,
    record.NEEDS_RECON: NEEDS_RECON,
}
_REVERSAL_ENDS = {
    record.REV_OK: REVERSED,
    record.REV_ABSENT: REVERSED,
    record.REV_SUSPENDED: SUSPENDED,
}
_TXN_NAMES = {
    record.SALE: "SALE",
    record.VOID: "VOID",
    record.REFUND: "REFUND",
    record.PREAUTH: "PREAUTH",
    record.PREAUTH_CANCEL: "PREAUTH_CANCEL",
    record.COMPLETION: "COMPLETION",
    record.COMPLETION_NOTICE: "COMPLETION_NOTICE",
    record.COMPLETION_VOID: "COMPLETION_VOID",
}

# A journal as the store has it: (seq, record), with None for one that cannot be had.
Items = list[tuple[int, dict[str, object] | None]]


@dataclass
class Transaction:
    """One transaction as the terminal tells it; amounts in minor units, None when not known.

    `amount_minor` is what the terminal displayed: that is what the shop and its customer agreed
    on, whatever was sent or echoed after it; only a partial approval is shown and printed anew.
    """

    batch: str
    stan: str
    first_seq: int
    last_seq: int
    status: str = PENDING
    txn: str = ""
    amount_minor: int | None = None
    sent_minor: int | None = None
    echoed_minor: int | None = None
    card: str = ""
    token: str = ""
    entry: str = ""
    wall: int = 0
    # MMDDhhmmss of the host, from the answer or else the last one before it; "" if none yet.
    host_time: str = ""
    code: str = ""
    rrn: str = ""
    auth: str = ""
    reversal_reason: str = ""
    reversal_attempts: int = 0
    reversal_code: str = ""
    late_code: str = ""
    receipts: int = 0
    # Approved for a part of the amount, which the profile allows (F39 10).
    partial: bool = False
    # The batch and STAN that it goes back to.
    of: tuple[str, str] | None = None
    remarks: list[str] = field(default_factory=list)
    # A record behind its ARMED is missing: it may be its end.
    gap: bool = False
    # No approval of it can be missing: the next that is known is a restart, or its reversal.
    unapproved: bool = False

    def remark(self, text: str) -> None:
        """Note something odd, once."""
        if text not in self.remarks:
            self.remarks.append(text)


@dataclass
class Taken:
    """What a terminal took over from the one before it (PENDING, window 26), and what it did."""

    device_id: str
    seq: int
    here: Transaction


def fold(
    items: Iterable[tuple[int, dict[str, object] | None]], taken: list[Taken] | None = None
) -> list[Transaction]:
    """Fold (seq, record or None for one that cannot be had) in order into transactions.

    What the terminal took over is none of them; it is added to `taken`.
    """
    state = _Fold()
    for seq, content in items:
        state.take(seq, content)
    for transaction in state.done:
        if transaction.gap and transaction.status == PENDING:
            transaction.remark("its end may be among the records that are missing")
    _check_originals(state.done)
    if taken is not None:
        taken += state.taken
    return state.done


def _check_originals(done: list[Transaction]) -> None:
    """A void goes back to an approval on the same card, and only one does."""
    approved = {(item.batch, item.stan): item for item in done if item.status == APPROVED}
    undone: set[tuple[str, str]] = set()
    for item in done:
        if item.of is None or item.status != APPROVED:
            continue
        original = approved.get(item.of)
        if original is None:
            item.remark(f"it undoes STAN {item.of[1]}, which is no approval here")
        elif (original.token, original.amount_minor) != (item.token, item.amount_minor):
            item.remark(f"it undoes STAN {item.of[1]}, which has another card or amount")
        if item.of in undone:
            item.remark(f"STAN {item.of[1]} had been undone before")
        undone.add(item.of)


def carry_over(
    done: Mapping[str, list[Transaction]], device_id: str, taken: Iterable[Taken]
) -> None:
    """Give what `device_id` took over the end that it reached there.

    `done` has every terminal's transactions. One whose first terminal is not among them stays
    with the terminal that took it over, so that its reversal is not lost.
    """
    for item in taken:
        here = item.here
        if not here.reversal_reason:
            continue
        before = [one for one in done.get(item.device_id, []) if one.first_seq == item.seq]
        if not before:
            done[device_id].append(here)
        for one in before:
            if one.status not in (PENDING, SUSPENDED):
                one.remark(f"{device_id} reversed it after it was {one.status.lower()}")
            one.status = here.status
            one.reversal_reason = here.reversal_reason
            one.reversal_attempts += here.reversal_attempts
            one.reversal_code = here.reversal_code
            one.late_code = here.late_code or one.late_code
            one.remark(f"its reversal was taken over by {device_id}")


class _Fold:
    def __init__(self) -> None:
        self.done: list[Transaction] = []
        self.taken: list[Taken] = []
        self._open: list[Transaction] = []
        self._latest: dict[tuple[str, str], Transaction] = {}
        self._host_time = ""
        self._last_seq = 0

    def take(self, seq: int, content: dict[str, object] | None) -> None:
        if content is None or (self._last_seq and seq != self._last_seq + 1):
            self._gap()
        self._last_seq = seq
        if content is None:
            return
        kind = content["kind"]
        if kind == record.SIGNED_IN:
            self._host_time = _text(content, "host_time") or self._host_time
        elif kind == record.ARMED:
            self._armed(seq, content)
        elif kind == record.PENDING:
            self._pending(seq, content)
        elif kind == record.BOOT:
            self._boot()
        elif kind in _STEPS:
            _STEPS[kind](self, self._of(seq, content), content)

    def _gap(self) -> None:
        self._open = [item for item in self._open if item.status == PENDING]
        for item in self._open:
            item.gap = True

    def _boot(self) -> None:
        self._open = [item for item in self._open if item.status == PENDING]
        for item in self._open:
            item.unapproved = not item.gap

    def _armed(self, seq: int, content: dict[str, object]) -> None:
        item = self._begun(seq, content)
        item.amount_minor = _number(content, "displayed_minor")
        if item.sent_minor != item.amount_minor:
            item.remark(f"the terminal displayed {item.amount_minor} and sent {item.sent_minor}")
        if _number(content, "orig_stan"):
            item.of = (
                f"{_number(content, 'orig_batch'):06d}",
                f"{_number(content, 'orig_stan'):06d}",
            )
        self._open.append(item)
        self.done.append(item)

    def _pending(self, seq: int, content: dict[str, object]) -> None:
        item = self._begun(seq, content)
        self.taken.append(Taken(_text(content, "device"), _number(content, "seq"), item))

    def _begun(self, seq: int, content: dict[str, object]) -> Transaction:
        key = _key(content)
        item = Transaction(*key, first_seq=seq, last_seq=seq)
        item.txn = _TXN_NAMES.get(_number(content, "txn"), f"TXN_{content['txn']}")
        item.sent_minor = item.amount_minor = _number(content, "amount_minor")
        item.card = _text(content, "pan")
        token = content["token"]
        item.token = token.hex() if isinstance(token, bytes) else ""
        item.entry = _text(content, "entry")
        item.wall = _number(content, "wall")
        item.host_time = self._host_time
        self._latest[key] = item
        return item

    def _of(self, seq: int, content: dict[str, object]) -> Transaction:
        """The transaction a record belongs to; one without its ARMED when that is missing."""
        key = _key(content)
        item = self._latest.get(key)
        if item is None:
            item = Transaction(*key, first_seq=seq, last_seq=seq)
            item.wall = _number(content, "wall")
            item.host_time = self._host_time
            item.remark("the record that armed it is missing")
            self._latest[key] = item
            self.done.append(item)
        item.last_seq = seq
        return item

    def _outcome(self, item: Transaction, content: dict[str, object]) -> None:
        if item.status != PENDING or item.reversal_reason:
            item.remark(f"an outcome was recorded after it was {item.status.lower()}")
        item.status = _OUTCOMES.get(_number(content, "result"), NEEDS_RECON)
        item.code = _text(content, "code")
        item.rrn = _text(content, "rrn")
        item.auth = _text(content, "auth")
        item.echoed_minor = _number(content, "amount_minor")
        self._host_time = _text(content, "host_time") or self._host_time
        item.host_time = self._host_time
        if item.status == APPROVED:
            wanted = item.amount_minor
            item.partial = item.code == "10" and 0 < item.echoed_minor < (wanted or 0)
            if wanted is None or item.partial:
                item.amount_minor = item.echoed_minor
            elif item.echoed_minor != item.amount_minor:
                item.remark(
                    f"the terminal displayed {item.amount_minor} and accepted an answer about "
                    f"{item.echoed_minor}"
                )

    def _reversal(self, item: Transaction, content: dict[str, object]) -> None:
        if item.status not in (PENDING, SUSPENDED):
            item.remark(f"a reversal was begun after it was {item.status.lower()}")
        item.status = PENDING
        item.unapproved = True
        item.reversal_reason = _text(content, "reason")
        item.reversal_attempts = max(item.reversal_attempts, _number(content, "attempt"))

    def _reversal_end(self, item: Transaction, content: dict[str, object]) -> None:
        if item.status != PENDING:
            item.remark(f"a reversal ended after it was {item.status.lower()}")
        item.status = _REVERSAL_ENDS.get(_number(content, "result"), SUSPENDED)
        item.reversal_code = _text(content, "code")
        item.reversal_attempts = max(item.reversal_attempts, _number(content, "attempts"))

    def _late(self, item: Transaction, content: dict[str, object]) -> None:
        item.late_code = _text(content, "code")

    def _receipt(self, item: Transaction, content: dict[str, object]) -> None:
        item.receipts += 1


_STEPS = {
    record.OUTCOME: _Fold._outcome,
    record.REVERSAL: _Fold._reversal,
    record.REVERSAL_END: _Fold._reversal_end,
    record.LATE: _Fold._late,
    record.RECEIPT: _Fold._receipt,
}


def _key(content: dict[str, object]) -> tuple[str, str]:
    return f"{_number(content, 'batch'):06d}", f"{_number(content, 'stan'):06d}"


def _number(content: dict[str, object], name: str) -> int:
    value = content[name]
    return value if isinstance(value, int) else 0


def _text(content: dict[str, object], name: str) -> str:
    value = content[name]
    return value if isinstance(value, str) else ""
