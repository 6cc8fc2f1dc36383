"""A flash that does not do as told: errors, sectors that no longer erase, bits that stick."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import cached_property

from terminal.journal import JournalFault, JournalFull
from tests.journal.campaign.cuts import WORKLOADS
from tests.journal.campaign.damage import DAMAGED, passed_over, records_at
from tests.journal.campaign.family import STRONG, Family, UnknownCase, any_tear, go_on, known
from tests.journal.nor import SECTOR, PowerCut
from tests.journal.tears import FATES, TEARS, prefix
from tests.journal.world import Terminal, demand


class Errors(Family):
    name = "oserror"
    words = (
        "OSError at every read, program and erase of a session (the restart after a torn program,"
        " selling, a rollover), once and for good, with none, some and all of its effect; the"
        " faults are gone at the next restart"
    )
    ids = "<workload>/<operation before>/<operation>/<once, good>/<how much is done>"
    exhaustive = True
    share = 3
    hows = tuple((good, how) for good in ("once", "good") for how in ("before", "bits", "after"))

    def size(self) -> int:
        return sum(self._lengths) * len(self.hows)

    @cached_property
    def _lengths(self) -> list[int]:
        return [self._session_length(self._begin(number)) for number in range(WORKLOADS)]

    def _begin(self, number: int) -> str:
        workload = self.workload(number)
        return f"{workload.name}/{workload.rollovers()[8] - 2}"

    def _session_length(self, begin: str) -> int:
        terminal = self._start(begin)
        # When it breaks a promise without an error, run() says so.
        with suppress(Exception):
            self._session(terminal, False)
        return terminal.nor.operations

    def case(self, index: int) -> str:
        index, how = divmod(index, len(self.hows))
        number = 0
        while index >= self._lengths[number]:
            index -= self._lengths[number]
            number += 1
        good, effect = self.hows[how]
        return f"{self._begin(number)}/{index + 1}/{good}/{effect}"

    def run(self, case: str) -> int:
        workload, moment, number, good, effect = case.split("/")
        terminal = self._start(f"{workload}/{moment}")
        nor = terminal.nor
        nor.fail_at = self._operation(workload, moment, number)
        nor.fail_for_good = known(good, ("once", "good")) == "good"
        nor.fail_as = TEARS[known(effect, TEARS)]
        self._session(terminal, nor.fail_for_good)
        if nor.operations < nor.fail_at:
            raise UnknownCase(f"the session has no operation {number}")
        nor.fail_at, nor.fail_for_good = 0, False
        terminal.exact_room = self.target.exact
        go_on(terminal)
        return 1

    def _operation(self, workload: str, moment: str, number: str) -> int:
        """The operation to fail; a fraction is that part of the session."""
        if "." in number:
            return int(float(number) * self._session_length(f"{workload}/{moment}")) + 1
        return int(number)

    def _start(self, begin: str) -> Terminal:
        workload, moment = begin.split("/")
        terminal, operation = self.after(workload, moment, f"{self.name}/{begin}")
        terminal.nor.tear(operation, prefix)
        terminal.exact_room = False
        return terminal

    def _session(self, terminal: Terminal, for_good: bool) -> None:
        """A start and some selling; only errors that go on may stop it."""
        try:
            report = terminal.mount()
            if report["read_only"]:
                documented = ("UNREADABLE", "CANNOT_AFFIRM", "MOUNT_FAILED")
                demand(
                    for_good and report["alarm"] in documented,
                    "stopped",
                    f"read-only after the mount: {report['alarm']}",
                )
                return
            terminal.oracle.check(terminal.journal, whole=False)
            for number in range(12):
                terminal.append()
                if number % 3 == 2:
                    terminal.release_all_but(12)
                    terminal.idle()
        except JournalFault as fault:
            demand(for_good, "stopped", f"one error stopped it: {fault}")
            self.tell(f"JournalFault: {fault}")


class DeadSector(Family):
    name = "dead"
    words = (
        "From any operation on, one sector no longer erases: nothing, half, noise or zeros are"
        " left, and the flash says so or not; 75 records and three restarts follow"
    )
    ids = "<workload>/<operation>/<sector>/<what an erase leaves>/<silent, tells>"
    exhaustive = False

    def case(self, index: int) -> str:
        rng = self.rng(index)
        workload = self.workload(rng.randrange(WORKLOADS))
        left = rng.choice(("before", "half", "noise", "zeros", "bits"))
        return (
            f"{workload.name}/{rng.randrange(len(workload))}/{rng.randrange(workload.sectors)}"
            f"/{left}/{rng.choice(('silent', 'tells'))}"
        )

    def run(self, case: str) -> int:
        workload, moment, sector, left, tells = case.split("/")
        terminal, _ = self.after(workload, moment, f"{self.name}/{case}")
        known(int(sector), range(terminal.nor.sectors))
        terminal.nor.dead_sectors = {int(sector): TEARS[known(left, TEARS)]}
        terminal.nor.dead_tells = known(tells, ("silent", "tells")) == "tells"
        self.tell(f"sector {sector} NO LONGER ERASES: {left}, {tells}")
        wear_on(terminal, frozenset(), 0)
        return 1


class StuckBit(Family):
    name = "stuck"
    words = (
        "From any operation on, a bit anywhere is stuck at 0 or at 1; 75 records and three"
        " restarts follow, and only a record that the bit itself spoils may read as damaged"
    )
    ids = "<workload>/<operation>/<byte>.<bit>/<value>"
    write_once = False
    exhaustive = False
    share = 2

    def case(self, index: int) -> str:
        rng = self.rng(index)
        workload = self.workload(rng.randrange(WORKLOADS))
        at = rng.randrange(workload.sectors) * SECTOR
        # Headers are a small part of a sector; they get a fifth of the cases.
        at += rng.randrange(32) if rng.random() < 0.2 else rng.randrange(SECTOR)
        return (
            f"{workload.name}/{rng.randrange(len(workload))}/{at}.{rng.randrange(8)}"
            f"/{rng.randrange(2)}"
        )

    def run(self, case: str) -> int:
        workload, moment, place, value = case.split("/")
        at, bit = (int(part) for part in place.split("."))
        terminal, _ = self.after(workload, moment, f"{self.name}/{case}")
        nor = terminal.nor
        old = bytes(nor.data)
        known(at, range(len(old)))
        nor.stick(at, 1 << bit, value == "1")
        self.tell(f"bit {bit} of byte {at % SECTOR} of sector {at // SECTOR} STICKS at {value}")
        if nor.data == old:
            wear_on(terminal, frozenset(), 0)
        else:
            damaged, gap = passed_over(terminal, records_at(old, at, at + 1))
            if spoils_newest(old, at, terminal):
                return 1
            wear_on(terminal, damaged, gap)
        return 1


class Mix(Family):
    name = "mix"
    words = (
        "Six faults in a row at random: power cuts with weak bits, OSError once or until the next"
        " restart, one sector that no longer erases, bits that stick where nothing is written yet"
    )
    ids = "<seed>.<number>"
    write_once = False
    exhaustive = False
    faults = 6
    share = 4

    def case(self, index: int) -> str:
        return f"{self.seed}.{index}"

    def run(self, case: str) -> int:
        seed = f"{self.name}/{case}"
        rng = random.Random(seed)
        # With four sectors, one that is worn out leaves no reserve.
        workload = self.trace(f"{case.partition('.')[0]}.{rng.randrange(1, WORKLOADS)}")
        terminal, _ = self.after(workload.name, rng.randrange(len(workload)), seed)
        terminal.exact_room = False
        for _ in range(self.faults):
            self._fault(terminal, rng)
            with suppress(PowerCut):
                self._work(terminal)
            nor = terminal.nor
            nor.cut_at = nor.fail_at = 0
            nor.fail_for_good = False
        terminal.boot(alarms=("FULL_AT_BOOT",))
        terminal.release_below(terminal.oracle.next_seq)
        go_on(terminal)
        return self.faults

    def _fault(self, terminal: Terminal, rng: random.Random) -> None:
        nor = terminal.nor
        choice = rng.randrange(6)
        if choice == 0 and not nor.dead_sectors:
            nor.dead_sectors = {rng.randrange(nor.sectors): rng.choice(list(TEARS.values()))}
            nor.dead_tells = bool(rng.getrandbits(1))
            self.tell(f"sector {list(nor.dead_sectors)} NO LONGER ERASES")
        elif choice == 1 and not nor.stuck_high:
            at = rng.randrange(len(nor.data))
            mask = nor.data[at] & 1 << rng.randrange(8)
            nor.stick(at, mask, True)
            self.tell(f"byte {at % SECTOR} of sector {at // SECTOR}: mask {mask:#x} STICKS at 1")
        elif choice == 2:
            nor.fail_at, nor.fail_as = nor.operations + rng.randrange(1, 400), any_tear
            nor.fail_for_good = bool(rng.getrandbits(1))
        else:
            nor.cut_at = nor.changes + rng.choice((1, 2, 3, rng.randrange(1, 30)))
            nor.cut_as, nor.cut_fate = any_tear, FATES.get(rng.choice((STRONG, *FATES)))

    def _work(self, terminal: Terminal) -> None:
        """A start and some work that carries on while it can."""
        failing = terminal.nor.fail_for_good
        try:
            report = terminal.mount()
            if report["read_only"]:
                demand(failing, "stopped", f"read-only after the mount: {report['alarm']}")
                return
            terminal.oracle.check(terminal.journal, whole=False)
            for _ in range(3):
                with suppress(JournalFull):
                    for _ in range(4):
                        terminal.append()
                terminal.release_all_but(12)
                terminal.idle()
        except JournalFault as fault:
            demand(failing, "stopped", f"it stopped: {fault}")


def wear_on(terminal: Terminal, damaged: frozenset[int], gap: int) -> None:
    """Three starts with enough work for more than a lap in all; the fault is still there."""
    terminal.exact_room = False
    alarms = (*DAMAGED, "FULL_AT_BOOT") if gap else ("FULL_AT_BOOT",)
    for _ in range(3):
        terminal.boot(damaged, gap=gap, alarms=alarms)
        for number in range(25):
            try:
                terminal.append()
            except JournalFull:
                terminal.release_below(terminal.oracle.next_seq)
                terminal.idle()
                terminal.append()
            if number % 5 == 4:
                terminal.release_all_but(12)
                terminal.idle()
    terminal.boot(damaged, gap=gap, alarms=alarms)
    terminal.sells_again()


def spoils_newest(image: bytes, at: int, terminal: Terminal) -> bool:
    """Whether a place is in the slot that committed the newest record."""
    newest = terminal.oracle.next_seq - 1
    return newest in records_at(image, at, at + 1) or (
        terminal.oracle.pending is not None and newest + 1 in records_at(image, at, at + 1)
    )
