"""The power is cut at every program and every erase; nothing that was promised is lost."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.journal import nor as model
from tests.journal.nor import Nor, Operation, PowerCut
from tests.journal.world import Oracle, Terminal

SECTORS = 5


@dataclass
class Moment:
    """The flash and the promises just before one operation takes effect."""

    image: bytes
    oracle: Oracle
    operation: Operation


def trace(appends: int, sectors: int = SECTORS, kept: int = 20) -> list[Moment]:
    """Every program and erase of a workload, the first mount included."""
    terminal = Terminal(Nor(sectors))
    terminal.format()
    moments: list[Moment] = []

    def keep(operation: Operation) -> None:
        moments.append(Moment(bytes(terminal.nor.data), terminal.oracle.copy(), operation))

    terminal.nor.watch = keep
    terminal.boot()
    terminal.work(appends, kept)
    return moments


def cut(moment: Moment, how: model.Tear, seed: int, weakly: bool = False) -> Terminal:
    """A terminal whose power was cut at this moment, before its restart."""
    flash = Nor(len(moment.image) // model.SECTOR, bytearray(moment.image))
    flash.rng = random.Random(seed)
    flash.tear(moment.operation, how, weakly)
    return Terminal(flash, moment.oracle.copy(), random.Random(seed))


def go_on(terminal: Terminal) -> None:
    """The restart, some more work, another restart."""
    terminal.boot()
    terminal.work(3)
    terminal.idle()
    terminal.boot()


def rollover(moments: list[Moment], around: int) -> list[Moment]:
    """The moments around the second lap's first erase."""
    erases = [n for n, m in enumerate(moments) if m.operation.name == "erase"]
    middle = erases[len(erases) // 2]
    return moments[middle - around : middle + around]


def second_cuts(first: Moment, how: model.Tear, seed: int, weakly: bool) -> int:
    """Cut the power once more at every operation of what follows a cut; how many there were."""
    tried = 0
    while True:
        terminal = cut(first, how, seed, weakly)
        terminal.nor.weak_reads = None if weakly else 1
        terminal.nor.cut_at = tried // len(SECOND_TEARS) + 1
        terminal.nor.cut_as = SECOND_TEARS[tried % len(SECOND_TEARS)]
        terminal.nor.cut_weak = weakly
        try:
            go_on(terminal)
        except PowerCut:
            terminal.nor.cut_at = 0
            go_on(terminal)
            tried += 1
        else:
            return tried


SECOND_TEARS = (model.before, model.prefix, model.some_bits, model.after)


def test_a_cut_at_every_operation_of_four_laps_loses_nothing() -> None:
    moments = trace(4 * SECTORS * 31)
    assert sum(m.operation.name == "erase" for m in moments) > 3 * SECTORS
    for number, moment in enumerate(moments):
        for how in (model.before, *model.TEARS, model.after):
            go_on(cut(moment, how, number))


def test_a_second_cut_at_every_operation_after_a_cut_around_a_rollover_loses_nothing() -> None:
    tried = 0
    for number, moment in enumerate(rollover(trace(2 * SECTORS * 31), 20)):
        for how in (model.before, model.prefix, model.some_bits, model.after):
            tried += second_cuts(moment, how, number, weakly=False)
    assert tried > 3000


def test_a_cut_at_every_operation_of_the_first_start_loses_nothing() -> None:
    for number, moment in enumerate(trace(0)):
        for how in (model.before, *model.TEARS, model.after):
            tried = second_cuts(moment, how, number, weakly=False)
            assert tried > len(SECOND_TEARS)


def test_a_torn_slot_that_reads_erased_at_the_restart_may_settle_later() -> None:
    for number, moment in enumerate(trace(2 * SECTORS * 31)):
        terminal = cut(moment, model.after, number, weakly=True)
        for reads in (1, 0, 1, 0):
            terminal.nor.weak_reads = reads
            terminal.boot()
            terminal.work(2)


def test_the_newest_record_that_reads_good_at_the_restart_may_relax_later() -> None:
    for number, moment in enumerate(trace(2 * SECTORS * 31)):
        terminal = cut(moment, model.after, number, weakly=True)
        for reads in (0, 1, 0, 1):
            terminal.nor.weak_reads = reads
            terminal.boot()
            terminal.work(2)


def test_bits_that_read_differently_each_time_lose_nothing() -> None:
    for number, moment in enumerate(trace(2 * SECTORS * 31)):
        terminal = cut(moment, model.some_bits, number, weakly=True)
        terminal.nor.weak_reads = None
        for _ in range(3):
            terminal.boot()
            terminal.work(2)


def test_two_cuts_that_both_leave_unstable_bits_lose_nothing() -> None:
    tried = 0
    for number, moment in enumerate(rollover(trace(2 * SECTORS * 31), 8)):
        tried += second_cuts(moment, model.some_bits, number, weakly=True)
    assert tried > 300


def test_bursts_of_cuts_that_leave_unstable_bits_lose_nothing() -> None:
    records = 0
    for seed in range(30):
        rng = random.Random(seed)
        terminal = Terminal(Nor(SECTORS + 1, rng=random.Random(seed)), rng=random.Random(seed))
        terminal.format()
        terminal.nor.cut_weak = True
        for _ in range(50):
            # Mostly within the recovery from the cut before.
            distance = rng.choice((1, 1, 2, 2, 3, rng.randrange(1, 25)))
            terminal.nor.cut_at = terminal.nor.changes + distance
            terminal.nor.cut_as = rng.choice((model.before, *model.TEARS, model.after))
            terminal.nor.weak_reads = rng.choice((0, 1, None, None))
            try:
                while True:
                    terminal.boot()
                    terminal.work(rng.randrange(3))
                    terminal.release(9)
                    terminal.idle()
            except PowerCut:
                pass
        records += terminal.oracle.next_seq - 1
    assert records > 300, "it was meant to make some progress"
