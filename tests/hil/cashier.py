"""The cashier of the rig: keys in a transaction, takes the power as planned, and clears up
afterwards."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from dataclasses import dataclass

from companion.acquirer import kinds
from companion.acquirer.events import Event
from tests.hil.dut import Cutter, Rig
from tests.hil.plan import HOST, MARKER, RANDOM, REST, Cut
from tests.hil.tape import PowerGone, Screen, Silence

MERCHANT_NAME = "Rig"
_ENDS = (
    *("APPROVED", "DECLINED", "NOT CHARGED", "NOT DONE", "OPEN CASE", "NO CONNECTION"),
    "NOT POSSIBLE",
)
_SETTLED = ("SETTLED", "NOT SETTLED", "NOT POSSIBLE")
_CLEARED = (*_ENDS, *_SETTLED, "LAST TRANSACTION")
# What a cashier presses in the menu for it; a sale needs none.
_MENU = {
    kinds.VOID: "1",
    kinds.REFUND: "2",
    kinds.PREAUTH: "3",
    kinds.PREAUTH_CANCEL: "4",
    kinds.COMPLETION: "5",
    kinds.COMPLETION_NOTICE: "6",
    kinds.COMPLETION_VOID: "7",
}
TRANSACTION = "transaction"
SETTLEMENT = "settlement"
RESTART = "restart"
_PROMPTS = ("9 Settle", "ENTER = yes", "ENTER = next", "digits, ENTER", "CANCEL = stop")
_MAX_STEPS = 200


class Refused(Exception):
    """The terminal did not begin the transaction; the message is what it showed."""


@dataclass(frozen=True)
class Order:
    """A transaction, what is typed for it, one prompt after the other, and the card."""

    what: str
    typed: tuple[str, ...]
    card: int


@dataclass(frozen=True)
class Happened:
    """A cut that came: as what it was planned, what it hit, and during what."""

    kind: str
    hit: str
    during: str


class Cashier:
    """One person, one terminal."""

    def __init__(self, rig: Rig, settle_s: float = 0.0) -> None:
        """``settle_s``: how long a rail takes to fall for certain."""
        self.rig = rig
        self.cuts: list[Happened] = []
        self._settle_s = settle_s
        self._armed: Cut | None = None
        self._during = ""
        self._lock = threading.RLock()  # held while the power is cut
        self._switched = ""
        self._requests_left = 0
        self._timer: threading.Thread | None = None

    def request(self, event: Event) -> None:
        """The host has a message from the terminal, in the host's thread."""
        with self._lock:
            if self._requests_left:
                self._requests_left -= 1
                if not self._requests_left:
                    self._switch_off(f"the host has {event['mti']}")

    def transact(self, order: Order, cut: Cut, again: Cut | None) -> None:
        """One transaction with its cuts, to the terminal's first screen again."""
        self._approach(order)
        tape = self.rig.dut.tape
        self._arm(cut, TRANSACTION)
        with contextlib.suppress(PowerGone):
            mark = len(tape)
            self.rig.dut.send({"card": card(order.card)})
            tape.wait_screen(_is_end, mark)
            # A key is answered only when the last record is stored.
            mark = len(tape)
            self.rig.dut.send({"key": "CLEAR"})
            tape.wait_screen(_is_first, mark)
        self._over(again)

    def settle(self, cut: Cut, again: Cut | None) -> None:
        """Close the batch, with its cuts; once more when the first came before it began."""
        tape = self.rig.dut.tape
        self._press("ENTER", "9 Settle")
        self._arm(cut, SETTLEMENT)
        with contextlib.suppress(PowerGone):
            self._settled()
            mark = len(tape)
            self.rig.dut.send({"key": "CLEAR"})
            tape.wait_screen(_is_first, mark)
        self._over(again)
        self._press("ENTER", "9 Settle")
        screen = self._settled()
        if screen[0] != "SETTLED" and "No open batch" not in screen:
            raise Refused(" / ".join(screen))
        self.rest()

    def _settled(self) -> Screen:
        """The screen that ends it. Before it there may be others: cases are tried once more, and
        a batch that cannot be closed yet is tried again by itself."""
        mark = len(self.rig.dut.tape)
        self.rig.dut.send({"key": "9"})
        return self.rig.dut.tape.wait_screen(lambda one: one[0].startswith(_SETTLED), mark)

    def _over(self, again: Cut | None) -> None:
        """A cut that has not come by now comes at rest."""
        self._disarm()
        if self.rig.dut.tape.powered:
            self._during = REST
            self._switch_off(REST)
        self.rest(again)

    def rest(self, again: Cut | None = None) -> None:
        """Whatever is shown: to the first screen, with the power on."""
        for _ in range(_MAX_STEPS):
            if not self.rig.dut.tape.powered:
                self._power_on(again)
                again = None
            if self._first_screen():
                if self._armed is None:
                    return
                self._disarm()
        raise Silence(f"not at rest after {_MAX_STEPS} steps: {self.rig.dut.tape.screen()}")

    # -- at the panel ---------------------------------------------------------------------------

    def _approach(self, order: Order) -> None:
        """Up to the screen that asks for a card."""
        tape = self.rig.dut.tape
        if order.what in _MENU:
            self._press("ENTER", "9 Settle")
            self._press(_MENU[order.what], "digits, ENTER", "ENTER = next")
        for text in order.typed:
            for digit in text:
                mark = len(tape)
                self.rig.dut.send({"key": digit})
                tape.wait_screen(lambda one: True, mark)
            self._press("ENTER", "digits, ENTER", "ENTER = next", "ENTER = yes")
        self._press("ENTER", "Insert or tap card")

    def _press(self, key: str, *expected: str) -> None:
        tape = self.rig.dut.tape
        mark = len(tape)
        self.rig.dut.send({"key": key})

        def is_there(screen: Screen) -> bool:
            return any(words in row for row in screen for words in expected)

        screen = tape.wait_screen(lambda one: is_there(one) or one[0].startswith(_CLEARED), mark)
        if not is_there(screen):
            raise Refused(" / ".join(screen))

    def _first_screen(self) -> bool:
        """One step towards it; whether it is there."""
        dut = self.rig.dut
        mark = len(dut.tape)
        screen = dut.tape.screen(mark)
        if _is_first(screen):
            return dut.tape.powered
        if "Receipt not printed" in screen:
            dut.send({"key": "ENTER"})
        elif any(prompt in row for row in screen for prompt in _PROMPTS):
            dut.send({"key": "CANCEL"})
        elif screen[0].startswith(_CLEARED):
            dut.send({"key": "CLEAR"})
        with contextlib.suppress(PowerGone):
            dut.tape.wait_screen(lambda one: True, mark)
        return False

    # -- the power ------------------------------------------------------------------------------

    def _power_on(self, again: Cut | None) -> None:
        self._disarm()
        time.sleep(self._settle_s)
        if again:
            self._arm(again, RESTART)
        with self._lock:  # a cut waits until there is something to cut
            self.rig.power.on()

    def _arm(self, cut: Cut, during: str) -> None:
        self._armed, self._during = cut, during
        if cut.kind == HOST:
            with self._lock:
                self._requests_left = cut.n
        elif cut.kind == RANDOM:
            self._cut_in(cut.delay / 1e6)
        elif cutter := self._cutter_of(cut):
            cutter.arm(cut)
        elif cut.kind == MARKER:
            self.rig.dut.tape.after(cut.n, functools.partial(self._cut_in, cut.delay / 1e6))

    def _cutter_of(self, cut: Cut | None) -> Cutter | None:
        cutter = self.rig.cutter
        return cutter if cut and cutter and cut.kind in cutter.kinds else None

    def _cut_in(self, seconds: float) -> None:
        self._timer = threading.Thread(target=self._later, args=(seconds,))
        self._timer.start()

    def _later(self, seconds: float) -> None:
        time.sleep(seconds)
        self._switch_off(f"{seconds * 1000:.1f} ms")

    def _disarm(self) -> None:
        """Write down what took the power, if something did; nothing is armed any more."""
        cut = self._armed
        if cut is None and not self._switched:
            return
        with self._lock:
            self._requests_left = 0
        if self._timer:
            self._timer.join()
            self._timer = None
        hit = self._switched
        self.rig.dut.tape.after(0, None)
        if cutter := self._cutter_of(cut):
            cutter.disarm()
            hit = cutter.fired() or hit
        if hit:
            kind = cut.kind if cut and hit != REST else REST
            self.cuts.append(Happened(kind, hit, self._during))
        self._armed, self._switched = None, ""

    def _switch_off(self, why: str) -> None:
        with self._lock:
            if not self.rig.dut.tape.powered:
                return  # another cut was first
            self._switched = why
            self.rig.power.off()
            self.rig.dut.tape.power(False)


def card(number: int) -> dict[str, str]:
    """A synthetic card: prefix 999999 is assigned to nobody, the check digit is right."""
    body = f"999999{number:09d}"
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return {"pan": f"{body}{-total % 10}", "expiry": "3012", "entry": "021"}


def _is_end(screen: Screen) -> bool:
    return screen[0].startswith(_ENDS)


def _is_first(screen: Screen) -> bool:
    return screen[0] == MERCHANT_NAME
