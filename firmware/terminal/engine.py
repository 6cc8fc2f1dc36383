"""The transaction engine: events in, effects out, nothing else.

The runner carries effects out in their order, and an ``append`` is durable and folded into the
state before the next effect starts. So the order of effects below *is* the safety argument: ARMED
before ``send``, the outcome before ``show`` and ``print``. When an append fails, the runner drops
the effects behind it and says so with ``storage_failed``.

Events
    ("start", cause, firmware, alarm)     power came on, the journal is replayed into the state
    ("transact", txn, amount_minor, displayed_minor, card, original, room[, now])
                                          the cashier confirmed and a card was read; ``original``
                                          names what a void, refund or completion goes back to
    ("settle", room)                      the cashier closes the batch
    ("found", what, ...)                  what came of a ``find`` (lookup.py)
    ("chip", accepted)                    the chip's word on what the issuer approved
    ("connected", link[, now]) ("connect_failed", link, why)  what came of a ``connect``
    ("received", link, data) ("closed", link, why)        one message, or the end of the line
    ("timer", name, number)               a timer ran out
    ("next",)                             the effects before it are carried out
    ("reprint", wanted[, room])           the cashier's answer to what the screen asks: a slip that
                                          is owed, or a sale that looks like a repeat
    ("reprint_last",)                     the slip of the last approval again
    ("idle",)                             nothing has happened for a while
    ("storage_failed", why)               an append raised, or the card key's flash, or the panel

Effects
    ("append", record)                    ``wall`` is stamped by the runner
    ("connect", link, host) ("send", link, data) ("linger", link) ("hang_up", link)
    ("timer", name, number, milliseconds) ("next",)
    ("show", mode, screen, values...) ("print", line) ("beep", times)
    ("set_clock", host_time) ("forget_cards",) ("home",)
    ("to_reader", how, code, icc)         what became of the card: drivers/panel.py's tell_reader
    ("find", what, ...)                   look into the journal; ``found`` follows
    ("offer", txn, amount_minor, original)  ask the cashier to confirm it

W numbers are failure windows, I numbers invariants: firmware/README.md lists both.
"""

from protocol import record
from terminal import batch, desk, entries, judge, money, reversal, takeover
from terminal.current import REVERSING
from terminal.exchange import AnswerError, RequestError
from terminal.route import Route, Step
from terminal.upkeep import Upkeep


class Engine:
    """State machine of one terminal's transactions. ``known`` is the fold over the journal."""

    def __init__(self, config: dict, exchange, known) -> None:
        self.config = config
        self.exchange = exchange
        self.known = known
        self.evidence = entries.Evidence()
        self.step: Step | None = None
        self.want: dict = {}  # what the cashier confirmed, until it is armed
        self.lent: dict = {}  # the card that was read for the open pending
        self.doubt: tuple | None = None  # what looks like a repeat, while the cashier is asked
        self.waiting: tuple | None = None  # approved, if the chip agrees: answer, amount, number
        self.details: tuple | None = None  # of the next batch upload
        self.first_try = False  # the batch's totals were not sent before
        self.retries: list | None = None  # suspended reversals still to try before settling
        self.fault = ""
        self.sign_first = False
        self._links = 0
        self.stan = known.stan
        self.chip = False  # the card under way has a last word
        self.refusals = 0  # of a notice, by a host that wanted a sign-in first
        self._retry = 0
        self.hold = False  # the host may still be at work on what is to be reversed
        self.sign_in_stan = 0  # of a sign-in that has not succeeded yet
        self.upkeep = Upkeep(known)
        self.route = Route(config, known, exchange.backup_after)

    def handle(self, event: tuple) -> list:
        """The effects of one event. An unknown event is a programming error (KeyError)."""
        return _HANDLERS[event[0]](self, *event[1:])

    # -- what to do next ------------------------------------------------------------------------

    def next(self) -> list:
        """Begin the next online step: what is unfinished first, then the cashier's wish."""
        known = self.known
        if self.step or self.fault or self.hold or self.waiting:
            return []
        if self.retries is not None and not known.open:
            return desk.close_batch(self)
        if not known.open and known.closing:
            effects = batch.proceed(self)
            if effects:
                return effects
        elif not known.open and not self.want:
            return []
        if not known.open:
            self.route.choose()
        unkeyed = known.phase >= record.CLOSED or self.exchange.bad_keys(known.key_block)
        if self.sign_first or unkeyed or self.route.unkeyed():
            return self._begin("sign_in", ("show", "busy", "signing_in"))
        if known.open:
            what = "again" if self._resends() else "reversal"
            return self._begin(what, reversal.shown(known.open))
        if known.closing:
            return self._begin("batch", batch.shown(known))
        if self.want["pendings"]:
            return takeover.take_up(self)
        amount = money.show(self.want["amount_minor"])
        what = "balance" if self.want["txn"] == record.BALANCE else "transact"
        return self._begin(what, ("show", "busy", "connecting", amount))

    def _begin(self, what: str, shown: tuple) -> list:
        self._links += 1
        self.step = Step(what, self._links, self.route.due())
        return [shown, ("connect", self._links, self.step.host)]

    def _resends(self) -> bool:
        """Whether the open transaction goes on as the same request again."""
        tx = self.known.open
        return bool(tx) and tx.phase != REVERSING and self.policy(tx) == "resend"

    def next_stan(self) -> int:
        """A STAN is used once even if the step that took it left no record (W16)."""
        self.stan = self.stan % 999999 + 1
        return self.stan

    def policy(self, tx) -> str:
        """What follows when nobody knows how a transaction ended."""
        return self.exchange.unanswered(tx.armed["txn"])

    def _idle(self) -> list:
        busy = self.step or self.want or self.fault or self.waiting
        return [] if busy else self.upkeep.idle()

    def _storage_failed(self, why: str) -> list:
        # What is armed stays armed on flash and is reversed after a restart; nothing more is sent.
        self.fault = why
        self.step = None
        self.want = {}
        self.waiting = None
        return [("show", "blocked", "fault", why), ("beep", 5)]

    # -- the line -------------------------------------------------------------------------------

    def _connected(self, link: int, now: int = 0) -> list:
        """``now`` in Unix seconds, 0 when the clock is not set."""
        step = self.step
        if step is None or step.link != link:
            return [("hang_up", link)]
        if step.what != "sign_in":
            self.route.reached()
        try:
            before = self._build(step, now)
        except RequestError as error:
            return [("hang_up", link)] + self._storage_failed(str(error))
        if step.request is None:
            return before
        return before + [
            ("send", link, step.request.data),
            ("timer", "answer", link, self.config["response_ms"]),
        ]

    def _build(self, step: Step, now: int) -> list:
        """Give the step its request; returns what comes before it is sent."""
        known = self.known
        if step.what == "reversal":
            return self._build_reversal(step, now)
        if step.what == "transact":
            return self._arm(step)
        if step.what == "batch":
            return batch.build(self, step)
        if step.what == "again":
            step.request = self.exchange.again(known.open.armed, known.key_block)
            return [] if step.request else self._no_card(step)
        if step.what == "sign_in":
            return self._build_sign_in(step)
        if step.what == "balance":
            stan = self.next_stan()
            step.request = self.exchange.balance(stan, known.batch, self.want, known.key_block)
            self.want = {}
            return [entries.query(record.BALANCE, stan)]
        raise KeyError(step.what)

    def _build_sign_in(self, step: Step) -> list:
        """Tried again and again over an outage it keeps its STAN and is written once (I6, W29)."""
        before = []
        if not self.sign_in_stan:
            self.sign_in_stan = self.next_stan()
            before = [entries.query(0, self.sign_in_stan)]
        step.request = self.exchange.sign_in(self.sign_in_stan)
        return before

    def _arm(self, step: Step) -> list:
        """ARMED is durable before the first byte leaves (I1)."""
        want = self.want
        self.want = {}
        self.refusals = 0
        self.chip = bool(want.get("chip"))
        self.upkeep.card_used()
        armed = entries.armed(self.next_stan(), self.known.batch, want, step.host)
        step.request = self.exchange.transact(armed[1], want, self.known.key_block)
        return [armed, ("show", "busy", "processing", money.show(want["amount_minor"]))]

    def _build_reversal(self, step: Step, now: int) -> list:
        tx = self.known.open
        # The newest record may be hours old: what is tried in vain writes none.
        if self.exchange.same_day and tx.is_from_before(now or self.known.wall):
            self.step = None
            return [("hang_up", step.link), entries.note("DAY_PASSED", "")] + self.suspend()  # W17
        reason = tx.reason or reversal.NO_ANSWER
        armed = takeover.with_card(self, tx.armed)
        key_block = self.known.key_block
        step.request = self.exchange.reversal(armed, reason, key_block, tx.attempt > 0)
        return [reversal.attempt(tx)] if step.request else self._no_card(step)

    def _no_card(self, step: Step) -> list:
        """The card's ciphertext cannot be opened, so the message cannot be built: a case."""
        self.step = None
        return [("hang_up", step.link), entries.note("NO_CARD_KEY", "")] + self.suspend()

    def _connect_failed(self, link: int, why: str) -> list:
        if self.step is None or self.step.link != link:
            return []
        host = self.step.host
        self.step = None
        trouble = self.evidence.trouble("NO_CONNECTION", why)
        if self.route.detour(host, self._resends()):
            return trouble + self.next()
        return trouble + self.give_up_for_now(why)

    def _closed(self, link: int, why: str) -> list:
        if self.step is None or self.step.link != link:
            return []
        self.route.told(self.step.host, False)
        return [("hang_up", link)] + self._failed(self.step, "LINE_CLOSED", why)

    def _timer(self, name: str, number: int) -> list:
        if name == "answer" and self.step and self.step.link == number:
            self.route.told(self.step.host, False)
            # The line stays open for a while: a late answer is evidence (W10), never an approval.
            return [("linger", number)] + self._failed(self.step, "NO_ANSWER", self.step.what)
        if name == "retry" and number == self._retry:
            self.hold = False
            return self.next()
        if name == "chip" and self.waiting and self.waiting[2] == number:
            return judge.chip(self, False, reversal.FAILED)  # W5
        if name == "forget":
            return self.upkeep.forget_cards(bool(self.step or self.want or self.doubt))
        return []

    def _chip(self, accepted: bool) -> list:
        return judge.chip(self, accepted, reversal.REFUSED) if self.waiting else []

    def _received(self, link: int, data: bytes) -> list:
        step = self.step
        if step is None or step.link != link or step.request is None:
            return self.evidence.late(self.exchange, self.known, data)
        self.route.told(step.host, True)
        hang_up = [("hang_up", link)]
        try:
            answer = self.exchange.read(step.request, data, self.known.key_block)
        except AnswerError as error:
            return hang_up + self._failed(step, "BAD_ANSWER", str(error))
        if answer.differs:
            return hang_up + self._failed(step, "MISMATCH", answer.differs)  # W12, W14
        self.step = None
        if answer.wants_sign_in:
            self.sign_first = True
        effects = hang_up + judge.JUDGES[step.what](self, step, answer)
        if step.what == "again" and self.want:
            effects.append(("next",))  # what the cashier wants had to wait for it
        return effects

    def _failed(self, step: Step, code: str, why: str) -> list:
        """The step under way got no usable answer."""
        self.step = None
        if step.request is None or step.what not in ("transact", "reversal"):
            return self.evidence.trouble(code, why) + self._nothing_lost(step)
        effects = [entries.note(code, why)]
        if step.what == "reversal":
            return effects + self.try_again()
        undoing = judge.unanswered(self, reversal.NO_ANSWER)
        if code == "LINE_CLOSED" and self.policy(self.known.open) == "reverse":
            return effects + undoing + self.wait_for_host()
        return effects + undoing

    def _nothing_lost(self, step: Step) -> list:
        if step.what == "batch":
            return batch.wait(self)
        if step.what == "again":
            return self.wait()
        if step.what == "balance":
            return self.give_up_for_now("Not answered")
        if not self.known.open and self.route.silent() and self.route.detour(step.host, False):
            return self.next()
        return self.give_up_for_now("Sign-in not answered")

    def give_up_for_now(self, why: str, screen: str = "offline") -> list:
        """The line or the sign-in failed; nothing was sent that would need an undo."""
        self.want = {}
        self.route.give_up()
        if self.known.open:
            return self.wait()
        if self.known.closing:
            return batch.wait(self)
        return [("show", "result", screen, why), ("beep", 3)]

    # -- later ----------------------------------------------------------------------------------

    def try_again(self) -> list:
        """A reversal went out and brought nothing: again after a wait, or a case (W8, W17)."""
        if self.known.open.attempt >= self.config["reversal_tries"]:
            return self.suspend()
        return self.wait()

    def suspend(self, code: str = "") -> list:
        return reversal.end(self.config, self.known.open, record.REV_SUSPENDED, code)

    def wait(self) -> list:
        """What is unfinished goes on after a while."""
        self.want = {}
        return [reversal.waiting(self.known.open)] + self.retry_later()

    def wait_for_host(self) -> list:
        """A reversal that overtakes its original is answered 25, and the original then charged:
        as long as the host may hold the original, its reversal waits (W11)."""
        self.hold = True
        return [reversal.waiting(self.known.open)] + self.retry_later("response_ms")

    def retry_later(self, wait: str = "reversal_wait_ms") -> list:
        """The timer of the next try."""
        self._retry += 1
        return [("timer", "retry", self._retry, self.config[wait])]


_HANDLERS: dict = {
    "start": desk.start,
    "transact": desk.transact,
    "settle": desk.settle,
    "found": desk.found,
    "reprint": desk.answer,
    "reprint_last": desk.reprint_last,
    "chip": Engine._chip,
    "connected": Engine._connected,
    "connect_failed": Engine._connect_failed,
    "received": Engine._received,
    "closed": Engine._closed,
    "timer": Engine._timer,
    "next": Engine.next,
    "idle": Engine._idle,
    "storage_failed": Engine._storage_failed,
}
