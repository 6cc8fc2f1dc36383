"""What a campaign does, drawn from its seed: a transaction for each cycle, and when its power
goes; and a settlement now and then, whose power goes as well."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any, Literal

from companion.acquirer import kinds

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
CARDS = 400  # one more than there are
BASE_MINOR = 100_000
"""What is keyed in is this and the cycle's number, of a refund the number alone; what has the
amount of its original is known by that. So a transaction is known to everybody by its type and its
amount."""


@dataclass(frozen=True)
class Cut:
    """``exact``: at the n-th flash operation, ``phase`` of it (on hardware ``delay`` µs behind the
    edge of the trace pin). ``marker``: before the n-th thing that the panel shows, prints or beeps
    is seen. ``host``: when the host has the n-th message, before it answers. ``random``: ``delay``
    µs after the card. ``rest``: when the transaction is over."""

    kind: Kind
    n: int = 1
    phase: Phase = "before"
    delay: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Cycle:
    """One transaction. ``what`` needs an original that is there, or becomes what makes one
    (``WITHOUT``). ``again``: a second cut, in the restart. A fault whose ``mti`` is "" is for the
    request itself."""

    number: int
    what: str
    card: int
    cut: Cut
    again: Cut | None
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Settling:
    """Closing the batch behind so many cycles."""

    cut: Cut
    again: Cut | None
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


MIX = {
    kinds.SALE: 46,
    kinds.VOID: 12,
    kinds.REFUND: 9,
    kinds.PREAUTH: 12,
    kinds.PREAUTH_CANCEL: 5,
    kinds.COMPLETION: 7,
    kinds.COMPLETION_NOTICE: 4,
    kinds.COMPLETION_VOID: 5,
}
WITHOUT = {
    kinds.VOID: kinds.SALE,
    kinds.REFUND: kinds.SALE,
    kinds.PREAUTH_CANCEL: kinds.PREAUTH,
    kinds.COMPLETION: kinds.PREAUTH,
    kinds.COMPLETION_NOTICE: kinds.PREAUTH,
    kinds.COMPLETION_VOID: kinds.COMPLETION,
}
"""What is done instead while there is no original for it."""

_REQUEST, _REVERSAL = "", "0400"
# How a host goes wrong: what nobody answers is reversed, sent again, or a case, and cuts come in
# there too. The reversal that is asked four times is what some terminals give up after three.
_FAULTS: tuple[tuple[Fault, ...], ...] = (
    ({"mti": _REQUEST, "do": "drop_answer"},),
    ({"mti": _REQUEST, "do": "drop_request"},),
    ({"mti": _REQUEST, "do": "drop_answer"}, {"mti": _REVERSAL, "do": "drop_answer"}),
    (
        {"mti": _REQUEST, "do": "drop_answer"},
        {"mti": _REVERSAL, "do": "drop_request", "times": 4},
    ),
    ({"mti": _REQUEST, "do": "decline", "f39": "51"},),
    ({"mti": _REQUEST, "do": "bad_mac"},),
    ({"mti": _REQUEST, "do": "no_f39"},),
)
_SETTLING_FAULTS: tuple[tuple[Fault, ...], ...] = (
    ({"mti": "0500", "do": "drop_answer"},),
    ({"mti": "0500", "do": "drop_request"},),
    ({"mti": "0500", "do": "bad_mac"},),
    ({"mti": "0500", "do": "unbalanced"},),
    ({"mti": "0500", "do": "unbalanced"}, {"mti": "0320", "do": "drop_answer"}),
)
_FAULTS_PERCENT = 12
_SETTLING_FAULTS_PERCENT = 40
_AGAIN_PERCENT = 20
_WEIGHTS = {EXACT: 50, MARKER: 20, HOST: 12, RANDOM: 18}


@dataclass(frozen=True)
class Limits:
    """What differs between boards. ``span_us``: within which a random cut comes after the card,
    and within which it comes in a restart. ``settle_every``: cycles between two settlements.
    ``settle_s``: how long a rail takes to fall. ``laps``: so often a shift may erase each sector;
    flash bears 100,000 times (W25Q-JV, "Erase and program cycles"), and the board is wanted
    afterwards."""

    kinds: tuple[Kind, ...] = KINDS
    span_us: int = 15_000
    restart_us: int = 60_000
    settle_every: int = 25
    settle_s: float = 0.0
    laps: int = 10_000


def draw(seed: int, shift: int, cycles: int, limits: Limits) -> list[Cycle]:
    """The cycles of one shift. The same arguments give the same cycles; a longer shift begins
    with those of a shorter one."""
    return [_cycle(seed, shift, number, limits) for number in range(1, cycles + 1)]


def settling(seed: int, shift: int, number: int, limits: Limits) -> Settling:
    """The settlement behind a cycle."""
    dice = random.Random(f"{seed}/{shift}/{number}/settling")
    faults = _faults(dice, _SETTLING_FAULTS_PERCENT, _SETTLING_FAULTS)
    uploads = any(fault["do"] == "unbalanced" for fault in faults)
    again = _again(dice, limits)
    # A closed batch is four records and its slip; one that is uploaded has some for each message.
    steps = (9, 6) if uploads else (4, 1)
    return Settling(_cut(dice, limits, *steps, 16, limits.span_us), again, faults)


def _cycle(seed: int, shift: int, number: int, limits: Limits) -> Cycle:
    dice = random.Random(f"{seed}/{shift}/{number}")
    what = dice.choices(list(MIX), list(MIX.values()))[0]
    faults = _faults(dice, _FAULTS_PERCENT, _FAULTS)
    again = _again(dice, limits)
    # A sale is three records and some twenty things on the panel; one that is reversed is more.
    cut = _cut(dice, limits, *((5, 2) if faults else (3, 1)), 17, limits.span_us)
    return Cycle(number, what, dice.randrange(1, CARDS), cut, again, faults)


def _faults(
    dice: random.Random, percent: int, all_of_them: tuple[tuple[Fault, ...], ...]
) -> tuple[Fault, ...]:
    return dice.choice(all_of_them) if dice.randrange(100) < percent else ()


def _again(dice: random.Random, limits: Limits) -> Cut | None:
    if dice.randrange(100) >= _AGAIN_PERCENT:
        return None
    return _cut(dice, limits, 4, 1, 6, limits.restart_us)


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
