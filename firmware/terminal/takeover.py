"""A terminal that takes another one's place (W16, W26).

Its configuration has the STAN to go on above, and the PENDING records of what the other one armed
and never ended. A pending has no card: the key to its ciphertext died with the other terminal. So
it waits until its card is read here, and is reversed before that card is used for anything else.
"""

from protocol import record
from terminal import entries, reversal
from terminal.current import Open

_LAP = 999999  # STANs wrap; less than half a lap ahead is newer


def adopt(engine) -> list:
    """What the first start writes before its BOOT. A cut between any two of these records leaves
    the rest to the next start."""
    known = engine.known
    if known.boot or known.key_block:
        return []  # a pending may have ended since
    effects = []
    start = engine.config.get("stan_start", 0)
    if start and (not known.stan or (known.stan - start) % _LAP > _LAP // 2):
        effects.append(entries.adopted(start, engine.config["device_id"]))
        engine.stan = start
    there = [_name(pending) for _, pending in known.pendings()]
    for data in engine.config.get("pendings", ()):
        pending = record.decode(data)
        if _name(pending) not in there:
            effects.append(("append", pending))
    return effects


def of_card(engine, token) -> list:
    """The pendings that can be reversed with the card of this token."""
    found = []
    for _, pending in engine.known.pendings():
        if pending["token"] == token and engine.exchange.unanswered(pending["txn"]) == "reverse":
            found.append(pending)
    return found


def take_up(engine) -> list:
    """Begin to reverse the next pending of the card that was read. Only the card's ciphertext
    is remembered, and in RAM: after a restart the pending waits for its card again."""
    known = engine.known
    want = engine.want
    pending = want["pendings"].pop(0)
    late = engine.exchange.same_day and Open(0, pending).is_from_before(known.wall)
    if late or pending["batch"] != known.batch:
        return [("next",)]  # settled at the host: it can be undone no more
    engine.lent = {"card": want["cipher"], "card_key": want["key_id"]}
    return reversal.once_more(pending, 1)


def with_card(engine, armed: dict) -> dict:
    """An ARMED record as it is; a PENDING with the card that was read for it."""
    if armed["kind"] == record.PENDING:
        armed = dict(armed)
        armed.update(engine.lent)
    return armed


def status(known) -> str:
    """The last line of the first screen."""
    count = len(known.pendings())
    return "OLD TERMINAL: %d OPEN" % count if count else "READY"


def _name(pending: dict) -> tuple:
    return pending["device"], pending["seq"]
