"""What the cashier asks for, and the start: how each begins, or why it does not."""

from protocol import record
from terminal import batch, entries, money, reversal, takeover, trade, transactions
from terminal.current import REVERSING


def start(engine, cause: str, firmware: str, alarm: str) -> list:
    """Power came on: what is unfinished goes first."""
    effects = takeover.adopt(engine)
    effects.append(entries.boot(engine.known.boot + 1, cause, firmware))
    if alarm:
        effects.append(entries.note("JOURNAL_ALARM", alarm))
    last = engine.known.last
    tx = engine.known.open
    if tx and tx.doubtful:
        # To reverse what may have been approved would be worse than to ask (I4).
        effects.append(entries.note("RECORD_LOST", ""))
        effects.extend(engine.suspend())
    elif tx and tx.armed["kind"] == record.PENDING:
        effects.extend(engine.suspend())  # its card was in RAM only
    elif tx and tx.phase != REVERSING and engine.policy(tx) == "recon":
        effects.extend(trade.needs_recon(tx, None))
    elif tx and not tx.attempt:
        effects.extend(engine.wait_for_host())
    elif tx or engine.known.closing:
        effects.append(("next",))
    elif last and not last.printed:
        effects.append(trade.owed(last))
    else:
        effects.append(("home",))
    return effects


def transact(
    engine,
    txn: int,
    amount_minor: int,
    displayed_minor: int,
    card: dict,
    original: dict | None,
    room: int,
    now: int = 0,
) -> list:
    """``now`` in Unix seconds, 0 when the clock is not set: then nothing is called a repeat."""
    engine.doubt = None
    pendings = takeover.of_card(engine, card.get("token"))
    turns = engine.route.turns
    refusal = (
        _busy(engine)
        or trade.bad_amount(txn, amount_minor, displayed_minor)
        or trade.blocked(engine.known, room, turns + len(pendings) * (turns + 1))
        or trade.bad_original(engine.known, txn, amount_minor, original, card["token"])
        or ("" if engine.exchange.knows(txn) else "Not at this host")
    )
    if refusal:
        return trade.refused(refusal)
    if original and transactions.asks(txn) == "auth" and "held_minor" not in original:
        engine.doubt = (txn, amount_minor, displayed_minor, card, original, room)
        return [("find", "held", original["auth"], card["token"])]
    span_s = engine.config.get("duplicate_s", 0)
    if txn == record.SALE and span_s and now > span_s:
        stan = engine.known.repeats(card["token"], amount_minor, now - span_s)
        if stan:
            engine.doubt = (txn, amount_minor, displayed_minor, card, original, room)
            return [("show", "ask", "same", money.show(amount_minor), stan), ("beep", 2)]
    engine.want = {"txn": txn, "amount_minor": amount_minor, "original": original}
    engine.want["displayed_minor"] = displayed_minor
    engine.want["pendings"] = pendings  # of this card: they go first
    engine.want.update(card)
    engine.evidence.new_sale()
    engine.route.wished()
    return engine.next()


def _busy(engine) -> str:
    if engine.fault:
        return engine.fault
    if engine.step or engine.want or engine.waiting or engine.retries is not None:
        return "Busy"
    return "Unfinished sale: wait" if engine.hold else ""


def settle(engine, room: int) -> list:
    """Close the batch, or go on closing it."""
    refusal = _busy(engine) or ("Unfinished sale: wait" if engine.known.open else "")
    engine.doubt = None
    if not refusal and not engine.known.closing:
        if not engine.known.batch or engine.known.phase == record.CLOSED:
            refusal = "No open batch"
        elif room < 2 * engine.config["reversal_tries"]:
            refusal = trade.no_room(room)
    if refusal:
        return trade.refused(refusal)
    engine.evidence.new_sale()
    engine.route.wished()
    if engine.known.closing:
        return engine.next()
    engine.retries = engine.known.retriable()
    return close_batch(engine)


def close_batch(engine) -> list:
    """Suspended reversals of the batch are sent once more, then its totals are frozen."""
    while engine.retries:
        case, armed = engine.retries.pop(0)
        # A sync meanwhile may have taken it over.
        held = case in engine.known.suspended
        if held and engine.exchange.unanswered(armed["txn"]) == "reverse":
            return reversal.once_more(armed, engine.config["reversal_tries"])
    engine.retries = None
    return batch.close(engine)


def found(engine, what: str, *found) -> list:
    """What the journal had (lookup.py)."""
    if what == "original":
        return trade.offer(engine.known, *found)
    if what == "details":
        return batch.found(engine, *found)
    if what == "held":
        return _held(engine, *found)
    armed, outcome = found
    if armed is None:
        return trade.refused("Nothing to print")
    amount = money.show(outcome["amount_minor"])
    title = transactions.title(armed["txn"])
    shown = ("show", "result", "last", amount, outcome["stan"], title)
    return [shown] + trade.reprint(engine.config, armed, outcome, True)


def _held(engine, held_minor: int) -> list:
    """The amount of the pre-auth that the cashier wants to end."""
    txn, amount_minor, displayed_minor, card, original, room = engine.doubt
    refusal = trade.over_hold(txn, amount_minor, held_minor, engine.exchange.preauth_percent)
    if refusal:
        engine.doubt = None
        return trade.refused(refusal)
    original = dict(original)
    original["held_minor"] = held_minor
    return transact(engine, txn, amount_minor, displayed_minor, card, original, room)


def answer(engine, wanted: bool, room: int = 0) -> list:
    """The cashier's answer to what was asked: a repeated sale, or a slip that is owed. ``room`` is
    of now: the question may have stood for hours."""
    if engine.doubt:
        asked = engine.doubt
        engine.doubt = None
        return transact(engine, *(asked[:5] + (room,))) if wanted else [("home",)]
    last = engine.known.last
    if last is None or last.printed:
        return [("home",)]
    return trade.reprint(engine.config, last.armed, last.outcome, wanted) + [("home",)]


def reprint_last(engine) -> list:
    """The last approval once more, on the screen and as a slip."""
    refusal = _busy(engine)
    return trade.refused(refusal) if refusal else [("find", "last")]
