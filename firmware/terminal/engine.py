"""The transaction engine: events in, effects out, nothing else.

The runner carries effects out in their order, and an ``append`` is durable and folded into the
state before the next effect starts. So the order of effects below *is* the safety argument: ARMED
before ``send``, the outcome before ``show`` and ``print``. When an append fails, the runner drops
the effects behind it and says so with ``storage_failed``.

Events
    ("start", cause, firmware, alarm)     power came on, the journal is replayed into the state
    ("sale", amount_minor, displayed_minor, card, room)   the cashier confirmed and a card was read
    ("connected", link) ("connect_failed", link, why)     what came of a ``connect``
    ("received", link, data) ("closed", link, why)        one message, or the end of the line
    ("timer", name, number)               a timer ran out
    ("next",)                             the effects before it are carried out
    ("reprint", wanted)                   the cashier's answer to a receipt that is owed
    ("idle",)                             nothing has happened for a while
    ("storage_failed", why)               an append raised, or the card key's flash, or the panel

Effects
    ("append", record)                    ``wall`` is stamped by the runner
    ("connect", link) ("send", link, data) ("linger", link) ("hang_up", link)
    ("timer", name, number, milliseconds) ("next",)
    ("show", mode, screen, values...) ("print", line) ("beep", times)
    ("set_clock", host_time) ("forget_cards",) ("home",)

W numbers are failure windows, I numbers invariants: firmware/README.md lists both.
"""

from protocol import record
from terminal import entries, money, reversal, sale, state
from terminal.exchange import AnswerError, RequestError
from terminal.upkeep import Upkeep

# Records a sale may need (W29): sign-in, ARMED, why it is reversed, the decision, its end, a late
# answer, a lost card, six kinds of trouble on the line, two restarts at three slots each.
_SALE_ROOM = 20
# And for each reversal try: its record, why it failed, a new sign-in.
_TRY_ROOM = 3


class Step:
    """The one online step under way: what it is, its link number and the request once sent."""

    def __init__(self, what: str, link: int) -> None:
        self.what = what
        self.link = link
        self.request = None


class Engine:
    """State machine for sign-in, sale and reversal. ``known`` is the fold over the journal."""

    def __init__(self, config: dict, exchange, known) -> None:
        self.config = config
        self.exchange = exchange
        self.known = known
        self.evidence = entries.Evidence()
        self.step: Step | None = None
        self.want: dict = {}  # the sale the cashier confirmed, until it is armed
        self.fault = ""
        self.sign_first = False
        self._links = 0
        self._stan = known.stan
        self._retry = 0
        self._hold = False  # the host may still be at work on what is to be reversed
        self.upkeep = Upkeep(known)

    def handle(self, event: tuple) -> list:
        """The effects of one event. An unknown event is a programming error (KeyError)."""
        return getattr(self, _HANDLERS[event[0]])(*event[1:])

    # -- what to do next ------------------------------------------------------------------------

    def _next(self) -> list:
        """Begin the next online step: what is unfinished first, then the cashier's sale."""
        if self.step or self.fault or self._hold:
            return []
        if not self.known.open and not self.want:
            return []
        if self.sign_first or self.exchange.bad_keys(self.known.key_block):
            return self._begin("sign_in", ("show", "busy", "signing_in"))
        if self.known.open:
            return self._begin("reversal", reversal.shown(self.known.open))
        amount = money.show(self.want["amount_minor"])
        return self._begin("sale", ("show", "busy", "connecting", amount))

    def _begin(self, what: str, shown: tuple) -> list:
        self._links += 1
        self.step = Step(what, self._links)
        return [shown, ("connect", self._links)]

    def _next_stan(self) -> int:
        # A STAN is used once even if the step that took it left no record (W16).
        self._stan = self._stan % 999999 + 1
        return self._stan

    # -- the cashier and the clock --------------------------------------------------------------

    def _start(self, cause: str, firmware: str, alarm: str) -> list:
        effects = [entries.boot(self.known.boot + 1, cause, firmware)]
        if alarm:
            effects.append(entries.note("JOURNAL_ALARM", alarm))
        last = self.known.last
        tx = self.known.open
        if tx and tx.doubtful:
            # To reverse what may have been approved would be worse than to ask (I4).
            effects.append(entries.note("RECORD_LOST", ""))
            effects.extend(self._suspend())
        elif tx and not tx.attempt:
            effects.extend(self._wait_for_host())
        elif tx:
            effects.append(("next",))
        elif last and not last.printed:
            effects.append(sale.owed(last))
        else:
            effects.append(("home",))
        return effects

    def _sale(self, amount_minor: int, displayed_minor: int, card: dict, room: int) -> list:
        refusal = self._refusal(amount_minor, displayed_minor, room)
        if refusal:
            return [("show", "result", "refused", refusal), ("beep", 3)]
        self.want = {"amount_minor": amount_minor, "displayed_minor": displayed_minor}
        self.want.update(card)
        self.evidence.new_sale()
        return self._next()

    def _refusal(self, amount_minor: int, displayed_minor: int, room: int) -> str:
        if self.fault:
            return self.fault
        if self.step or self.want:
            return "Busy"
        if amount_minor != displayed_minor or not 0 < amount_minor <= 999999999999:
            return "Amount differs"  # I7
        if self._hold:
            return "Unfinished sale: wait"
        if room < _SALE_ROOM + _TRY_ROOM * self.config["reversal_tries"]:
            return "Journal full: sync"  # W29
        if len(self.known.suspended) >= state.MAX_SUSPENDED - 1:
            return "Open cases: sync"
        return ""

    def _reprint(self, wanted: bool) -> list:
        last = self.known.last
        if last is None or last.printed:
            return [("home",)]
        return sale.reprint(self.config, last, wanted) + [("home",)]

    def _idle(self) -> list:
        busy = self.step or self.want or self.fault
        return [] if busy else self.upkeep.idle()

    def _storage_failed(self, why: str) -> list:
        # What is armed stays armed on flash and is reversed after a restart; nothing more is sent.
        self.fault = why
        self.step = None
        self.want = {}
        return [("show", "blocked", "fault", why), ("beep", 5)]

    # -- the line -------------------------------------------------------------------------------

    def _connected(self, link: int) -> list:
        step = self.step
        if step is None or step.link != link:
            return [("hang_up", link)]
        try:
            before = self._build(step)
        except RequestError as error:
            return [("hang_up", link)] + self._storage_failed(str(error))
        if step.request is None:
            return before
        return before + [
            ("send", link, step.request.data),
            ("timer", "answer", link, self.config["response_ms"]),
        ]

    def _build(self, step: Step) -> list:
        """Give the step its request; returns what comes before it is sent."""
        if step.what == "reversal":
            return self._build_reversal(step)
        if step.what == "sale":
            return self._arm(step)
        step.request = self.exchange.sign_in(self._next_stan())
        return []

    def _arm(self, step: Step) -> list:
        """ARMED is durable before the first byte leaves (I1)."""
        want = self.want
        self.want = {}
        self.upkeep.card_used()
        armed = entries.armed(record.SALE, self._next_stan(), self.known.batch, want)
        step.request = self.exchange.sale(armed[1], want, self.known.key_block)
        return [armed, ("show", "busy", "processing", money.show(want["amount_minor"]))]

    def _build_reversal(self, step: Step) -> list:
        tx = self.known.open
        reason = tx.reason or reversal.NO_ANSWER
        step.request = self.exchange.reversal(tx.armed, reason, self.known.key_block)
        if step.request is None:
            # The card's ciphertext cannot be opened, so no 0400 can be built: a case.
            self.step = None
            return [("hang_up", step.link), entries.note("NO_CARD_KEY", "")] + self._suspend()
        return [reversal.attempt(tx)]

    def _connect_failed(self, link: int, why: str) -> list:
        if self.step is None or self.step.link != link:
            return []
        self.step = None
        return self.evidence.trouble("NO_CONNECTION", why) + self._give_up_for_now(why)

    def _closed(self, link: int, why: str) -> list:
        if self.step is None or self.step.link != link:
            return []
        return [("hang_up", link)] + self._failed(self.step, "LINE_CLOSED", why)

    def _timer(self, name: str, number: int) -> list:
        if name == "answer" and self.step and self.step.link == number:
            # The line stays open for a while: a late answer is evidence (W10), never an approval.
            return [("linger", number)] + self._failed(self.step, "NO_ANSWER", self.step.what)
        if name == "retry" and number == self._retry:
            self._hold = False
            return self._next()
        if name == "forget":
            return self.upkeep.forget_cards(bool(self.step or self.want))
        return []

    def _received(self, link: int, data: bytes) -> list:
        step = self.step
        if step is None or step.link != link or step.request is None:
            return self.evidence.late(self.exchange, self.known, data)
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
        if step.what == "sign_in":
            return hang_up + self._signed_in(step.request, answer)
        if step.what == "reversal":
            return hang_up + self._reversal_answer(answer)
        return hang_up + self._sale_answer(answer)

    def _failed(self, step: Step, code: str, why: str) -> list:
        """The step under way got no usable answer."""
        self.step = None
        if step.request is None or step.what == "sign_in":
            return self.evidence.trouble(code, why) + self._give_up_for_now("Sign-in not answered")
        effects = [entries.note(code, why)]
        if step.what == "reversal":
            return effects + self._try_again()
        effects.extend(reversal.decide(self.known.open, reversal.NO_ANSWER))
        if code == "LINE_CLOSED":
            effects.extend(self._wait_for_host())
        return effects

    def _give_up_for_now(self, why: str, screen: str = "offline") -> list:
        """The line or the sign-in failed; nothing was sent that would need an undo."""
        self.want = {}
        if self.known.open:
            return self._wait()
        return [("show", "result", screen, why), ("beep", 3)]

    # -- answers --------------------------------------------------------------------------------

    def _signed_in(self, request, answer) -> list:
        why = answer.code if answer.code != "00" else self.exchange.bad_keys(answer.key_block)
        if why:
            given_up = self._give_up_for_now("Sign-in refused", "refused")
            return self.evidence.trouble("SIGN_IN_REFUSED", why) + given_up
        self.sign_first = False
        return [
            ("set_clock", answer.host_time),
            entries.signed_in(request.stan, answer.batch, answer.key_block, answer.host_time),
            ("next",),
        ]

    def _sale_answer(self, answer) -> list:
        tx = self.known.open
        action = self.exchange.action("request", answer.code)
        bad_mac = answer.forged or (action == "approve" and not answer.authentic)
        if bad_mac or action == "decline_sign_in":
            self.sign_first = True
        if bad_mac:
            return [entries.note("BAD_MAC", "0210")] + reversal.decide(tx, "A0")  # W13
        if action in ("unknown", "partial"):
            return [entries.note("UNKNOWN", answer.code)] + reversal.decide(tx, "98")  # W30
        return sale.answered(self.config, tx, action, answer)

    def _reversal_answer(self, answer) -> list:
        tx = self.known.open
        action = self.exchange.action("reversal", answer.code)
        done = action in ("done", "received")
        if answer.forged or (done and not answer.authentic):
            self.sign_first = True
            return [entries.note("BAD_MAC", "0410")] + self._try_again()  # W12
        if done:
            return reversal.end(self.config, tx, record.REV_OK, answer.code, answer.rrn)
        if action in ("absent", "absent_high", "absent_case"):
            return reversal.end(self.config, tx, record.REV_ABSENT, answer.code, answer.rrn)
        if action == "suspend":
            return self._suspend(answer.code)
        if action in ("sign_in_retry", "sign_in_retry_once"):
            self.sign_first = True
        # retry, back_off, keep and escalate: it stays pending, and becomes a case after the tries.
        return [entries.note("REVERSAL_REFUSED", answer.code)] + self._try_again()

    def _try_again(self) -> list:
        """A reversal went out and brought nothing: again after a wait, or a case (W8, W17)."""
        if self.known.open.attempt >= self.config["reversal_tries"]:
            return self._suspend()
        return self._wait()

    def _suspend(self, code: str = "") -> list:
        return reversal.end(self.config, self.known.open, record.REV_SUSPENDED, code)

    def _wait(self) -> list:
        self.want = {}
        self._retry += 1
        return reversal.wait(self.known.open, self._retry, self.config["reversal_wait_ms"])

    def _wait_for_host(self) -> list:
        """A reversal that overtakes its original is answered 25, and the original then charged:
        as long as the host may hold the original, its reversal waits (W11)."""
        self._hold = True
        self._retry += 1
        return reversal.wait(self.known.open, self._retry, self.config["response_ms"])


_HANDLERS = {
    "start": "_start",
    "sale": "_sale",
    "connected": "_connected",
    "connect_failed": "_connect_failed",
    "received": "_received",
    "closed": "_closed",
    "timer": "_timer",
    "next": "_next",
    "reprint": "_reprint",
    "idle": "_idle",
    "storage_failed": "_storage_failed",
}
