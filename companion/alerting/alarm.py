"""One thing that stands and that somebody is to be told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = str | int
Facts = Mapping[str, Fact]


@dataclass(frozen=True)
class Alarm:
    """What a rule found. ``rule`` and ``key`` name it, in every run alike.

    It is worse than before when its amount (minor units), its rows or its level has grown; the
    level is 1 from the rule's limit on, 2 from twice the limit, 3 from four times. ``facts`` fill
    the sentence `phrase` (see companion.alerting.phrases). What becomes old without an end has
    ``until``: not to be found after that instant is not to be over.
    """

    rule: str
    key: str
    phrase: str
    facts: Facts = field(default_factory=dict)
    merchant_no: str = ""
    terminal_no: str = ""
    amount_minor: int = 0
    rows: int = 1
    level: int = 1
    until: int = 0

    def worse_than(self, other: Alarm) -> bool:
        """Whether there is more to tell than the other one told."""
        return (
            abs(self.amount_minor) > abs(other.amount_minor)
            or self.rows > other.rows
            or self.level > other.level
        )


def level(value: int, limit: int) -> int:
    """0 below the limit, then 1, and one more with every doubling."""
    found = 0
    step = max(limit, 1)
    while value >= step:
        found += 1
        step *= 2
    return found
