"""What power, flash, clock, network and host do wrong."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from protocol import record
from tests.journal.campaign.family import any_tear
from tests.journal.tears import FATES
from tests.world.dice import Dice, Step
from tests.world.host import Armed
from tests.world.speech import END_OF_UPLOAD

if TYPE_CHECKING:
    from tests.world.case import World

# An upload's end is told from its parts by its name: line.py.
_MTIS = (
    *("", "0200", "0200", "0200", "0400", "0400", "0800", "0220", "0100", "0500", "0320"),
    END_OF_UPLOAD,
)
_LEGS = (
    *(("drop", 4), ("delay", 3), ("twice", 2), ("overtaken", 2), ("truncate", 2)),
    *(("reset", 4), ("dies", 2)),
)


def restart(world: World, cause: str) -> None:
    if world.machine.on:
        world.oracle.fired("restart")
        world.machine.restart(cause)


def draw_cut(rng: Dice) -> Step:
    fate = rng.choice(("strong", "strong", *FATES))
    flash = rng.choice(("journal",) * 5 + ("vault",))
    return flash, rng.randrange(1, 9), fate, rng.randrange(1 << 30), rng.choice((500, 90_000))


def cut(world: World, flash: str, operation: int, fate: str, seed: int, off_ms: int) -> None:
    """Power goes in the n-th program or erase from now on."""
    machine = world.machine
    nor = machine.journal_flash if flash == "journal" else machine.vault_flash
    nor.rng = random.Random(seed)
    nor.cut_as, nor.cut_fate = any_tear, FATES.get(fate)
    nor.cut_at = nor.changes + operation
    machine.off_ms = off_ms


def cut_effect(world: World, effect: int, off_ms: int) -> None:
    world.machine.cut_at_effect = effect
    world.machine.off_ms = off_ms


def draw_cut_behind(rng: Dice) -> Step:
    kind = rng.choice((record.ARMED, record.OUTCOME, record.OUTCOME, record.REVERSAL))
    return kind, rng.randrange(1, 8), rng.choice((500, 90_000))


def cut_behind(world: World, kind: int, effect: int, off_ms: int) -> None:
    """Power goes so many effects behind the next record of a kind."""
    world.machine.cut_behind = (kind, effect)
    world.machine.off_ms = off_ms


def flash_error(world: World, operation: int, for_good: bool) -> None:
    """One read or write of the journal's flash fails, or every one from then on."""
    nor = world.machine.journal_flash
    nor.fail_for_good = for_good
    nor.fail_at = nor.operations + operation


def clock(world: World, seconds: int) -> None:
    world.oracle.fired("clock jump")
    world.machine.clock.jump(seconds)


# Network and host


def draw_net(rng: Dice) -> Step:
    kind = rng.choices([k for k, _ in _LEGS], [w for _, w in _LEGS])[0]
    value = rng.randrange(1, 100)
    if kind in ("delay", "twice"):
        value = rng.choice((200, 20_000, 50_000, 65_000, 100_000, 170_000))
    elif kind == "dies":
        value = rng.choice((20_001, 200_000, 200_001, 2_000_001))
    mti = rng.choice(_MTIS)
    return rng.choice(("request", "answer")), kind, mti, value


def net(world: World, leg: str, kind: str, mti: str, value: int) -> None:
    armed = world.network.requests if leg == "request" else world.network.answers
    if leg == "answer" and mti:
        mti = f"{int(mti[:4]) + 10:04d}{mti[4:]}"
    armed.append(Armed(kind, mti, str(value)))


def draw_down(rng: Dice) -> Step:
    return rng.choice((3_000, 60_000, 60_000, 900_000)), rng.choice(((0, 1), (0,), (0,), (1,)))


def down(world: World, milliseconds: int, hosts: tuple[int, ...]) -> None:
    for host in hosts:
        world.network.go_down(host, milliseconds)


def silent(world: World, milliseconds: int, hosts: tuple[int, ...]) -> None:
    for host in hosts:
        world.network.fall_silent(host, milliseconds)


def draw_lag(rng: Dice) -> Step:
    return rng.choice((600_000, 3_000_000, 86_400_000)), rng.choice(("", "request", "answer"))


def lag(world: World, milliseconds: int, dies: str) -> None:
    """Primary and backup do not hear of each other for a while; one may die over a sale first."""
    world.host.lag_until = world.timeline.now + milliseconds
    if dies:
        net(world, dies, "dies", "0200", 200_001)


_HOST_FAULTS = (
    ("decline", 6),
    ("say", 1),
    ("bad_mac", 2),
    ("no_mac", 2),
    ("echo_amount", 2),
    ("no_f39", 2),
    ("sign_in_again", 2),
    ("partial", 3),
    ("capture_after_reversal", 1),
    ("refuse_reversal", 1),
    ("loose_lookup", 1),
    ("unbalanced", 3),
    ("late", 3),
)
_GOOD = ("approve", "partial", "done")
_REVERSAL_ONLY = ("capture_after_reversal", "refuse_reversal", "loose_lookup")


def code(rng: Dice, mti: str) -> str:
    """An F39 that is no approval: what follows from it is chosen first, then the code."""
    column = {"0400": "reversal", "0500": "settlement", "0320": "settlement"}
    actions = rng.profile.actions[column.get(mti[:4], "request")]
    action = rng.choice([one for one in sorted(set(actions.values())) if one not in _GOOD])
    code: str = rng.choice([code for code, does in actions.items() if does == action])
    return {"other": "Z9", "missing": "09"}.get(code, code)


def draw_host(rng: Dice) -> Step:
    # Without a header there is nothing to ask for a sign-in in.
    faults = [one for one in _HOST_FAULTS if rng.profile.header or one[0] != "sign_in_again"]
    kind = rng.choices([k for k, _ in faults], [w for _, w in faults])[0]
    mti = rng.choice(_MTIS[1:-1])
    if kind in _REVERSAL_ONLY:
        mti = "0400"
    elif kind == "unbalanced":
        mti = "0500"
    elif kind == "partial":
        mti = rng.choice(("0200", "0200", "0100"))
    value = ""
    if kind in ("decline", "say"):
        value = "10" if kind == "say" and rng.random() < 0.2 else code(rng, mti)
    elif kind == "partial":
        value = "1"
    elif kind == "echo_amount":
        value = "999999999999"  # nobody's
    elif kind == "late":
        value = str(rng.choice((58_000, 61_000, 100_000, 170_000)))
    return kind, mti, value


def host(world: World, kind: str, mti: str, value: str) -> None:
    world.host.armed.append(Armed(kind, mti, value))
