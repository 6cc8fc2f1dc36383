"""Which cases are run for a number of faults, in batches that do not depend on the workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.journal.campaign.bursts import Burst, FullRing
from tests.journal.campaign.cuts import (
    Cut,
    CutFormat,
    CutInRecovery,
    CutTwice,
    Workload,
)
from tests.journal.campaign.damage import BitRot, Image, SectorDamage
from tests.journal.campaign.family import Family, selection
from tests.journal.campaign.faults import DeadSector, Errors, Mix, StuckBit

FAMILIES: tuple[type[Family], ...] = (
    Workload,
    Cut,
    CutTwice,
    CutInRecovery,
    CutFormat,
    Errors,
    SectorDamage,
    Burst,
    FullRing,
    Mix,
    DeadSector,
    StuckBit,
    BitRot,
    Image,
)
_EXHAUSTIVE_SHARE = 0.7  # of the budget, at most, when it does not reach for all of it
_BATCH = 240  # faults


@dataclass(frozen=True)
class Planned:
    """Cases of a family: all of them (``of`` is how many there are), or so many."""

    family: str
    cases: Sequence[int]
    of: int

    @property
    def complete(self) -> bool:
        return self.of > 0 and len(self.cases) == self.of


@dataclass(frozen=True)
class Batch:
    family: str
    cases: Sequence[int]


def plan(faults: int, families: Sequence[Family]) -> list[Planned]:
    """Share out a number of faults: first to the exhaustive families, then to the sampled ones."""
    planned = [
        Planned(family.name, range(family.size()), family.size())
        for family in families
        if not family.faults
    ]
    exhaustive = [family for family in families if family.exhaustive and family.faults]
    sampled = [family for family in families if not family.exhaustive]
    sizes = {family.name: family.size() for family in exhaustive}
    budget = faults if not sampled else int(faults * _EXHAUSTIVE_SHARE)
    counts = sizes
    if budget < sum(sizes.values()):
        counts = _share_out(budget, exhaustive, sizes)
    for name, size in sizes.items():
        planned.append(Planned(name, selection(size, counts[name]), size))
    left = faults - sum(counts.values())
    shares = sum(family.share for family in sampled)
    for family in sampled:
        part = -(-left * family.share // shares)
        left, shares = left - part, shares - family.share
        planned.append(Planned(family.name, range(-(-part // family.faults)), 0))
    return planned


def _share_out(budget: int, families: Sequence[Family], sizes: dict[str, int]) -> dict[str, int]:
    """By share, but to no family more than it has cases."""
    counts: dict[str, int] = {}
    # Small families first: what they leave goes to the others.
    order = sorted(families, key=lambda family: sizes[family.name] / family.share)
    shares = sum(family.share for family in families)
    for family in order:
        counts[family.name] = min(sizes[family.name], budget * family.share // shares)
        budget -= counts[family.name]
        shares -= family.share
    return {name: counts[name] for name in sizes}


def batches(planned: Sequence[Planned], families: Sequence[Family]) -> list[Batch]:
    """Every planned case once; the families take turns, so that each shows early what it finds."""
    placed: list[tuple[float, str, Batch]] = []
    for part in planned:
        faults = next(family.faults for family in families if family.name == part.family)
        size = max(1, _BATCH // max(1, faults))
        starts = range(0, len(part.cases), size)
        for number, start in enumerate(starts):
            batch = Batch(part.family, part.cases[start : start + size])
            placed.append((number / len(starts), part.family, batch))
    return [batch for _, _, batch in sorted(placed, key=lambda item: item[:2])]
