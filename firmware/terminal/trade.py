"""What to write, show and print for the ends of a transaction, and when one may not begin.

Effects only; the engine decides which. A refusal is the text that the cashier reads, "" for none.
"""

from protocol import record
from protocol.iso8583 import settlement
from terminal import entries, money, receipt, screens, state, transactions

# Records a transaction may need (W29): sign-in, ARMED, why it is reversed, the decision, its end,
# a late answer, a lost card, six kinds of trouble on the line, two restarts; three slots each of
# what is longer than one.
_ROOM = 24
# And for each reversal try: its record, why it failed, a new sign-in.
_TRY_ROOM = 3
# And to close the batch behind it: eight steps, six cases tried once more, trouble on the line.
_CLOSING_ROOM = 40
_MOST = 999  # F48 counts with three digits


def room_needed(known, tries: int) -> int:
    """Journal slots that have to be free before a transaction begins."""
    uploads = (known.debit_count + known.credit_count) // settlement.MOST_DETAILS
    return _ROOM + _TRY_ROOM * tries + _CLOSING_ROOM + uploads


def blocked(known, room: int, tries: int) -> str:
    """Why nothing at all may begin now."""
    if known.closing:
        return "Batch is closing"  # W18
    if known.stopped:
        return "Stopped by host: sync"
    if room < room_needed(known, tries):
        # What the companion has stays as long as its batch may have to be uploaded.
        full = 0 < known.first < known.handed and room >= 0
        return "Settle the batch" if full else no_room(room)
    if len(known.suspended) - len(known.pendings()) >= state.MAX_SUSPENDED - 1:
        synced = known.suspended[-1] < known.handed  # then only its locks are left
        return "Settle the batch" if synced else "Open cases: sync"
    if max(known.debit_count, known.credit_count) >= _MOST:
        return "Settle the batch"
    return ""


def no_room(room: int) -> str:
    """Why the journal takes no more (W29); ``room`` is -1 when its flash failed."""
    return "Flash fault: restart" if room < 0 else "Journal full: sync"


def bad_amount(txn: int, amount_minor: int, displayed_minor: int) -> str:
    """I7: what is charged is what was displayed."""
    least = 0 if txn == record.BALANCE else 1
    if amount_minor != displayed_minor or not least <= amount_minor <= 999999999999:
        return "Amount differs"
    return ""


def over_hold(txn: int, amount_minor: int, held_minor: int, percent: int) -> str:
    """I8; ``held_minor`` 0: the pre-auth is not in the journal, the host has the last word."""
    if txn == record.PREAUTH_CANCEL:
        return "Not the pre-auth's" if held_minor not in (0, amount_minor) else ""
    return "Over the pre-auth" if 0 < percent * held_minor < 100 * amount_minor else ""


def bad_original(known, txn: int, amount_minor: int, original: dict | None, token: bytes) -> str:
    """Why the original does not allow it; ``token`` b"" while no card has been read."""
    by = transactions.asks(txn)
    if not by:
        return ""
    if not original or not original.get(by):
        return "No original"
    unknown = list(known.cases.values())
    if known.open:
        unknown.append(known.open.armed)  # and may yet become a case
    for armed in unknown:
        if _same(armed, original, by):
            return "Original is locked"  # W25: never keyed again while nobody knows
    if by != "stan":
        return ""
    if original["batch"] != known.batch or original["amount_minor"] != amount_minor:
        return "Original differs"
    if token and token != original["token"]:
        return "Another card"
    return ""


def _same(armed: dict, original: dict, by: str) -> bool:
    """Whether a case is about this original, or is this original."""
    if by == "rrn":
        return armed["orig_rrn"] == original["rrn"]
    if by == "auth":
        named = (armed["orig_auth"], armed["orig_date"])
        return named == (original["auth"], original["date"])
    stans = (armed["stan"], armed["orig_stan"])
    return armed["batch"] == original["batch"] and original["stan"] in stans


def offer(known, txn: int, armed, outcome, undone: bool) -> list:
    """What the look-up of an original by its STAN found: confirm it, or refuse."""
    refusal = ""
    if armed is None or outcome is None or not transactions.undoes(txn, armed["txn"]):
        refusal = "No such original"
    elif undone:
        refusal = "Already voided"
    if refusal:
        return refused(refusal)
    original = {"token": armed["token"], "date": outcome["host_time"][:4]}
    for name in ("batch", "stan"):
        original[name] = armed[name]
    for name in ("rrn", "auth", "amount_minor"):
        original[name] = outcome[name]
    refusal = bad_original(known, txn, original["amount_minor"], original, b"")
    if refusal:
        return refused(refusal)
    return [("offer", txn, original["amount_minor"], original)]


def refused(why: str) -> list:
    """Nothing was begun."""
    return [("show", "result", "refused", why), ("beep", 3)]


def approved(config: dict, tx, answer, amount_minor: int) -> list:
    """The single commit point: approval stored and reversal disarmed by one record (I2, I4)."""
    outcome = entries.outcome(tx.armed, record.APPROVED, answer, amount_minor)
    amount = money.show(amount_minor)
    title = transactions.title(tx.armed["txn"])
    effects = [outcome, ("to_reader", "approved", answer.code, answer.icc)]
    effects.append(("show", "result", "approved", amount, answer.rrn, answer.auth, title))
    effects.append(("beep", 1))
    for row in receipt.approved(config, tx.armed, outcome[1]):
        effects.append(("print", row))
    effects.append(entries.receipt(tx.armed, 1))
    effects.append(("set_clock", answer.host_time))
    return effects


def declined(tx, answer, alarm: bool) -> list:
    """The host said no: nothing was done."""
    armed = tx.armed
    amount = money.show(armed["amount_minor"])
    text = screens.decline_text(answer.code)
    title = transactions.title(armed["txn"])
    return [
        entries.outcome(armed, record.DECLINED, answer, armed["amount_minor"]),
        ("to_reader", "declined", answer.code, answer.icc),
        ("show", "result", "declined", amount, answer.code, text, title),
        ("beep", 5 if alarm else 2),
    ]


def needs_recon(tx, answer) -> list:
    """It may have been approved and may not be reversed: only the companion can tell. With an
    ``answer`` the host has this STAN already (94)."""
    armed = tx.armed
    amount = money.show(armed["amount_minor"])
    return [
        entries.outcome(armed, record.NEEDS_RECON, answer, armed["amount_minor"]),
        ("show", "result", "suspended", amount, armed["stan"]),
        ("beep", 3),
    ]


def owed(last) -> tuple:
    """Approved, but the power went before the slip was out: shown at the next start (W6, W7)."""
    amount = money.show(last.outcome["amount_minor"])
    return ("show", "ask", "owed", amount, last.outcome["stan"])


def reprint(config: dict, armed: dict, outcome: dict, wanted: bool) -> list:
    """A duplicate of a slip, or the note that none was wanted."""
    effects = []
    if wanted:
        for row in receipt.approved(config, armed, outcome, True):
            effects.append(("print", row))
    effects.append(entries.receipt(armed, 2 if wanted else 0))
    return effects
