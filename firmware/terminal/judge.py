"""What an answer means: the engine's step is over, and this decides what follows (F39 table).

Each judge gets the engine, the step and the answer, which is the request's own: it has matched.
"""

from protocol import record
from terminal import batch, entries, money, reversal, trade, transactions

# How long the card may take to say whether it goes along with an approval.
_CHIP_MS = 10000


def _sign_in(engine, step, answer) -> list:
    why = answer.code if answer.code != "00" else engine.exchange.bad_keys(answer.key_block)
    if why:
        given_up = engine.give_up_for_now("Sign-in refused", "refused")
        return engine.evidence.trouble("SIGN_IN_REFUSED", why) + given_up
    engine.sign_first = False
    engine.sign_in_stan = 0
    engine.route.keyed(step.host)
    return [
        ("set_clock", answer.host_time),
        entries.signed_in(step.request.stan, answer.batch, answer.key_block, answer.host_time),
        ("next",),
    ]


def unanswered(engine, reason: str) -> list:
    """Nobody knows whether the open transaction went through."""
    tx = engine.known.open
    policy = engine.policy(tx)
    if policy == "reverse":
        return reversal.decide(tx, reason)
    if policy == "resend":
        return engine.wait()  # W22, W23: the same STAN until the host has answered
    return trade.needs_recon(tx, None)  # W25


def _transact(engine, step, answer) -> list:
    tx = engine.known.open
    action = engine.exchange.action("request", answer.code)
    forged = answer.forged or (action in ("approve", "partial") and not answer.authentic)
    if forged or action == "decline_sign_in":
        engine.sign_first = True
    if forged:
        return [entries.note("BAD_MAC", "answer")] + unanswered(engine, reversal.BAD_MAC)  # W13
    if action == "partial" and _is_part(engine, answer):
        return _approve(engine, answer, answer.amount_minor)
    if action in ("unknown", "partial"):
        return [entries.note("UNKNOWN", answer.code)] + unanswered(engine, reversal.NO_ANSWER)
    if action == "approve":
        return _approve(engine, answer, tx.armed["amount_minor"])
    if action == "needs_recon":
        return trade.needs_recon(tx, answer)
    stops = _stops(action, answer)
    return stops + trade.declined(tx, answer, bool(stops) or action == "decline_alarm")


def _is_part(engine, answer) -> bool:
    """A part is less than the whole, of what a customer pays: nobody gives back a part (W30)."""
    armed = engine.known.open.armed
    less = 0 < answer.amount_minor < armed["amount_minor"]
    return engine.exchange.takes_part and less and not transactions.asks(armed["txn"])


def _stops(action: str, answer) -> list:
    """The host stops the terminal: nothing is begun until the companion has this record."""
    return [entries.note(record.STOPPED, answer.code)] if action in ("block", "stop") else []


def _again(engine, step, answer) -> list:
    """What was sent again under its old STAN, because it may not be reversed."""
    tx = engine.known.open
    action = engine.exchange.action("request", answer.code)
    if action == "needs_recon" and not answer.forged and step.request.mti[1:] == "220":
        # It has the notice (W23). Only 00 and 10 carry a MAC by the specification.
        return trade.approved(engine.config, tx, answer, tx.armed["amount_minor"])
    later = action in ("decline_sign_in", "unknown") or answer.forged
    later = later or (action == "partial" and not _is_part(engine, answer))
    if not later and (action != "approve" or answer.authentic):
        return _transact(engine, step, answer)
    engine.sign_first = engine.sign_first or action != "unknown"
    engine.refusals += 1
    if engine.refusals >= engine.config["reversal_tries"]:
        return trade.needs_recon(tx, None)
    return engine.evidence.trouble("REFUSED", answer.code) + engine.wait()


def _approve(engine, answer, amount_minor: int) -> list:
    if not engine.chip:
        return trade.approved(engine.config, engine.known.open, answer, amount_minor)
    # The card has the last word: until then nothing is approved, and a cut reverses it (W5).
    number = engine.known.open.armed["stan"]
    engine.waiting = (answer, amount_minor, number)
    return [
        ("to_reader", "chip", answer.code, answer.icc),
        ("show", "busy", "chip", money.show(amount_minor)),
        ("timer", "chip", number, _CHIP_MS),
    ]


def chip(engine, accepted: bool, reason: str) -> list:
    """The card's word on the approval that waits for it, or none in time."""
    answer, amount_minor, _ = engine.waiting
    engine.waiting = None
    if accepted:
        return trade.approved(engine.config, engine.known.open, answer, amount_minor)
    return [entries.note("CHIP_REFUSED", reason)] + unanswered(engine, reason)


def _balance(engine, step, answer) -> list:
    action = engine.exchange.action("request", answer.code)
    if answer.forged or (action == "approve" and not answer.authentic):
        engine.sign_first = True
        return engine.evidence.trouble("BAD_MAC", "balance") + trade.refused("Bad answer")
    if action == "decline_sign_in":
        engine.sign_first = True
    if action != "approve":
        return _stops(action, answer) + trade.refused("Declined " + answer.code)
    # F54: account type, amount type, currency, sign, twelve digits.
    text = answer.balances
    if len(text) < 20 or not text[8:20].isdigit():
        return trade.refused("No balance given")
    sign = "-" if text[7] == "D" else ""
    return [("show", "result", "balance", sign + money.show(int(text[8:20])))]


def _reversal(engine, step, answer) -> list:
    tx = engine.known.open
    action = engine.exchange.action("reversal", answer.code)
    done = action in ("done", "received")
    if answer.forged or (done and not answer.authentic):
        engine.sign_first = True
        return [entries.note("BAD_MAC", "0410")] + engine.try_again()  # W12
    if done:
        return reversal.end(engine.config, tx, record.REV_OK, answer.code, answer.rrn)
    # Only the host that was sent a request can say that there is nothing to reverse.
    asked = step.host == tx.armed["host"]
    if asked and action in ("absent", "absent_high", "absent_case"):
        if engine.exchange.same_day and not tx.is_of_today(engine.known, answer.host_time):
            return engine.suspend(answer.code)  # W17: it may be a settled one that it refuses
        return reversal.end(engine.config, tx, record.REV_ABSENT, answer.code, answer.rrn)
    if action == "suspend":
        return engine.suspend(answer.code)
    if action in ("sign_in_retry", "sign_in_retry_once"):
        engine.sign_first = True
    # retry, back_off, keep and escalate: it stays pending, and becomes a case after the tries.
    return [entries.note("REVERSAL_REFUSED", answer.code)] + engine.try_again()


def _batch(engine, step, answer) -> list:
    return batch.answered(engine, answer)


JUDGES = {
    "sign_in": _sign_in,
    "transact": _transact,
    "again": _again,
    "balance": _balance,
    "reversal": _reversal,
    "batch": _batch,
}
