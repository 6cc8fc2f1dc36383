"""Cases, and how the companion says that they ended: the records, and the panel's pages.

A case is named by its batch and STAN, as on the slip. A verdict is evidence and the end of the
case here: what it locked is free again, and nothing more is tried for it.
"""

from protocol import cbor, record
from terminal import columns, entries, screens, trade

# How far back cases are searched for, in records.
_BACK = 500
_MOST = 8
_KINDS = (record.OUTCOME, record.REVERSAL_END, record.VERDICT)
_TITLES = ("", "SQUARED", "REFUND THE CUSTOMER", "WRITTEN OFF", "REJECTED")
_OPEN = 0


def decode(data: bytes) -> list:
    """The (batch, STAN, result, text) of a push; ValueError for what is none."""
    rows = cbor.loads(data)
    if not isinstance(rows, list) or not 0 < len(rows) <= record.MAX_VERDICTS:
        raise ValueError("not an array of verdicts")
    verdicts = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 4:
            raise ValueError("a verdict has four fields")
        rec = entries.verdict(*row)[1]
        rec["wall"] = 0
        record.encode(rec)  # its types and limits
        text = rec["text"]
        if not 0 < rec["result"] < len(_TITLES) or (text and min(text) < " "):
            raise ValueError("a result or a text that cannot be shown")
        verdicts.append(tuple(row))
    return verdicts


def take(engine, ledger, verdicts: list) -> tuple:
    """(why not, effects, what is new) of verdicts from the companion; one that is there already
    comes when its answer was lost."""
    if engine.fault:
        return engine.fault, [], []
    known = engine.known
    there = told(ledger)
    new = [verdict for verdict in verdicts if verdict not in there]
    if known.open:
        of = (known.open.armed["batch"], known.open.armed["stan"])
        if of in [verdict[:2] for verdict in new]:
            return "not finished here yet", [], []
    if ledger.room() < trade.room_needed(known, engine.route.turns) + len(new):
        return trade.no_room(ledger.room()), [], []
    return "", [entries.verdict(*verdict) for verdict in new], new


def told(ledger) -> list:
    """(batch, STAN, result, text) of the newest cases, the newest first; result 0 is open."""
    found: list[tuple] = []
    for seq in range(max(ledger.first_seq, ledger.next_seq - _BACK), ledger.next_seq):
        payload = ledger.read(seq)
        # The second byte of a record is its kind: few need decoding.
        rec = ledger.record_at(seq) if payload and payload[1] in _KINDS else None
        if rec is None:
            continue
        of = (rec["batch"], rec["stan"])
        found = [case for case in found if case[:2] != of]
        row = _row(rec)
        if row:
            found = [of + row] + found[: _MOST - 1]
    return found


def _row(rec: dict) -> tuple:
    if rec["kind"] == record.VERDICT:
        return rec["result"], rec["text"]
    ended = record.NEEDS_RECON if rec["kind"] == record.OUTCOME else record.REV_SUSPENDED
    return (_OPEN, "") if rec["result"] == ended else ()


def pages(rows: list) -> list:
    """The screens, name and values, for rows as from ``told``."""
    waiting = ["#%d  BATCH %d" % (stan, batch) for batch, stan, result, _ in rows if not result]
    shown: list[tuple] = []
    for batch, stan, result, text in rows:
        if result:
            first = columns.cut(text, screens.WIDTH)
            text = first + "\n" + text[len(first) :]
            shown.append(("verdict", _TITLES[result], stan, batch, text))
    if waiting or not shown:
        shown.insert(0, ("cases", len(waiting), "\n".join(waiting[: screens.max_lines() - 2])))
    return shown
