"""The power is cut: once anywhere, twice around recovery and rollover, and in bursts."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from tests.journal.campaign.family import (
    STRONG,
    Family,
    UnknownCase,
    fate_of,
    go_on,
    known,
    tear_of,
    wounds,
)
from tests.journal.campaign.workload import Trace
from tests.journal.nor import Nor, Operation, PowerCut, TooManyOperations
from tests.journal.tears import FATES, TEARS
from tests.journal.world import Oracle, Terminal, demand

WORKLOADS = 3


class _EnoughSeen(BaseException):
    """The last change that can be cut has come."""


@dataclass
class _Second:
    """What there was just before an operation that followed the first cut."""

    nor: Nor
    oracle: Oracle
    operation: Operation


class Workload(Family):
    name = "workload"
    words = "The workloads that the cases begin with, as they are: no fault at all"
    ids = "<workload>"
    exhaustive = True
    faults = 0

    def size(self) -> int:
        return WORKLOADS

    def case(self, index: int) -> str:
        return f"{self.seed}.{index}"

    def run(self, case: str) -> int:
        Trace(case, self.target, self.story)
        return 0


class Cut(Family):
    name = "cut"
    words = (
        f"Power cut at every program and erase of {WORKLOADS} workloads of three laps (records of"
        " 1..4 slots, syncs, rollovers, restarts), with every tear and every fate of its bits"
    )
    ids = "<workload>/<operation>/<tear>/<fate>"
    exhaustive = True
    share = 4

    def size(self) -> int:
        return sum(len(self._wounds) * len(self.workload(n)) for n in range(WORKLOADS))

    @property
    def _wounds(self) -> list[tuple[str, str]]:
        return wounds(self.workload(0).operations[0])

    def case(self, index: int) -> str:
        index, wound = divmod(index, len(self._wounds))
        number = 0
        while index >= len(self.workload(number)):
            index -= len(self.workload(number))
            number += 1
        workload = self.workload(number)
        tear, fate = wounds(workload.operations[index])[wound]
        return f"{workload.name}/{index}/{tear}/{fate}"

    def run(self, case: str) -> int:
        terminal, strong = self.wounded(case)
        go_on(terminal, restarts=1 if strong else 2)
        return 1

    def wounded(self, case: str) -> tuple[Terminal, bool]:
        """A terminal whose power was just cut, and whether all its bits are strong."""
        workload, number, tear, fate = case.split("/")
        terminal, operation = self.after(workload, number, f"cut/{case}")
        terminal.nor.tear(operation, tear_of(operation, tear), fate=fate_of(fate))
        self.tell(f"THE POWER IS CUT amid {operation}: {tear}, bits {fate}")
        return terminal, fate == STRONG


class CutTwice(Cut):
    """Two cuts; only the second one counts as a fault, for the first is a case of ``cut``."""

    name = "cut2"
    words = (
        "Two power cuts: the first at every operation of each rollover in a lap (erase, header,"
        " first and last slots of a sector), the second at every one of the 16 operations that"
        " follow (recovery, selling, erase ahead), each with every tear and with weak bits of"
        " every fate"
    )
    ids = "<workload>/<operation>/<tear>/<fate>/<n-th operation after>/<tear>/<fate>"
    share = 8
    # Two cuts of one recovery can leave two slots that read erased and are not.
    write_once = False
    depth = 16
    weak: tuple[str, ...] = tuple(FATES)

    def firsts(self) -> list[int]:
        return self.workload(0).rollovers()

    def first_wounds(self, operation: Operation) -> list[tuple[str, str]]:
        return wounds(operation, self.weak)

    def size(self) -> int:
        count = len(self.first_wounds(self.workload(0).operations[0]))
        return len(self.firsts()) * count * self.depth * count

    def case(self, index: int) -> str:
        workload = self.workload(0)
        count = len(self.first_wounds(workload.operations[0]))
        index, second_wound = divmod(index, count)
        index, second = divmod(index, self.depth)
        index, first_wound = divmod(index, count)
        number = self.firsts()[index]
        tear, fate = self.first_wounds(workload.operations[number])[first_wound]
        first = f"{workload.name}/{number}/{tear}/{fate}"
        operation = workload.operations[0]
        # When the first cut breaks a promise already, run() says so.
        with suppress(Exception, TooManyOperations):
            operation = self.seconds(first)[second].operation
        tear, fate = self.first_wounds(operation)[second_wound]
        return f"{first}/{second + 1}/{tear}/{fate}"

    def run(self, case: str) -> int:
        *parts, second, tear, fate = case.split("/")
        first = "/".join(parts)
        seconds = self.seconds(first)
        if not 0 < int(second) <= len(seconds):
            raise UnknownCase(f"no operation {second} is looked at after {first}")
        seen = seconds[int(second) - 1]
        if self.story is not None:
            self._tell_first(first, int(second))
        rng = random.Random(f"{self.name}/{case}")
        terminal = self.terminal(seen.nor.copy(rng), seen.oracle.copy(), f"{self.name}/{case}")
        terminal.nor.tear(seen.operation, tear_of(seen.operation, tear), fate=fate_of(fate))
        self.tell(f"THE POWER IS CUT AGAIN amid {seen.operation}: {tear}, bits {fate}")
        go_on(terminal, restarts=1 if fate == STRONG == parts[-1] else 2)
        return 1

    def seconds(self, first: str) -> list[_Second]:
        """The programs and erases that follow the first cut."""
        return _seconds(self, first)

    def follow(self, first: str) -> list[_Second]:
        terminal, _ = self.wounded(first)
        terminal.story = terminal.nor.story = None
        found: list[_Second] = []
        recovered = False

        def keep(operation: Operation) -> None:
            found.append(_Second(terminal.nor.copy(), terminal.oracle.copy(), operation))
            if recovered and len(found) >= self.depth:
                raise _EnoughSeen

        terminal.nor.watch = keep
        try:
            terminal.boot()
            recovered = True
            demand(
                len(found) <= self.depth or not self.target.exact,
                "unbounded",
                f"a restart after one cut wrote {len(found)} times",
            )
            if len(found) < self.depth:
                sell_on(terminal)
        except _EnoughSeen:
            pass
        return found

    def _tell_first(self, first: str, second: int) -> None:
        terminal, _ = self.wounded(first)

        def stop(operation: Operation) -> None:
            if terminal.nor.changes == second:
                raise _EnoughSeen

        terminal.nor.watch = stop
        try:
            terminal.boot()
            sell_on(terminal)
        except _EnoughSeen:
            pass


class CutInRecovery(CutTwice):
    name = "recut"
    words = (
        "Two power cuts: the first at every operation of a workload of three laps, the second at"
        " every one of the 6 operations that follow (all of the recovery and what comes next),"
        " each with four tears and with weak bits of four kinds"
    )
    depth = 6

    def firsts(self) -> list[int]:
        return list(range(len(self.workload(0))))

    def first_wounds(self, operation: Operation) -> list[tuple[str, str]]:
        return [(tear, STRONG) for tear in ("before", "prefix", "bits", "after")] + [
            ("bits", "settle"),
            ("bits", "relax"),
            ("after", "settle"),
            ("after", "flicker"),
        ]


class CutFormat(Family):
    name = "format"
    words = (
        "Power cut at every program and erase of format(), over a blank flash, noise and an older"
        " journal, with every tear and every fate; then format() is called again"
    )
    ids = "<workload, for its size>/<content>/<operation>/<tear>/<fate>"
    exhaustive = True
    contents = ("blank", "noise", "used")

    def size(self) -> int:
        return sum(self._operations(n) for n in range(WORKLOADS)) * 3 * 48

    def _operations(self, number: int) -> int:
        """An erase of each sector and four headers."""
        return self.workload(number).sectors + 4

    def case(self, index: int) -> str:
        index, content = divmod(index, 3)
        index, wound = divmod(index, 48)
        number = 0
        while index >= self._operations(number):
            index -= self._operations(number)
            number += 1
        workload = self.workload(number)
        kind = "erase" if index < workload.sectors else "program"
        tear, fate = wounds(Operation(kind, 0, b"", b""))[wound]
        return f"{workload.name}/{self.contents[content]}/{index + 1}/{tear}/{fate}"

    def run(self, case: str) -> int:
        name, content, number, tear, fate = case.split("/")
        seed = f"format/{case}"
        rng = random.Random(seed)
        workload = self.trace(name)
        nor = Nor(workload.sectors, rng=rng)
        if known(content, self.contents) == "noise":
            nor.data[:] = rng.randbytes(len(nor.data))
        elif content == "used":
            nor = workload.moment(rng.randrange(len(workload)), seed).nor
        terminal = self.terminal(nor, Oracle(), seed)
        nor.cut_at, nor.cut_as = int(number), TEARS[known(tear, TEARS)]
        nor.cut_fate = fate_of(fate)
        try:
            terminal.format()
        except PowerCut:
            self.tell("THE POWER IS CUT")
        else:
            raise UnknownCase(f"format() has no operation {number}")
        nor.cut_at = 0
        terminal.mount()
        terminal.format()
        go_on(terminal, restarts=2)
        return 1


def sell_on(terminal: Terminal) -> None:
    """Work that never ends: the watch on the flash ends it."""
    while True:
        terminal.append()
        terminal.idle()
        terminal.append()
        terminal.release_all_but(12)
        terminal.idle()


@lru_cache(maxsize=4)
def _seconds(family: CutTwice, first: str) -> list[_Second]:
    return family.follow(first)
