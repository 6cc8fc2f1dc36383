"""What the engine asks of the journal: an original, the last approval, a batch's details, what a
pre-auth held.

``read(seq[, part])`` gives one decoded record, or None when it is damaged, gone, or without these
bytes. Each answer is an engine event ("found", what, ...); a ``find`` effect names what.
"""

from protocol import record
from protocol.iso8583 import settlement
from terminal import transactions

# How far back the last approval is searched.
_BACK = 500
# And a pre-auth: a ring of 512 KB holds no more records.
_ALL = 4096


def find(read, known, next_seq: int, what: str, *key) -> tuple:
    """The event that answers ("find", what, *key)."""
    if what == "original":
        return _original(read, known, next_seq, *key)
    if what == "details":
        return _details(read, known, next_seq, *key)
    if what == "held":
        return _held(read, next_seq, *key)
    return _last(read, next_seq)


def _original(read, known, next_seq: int, txn: int, stan: int) -> tuple:
    """("found", "original", txn, ARMED, OUTCOME when approved, whether it is undone)."""
    armed = outcome = None
    undoing = 0
    undone = False
    for seq in range(known.first or next_seq, next_seq):
        rec = read(seq)
        if rec is None or rec.get("batch") != known.batch:
            continue
        if rec["kind"] == record.ARMED:
            if rec["stan"] == stan:
                armed = rec
            undoing = rec["stan"] if rec["orig_stan"] == stan else 0
        elif rec["kind"] == record.OUTCOME and rec["result"] == record.APPROVED:
            if rec["stan"] == stan:
                outcome = rec
            undone = undone or rec["stan"] == undoing
    return ("found", "original", txn, armed, outcome, undone)


def _details(read, known, next_seq: int, cursor: int) -> tuple:
    """("found", "details", rows, where the next ones begin): at most 8 rows (class, STAN, masked
    PAN, amount) of what moved money in the open batch, from ``cursor`` on."""
    rows: list[tuple] = []
    armed = None
    seq = cursor
    while seq < next_seq and len(rows) < settlement.MOST_DETAILS:
        rec = read(seq)
        seq += 1
        if rec is None or rec.get("batch") != known.batch:
            continue
        if rec["kind"] == record.ARMED:
            armed = rec
        elif armed and _moved(armed, rec):
            rows.append((0, rec["stan"], armed["pan"], rec["amount_minor"]))
    return ("found", "details", rows, seq)


def _moved(armed: dict, rec: dict) -> bool:
    approved = rec["kind"] == record.OUTCOME and rec["result"] == record.APPROVED
    if not approved or rec["stan"] != armed["stan"]:
        return False
    return transactions.effect(armed["txn"]) != transactions.NOTHING


def _held(read, next_seq: int, auth: str, token: bytes) -> tuple:
    """("found", "held", amount): of the newest pre-auth of this code and card, 0 without one.

    Forward, which the journal reads several times as fast as backward.
    """
    held_minor = 0
    armed = None
    for seq in range(max(1, next_seq - _ALL), next_seq):
        rec = read(seq, b"" if armed else token)
        if rec is None:
            continue
        if rec["kind"] == record.ARMED:
            armed = rec if rec["txn"] == record.PREAUTH and rec["token"] == token else None
        elif armed and rec["kind"] == record.OUTCOME and _pair(armed, rec):
            if rec["result"] == record.APPROVED and rec["auth"] == auth:
                held_minor = rec["amount_minor"]
            armed = None
    return ("found", "held", held_minor)


def _last(read, next_seq: int) -> tuple:
    """("found", "last", ARMED, OUTCOME) of the newest approval, None when there is none near."""
    outcome = None
    for seq in range(next_seq - 1, max(0, next_seq - _BACK), -1):
        rec = read(seq)
        if rec is None:
            continue
        if rec["kind"] == record.OUTCOME and rec["result"] == record.APPROVED and not outcome:
            outcome = rec
        elif rec["kind"] == record.ARMED and outcome and _pair(rec, outcome):
            return ("found", "last", rec, outcome)
    return ("found", "last", None, None)


def _pair(armed: dict, outcome: dict) -> bool:
    return armed["stan"] == outcome["stan"] and armed["batch"] == outcome["batch"]
