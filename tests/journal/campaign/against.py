"""Families that make sense for any journal, so that two of them can be tried with the same cases.

A place in a workload is a fraction of its operations here: a rival has others, and more of them.
"""

from __future__ import annotations

import random

from tests.journal.campaign.bursts import Burst
from tests.journal.campaign.cuts import Cut, CutTwice, Workload
from tests.journal.campaign.family import STRONG, Family
from tests.journal.campaign.faults import Errors
from tests.journal.campaign.workload import JOURNAL, Target
from tests.journal.device import RemoteJournal
from tests.journal.nor import Nor
from tests.journal.tears import FATES

# Both tears of a program and of an erase.
_TEARS = ("before", "prefix", "bits", "words", "after")


def _littlefs(nor: Nor) -> RemoteJournal:
    return RemoteJournal(nor, "littlefs")


TARGETS = {
    "journal": JOURNAL,
    "littlefs": Target("littlefs", _littlefs, (16,), 8, False),
}


def _wound(rng: random.Random) -> str:
    return f"{rng.choice(_TEARS)}/{rng.choice((STRONG, *FATES))}"


def _place(rng: random.Random) -> str:
    return f"{rng.random():.4f}"


class AnyCut(Cut):
    words = "Power cut anywhere in a workload, with any tear and any fate of its bits"
    exhaustive = False

    def size(self) -> int:
        return 0

    def case(self, index: int) -> str:
        rng = self.rng(index)
        return f"{self.seed}.{rng.randrange(2)}/{_place(rng)}/{_wound(rng)}"


class AnyTwoCuts(CutTwice):
    words = "A second power cut at one of the first 16 operations that follow a first one"
    exhaustive = False
    share = 4

    def size(self) -> int:
        return 0

    def case(self, index: int) -> str:
        rng = self.rng(index)
        first = f"{self.seed}.{rng.randrange(2)}/{_place(rng)}/{_wound(rng)}"
        return f"{first}/{rng.randrange(self.depth) + 1}/{_wound(rng)}"


class AnyBurst(Burst):
    words = "25 power cuts in a row, mostly within the recovery from the one before"
    share = 4


class AnyError(Errors):
    words = "OSError at any operation of a session, once or for good, without or after its effect"
    exhaustive = False
    share = 2

    def size(self) -> int:
        return 0

    def case(self, index: int) -> str:
        rng = self.rng(index)
        good = rng.choice(("once", "good"))
        place = f"{self.seed}.{rng.randrange(2)}/{_place(rng)}/{_place(rng)}"
        return f"{place}/{good}/{rng.choice(('before', 'after'))}"


FAMILIES: tuple[type[Family], ...] = (Workload, AnyCut, AnyTwoCuts, AnyBurst, AnyError)
