"""One case: a world, a trace of steps in it, and the quiet after them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from terminal import money
from tests.world import invariants as inv
from tests.world.actions import ACTIONS, draw
from tests.world.book import Books
from tests.world.coverage import Coverage
from tests.world.dice import Dice, Step
from tests.world.host import Host
from tests.world.invariants import Violation
from tests.world.line import Network
from tests.world.oracle import Oracle
from tests.world.shop import TERMINALS, Shop
from tests.world.speech import Speech
from tests.world.terminal import Machine
from tests.world.timeline import Timeline

SELLS = 25  # transactions of a case
_QUIET_MS = 3 * 3_600_000
_TICK_MS = 60_000
_PATIENT_MS = 60_000
_UNFINISHED_MS = 300_000
_UNFINISHED = (["UNFINISHED SALE"], ["SETTLEMENT"])


class World:
    """Terminals, network, host and cashier on one timeline, with an oracle watching each till."""

    def __init__(self, seed: str, story: list[str] | None = None) -> None:
        self.timeline = Timeline()
        self.shop = shop_of(seed)
        self.coverage = Coverage()
        self.story = story
        profile = self.shop.profile
        speech = Speech(profile)
        self.books = Books(one.terminal_no for one in TERMINALS)
        rng = random.Random(f"{seed} host")
        self.host = Host(self.timeline, rng, self.books, self.fired, speech)
        rng = random.Random(f"{seed} line")
        self.network = Network(self.timeline, self.host, self.fired, rng)
        rng = random.Random(f"{seed} terminal")
        self.oracles: list[Oracle] = []
        self.machines: list[Machine] = []
        for till in self.shop.tills:
            book = self.books.of[till.config["terminal_no"]]
            oracle = Oracle(speech, profile, book, self.coverage, story)
            oracle.begins(till.config, till.seal_keys)
            oracle.decided = till.decided
            machine = Machine(self.timeline, self.network, oracle, till, profile, rng)
            self.oracles.append(oracle)
            self.machines.append(machine)
            machine.power_on()
        self.turn_to(0)

    def turn_to(self, place: int) -> None:
        """The cashier goes over to this till, if there is one."""
        place = min(place, len(self.machines) - 1)
        self.till = self.shop.tills[place]
        self.oracle = self.oracles[place]
        self.machine = self.machines[place]
        if len(self.machines) > 1:
            self.tell(f"at till {place}")

    def tell(self, line: str) -> None:
        if self.story is not None:
            self.story.append(line)

    def fired(self, fault: str) -> None:
        """A fault struck."""
        self.coverage.faults[fault] += 1
        self.tell(f"fault: {fault}")

    # -- time

    def run(self, milliseconds: int) -> None:
        until = self.timeline.now + milliseconds
        while self.timeline.step(until):
            pass

    def settle(self, patience: int) -> None:
        """Let time pass until the panel is no longer busy, or patience runs out."""
        until = self.timeline.now + patience
        while self.machine.busy and self.timeline.step(until):
            pass

    # -- the cashier's hands

    def keys(self, names: Sequence[str]) -> None:
        for name in names:
            if name == "CLEAR" and self.machine.panel.lines[:1] == ["SAME CARD AND AMOUNT"]:
                self.oracle.not_again()
            self.machine.post(("key", name))

    def ready(self, patience: int) -> None:
        """Get the panel ready; a patient cashier first lets it finish what it is at."""
        until = self.timeline.now + _UNFINISHED_MS
        while patience >= _PATIENT_MS and self.unfinished and self.timeline.step(until):
            pass
        self.settle(_TICK_MS)
        self.to_idle()

    @property
    def unfinished(self) -> bool:
        """The panel says that no sale is possible for now."""
        return not self.machine.on or self.machine.panel.lines[:1] in _UNFINISHED

    def to_idle(self) -> None:
        """Get the panel ready for an amount: answer what it asks, switch off what is stuck."""
        if self.machine.mode == "blocked":
            self.tell("out of service")
            self.machine.repair()
            self.machine.restart("PWRON")
            self.machine.sync()
            self.settle(_TICK_MS)
        if self.machine.mode == "ask":
            again = self.machine.panel.lines[:1] == ["SAME CARD AND AMOUNT"]
            self.keys(["CLEAR" if again else "ENTER"])
        if self.machine.mode not in ("off", "busy", "idle", "blocked"):
            self.keys(["CANCEL"])

    def card(self, card: dict[str, str], chip: bool = False) -> None:
        machine = self.machine
        if machine.mode == "card":
            shown = machine.panel.lines[0]
            amount = money.read(shown[4:]) if shown.startswith("CNY ") else None
            self.oracle.card_read(amount, card, chip)
        machine.post(("card", {**card, "chip": chip}))

    # -- the trace

    def do(self, step: Step) -> None:
        self.tell(f"-- {self.timeline.now / 1000:.1f} s: {' '.join(map(str, step))}")
        ACTIONS[step[0]].do(self, *step[1:])
        self._money()

    def _money(self) -> None:
        """What must hold of the host's books at any time."""
        inv.i08_completions_keep_to_the_hold(self.books.rows(), self.shop.profile.preauth_percent)
        inv.i09_no_more_goes_back_than_was_captured(self.books.rows())

    def quieten(self) -> None:
        """Everything is good from now on and time passes; then nothing may be left one-sided."""
        self.tell("-- quiet")
        self.network.good()
        self.host.armed.clear()
        self.host.lag_until = 0
        for machine in self.machines:
            machine.repair()
            machine.journal_flash.cut_at = machine.vault_flash.cut_at = 0
            machine.cut_at_effect, machine.cut_behind = 0, (0, 0)
        places = range(len(self.machines))
        until = self.timeline.now + _QUIET_MS
        while self.timeline.now < until:
            self.run(_TICK_MS)
            for place in places:
                self.turn_to(place)
                self.to_idle()
            if all(one.on and not one.busy and one.finished for one in self.machines):
                break
        for place in places:
            self.turn_to(place)
            self.machine.sync()
            self.oracle.quiet()
            self._sells_again()
            self.oracle.quiet()
            self.machine.restart("SOFT")
            self.machine.retire()

    def _sells_again(self) -> None:
        approved = self.coverage.states["APPROVED"]
        # The first may meet a sign-in that an earlier fault asked for, and a full journal is
        # emptied by closing the batch.
        # After an error of its flash only a restart helps.
        for step in (("sync",), ("settle", 400_000), ("sync",), ("restart", "PWRON")):
            self.do(step)
            self.do(("sell", 124, 0, 400_000, ""))
            if self.coverage.states["APPROVED"] > approved:
                return
        shown = self.machine.panel.lines
        raise Violation(
            "stuck",
            "nothing is wrong any more, and it does not sell: " + " / ".join(shown),
        )


@dataclass
class Outcome:
    """What came of a case."""

    id: str
    coverage: Coverage
    violation: Violation | None = None
    print: tuple[int, ...] = ()
    """What a digest sees of how it went."""


def steps_of(case: str) -> list[Step]:
    """The trace of a case; its id is the campaign's seed and a number."""
    return draw(Dice(f"{case} steps", shop_of(case).profile), SELLS)


def shop_of(case: str) -> Shop:
    return Shop(random.Random(f"{case} shop"))


def run(case: str, steps: Sequence[Step] | None = None, story: list[str] | None = None) -> Outcome:
    """Run a case, or another trace in its world."""
    world = World(case, story)
    outcome = Outcome(case, world.coverage)
    try:
        for step in steps_of(case) if steps is None else steps:
            world.do(step)
        world.quieten()
    except Violation as violation:
        outcome.violation = violation
    finally:
        world.host.close()
    world.coverage.counts["power cuts"] = sum(machine.cuts for machine in world.machines)
    outcome.print = (world.timeline.now,)
    for machine, oracle in zip(world.machines, world.oracles, strict=True):
        flash = machine.journal_flash
        outcome.print += (flash.operations, flash.changes, oracle.next_seq)
    return outcome
