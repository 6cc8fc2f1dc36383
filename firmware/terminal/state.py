"""What the terminal knows: a fold over its journal records.

``apply`` is the only way the state changes, and every record it is given is already durable; so
a restart is the same fold over the same records (invariant 13). The fold is total: a damaged
journal leaves odd sequences (an outcome without its ARMED), and those are counted, not raised.
"""

from protocol import record

ARMED = "armed"
REVERSING = "reversing"

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
        self.reversed_stan = 0
        self.suspended: list[int] = []
        self.checkpoint_seq = 0
        self.since_checkpoint = 0
        self.odd = 0

    def apply(self, seq: int, rec: dict) -> None:
        """Take one durable record into the state."""
        self.since_checkpoint += 1
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
        self.suspended = [case for case in self.suspended if case >= seq]

    def keep_from(self) -> int:
        """The lowest sequence number that a restart still needs; 0 when it needs all there is."""
        keep = self.checkpoint_seq
        if self.open:
            keep = min(keep, self.open.seq)
        if self.last and not self.last.printed:
            keep = min(keep, self.last.seq)
        for seq in self.suspended:
            keep = min(keep, seq)
        return keep

    def quiet(self) -> bool:
        """Nothing open and the last receipt printed: the moment for a checkpoint."""
        return self.open is None and (self.last is None or self.last.printed)

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


def _boot(state: State, seq: int, rec: dict) -> None:
    state.boot = rec["boot"]


def _signed_in(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)
    state.batch = rec["batch"]
    state.key_block = rec["key_block"]


def _armed(state: State, seq: int, rec: dict) -> None:
    if state.open:
        # Only a lost end record can bring us here: keep the older one as a case.
        state.odd += 1
        state.suspended.append(state.open.seq)
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


def _outcome(state: State, seq: int, rec: dict) -> None:
    tx = _open_for(state, rec)
    if tx is None:
        return
    state.open = None
    if rec["result"] == record.APPROVED:
        state.last = Last(tx.seq, tx.armed, rec)
    elif rec["result"] == record.NEEDS_RECON:
        state.suspended.append(tx.seq)


def _reversal(state: State, seq: int, rec: dict) -> None:
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
    state.reversed_stan = rec["stan"]
    if rec["result"] == record.REV_SUSPENDED:
        state.suspended.append(tx.seq)


def _receipt(state: State, seq: int, rec: dict) -> None:
    state._take_stan(rec)
    last = state.last
    if last and last.armed["stan"] == rec["stan"] and last.armed["batch"] == rec["batch"]:
        last.printed = True


def _checkpoint(state: State, seq: int, rec: dict) -> None:
    state.boot = rec["boot"]
    state.stan = rec["stan"]
    state.batch = rec["batch"]
    state.key_block = rec["key_block"]
    state.suspended = list(rec["suspended"])
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
}
