"""Reversing the open transaction: what to write, show and print at each turn.

Effects only; the engine decides when. A reversal ends as done, as absent at the host, or as
suspended: a case for the companion. It is never deleted.
"""

from protocol import record
from terminal import entries, money, receipt, transactions

_END_SCREENS = {
    record.REV_OK: "reversed",
    record.REV_ABSENT: "absent",
    record.REV_SUSPENDED: "suspended",
}

_END_TEXT = {
    record.REV_OK: "REVERSED, NOT DONE",
    record.REV_ABSENT: "THE HOST KNOWS NOTHING OF IT",
    record.REV_SUSPENDED: "NOT CONFIRMED: OPEN CASE",
}

# F39 of the 0400: no answer came; one came and the terminal failed; its MAC was wrong; the card
# refused what the issuer had approved.
NO_ANSWER = "98"
FAILED = "96"
BAD_MAC = "A0"
REFUSED = "06"


def shown(tx) -> tuple:
    """The screen while the reversal of an open transaction is under way."""
    amount = money.show(tx.armed["amount_minor"])
    return ("show", "busy", "reversing", amount, tx.armed["stan"], tx.attempt + 1)


def decide(tx, reason: str) -> list:
    """From here on the transaction is reversed, whatever answer still comes."""
    return [entries.reversal(tx.armed, reason, 0), shown(tx), ("next",)]


def once_more(armed: dict, tries: int) -> list:
    """A suspended reversal gets one more try before its batch is settled."""
    return [entries.reversal(armed, NO_ANSWER, tries - 1), ("next",)]


def attempt(tx) -> tuple:
    """The record of one more 0400, durable before it leaves."""
    return entries.reversal(tx.armed, tx.reason or NO_ANSWER, min(tx.attempt + 1, 255))


def waiting(tx) -> tuple:
    """The screen while it has to wait for its next try."""
    amount = money.show(tx.armed["amount_minor"])
    return ("show", "result", "waiting", amount, tx.armed["stan"])


def end(config: dict, tx, result: int, code: str = "", rrn: str = "") -> list:
    """The reversal's end, stored before it is shown; a slip for the customer."""
    armed = tx.armed
    amount = money.show(armed["amount_minor"])
    title = transactions.title(armed["txn"])
    screen = _END_SCREENS[result]
    if armed["txn"] != record.SALE and result == record.REV_OK:
        screen = "undone"
    effects = [
        entries.reversal_end(armed, result, code, rrn, tx.attempt),
        ("show", "result", screen, amount, armed["stan"], code, title),
        ("beep", 2),
    ]
    for row in receipt.reversal(config, armed, _END_TEXT[result]):
        effects.append(("print", row))
    effects.append(("next",))
    return effects
