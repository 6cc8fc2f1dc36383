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
    ("storage_failed", why)               an append raised

Effects
    ("append", record)                    ``wall`` is stamped by the runner
    ("connect", link) ("send", link, data) ("linger", link) ("hang_up", link)
    ("timer", name, number, milliseconds) ("next",)
    ("show", mode, screen, values...) ("print", line) ("beep", times)
    ("set_clock", host_time) ("forget_cards",) ("home",)

W numbers are failure windows, I numbers invariants of the card protocol (protocol/README.md).
"""

from protocol import record
from protocol.iso8583.keys import KeyBlockError
from terminal import entries, money, reversal, sale, state
from terminal.exchange import AnswerError

# Records a sale may need beyond one for each reversal try: sign-in, ARMED, the decision to
# reverse, its end, a late answer, two notes, a boot, a receipt, and one to spare (W29).
_SALE_ROOM = 10
# A checkpoint is written when nothing is open and this many records have gone by.
CHECKPOINT_EVERY = 64
# The card key is erased this long after its first use, when nothing is pending. Not after every
# sale: each time costs a sector erase, and a sector has about 100,000.
CARD_KEY_MS = 30 * 60 * 1000

_KEPT = 1
_EXPIRING = 2
_FORGOTTEN = 3


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
        self.step: Step | None = None
        self.want: dict = {}  # the sale the cashier confirmed, until it is armed
        self.fault = ""
        self.sign_first = False
        self._links = 0
        self._stan = 0
        self._retry = 0
        self._late = 0
        self._cards = _KEPT

    def handle(self, event: tuple) -> list:
        """The effects of one event. An unknown event is a programming error (KeyError)."""
        return getattr(self, _HANDLERS[event[0]])(*event[1:])

    # -- what to do next ------------------------------------------------------------------------

    def _next(self) -> list:
        """Begin the next online step: what is unfinished first, then the cashier's sale."""
        if self.step or self.fault:
            return []
        if not self.known.open and not self.want:
            return []
        if self.sign_first or not self.known.key_block:
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
        self._stan = max(self._stan, self.known.stan) % 999999 + 1
        return self._stan

    # -- the cashier and the clock --------------------------------------------------------------

    def _start(self, cause: str, firmware: str, alarm: str) -> list:
        effects = [entries.boot(self.known.boot + 1, cause, firmware)]
        if alarm:
            effects.append(entries.note("JOURNAL_ALARM", alarm))
        last = self.known.last
        if self.known.open:
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
        return self._next()

    def _refusal(self, amount_minor: int, displayed_minor: int, room: int) -> str:
        if self.fault:
            return self.fault
        if self.step or self.want:
            return "Busy"
        if amount_minor != displayed_minor or not 0 < amount_minor <= 999999999999:
            return "Amount differs"  # I7
        if room < _SALE_ROOM + self.config["reversal_tries"]:
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
        known = self.known
        if self.step or self.want or self.fault or not known.quiet():
            return []
        effects = []
        if self._cards == _KEPT:
            self._cards = _EXPIRING
            effects.append(("timer", "forget", 0, CARD_KEY_MS))
        if known.since_checkpoint >= CHECKPOINT_EVERY:
            effects.append(entries.checkpoint(known))
        return effects

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
        if step.what == "sign_in":
            step.request = self.exchange.sign_in(self._next_stan())
            before = []
        elif step.what == "reversal":
            before = self._build_reversal(step)
        else:
            before = self._arm(step)
        if step.request is None:
            return before
        return before + [
            ("send", link, step.request.data),
            ("timer", "answer", link, self.config["response_ms"]),
        ]

    def _arm(self, step: Step) -> list:
        """ARMED is durable before the first byte leaves (I1)."""
        want = self.want
        self.want = {}
        if self._cards == _FORGOTTEN:
            self._cards = _KEPT
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
        return [entries.note("NO_CONNECTION", why)] + self._give_up_for_now(why)

    def _closed(self, link: int, why: str) -> list:
        if self.step is None or self.step.link != link:
            return []
        return [("hang_up", link)] + self._failed(self.step, "LINE_CLOSED", why)

    def _timer(self, name: str, number: int) -> list:
        if name == "answer" and self.step and self.step.link == number:
            # The line stays open for a while: a late answer is evidence (W10), never an approval.
            return [("linger", number)] + self._failed(self.step, "NO_ANSWER", self.step.what)
        if name == "retry" and number == self._retry:
            return self._next()
        if name == "forget":
            return self._forget_cards()
        return []

    def _forget_cards(self) -> list:
        """No reversal can need a PAN any more: the key of the stored ciphertexts goes (I12)."""
        if self.step or self.want or self.known.open or self.known.suspended:
            self._cards = _KEPT
            return []
        self._cards = _FORGOTTEN
        return [("forget_cards",)]

    def _received(self, link: int, data: bytes) -> list:
        step = self.step
        if step is None or step.link != link or step.request is None:
            return self._late_answer(data)
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
        effects = [entries.note(code, why)]
        if step.what == "sale":
            return effects + reversal.decide(self.known.open, reversal.NO_ANSWER)
        if step.what == "reversal":
            return effects + self._try_again()
        return effects + self._give_up_for_now("Sign-in not answered")

    def _give_up_for_now(self, why: str) -> list:
        """The line or the sign-in failed; nothing was sent that would need an undo."""
        self.want = {}
        if self.known.open:
            return self._wait()
        return [("show", "result", "offline", why), ("beep", 3)]

    # -- answers --------------------------------------------------------------------------------

    def _signed_in(self, request, answer) -> list:
        why = answer.code if answer.code != "00" else ""
        if not why:
            try:
                self.exchange.check_keys(answer.key_block)
            except KeyBlockError as error:
                why = str(error)
        if why:
            return [entries.note("SIGN_IN_REFUSED", why)] + self._give_up_for_now(
                "Sign-in refused"
            )
        self.sign_first = False
        return [
            ("set_clock", answer.host_time),
            entries.signed_in(request.stan, answer.batch, answer.key_block, answer.host_time),
            ("next",),
        ]

    def _sale_answer(self, answer) -> list:
        tx = self.known.open
        action = self.exchange.action("request", answer.code)
        if answer.forged or (action == "approve" and not answer.authentic):
            self.sign_first = True
            return [entries.note("BAD_MAC", "0210")] + reversal.decide(tx, "A0")  # W13
        if action == "approve":
            return sale.approved(self.config, tx, answer)
        if action in ("unknown", "partial"):
            return [entries.note("UNKNOWN", answer.code)] + reversal.decide(tx, "98")  # W30
        if action == "needs_recon":
            return sale.needs_recon(tx, answer)
        if action == "decline_sign_in":
            self.sign_first = True
        return sale.declined(tx, answer)

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

    def _late_answer(self, data: bytes) -> list:
        """An answer after its time-out: kept as evidence once, never acted on (W10)."""
        tx = self.known.open
        stan = tx.armed["stan"] if tx else self.known.reversed_stan
        if self._late == stan:
            return []
        found = self.exchange.late(data, stan)
        if found is None:
            return []
        self._late = stan
        return [entries.late(*found)]


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
