"""Reversing the open transaction: what to write, show and print at each turn.

Effects only; the engine decides when. A reversal ends as done, as absent at the host, or as
suspended: a case for the companion. It is never deleted.
"""

from protocol import record
from terminal import entries, money, receipt

_END_SCREENS = {
    record.REV_OK: "reversed",
    record.REV_ABSENT: "absent",
    record.REV_SUSPENDED: "suspended",
}

_END_TEXT = {
    record.REV_OK: "REVERSED, NOT CHARGED",
    record.REV_ABSENT: "NO SALE AT THE HOST",
    record.REV_SUSPENDED: "NOT CONFIRMED: OPEN CASE",
}

# F39 of the 0400 when no answer came: no response received.
NO_ANSWER = "98"


def shown(tx) -> tuple:
    """The screen while the reversal of an open transaction is under way."""
    amount = money.show(tx.armed["amount_minor"])
    return ("show", "busy", "reversing", amount, tx.armed["stan"], tx.attempt + 1)


def decide(tx, reason: str) -> list:
    """From here on the transaction is reversed, whatever answer still comes."""
    return [entries.reversal(tx.armed, reason, 0), shown(tx), ("next",)]


def attempt(tx) -> tuple:
    """The record of one more 0400, durable before it leaves."""
    return entries.reversal(tx.armed, tx.reason or NO_ANSWER, min(tx.attempt + 1, 255))


def wait(tx, number: int, milliseconds: int) -> list:
    """Nothing came of it this time: tell the cashier and try again later."""
    amount = money.show(tx.armed["amount_minor"])
    return [
        ("show", "result", "waiting", amount, tx.armed["stan"]),
        ("timer", "retry", number, milliseconds),
    ]


def end(config: dict, tx, result: int, code: str = "", rrn: str = "") -> list:
    """The reversal's end, stored before it is shown; a slip for the customer."""
    armed = tx.armed
    amount = money.show(armed["amount_minor"])
    effects = [
        entries.reversal_end(armed, result, code, rrn, tx.attempt),
        ("show", "result", _END_SCREENS[result], amount, armed["stan"], code),
        ("beep", 2),
    ]
    for row in receipt.reversal(config, armed, _END_TEXT[result]):
        effects.append(("print", row))
    effects.append(("next",))
    return effects
