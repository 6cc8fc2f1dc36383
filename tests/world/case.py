"""One case: a world, a trace of steps in it, and the quiet after them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from terminal import money
from tests.world.actions import ACTIONS, Step, draw
from tests.world.coverage import Coverage
from tests.world.host import Host
from tests.world.invariants import Violation
from tests.world.line import Network
from tests.world.oracle import Oracle
from tests.world.shop import Shop
from tests.world.terminal import Machine
from tests.world.timeline import Timeline

SELLS = 25  # transactions of a case
_QUIET_MS = 3 * 3_600_000
_TICK_MS = 60_000
_PATIENT_MS = 60_000
_UNFINISHED_MS = 300_000
_UNFINISHED = (["UNFINISHED SALE"], ["SETTLEMENT"])


class World:
    """Terminal, network, host and cashier on one timeline, with the oracle watching."""

    def __init__(self, seed: str, story: list[str] | None = None) -> None:
        self.timeline = Timeline()
        self.oracle = Oracle()
        self.oracle.story = story
        fired = self.oracle.fired
        rng = random.Random(f"{seed} host")
        self.host = Host(self.timeline, rng, self.oracle.book, fired)
        rng = random.Random(f"{seed} line")
        self.network = Network(self.timeline, self.host, fired, rng)
        self.shop = Shop(random.Random(f"{seed} shop"))
        self.oracle.takes_part = self.shop.profile.partial == "accept"
        rng = random.Random(f"{seed} terminal")
        self.machine = Machine(self.timeline, self.network, self.oracle, self.shop, rng)
        self.machine.power_on()

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
            self.oracle.tell("out of service")
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
        self.oracle.tell(f"-- {self.timeline.now / 1000:.1f} s: {' '.join(map(str, step))}")
        ACTIONS[step[0]].do(self, *step[1:])
        self.oracle.money()

    def quieten(self) -> None:
        """Everything is good from now on and time passes; then nothing may be left one-sided."""
        machine = self.machine
        self.oracle.tell("-- quiet")
        self.network.good()
        self.host.armed.clear()
        self.host.lag_until = 0
        machine.repair()
        machine.journal_flash.cut_at = machine.vault_flash.cut_at = 0
        machine.cut_at_effect, machine.cut_behind = 0, (0, 0)
        until = self.timeline.now + _QUIET_MS
        while self.timeline.now < until:
            self.run(_TICK_MS)
            self.to_idle()
            if machine.on and not machine.busy and machine.finished:
                break
        machine.sync()
        self.oracle.quiet()
        self._sells_again()
        self.oracle.quiet()
        machine.restart("SOFT")
        machine.retire()

    def _sells_again(self) -> None:
        approved = self.oracle.coverage.states["APPROVED"]
        # The first may meet a sign-in that an earlier fault asked for, and a full journal is
        # emptied by closing the batch.
        # After an error of its flash only a restart helps.
        for step in (("sync",), ("settle", 400_000), ("sync",), ("restart", "PWRON")):
            self.do(step)
            self.do(("sell", 124, 0, 400_000, ""))
            if self.oracle.coverage.states["APPROVED"] > approved:
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
    return draw(random.Random(f"{case} steps"), SELLS)


def run(case: str, steps: Sequence[Step] | None = None, story: list[str] | None = None) -> Outcome:
    """Run a case, or another trace in its world."""
    world = World(case, story)
    outcome = Outcome(case, world.oracle.coverage)
    try:
        for step in steps_of(case) if steps is None else steps:
            world.do(step)
        world.quieten()
    except Violation as violation:
        outcome.violation = violation
    finally:
        world.host.close()
    machine = world.machine
    world.oracle.coverage.counts["power cuts"] = machine.cuts
    flash = machine.journal_flash
    outcome.print = (world.timeline.now, flash.operations, flash.changes, world.oracle.next_seq)
    return outcome
