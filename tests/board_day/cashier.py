"""The cashier: does the day's actions at the panel, through every cut, and keeps every slip."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, replace

from boards.virtual.shop import MERCHANT_NAME, Shop, card, is_end
from tests.board_day import plan
from tests.board_day.network import Network
from tests.board_day.plan import Action, Cut
from tests.board_day.tape import PowerGone, Screen, Slip, Tape
from tests.card_data import inside

_MENU = {
    plan.VOID: "1",
    plan.REFUND: "2",
    plan.PREAUTH: "3",
    plan.CANCEL: "4",
    plan.COMPLETION: "5",
    plan.NOTICE: "6",
    plan.COMPLETION_VOID: "7",
    plan.BALANCE: "8",
}
_CARD = "Insert or tap card"
_BY_STAN = (plan.VOID, plan.COMPLETION_VOID)
# What a person clears from the panel, and what asks for more; all else changes by itself.
_CLEARED = ("BALANCE", "LAST TRANSACTION", "SETTLED", "NOT DONE")
_PROMPTS = ("9 Settle", "ENTER = yes", "ENTER = next", "digits, ENTER", "CANCEL = stop")


class Refused(Exception):
    """The terminal ended the action before it asked for a card."""


@dataclass
class Attempt:
    """What came of an action: the screens from its first key on; whether the power went."""

    action: Action
    screens: list[Screen]
    cut: bool


class Cashier:
    """One person at one terminal, from the first sale to the last settlement."""

    def __init__(self, shop: Shop, network: Network) -> None:
        self.tape = Tape(shop.board)
        self.attempts: list[Attempt] = []
        self.cuts: Counter[str] = Counter()
        self.syncs = 0
        self.leaks: list[str] = []  # card data in flash at a cut
        self._shop = shop
        self._network = network
        self._slips: dict[int, Slip] = {}
        self._flash_armed = False
        self._switched = ""  # why the cashier has cut the power
        self._fresh = 10_000_000  # amounts of what is sold instead, above all that is planned

    def do(self, action: Action, retry: bool = True) -> None:
        """One action, to the terminal's first screen again; once more when it wants a sync."""
        self._rest()
        action = self._possible(action)
        first, lines = len(self.tape.screens), len(self.tape.printed)
        events = len(self._shop.host.events)
        cuts = self.cuts.total()
        if action.network:
            self._network.trouble(action.network, action.after_bytes)
        try:
            self._approach(action)
            self._arm(action.cut)
            mark = len(self.tape.screens)
            self._shop.board.insert_card(_card(action.card))
            if action.cut and action.cut.at == "held":
                self._hold(events, mark)
            self.tape.until(_ended, mark)
        except (PowerGone, Refused):
            pass
        if action.network == "refused":
            # An unfinished transaction waits for the host, which must be there for that.
            self._network.mend()
        self._rest(action.again)
        self._network.mend()
        if action.cut and action.cut.at == "rest":
            self._switch_off("rest")
            self._rest(action.again)
        slip = next((one for one in reversed(self.tape.slips(lines))), None)
        if slip:
            self._slips[action.number] = slip
        shown = self.tape.screens[first:]
        self.attempts.append(Attempt(action, shown, self.cuts.total() > cuts))
        refused = any(one[0] == "NOT POSSIBLE" and "sync" in one[2] for one in shown)
        if refused and retry:
            self.sync()
            self.do(replace(action, cut=None, again=None, network=""), retry=False)

    def settle(self, cut: Cut | None = None) -> None:
        """Close the batch, however often the host has to be asked."""
        self._rest()
        self._arm(cut)
        screen: Screen = []
        for _ in range(5):
            first = len(self.tape.screens)
            try:
                self._press("ENTER", "9 Settle")
                self._press("9", "")
                screen = self.tape.until(_settled, first)
            except (PowerGone, Refused):
                # Whatever phase it was in, the terminal goes on by itself; once more does no harm.
                self._rest()
                continue
            self._rest()
            if screen[0] != "NOT POSSIBLE" or screen[2] == "No open batch":
                return
            self.sync()
        raise TimeoutError(f"the batch cannot be settled: {screen}")

    def sync(self) -> None:
        """The companion takes the records; a cut in between is what the next sync is for."""
        for left in (2, 1, 0):
            self._rest()
            try:
                port = f"tls://127.0.0.1:{self._shop.sync_port}"
                done = json.loads(self._shop.companion("sync", "--port", port, "--json"))
            except RuntimeError:
                if not left:
                    raise
                continue
            if done["gaps"]:
                raise RuntimeError(f"the sync found {done['gaps']} gaps")
            self.syncs += 1
            return

    def finish(self, cuts: int) -> None:
        """Bring a cut that never came, settle, sync, and start once more."""
        self._rest()
        self.tape.calm()
        while self.cuts.total() < cuts:
            self._switch_off("rest")
            self._rest()
        self.settle()
        self._shop.wait_late_answers()
        self._rest()
        self._shop.board.power_off()
        self.tape.power_on()
        self.sync()

    # -- at the panel ---------------------------------------------------------------------------

    def _possible(self, action: Action) -> Action:
        """The action, or a sale when what it goes back to was not approved."""
        original = self._slips.get(action.original)
        last = self._slips[max(self._slips)] if self._slips else None
        gone = action.kind in _BY_STAN and original and last and original.batch != last.batch
        if action.original and (original is None or gone):
            self._fresh += 1
            return Action(
                action.number,
                plan.SALE,
                self._fresh,
                action.card,
                cut=action.cut and (Cut("rest") if action.cut.at == "held" else action.cut),
                again=action.again,
            )
        return action

    def _approach(self, action: Action) -> None:
        """Up to the screen that asks for a card."""
        kind = action.kind
        amount = str(action.amount_minor)
        original = self._slips.get(action.original)
        if kind in _MENU:
            self._press("ENTER", "9 Settle")
            self._press(_MENU[kind], "")
        if kind == plan.BALANCE:
            self._wait(_CARD)
            return
        if kind in _BY_STAN and original:
            self._type(original.stan.lstrip("0"), "ENTER = yes")
        else:
            if original:
                self._type(original.rrn if kind == plan.REFUND else original.auth, "DATE MMDD")
                self._type(original.date, "ENTER = next")
            self._type(amount, "ENTER = yes")
        self._press("ENTER", _CARD)

    def _type(self, text: str, expected: str) -> None:
        mark = len(self.tape.screens)
        self._shop.board.type(text)
        self._shop.board.press("ENTER")
        self._wait(expected, mark)

    def _press(self, key: str, expected: str) -> None:
        mark = len(self.tape.screens)
        self._shop.board.press(key)
        self._wait(expected, mark)

    def _wait(self, expected: str, since: int | None = None) -> None:
        since = len(self.tape.screens) - 1 if since is None else since
        screen = self.tape.until(lambda one: expected in "\n".join(one) or is_end(one), since)
        if expected not in "\n".join(screen):
            raise Refused

    def _rest(self, again: Cut | None = None) -> None:
        """Whatever is shown: to the first screen, with the power on."""
        while True:
            if not self._shop.board.is_on:
                self._count_cut()
                self._look_for_cards()
                self._arm(again)
                again = None
                self.tape.power_on()
            mark, screen = len(self.tape.screens), self.tape.screens[-1]
            if screen[0] == MERCHANT_NAME:
                return
            if "Receipt not printed" in screen or "Once more?" in screen:
                self._shop.board.press("ENTER")
            elif any(prompt in row for row in screen for prompt in _PROMPTS):
                self._shop.board.press("CANCEL")
            elif is_end(screen) or screen[0].startswith(_CLEARED):
                self._shop.board.press("CLEAR")
            with contextlib.suppress(PowerGone):
                self.tape.until(lambda shown: True, mark)

    # -- the power ------------------------------------------------------------------------------

    def _arm(self, cut: Cut | None) -> None:
        if cut is None or cut.at in ("held", "rest"):
            return
        board = self._shop.board
        if cut.at in ("program", "erase") and not self._flash_armed:
            self._flash_armed = True
            arm = board.cut_at_program if cut.at == "program" else board.cut_at_erase
            arm(cut.n, cut.phase, seed=cut.seed)
        else:
            self.tape.cut_at(max(1, cut.n))

    def _hold(self, events: int, mark: int) -> None:
        """Until the host sits on its answer, or the action has ended without one."""
        events_seen = self._shop.host.events
        for _ in range(3000):
            if any(event.get("do") == "hold_answer" for event in events_seen[events:]):
                return self._switch_off("held")
            if any(_ended(screen) for screen in self.tape.screens[mark:]):
                return self._switch_off("rest")
            time.sleep(0.02)
        raise TimeoutError("neither an answer held nor an end on the panel")

    def _switch_off(self, why: str) -> None:
        if self._shop.board.is_on:
            self._shop.board.power_off()
            self._switched = why

    def _look_for_cards(self) -> None:
        """What anybody could read who takes the board now (I12)."""
        for label, flash in self._shop.board.flash.items():
            for offset, what in inside(flash.image()):
                self.leaks.append(f"{what} in {label} at {offset}, cut {self.cuts.total()}")

    def _count_cut(self) -> None:
        """Why is the power off?"""
        if self._switched:
            self.cuts[self._switched] += 1
            self._switched = ""
            return
        cut = self._shop.board.wait_cut()
        self.cuts["panel" if cut.what == "panel" else f"{cut.what} {cut.phase}"] += 1
        if cut.what != "panel":
            self._flash_armed = False


def _card(number: int) -> dict[str, str]:
    """Every third card is read from its magnetic stripe."""
    made = card(number)
    return {**made, "track2": made["pan"] + "=30122010000"} if number % 3 == 0 else made


def _ended(screen: Screen) -> bool:
    return is_end(screen) or screen[0].startswith(("NOT DONE", "BALANCE"))


def _settled(screen: Screen) -> bool:
    return screen[0] in ("SETTLED", "NOT POSSIBLE")
