"""Many power cuts in a row, at random."""

from __future__ import annotations

import random
from contextlib import suppress

from terminal.journal import JournalFull
from tests.journal.campaign.cuts import WORKLOADS
from tests.journal.campaign.family import STRONG, Family, any_tear, go_on
from tests.journal.nor import PowerCut
from tests.journal.tears import FATES
from tests.journal.world import Terminal


class Burst(Family):
    name = "burst"
    words = (
        "25 power cuts in a row, mostly or always within the recovery from the one before,"
        " with any tear and any fate of the bits; work in between, and at the end it goes on"
    )
    ids = "<seed>.<number>"
    exhaustive = False
    faults = 25
    write_once = False
    share = 8

    def case(self, index: int) -> str:
        return f"{self.seed}.{index}"

    def run(self, case: str) -> int:
        seed = f"{self.name}/{case}"
        rng = random.Random(seed)
        workload = self.trace(f"{case.partition('.')[0]}.{rng.randrange(WORKLOADS)}")
        terminal, _ = self.after(workload.name, f"{rng.random():.6f}", seed)
        self.begin(terminal)
        relentless = rng.random() < 0.5
        for _ in range(self.faults):
            self._until_cut(terminal, rng, relentless)
        terminal.nor.cut_at = 0
        terminal.boot(alarms=self.alarms(terminal))
        terminal.release_below(terminal.oracle.next_seq)
        go_on(terminal)
        return self.faults

    def begin(self, terminal: Terminal) -> None:
        """What comes before the first cut."""

    def alarms(self, terminal: Terminal) -> tuple[str, ...]:
        """What may be said at a restart: each takes two slots, and no release may get through."""
        return ("FULL_AT_BOOT",)

    def _until_cut(self, terminal: Terminal, rng: random.Random, relentless: bool) -> None:
        nor = terminal.nor
        if relentless:
            nor.cut_at = nor.changes + rng.choice((1, 1, 1, 2, 2, 3, 4))
            nor.cut_fate = rng.choice(tuple(FATES.values()))
        else:
            nor.cut_at = nor.changes + rng.choice((1, 1, 2, 2, 3, rng.randrange(1, 25)))
            nor.cut_fate = FATES.get(rng.choice((STRONG, *FATES)))
        nor.cut_as = any_tear
        try:
            for _ in range(100):
                terminal.boot(whole=False, alarms=self.alarms(terminal))
                self.sell(terminal, rng)
        except PowerCut:
            self.tell(f"THE POWER IS CUT: bits {nor.cut_fate.words if nor.cut_fate else STRONG}")
        else:
            raise AssertionError("nothing was written")

    def sell(self, terminal: Terminal, rng: random.Random) -> None:
        """Work between two restarts."""
        try:
            for _ in range(rng.randrange(3)):
                terminal.append()
        except JournalFull:
            terminal.release_below(terminal.oracle.next_seq)
        terminal.release_all_but(12)
        terminal.idle()


class FullRing(Burst):
    name = "full"
    words = (
        "25 power cuts in a row in a ring without room, most of them in restarts (FULL_AT_BOOT);"
        " now and then a little is released; at the end all is, and it goes on"
    )
    share = 2

    def begin(self, terminal: Terminal) -> None:
        terminal.boot()
        with suppress(JournalFull):
            while True:
                terminal.append()

    def sell(self, terminal: Terminal, rng: random.Random) -> None:
        with suppress(JournalFull):
            for _ in range(rng.randrange(4)):
                terminal.append()
        if rng.random() < 0.3:
            oracle = terminal.oracle
            terminal.release_below(min(oracle.released + rng.randrange(1, 20), oracle.next_seq))
        if rng.random() < 0.5:
            terminal.idle()

    def alarms(self, terminal: Terminal) -> tuple[str, ...]:
        """A release that found no slot is forgotten, and what it let go may be erased by then."""
        forgotten = terminal.oracle.released > terminal.oracle.released_surely
        return ("FULL_AT_BOOT", "SECTOR_LOST") if forgotten else ("FULL_AT_BOOT",)
