"""What a campaign does, drawn from its seed: a sale for each cycle, and when its power goes."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any, Literal

Phase = Literal["before", "torn", "after"]
Kind = Literal["exact", "marker", "host", "random", "rest"]
Fault = dict[str, Any]

EXACT: Kind = "exact"
MARKER: Kind = "marker"
HOST: Kind = "host"
RANDOM: Kind = "random"
REST: Kind = "rest"
KINDS: tuple[Kind, ...] = (EXACT, MARKER, HOST, RANDOM)

CYCLES_A_SHIFT = 250
BASE_MINOR = 100_000
"""Amounts are this and the cycle's number: a sale is known by its amount, to everybody."""


@dataclass(frozen=True)
class Cut:
    """``exact``: at the n-th flash operation, ``phase`` of it (on hardware ``delay`` µs behind the
    edge of the trace pin). ``marker``: before the n-th thing that the panel shows, prints or beeps
    is seen. ``host``: when the host has the n-th message, before it answers. ``random``: ``delay``
    µs after the card. ``rest``: when the sale is over."""

    kind: Kind
    n: int = 1
    phase: Phase = "before"
    delay: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Cycle:
    """One sale. ``again``: a second cut, in the restart."""

    number: int
    amount_minor: int
    card: int
    cut: Cut
    again: Cut | None
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


# How a host goes wrong: what nobody answers is reversed, and cuts come in there too.
_FAULTS: tuple[tuple[tuple[str, Fault], ...], ...] = (
    (("0200", {"do": "drop_answer"}),),
    (("0200", {"do": "drop_request"}),),
    (("0200", {"do": "drop_answer"}), ("0400", {"do": "drop_answer"})),
    (("0200", {"do": "decline", "f39": "51"}),),
    (("0200", {"do": "bad_mac"}),),
    (("0200", {"do": "no_f39"}),),
)
_FAULTS_PERCENT = 12
_AGAIN_PERCENT = 20
_WEIGHTS = {EXACT: 50, MARKER: 20, HOST: 12, RANDOM: 18}


@dataclass(frozen=True)
class Limits:
    """What differs between boards. ``span_us``: within which a random cut comes after the card,
    and within which it comes in a restart. ``settle_s``: how long a rail takes to fall.
    ``laps``: so often a shift may erase each sector; flash bears 100,000 times (W25Q-JV, "Erase
    and program cycles"), and the board is wanted afterwards."""

    kinds: tuple[Kind, ...] = KINDS
    span_us: int = 15_000
    restart_us: int = 60_000
    settle_every: int = 40
    settle_s: float = 0.0
    laps: int = 10_000


def draw(seed: int, shift: int, cycles: int, limits: Limits) -> list[Cycle]:
    """The cycles of one shift. The same arguments give the same cycles; a longer shift begins
    with those of a shorter one."""
    return [_cycle(seed, shift, number, limits) for number in range(1, cycles + 1)]


def _cycle(seed: int, shift: int, number: int, limits: Limits) -> Cycle:
    dice = random.Random(f"{seed}/{shift}/{number}")
    amount = BASE_MINOR + number
    faults: tuple[Fault, ...] = ()
    if dice.randrange(100) < _FAULTS_PERCENT:
        chosen = dice.choice(_FAULTS)
        faults = tuple({"mti": mti, "amount_minor": amount, **what} for mti, what in chosen)
    again = None
    if dice.randrange(100) < _AGAIN_PERCENT:
        again = _cut(dice, limits, 4, 1, 6, limits.restart_us)
    # A sale is three records and some twenty things on the panel; one that is reversed is more.
    cut = _cut(dice, limits, *((5, 2) if faults else (3, 1)), 17, limits.span_us)
    return Cycle(number, amount, dice.randrange(1, 400), cut, again, faults)


def _cut(
    dice: random.Random, limits: Limits, operations: int, messages: int, markers: int, span: int
) -> Cut:
    weights = [_WEIGHTS[kind] for kind in limits.kinds]
    kind = dice.choices(limits.kinds, weights)[0]
    if kind == EXACT:
        phase: Phase = dice.choice(("before", "torn", "after"))
        n, delay = dice.randint(1, operations), dice.randrange(0, 800)
        return Cut(kind, n, phase, delay, dice.randrange(1 << 30))
    if kind == MARKER:
        return Cut(kind, dice.randint(1, markers), delay=dice.randrange(0, 2000))
    if kind == HOST:
        return Cut(kind, dice.randint(1, messages))
    return Cut(kind, delay=dice.randrange(0, span))
