"""Carries the engine's effects out, in order, on a board.

The one rule that matters: an ``append`` returns only when the record is durable, and no effect
behind it starts before. If the journal, the vault or the panel raises, the effects behind it are
dropped and the engine is told; so nothing is sent, shown or printed on the strength of a record
that is not there, and no slip is recorded that did not come out.
"""

import asyncio

from protocol import record
from terminal import cards, cases, entries, lookup, screens, trade
from terminal.acquirer import AcquirerLine
from terminal.cell import CellFault
from terminal.journal import JournalFault, JournalFull

# A stalled peer must not make the queue grow: events beyond this are refused where they arise.
_MAX_EVENTS = 32
# The panel's modes in which somebody reads how something ended.
_READING = ("result", "pages")
# And those in which nobody is at it.
_RESTFUL = ("idle", "busy", "blocked")
# What gives way to a transaction waits so often and so long, then takes so many steps all the
# same, a message of a sync: a sync must go on while a host takes its time.
_WAITS = 4
_WAIT_MS = 5
_STEPS = 40
# So many slips may wait for paper. One more is not begun, nor one that the printer has no room
# for: it is owed, as after a cut.
_MAX_SLIPS = 8
_SLIP_ROWS = 20  # more than any slip has
# A late answer is listened for this many answer time-outs long.
_LINGER = 3


def _not_here(what: str) -> list:
    return [("home",)]


class Runner:
    """The loop of one terminal: panel, line and timers in; effects out."""

    def __init__(self, config: dict, panel, clock, vault, ledger, engine, front) -> None:
        self._panel = panel
        self._clock = clock
        self._vault = vault
        self._ledger = ledger
        self._engine = engine
        self.front = front
        self._token_key = config["token_key"]
        linger_ms = _LINGER * config["response_ms"]
        self.line = AcquirerLine(config, linger_ms, self.post)
        self._events: list[tuple] = []
        self._wake = asyncio.Event()
        self._shown: list[str] = []
        self._steps = 0
        self._printing = getattr(panel, "printing", bool)
        self._want_card = getattr(panel, "want_card", None)
        self._in_reader = False  # a card whose reader has not heard what became of it
        self._paper_room = getattr(panel, "paper_room", None)
        self._slips: list[dict] = []  # their RECEIPTs wait for the printer
        self._slip: bool | None = None  # whether the one being printed has room; None: none is
        self._timers: dict = {}
        self.known = engine.known
        self.on_ask = _not_here  # gives the effects of what is no trade
        self.touched = 0  # keys, cards and ends since the start

    def post(self, event: tuple) -> None:
        """Queue an event; a full queue drops panel events, which a person simply repeats."""
        if len(self._events) >= _MAX_EVENTS and event[0] in ("key", "card"):
            return
        self._events.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Serve for ever."""
        while True:
            if self._events:
                self.dispatch(self._events.pop(0))
                await asyncio.sleep_ms(0)
            elif not self._housekeeping():
                self._wake.clear()
                await self._wake.wait()
            else:
                await asyncio.sleep_ms(0)

    async def watch_panel(self) -> None:
        """Turn what the panel brings into events."""
        while True:
            event = await self._panel.event()
            if not isinstance(event, dict):
                continue
            if "key" in event:
                self.post(("key", str(event["key"])))
            elif "card" in event:
                self.post(("card", event["card"]))
            elif "chip" in event:
                self.post(("chip", event["chip"] is True))
            elif "printed" in event:
                self.post(("printed",))

    def busy(self) -> bool:
        """Whether a transaction is under way; an unfinished one that waits for a try is not."""
        return bool(self._engine.step) or self.in_hand()

    def in_hand(self) -> bool:
        """Whether a request waits for its answer, or the cashier for an end: not so while an
        unfinished sale waits for a connection, which may not come for days."""
        engine = self._engine
        sent = engine.step and engine.step.request
        asked = engine.doubt or engine.retries is not None
        return bool(sent or engine.want or engine.waiting or asked)

    async def give_way(self) -> None:
        """For work that can wait, before each small step of it: return when no transaction is
        under way, or some 20 ms later."""
        await asyncio.sleep_ms(0)
        if self._steps:
            self._steps -= 1
            return
        for _ in range(_WAITS):
            if not self.busy():
                return
            await asyncio.sleep_ms(_WAIT_MS)
        self._steps = _STEPS

    def may_restart(self) -> bool:
        """Whether a restart takes nothing from the cashier."""
        return not self.in_hand() and self.front.mode in _RESTFUL + _READING

    def shows_result(self) -> bool:
        """Whether the panel shows how something ended, which the cashier may still be reading;
        that something goes on comes again with every try."""
        goes_on = self.known.open or self.known.closing
        return self.front.mode in _READING and not goes_on

    def refresh(self) -> None:
        """The first screen says how much room there is, and that has changed."""
        if self.front.mode == "idle":
            self._home()

    def spare(self) -> int:
        """How many slots of the journal are free beyond those that a transaction and settling
        may need: with none nothing is sold."""
        return self._room() - trade.room_needed(self.known, self._engine.route.turns)

    def _room(self) -> int:
        """Of the journal, beyond what waits for the printer; below 0 when its flash has failed."""
        return self._ledger.room() - len(self._slips)

    def note(self, code: str, detail: str) -> None:
        """Write down as evidence, if trade leaves room for it."""
        if self.spare() > 0:
            self.post(("note", code, detail))

    def leave_backup(self) -> bool:
        """Whether the backup host may go (route.py); nothing goes there from now on."""
        return self._engine.route.leave_backup()

    def take_verdicts(self, verdicts: list) -> str:
        """Write down how cases ended and show it; durable when it returns "", else why not."""
        why_not, effects, new = cases.take(self._engine, self._ledger, verdicts)
        self._carry_out(effects)
        if new and not self._engine.fault:
            self._carry_out([("beep", 1)])
            if self.front.mode in ("idle", "result"):
                self._carry_out(self.front.read(cases.pages(new)))
        return why_not or self._engine.fault

    def dispatch(self, event: tuple) -> None:
        """One event, and all its effects."""
        self._slip = None
        if event[0] in ("key", "card"):
            self.touched += 1
        if event[0] == "key":
            effects = self.front.key(event[1])
        elif event[0] == "card":
            effects = self.front.card(event[1], self._shown)
        elif event[0] == "note":
            effects = [entries.note(event[1], event[2])]
        elif event[0] == "printed":
            effects = [("append", rec) for rec in self._slips]
            self._slips = []
            effects.append(("owe",))
        else:
            if event[0] == "connected":
                event += (self._clock.wall(),)
            effects = self._engine.handle(event)
        self._carry_out(effects)

    def _carry_out(self, effects: list) -> None:
        try:
            for effect in effects:
                self._do(effect)
        except (JournalFull, JournalFault, CellFault, OSError) as error:
            self._out_of_service(str(error))

    def _out_of_service(self, why: str) -> None:
        for effect in self._engine.handle(("storage_failed", why)):
            try:
                self._do(effect)
            except OSError:
                pass  # it was the panel that failed; the sync goes on

    def _housekeeping(self) -> bool:
        """One step of work that must not stand in a customer's way; True while there is more."""
        if self._engine.step or self._engine.want:
            return False
        effects = self._engine.handle(("idle",))
        if effects:
            self._carry_out(effects)
            return True
        return self._ledger.idle()

    def _do(self, effect: tuple) -> None:
        """The method with the effect's name: a table of them would take its place on the heap."""
        getattr(self, "_" + effect[0])(*effect[1:])

    # -- effects --------------------------------------------------------------------------------

    def _append(self, rec: dict) -> None:
        begun, self._slip = self._slip, None
        if rec["kind"] == record.RECEIPT and rec["copy"]:
            # W7: it says that the slip is out, and a queue is lost with the power.
            if begun is False:
                return
            if self._printing():
                self._slips.append(rec)
                return
        if "wall" not in rec:
            rec["wall"] = self._clock.wall()
        self._engine.known.apply(self._ledger.append(rec), rec)

    def _next(self) -> None:
        # First in the queue: nothing may come between an effect list and what follows from it.
        self._events.insert(0, ("next",))
        self._wake.set()

    def _connect(self, link: int, host: int) -> None:
        self.line.connect(link, host)

    def _send(self, link: int, data: bytes) -> None:
        self.line.send(link, data)

    def _linger(self, link: int) -> None:
        self.line.linger(link)

    def _hang_up(self, link: int) -> None:
        self.line.hang_up(link)

    def _timer(self, name: str, number: int, milliseconds: int) -> None:
        task = self._timers.pop(name, None)
        if task:
            task.cancel()
        self._timers[name] = asyncio.create_task(self._run_timer(name, number, milliseconds))

    async def _run_timer(self, name: str, number: int, milliseconds: int) -> None:
        await asyncio.sleep_ms(milliseconds)
        self.post(("timer", name, number))

    def _show(self, mode: str, screen: str, *values: object) -> None:
        self._shown = screens.lines(screen, *values)
        self.front.mode = mode
        if self.shows_result():
            self.touched += 1
        self._panel.show(self._shown)
        if self._want_card:
            self._want_card(self.front.card_wanted())
        over = screen == "reversing" or mode not in ("busy", "ask")
        if over and not self._engine.want:
            self._to_reader("refused", "", b"")

    def _to_reader(self, how: str, code: str, icc: bytes) -> None:
        if self._in_reader:
            self._in_reader = how == "chip"  # which is not the end
            self._panel.tell_reader(how, code, icc)

    def _home(self) -> None:
        self._carry_out(self.front.idle())

    def _print(self, row: str) -> None:
        if self._slip is None:
            room = self._paper_room
            fits = not room or room() >= _SLIP_ROWS
            self._slip = fits and len(self._slips) < _MAX_SLIPS
        if self._slip:
            self._panel.print_line(row)

    def _owe(self) -> None:
        """The paper has come back: a slip that it had no room for is offered."""
        last = self.known.last
        if last and not last.printed and self.front.mode in ("idle", "result"):
            self._carry_out([trade.owed(last)])

    def _beep(self, times: int) -> None:
        self._panel.beep(times)

    def _set_clock(self, host_time: str) -> None:
        self._clock.set_from_host(host_time)

    def _forget_cards(self) -> None:
        self._vault.rotate()

    def _card_in(
        self, txn: int, amount_minor: int, displayed_minor: int, raw: dict, original
    ) -> None:
        self._in_reader = hasattr(self._panel, "tell_reader")
        try:
            card = cards.check(raw)
        except cards.CardError as error:
            self._carry_out([("show", "result", "refused", str(error)), ("beep", 3)])
            return
        card["masked"] = cards.masked(card["pan"])
        card["token"] = cards.token(self._token_key, card["pan"])
        card["cipher"], card["key_id"] = self._vault.protect(card["pan"], card["expiry"])
        amounts = (amount_minor, displayed_minor)
        self._tell("transact", txn, *amounts, card, original, self._room(), self._clock.wall())

    def _tell(self, *event: object) -> None:
        self._carry_out(self._engine.handle(event))

    def _find(self, what: str, *key: int) -> None:
        ledger = self._ledger
        known = self._engine.known
        self._tell(*lookup.find(ledger.record_at, known, ledger.next_seq, what, *key))

    def _offer(self, txn: int, amount_minor: int, original: dict) -> None:
        self._carry_out(self.front.offer(txn, amount_minor, original))

    def _ask_settle(self) -> None:
        self._tell("settle", self._room())

    def _ask_reprint(self) -> None:
        # It is written down, and not in the room that settling may need (W29).
        if self.spare() > 0:
            self._tell("reprint_last")
        else:
            self._carry_out(trade.refused(trade.no_room(self._room())))

    def _ask_cases(self) -> None:
        self._carry_out(self.front.read(cases.pages(cases.told(self._ledger))))

    def _ask(self, what: str) -> None:
        self._carry_out(self.on_ask(what))

    def _answer(self, wanted: bool) -> None:
        self._tell("reprint", wanted, self._room())
