"""What the terminal knows: a fold over its journal records.

``apply`` is the only way the state changes, and every record it is given is already durable; so
a restart is the same fold over the same records (invariant 13). The fold is total: a damaged
journal leaves odd sequences (an outcome without its ARMED), and those are counted, not raised.
"""

from protocol import record
from terminal import transactions

ARMED = "armed"
REVERSING = "reversing"

# Approvals that a repeated sale is compared with, and pre-auths that their end is.
_RECENT = 8
_HOLDS = 16
_DAY_S = 86400
_CHINA_S = 8 * 3600

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
        self.wall = 0
        self.holds: list[tuple] = []  # (auth code, amount, token) of the newest pre-auths
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
        """The companion has stored everything below ``seq``: the cases there are in its hands."""
        for case in [case for case in self.suspended if case < seq]:
            self.close_case(case)

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
            and self.cases[seq]["batch"] == self.batch
        ]

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
        """Nothing open, no slip owed, no batch half closed: the moment for a checkpoint."""
        slip = self.last is None or self.last.printed
        return self.open is None and slip and self.closing is None

    def _take_stan(self, rec: dict) -> None:
        # STAN is n6 and wraps after 999999; less than half a lap ahead is newer.
        stan = rec["stan"]
        if not self.stan or (stan - self.stan) % 999999 < 500000:
            self.stan = stan


class Open:
    """A transaction that has been armed and has no end yet."""

    def __init__(self, seq: int, armed: dict) -> None:
        self.seq = seq
        self.armed = armed
        self.phase = ARMED
        self.reason = ""
        self.attempt = 0
        self.doubtful = False  # a record behind it is damaged: it may be the approval

    def is_from_before(self, wall: int) -> bool:
        """Whether it was armed on an earlier day in China than ``wall``, as far as known."""
        armed = self.armed.get("wall", 0)
        return bool(armed and wall) and _day(armed) < _day(wall)

    def is_for(self, rec: dict) -> bool:
        """Whether a later record belongs to this transaction: same STAN and batch."""
        return rec["stan"] == self.armed["stan"] and rec["batch"] == self.armed["batch"]


class Last:
    """The newest approved transaction, for the receipt that may still be owed."""

    def __init__(self, seq: int, armed: dict, outcome: dict) -> None:
        self.seq = seq
        self.armed = armed
        self.outcome = outcome
        self.printed = False


def _day(wall: int) -> int:
    return (wall + _CHINA_S) // _DAY_S


def _boot(state: State, seq: int, rec: dict) -> None:
    state.boot = rec["boot"]


def _signed_in(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)
    state.key_block = rec["key_block"]
    if state.closing:
        return  # the next batch begins when this one is closed
    if rec["batch"] != state.batch or state.phase == record.CLOSED:
        state.clear_totals()
        state.phase = record.OPEN
    state.batch = rec["batch"]


def _armed(state: State, seq: int, rec: dict) -> None:
    if state.open:
        # Only a lost end record can bring us here: keep the older one as a case.
        state.odd += 1
        state.add_case(state.open.seq, state.open.armed, False)
    state._take_stan(rec)
    state.open = Open(seq, rec)


def _open_for(state: State, rec: dict) -> Open | None:
    """The open transaction that a record goes on with; None, and counted, for another one's."""
    state._take_stan(rec)
    tx = state.open
    if tx and tx.is_for(rec):
        return tx
    state.odd += 1
    return None


def _seen(armed: dict, rec: dict) -> tuple:
    return (armed.get("token"), rec["amount_minor"], rec.get("wall", 0), rec["stan"])


def _outcome(state: State, seq: int, rec: dict) -> None:
    tx = _open_for(state, rec)
    if tx is None:
        return
    state.open = None
    if rec["result"] == record.APPROVED:
        state.last = Last(tx.seq, tx.armed, rec)
        state.recent = state.recent[1 - _RECENT :] + [_seen(tx.armed, rec)]
        state.add_to_totals(tx.seq, tx.armed, rec["amount_minor"])
        if tx.armed["txn"] == record.PREAUTH:
            hold = (rec["auth"], rec["amount_minor"], tx.armed["token"])
            state.holds = state.holds[1 - _HOLDS :] + [hold]
    elif rec["result"] == record.NEEDS_RECON:
        state.add_case(tx.seq, tx.armed, True)
        state.unsure_stan = rec["stan"]


def _reopen(state: State, rec: dict) -> None:
    """A suspended reversal is tried once more, before its batch is settled."""
    for seq, armed in state.retriable():
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
    state.closing = rec
    if rec["phase"] == record.CLOSED:
        state.closing = None
        state.clear_totals()


def _adopted(state: State, seq: int, rec: dict) -> None:
    state.stan = rec["stan"]
    state.batch = rec["batch"]


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
    state.open = None
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
    record.QUERY: _query,
    record.ADOPTED: _adopted,
}
