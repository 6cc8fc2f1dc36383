"""What the terminal knows: a fold over its journal records.

``apply`` is the only way the state changes, and every record it is given is already durable; so
a restart is the same fold over the same records (invariant 13). The fold is total: a damaged
journal leaves odd sequences (an outcome without its ARMED), and those are counted, not raised.
"""

from protocol import record
from terminal import transactions
from terminal.current import REVERSING, Last, Open, host_date

# Approvals that a repeated sale is compared with.
_RECENT = 8
# A checkpoint is due when so many records have gone by.
CHECKPOINT_EVERY = 64
# So many records wait for a slip: then it is owed no more, or the journal could not be emptied.
_OWED = 512
# Suspended reversals that one CHECKPOINT record can name. One more and the terminal stops selling
# until they are cleared: none may be forgotten.
MAX_SUSPENDED = 6


class State:
    """The fold. ``open`` is the transaction without an end, at most one; see ``Open``."""

    def __init__(self) -> None:
        self.boot = 0
        self.stan = 0
        self.batch = 0
        self.key_block = b""
        self.open: Open | None = None
        self.last: Last | None = None
        self.unsure_stan = 0  # the newest that got no usable answer: it may still come
        self.wall = 0  # of the newest record with a time since the last start
        self.day = 0  # the host's newest date as MMDD
        self.stopped = 0  # the record that says so: the host has stopped this terminal
        self.handed = 0  # the companion has everything below
        self.recent: list[tuple] = []  # (token, amount, wall, STAN) of the last approvals
        self.suspended: list[int] = []
        self.cases: dict[int, dict] = {}  # the ARMED records of the suspended, as far as known
        self.recon: list[int] = []  # those of the suspended that may not be reversed
        self.phase = record.OPEN
        self.closing: dict | None = None  # the newest BATCH record of a batch being closed
        self.first = 0  # sequence number of the batch's first approved movement
        self.clear_totals()
        self.checkpoint_seq = 0
        self.since_checkpoint = 0
        self.odd = 0

    def apply(self, seq: int, rec: dict) -> None:
        """Take one durable record into the state."""
        self.since_checkpoint += 1
        self.wall = rec.get("wall") or self.wall
        step = _STEPS.get(rec["kind"])
        if step:
            step(self, seq, rec)

    def lost(self, seq: int) -> None:
        """A damaged record. It may have taken a STAN: no more STANs than records were ever used,
        so ``seq`` bounds them when nothing else does. It may have approved what is open (I4)."""
        self.odd += 1
        self.stan = (self.stan or seq - 1) % 999999 + 1
        if self.open:
            self.open.doubtful = True

    def handed_over(self, seq: int) -> None:
        """The companion has stored everything below ``seq``: the cases there are in its
        hands, but not the pendings: it has them from another terminal (W26)."""
        self.handed = max(self.handed, seq)
        for case in [case for case in self.suspended if case < self.handed]:
            if not self._is_pending(case) and not self._locks(case):
                self.close_case(case)
        if self.stopped < self.handed and self.stopped:
            self.stopped = 0
            self.since_checkpoint += CHECKPOINT_EVERY  # the next one makes it last

    def _locks(self, case: int) -> bool:
        """Whether it keeps its original from being refunded or ended once more: as long as its
        batch is open, even when the companion has it (W25)."""
        armed = self.cases.get(case)
        if armed is None or case not in self.recon or not transactions.asks(armed["txn"]):
            return False
        return armed["batch"] == self.batch and self.phase != record.CLOSED

    def repeats(self, token: bytes, amount_minor: int, since: int) -> int:
        """The STAN of an approval since ``since`` (Unix seconds) of the same card and amount, 0
        when there is none."""
        for seen in self.recent:
            if seen[:2] == (token, amount_minor) and seen[2] >= since:
                return seen[3]
        return 0

    def add_case(self, seq: int, armed: dict, recon: bool) -> None:
        """The transaction armed at ``seq`` is the companion's from here on."""
        self.suspended.append(seq)
        self.cases[seq] = armed
        if recon:
            self.recon.append(seq)

    def close_case(self, seq: int) -> None:
        """It is one no more: reversed after all, or in the companion's hands."""
        self.suspended.remove(seq)
        self.cases.pop(seq, None)
        if seq in self.recon:
            self.recon.remove(seq)

    def retriable(self) -> list:
        """(seq, ARMED) of the suspended reversals of this batch."""
        return [
            (seq, self.cases[seq])
            for seq in self.suspended
            if seq in self.cases
            and seq not in self.recon
            and not self._is_pending(seq)
            and self.cases[seq]["batch"] == self.batch
        ]

    def pendings(self) -> list:
        """(seq, PENDING) of the terminal before this one, as long as they have no end (W26)."""
        return [(seq, self.cases[seq]) for seq in self.suspended if self._is_pending(seq)]

    def _is_pending(self, seq: int) -> bool:
        return self.cases.get(seq, {}).get("kind") == record.PENDING

    def clear_totals(self) -> None:
        """A batch begins."""
        self.first = 0
        self.debit_count = 0
        self.debit_minor = 0
        self.credit_count = 0
        self.credit_minor = 0

    def add_to_totals(self, seq: int, armed: dict, amount_minor: int) -> None:
        """An approved movement of the open batch (I10)."""
        effect = transactions.effect(armed["txn"])
        if effect == transactions.NOTHING or armed["batch"] != self.batch:
            return
        self.first = self.first or seq
        if effect == transactions.DEBIT:
            self.debit_count += 1
            self.debit_minor += amount_minor
        else:
            self.credit_count += 1
            self.credit_minor += amount_minor

    def keep_from(self) -> int:
        """The lowest sequence number that a restart still needs; 0 when it needs all there is."""
        keep = self.checkpoint_seq
        if self.open:
            keep = min(keep, self.open.seq)
        if self.last and not self.last.printed:
            keep = min(keep, self.last.seq)
        for seq in self.suspended:
            keep = min(keep, seq)
        if self.first:
            keep = min(keep, self.first)  # a batch's details may have to be uploaded (W20, W21)
        return keep

    def quiet(self) -> bool:
        """Nothing open, no slip owed, no batch half closed: the moment for a checkpoint. It does
        not say that the host has stopped the terminal."""
        owed = self.last and not self.last.printed and self.since_checkpoint < _OWED
        return not (self.open or self.closing or self.stopped or owed)

    def _take_stan(self, rec: dict) -> None:
        # STAN is n6 and wraps after 999999; less than half a lap ahead is newer.
        stan = rec["stan"]
        if not self.stan or (stan - self.stan) % 999999 < 500000:
            self.stan = stan


def _boot(state: State, seq: int, rec: dict) -> None:
    state.boot = rec["boot"]
    # A board may come up without a time; that of its last life says nothing about today.
    state.wall = rec.get("wall", 0)


def _signed_in(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)
    state.key_block = rec["key_block"]
    _host_day(state, rec)
    if state.closing:
        return  # the next batch begins when this one is closed
    if rec["batch"] != state.batch:
        state.clear_totals()
    # One that the host would not settle and still has open goes on with its totals.
    state.phase = record.OPEN
    state.batch = rec["batch"]
    state.handed_over(0)


def _host_day(state: State, rec: dict) -> None:
    state.day = host_date(rec.get("host_time", "")) or state.day


def _armed(state: State, seq: int, rec: dict) -> None:
    if state.open:
        # Only a lost end record can bring us here: keep the older one as a case.
        state.odd += 1
        state.add_case(state.open.seq, state.open.armed, False)
    state._take_stan(rec)
    state.open = Open(seq, rec, state.day)


def _open_for(state: State, rec: dict) -> Open | None:
    """The open transaction that a record goes on with; None, and counted, for another one's."""
    state._take_stan(rec)
    tx = state.open
    if tx and tx.is_for(rec):
        return tx
    state.odd += 1
    return None


def _outcome(state: State, seq: int, rec: dict) -> None:
    tx = _open_for(state, rec)
    if tx is None:
        return
    state.open = None
    _host_day(state, rec)
    if rec["result"] == record.APPROVED:
        state.last = Last(tx.seq, tx.armed, rec)
        seen = (tx.armed.get("token"), rec["amount_minor"], rec.get("wall", 0), rec["stan"])
        state.recent = state.recent[1 - _RECENT :] + [seen]
        state.add_to_totals(tx.seq, tx.armed, rec["amount_minor"])
    elif rec["result"] == record.NEEDS_RECON:
        state.add_case(tx.seq, tx.armed, True)
        state.unsure_stan = rec["stan"]


def _reopen(state: State, rec: dict) -> None:
    """Once more: a suspended reversal before its batch is settled, a pending whose card came."""
    for seq, armed in state.retriable() + state.pendings():
        tx = Open(seq, armed)
        if tx.is_for(rec):
            state.close_case(seq)
            state.open = tx
            return


def _reversal(state: State, seq: int, rec: dict) -> None:
    if state.open is None:
        _reopen(state, rec)
    tx = _open_for(state, rec)
    if tx is None:
        return
    tx.phase = REVERSING
    tx.reason = rec["reason"]
    tx.attempt = rec["attempt"]
    tx.doubtful = False


def _reversal_end(state: State, seq: int, rec: dict) -> None:
    tx = _open_for(state, rec)
    if tx is None:
        return
    state.open = None
    state.unsure_stan = rec["stan"]
    if rec["result"] == record.REV_SUSPENDED:
        state.add_case(tx.seq, tx.armed, False)


def _receipt(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)
    last = state.last
    if last and last.armed["stan"] == rec["stan"] and last.armed["batch"] == rec["batch"]:
        last.printed = True


def _query(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)


def _batch(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)
    state.phase = rec["phase"]
    state.closing = rec if rec["phase"] < record.CLOSED else None
    if rec["phase"] == record.CLOSED:
        state.clear_totals()
        state.handed_over(0)
        for case, _ in state.pendings():
            state.close_case(case)  # nothing of a settled batch is reversed: the companion's alone


def _note(state: State, seq: int, rec: dict) -> None:
    if rec["code"] == record.STOPPED:
        state.stopped = seq


def _adopted(state: State, seq: int, rec: dict) -> None:
    state.stan = rec["stan"]
    state.batch = rec["batch"]


def _pending(state: State, seq: int, rec: dict) -> None:
    # Its card ciphertext and its F55 stayed with the old terminal, whose key is gone on purpose.
    armed = dict(rec)
    armed.update({"card": b"", "card_key": 0, "chip": b""})
    state.add_case(seq, armed, rec["txn"] in (record.REFUND, record.COMPLETION_NOTICE))


def _verdict(state: State, seq: int, rec: dict) -> None:
    for case in list(state.suspended):
        armed = state.cases.get(case)
        if armed and armed["stan"] == rec["stan"] and armed["batch"] == rec["batch"]:
            state.close_case(case)


def _checkpoint(state: State, seq: int, rec: dict) -> None:
    if state.open:
        # A restart reads the records of the cases before the checkpoint that names them.
        state.cases[state.open.seq] = state.open.armed
    state.boot = rec["boot"]
    state.stan = rec["stan"]
    state.batch = rec["batch"]
    state.key_block = rec["key_block"]
    state.suspended = list(rec["suspended"])
    state.recon = list(rec["recon"])
    for case in list(state.cases):
        if case not in state.suspended:
            state.cases.pop(case)
    state.phase = rec["phase"]
    state.first = rec["first"]
    state.debit_count = rec["debit_count"]
    state.debit_minor = rec["debit_minor"]
    state.credit_count = rec["credit_count"]
    state.credit_minor = rec["credit_minor"]
    state.day = rec["host_date"]
    state.open = state.last = None
    state.stopped = 0  # none is written while it is
    state.checkpoint_seq = seq
    state.since_checkpoint = 0


_STEPS = {
    record.BOOT: _boot,
    record.SIGNED_IN: _signed_in,
    record.ARMED: _armed,
    record.OUTCOME: _outcome,
    record.REVERSAL: _reversal,
    record.REVERSAL_END: _reversal_end,
    record.RECEIPT: _receipt,
    record.CHECKPOINT: _checkpoint,
    record.BATCH: _batch,
    record.NOTE: _note,
    record.QUERY: _query,
    record.ADOPTED: _adopted,
    record.PENDING: _pending,
    record.VERDICT: _verdict,
}
