"""The engine's ``append`` effects: one function for each journal record it writes.

``wall`` is left out: the engine has no clock, the runner stamps it.
"""

from protocol import record
from terminal import transactions

_DETAIL = 48  # NOTE.detail
TOTALS = ("debit_count", "debit_minor", "credit_count", "credit_minor")


def boot(number: int, cause: str, firmware: str) -> tuple:
    """Power came on for the ``number``-th time."""
    fields = {"boot": number, "cause": cause, "firmware": firmware}
    return _append(record.BOOT, fields)


def signed_in(stan: int, batch: int, key_block: bytes, host_time: str) -> tuple:
    """The host gave a batch and working keys (still encrypted under the TMK)."""
    fields = {"stan": stan, "batch": batch, "key_block": key_block, "host_time": host_time}
    return _append(record.SIGNED_IN, fields)


def armed(stan: int, batch: int, want: dict, host: int = 0) -> tuple:
    """The intent, what was displayed and what undoes it: durable before the first byte leaves."""
    original = want["original"] or {}
    by = transactions.asks(want["txn"])
    fields: dict = {"stan": stan, "batch": batch}
    for name in ("txn", "amount_minor", "displayed_minor", "entry", "token"):
        fields[name] = want[name]
    fields["pan"] = want["masked"]
    fields["card"] = want["cipher"]
    fields["card_key"] = want["key_id"]
    fields["orig_batch"] = original.get("batch", 0)
    fields["orig_stan"] = original.get("stan", 0)
    # F61.3 belongs to what names its original by a date; a void has the batch and the STAN.
    fields["orig_date"] = "" if by == "stan" else original.get("date", "")
    fields["orig_rrn"] = original.get("rrn", "")
    fields["orig_auth"] = original.get("auth", "")
    fields["chip"] = want.get("icc", b"")
    fields["host"] = host
    return _append(record.ARMED, fields)


def outcome(of: dict, result: int, answer, amount_minor: int) -> tuple:
    """The end of an armed transaction: the commit point when approved. ``answer`` may be None:
    nobody knows, and it may not be reversed."""
    fields: dict = {"result": result, "amount_minor": amount_minor}
    for name in ("code", "rrn", "auth", "host_time"):
        fields[name] = getattr(answer, name) if answer else ""
    return _append(record.OUTCOME, _of(of, fields))


def query(txn: int, stan: int) -> tuple:
    """A STAN goes to a message that moves no money."""
    return _append(record.QUERY, {"txn": txn, "stan": stan})


def adopted(stan: int, device: str) -> tuple:
    """A swapped or wiped terminal goes on above the highest STAN its number has used."""
    return _append(record.ADOPTED, {"stan": stan, "batch": 0, "device": device})


def batch(known, phase: int, stan: int, cursor: int = 0, code: str = "") -> tuple:
    """One more step of closing the batch; the totals are frozen by the first (W18)."""
    fields = {"batch": known.batch, "phase": phase, "stan": stan}
    fields["cursor"] = cursor
    fields["code"] = code
    frozen = known.closing
    for name in TOTALS:
        fields[name] = frozen[name] if frozen else getattr(known, name)
    return _append(record.BATCH, fields)


def reversal(of: dict, reason: str, attempt: int) -> tuple:
    """Attempt 0 is the decision to reverse, written before anything else is done about it."""
    return _append(record.REVERSAL, _of(of, {"reason": reason, "attempt": attempt}))


def reversal_end(of: dict, result: int, code: str, rrn: str, attempts: int) -> tuple:
    """How a reversal ended: done, nothing to reverse, or suspended as a case."""
    fields = {"result": result, "code": code, "rrn": rrn, "attempts": attempts}
    return _append(record.REVERSAL_END, _of(of, fields))


def receipt(of: dict, copy: int) -> tuple:
    """The slip is out: 1 the first, 2 a duplicate, 0 the cashier did not want one."""
    return _append(record.RECEIPT, _of(of, {"copy": copy}))


def late(stan: int, batch: int, mti: str, code: str, amount_minor: int) -> tuple:
    """An answer that came after its time-out: evidence only."""
    fields = {"stan": stan, "batch": batch, "mti": mti, "code": code}
    fields["amount_minor"] = amount_minor
    return _append(record.LATE, fields)


def note(code: str, detail: str) -> tuple:
    """Evidence of what went wrong on the way, for the causes of a break."""
    while len(detail.encode()) > _DETAIL:
        detail = detail[:-1]
    return _append(record.NOTE, {"code": code, "detail": detail})


def verdict(batch: int, stan: int, result: int, text: str) -> tuple:
    """How a case ended, as the companion says."""
    return _append(record.VERDICT, {"batch": batch, "stan": stan, "result": result, "text": text})


def checkpoint(known) -> tuple:
    """The state a restart needs, so that it need not read the whole journal."""
    fields = {
        "boot": known.boot,
        "stan": known.stan,
        "batch": known.batch,
        "key_block": known.key_block,
        "suspended": list(known.suspended),
        "recon": list(known.recon),
        "phase": known.phase,
        "first": known.first,
        "host_date": known.day,
    }
    for name in TOTALS:
        fields[name] = getattr(known, name)
    return _append(record.CHECKPOINT, fields)


class Evidence:
    """What may come again and again, each written once: an outage of days repeats itself at every
    retry, and its notes must not take the room that the reversal needs (W29)."""

    def __init__(self) -> None:
        self._troubles: list[str] = []
        self._late: list[int] = []

    def new_sale(self) -> None:
        """The next sale has troubles of its own."""
        self._troubles = []

    def trouble(self, code: str, why: str) -> list:
        """A note, once for each code until the next sale."""
        if code in self._troubles:
            return []
        self._troubles.append(code)
        return [note(code, why)]

    def late(self, exchange, known, data: bytes) -> list:
        """An answer after its time-out: kept as evidence once, never acted on (W10)."""
        stans = [known.unsure_stan, known.open.armed["stan"] if known.open else 0]
        found = exchange.late(data, [s for s in stans if s and s not in self._late])
        if found is None:
            return []
        self._late = self._late[-1:] + [found[0]]
        return [late(*found)]


def _of(armed_record: dict, fields: dict) -> dict:
    fields["stan"] = armed_record["stan"]
    fields["batch"] = armed_record["batch"]
    return fields


def _append(kind: int, fields: dict) -> tuple:
    fields["kind"] = kind
    return ("append", fields)
