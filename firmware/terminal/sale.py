"""What to write, show and print for the ends of a sale. Effects only; the engine decides which."""

from protocol import record
from terminal import entries, money, receipt, screens


def answered(config: dict, tx, action: str, answer) -> list:
    """The end by an answer that can be relied on; ``action`` is the profile's for its F39."""
    if action == "approve":
        return _approved(config, tx, answer)
    return _needs_recon(tx, answer) if action == "needs_recon" else _declined(tx, answer)


def _approved(config: dict, tx, answer) -> list:
    """The single commit point: approval stored and reversal disarmed by one record (I2, I4)."""
    outcome = entries.outcome(tx.armed, record.APPROVED, answer)
    amount = money.show(tx.armed["amount_minor"])
    effects = [outcome, ("show", "result", "approved", amount, answer.rrn, answer.auth)]
    effects.append(("beep", 1))
    for row in receipt.sale(config, tx.armed, outcome[1]):
        effects.append(("print", row))
    effects.append(entries.receipt(tx.armed, 1))
    effects.append(("set_clock", answer.host_time))
    return effects


def _declined(tx, answer) -> list:
    """The host said no: nothing was charged."""
    amount = money.show(tx.armed["amount_minor"])
    text = screens.decline_text(answer.code)
    return [
        entries.outcome(tx.armed, record.DECLINED, answer),
        ("show", "result", "declined", amount, answer.code, text),
        ("beep", 2),
    ]


def _needs_recon(tx, answer) -> list:
    """The host has this STAN and may have approved it (94): only the companion can tell."""
    amount = money.show(tx.armed["amount_minor"])
    return [
        entries.outcome(tx.armed, record.NEEDS_RECON, answer),
        ("show", "result", "suspended", amount, tx.armed["stan"]),
        ("beep", 3),
    ]


def owed(last) -> tuple:
    """Approved, but the power went before the slip was out: shown at the next start (W6, W7)."""
    amount = money.show(last.outcome["amount_minor"])
    return ("show", "ask", "owed", amount, last.outcome["stan"])


def reprint(config: dict, last, wanted: bool) -> list:
    """The cashier's answer to a slip that is owed: a duplicate, or a note that none was wanted."""
    effects = []
    if wanted:
        for row in receipt.sale(config, last.armed, last.outcome, True):
            effects.append(("print", row))
    effects.append(entries.receipt(last.armed, 2 if wanted else 0))
    return effects
