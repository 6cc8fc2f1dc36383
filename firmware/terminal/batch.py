"""Closing the batch: what to write, send and show at each phase.

CLOSING freezes the totals; TOTALS_SENT is durable before the 0500 leaves. A balanced batch is
CLOSED. An unbalanced one is uploaded, eight details a message, from the cursor of the newest
UPLOADING record; END_SENT, then CLOSED. Each message keeps its STAN until it is
answered (W18 to W21). A batch that the host refuses as often as a reversal is tried is UNSETTLED:
a case for the companion, and the terminal sells again. Its totals stay: when the next sign-in
names the same batch it goes on with them, and settling it again is possible at any time.
"""

from protocol import record
from protocol.iso8583 import settlement
from terminal import entries, money, receipt


def close(engine) -> list:
    """Freeze the totals."""
    engine.refusals = 0
    return [entries.batch(engine.known, record.CLOSING, 0), ("next",)]


def shown(known) -> tuple:
    """The screen while the batch is closing."""
    total = known.closing["debit_minor"] - known.closing["credit_minor"]
    sign = "-" if total < 0 else ""
    return ("show", "busy", "settling", known.batch, sign + money.show(abs(total)))


def proceed(engine) -> list:
    """What a phase does without the host; [] when its message is due."""
    known = engine.known
    if known.phase == record.BALANCED:
        return _closed(engine, known.closing["code"], False)
    if known.phase == record.UNBALANCED:
        begun = entries.batch(known, record.UPLOADING, engine.next_stan(), known.first)
        return [begun, ("next",)]
    if known.phase == record.UPLOADING and engine.details is None:
        return [("find", "details", known.closing["cursor"])]
    return []


def found(engine, rows: list, cursor: int) -> list:
    """The details from the cursor on, or none: then the upload is done."""
    if engine.known.phase != record.UPLOADING:
        return []
    if rows:
        engine.details = (rows, cursor)
        return [("next",)]
    return [entries.batch(engine.known, record.END_SENT, engine.next_stan()), ("next",)]


def build(engine, step) -> list:
    """Give the step the message of the present phase; returns what is written before it."""
    known = engine.known
    frozen = known.closing
    before = []
    name = "settlement"
    stan = frozen["stan"]
    if known.phase == record.CLOSING:
        stan = engine.next_stan()
        before = [entries.batch(known, record.TOTALS_SENT, stan)]
    if known.phase == record.UPLOADING:
        name = "batch_upload"
        text = settlement.details(engine.details[0])
    elif known.phase == record.END_SENT:
        name = "batch_end"
        text = settlement.end_count(frozen["debit_count"] + frozen["credit_count"])
    else:
        text = settlement.totals(
            frozen["debit_minor"],
            frozen["debit_count"],
            frozen["credit_minor"],
            frozen["credit_count"],
        )
    engine.first_try = bool(before)
    step.request = engine.exchange.closing(name, stan, known.batch, text, known.key_block)
    return before


def answered(engine, answer) -> list:
    """What follows from an answer that is the request's own."""
    action = engine.exchange.action("settlement", answer.code)
    if action == "done_if_repeated" and not engine.first_try:
        action = "done"
    done = action == "done"
    # A host that has some details already (94) may say so without a MAC: the end counts them all.
    proved = answer.code != "00" and engine.known.phase == record.UPLOADING
    if answer.forged or (done and not answer.authentic and not proved):
        engine.sign_first = True
        return _refused(engine, "BAD_MAC", "settlement " + answer.code, answer.code)
    if engine.known.phase == record.TOTALS_SENT:
        return _totals(engine, action, answer)
    if not done:
        return _again(engine, action, answer)
    if engine.known.phase == record.END_SENT:
        return _closed(engine, answer.code, True)
    cursor = engine.details[1]
    engine.details = None
    engine.refusals = 0
    return [entries.batch(engine.known, record.UPLOADING, engine.next_stan(), cursor), ("next",)]


def _totals(engine, action: str, answer) -> list:
    known = engine.known
    said = settlement.reply(answer.totals)
    if action == "upload" or (action == "done" and said == settlement.UNBALANCED):
        stan = known.closing["stan"]
        engine.refusals = 0
        return [entries.batch(known, record.UNBALANCED, stan, 0, answer.code), ("next",)]
    if action == "done" and (said == settlement.BALANCED or answer.code != "00"):
        stan = known.closing["stan"]
        balanced = entries.batch(known, record.BALANCED, stan, 0, answer.code)
        return [balanced] + _closed(engine, answer.code, False)
    return _again(engine, action, answer)


def _closed(engine, code: str, uploaded: bool) -> list:
    known = engine.known
    closed = entries.batch(known, record.CLOSED, known.closing["stan"], 0, code)
    engine.sign_first = True  # the host gives the next batch number
    engine.route.closed()
    end = "UNBALANCED, UPLOADED" if uploaded else "BALANCED"
    effects = [closed, ("show", "result", "settled") + shown(known)[3:] + (end,), ("beep", 1)]
    for row in receipt.settled(engine.config, closed[1], end):
        effects.append(("print", row))
    return effects


def _again(engine, action: str, answer) -> list:
    """The same message once more, later, or when the cashier settles again after a stop."""
    if action in ("sign_in", "abort_sign_in"):
        engine.sign_first = True
    code = "CLOSING_STOPPED" if action == "stop" else "CLOSING_REFUSED"
    return _refused(engine, code, answer.code, answer.code)


def _refused(engine, note: str, why: str, code: str) -> list:
    engine.refusals += 1
    effects = engine.evidence.trouble(note, why)
    if engine.refusals >= engine.config["reversal_tries"]:
        return effects + _unsettled(engine, code)
    if note == "CLOSING_STOPPED":
        return effects + [("show", "result", "closing", engine.known.batch), ("beep", 5)]
    return effects + wait(engine)


def _unsettled(engine, code: str) -> list:
    """The host will not have it: a case."""
    known = engine.known
    ended = entries.batch(known, record.UNSETTLED, known.closing["stan"], 0, code)
    engine.sign_first = True  # only the host knows which batch is open
    engine.details = None
    effects = [ended, ("show", "result", "unsettled", known.batch, code), ("beep", 5)]
    for row in receipt.settled(engine.config, ended[1], "NOT SETTLED (%s): OPEN CASE" % code):
        effects.append(("print", row))
    return effects


def wait(engine) -> list:
    """Nothing came of it this time."""
    return [("show", "result", "closing", engine.known.batch)] + engine.retry_later()
