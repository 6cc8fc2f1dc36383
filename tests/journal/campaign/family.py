"""What a family of cases is, and the parts that all of them use."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Container
from math import gcd
from typing import ClassVar, TypeVar

from tests.journal.campaign.workload import JOURNAL, Target, Trace, terminal_on, trace
from tests.journal.nor import SECTOR, Nor, Operation
from tests.journal.tears import ERASE_TEARS, FATES, PROGRAM_TEARS, Fate, Tear
from tests.journal.world import Oracle, Terminal

STRONG = "strong"

_Part = TypeVar("_Part", str, int)


class UnknownCase(ValueError):
    """An id that names no case."""


class Family(ABC):
    """Cases of one kind. The id of a case says all there is to it; see README.md."""

    name: ClassVar[str]
    words: ClassVar[str]
    """What it does, for people."""
    ids: ClassVar[str]
    """How an id reads, after the family's name."""
    exhaustive: ClassVar[bool]
    faults: ClassVar[int] = 1
    """Faults in a case, as planned; what counts is what run() returns."""
    share: ClassVar[int] = 1
    """Weight when the budget is shared out."""
    write_once: ClassVar[bool] = True
    """Whether nothing that is programmed may be programmed again, but to zeros."""

    def __init__(self, seed: int, target: Target = JOURNAL) -> None:
        self.seed = seed
        self.target = target
        # For replays: what the case does, line by line.
        self.story: list[str] | None = None
        # The terminal of the case that was run last.
        self.last: Terminal | None = None

    def size(self) -> int:
        """How many cases there are; 0 when there is no end to them."""
        return 0

    @abstractmethod
    def case(self, index: int) -> str:
        """The id of a case, without the family's name."""

    @abstractmethod
    def run(self, case: str) -> int:
        """Run a case; the number of faults. Raises when a promise is broken."""

    # Parts

    def trace(self, name: str) -> Trace:
        """A workload. Its name is the campaign's seed and a number."""
        return trace(name, self.target)

    def workload(self, number: int) -> Trace:
        return self.trace(f"{self.seed}.{number}")

    def rng(self, what: object) -> random.Random:
        """Choices that only the seed, the family and this decide."""
        return random.Random(f"{self.seed} {self.name} {what}")

    def terminal(self, nor: Nor, oracle: Oracle, seed: str) -> Terminal:
        terminal = terminal_on(nor, oracle, seed, self.target)
        nor.story = terminal.story = self.story
        self.last = terminal
        return terminal

    def after(self, workload: str, place: int | str, seed: str) -> tuple[Terminal, Operation]:
        """A terminal whose flash is as it was before an operation of a workload.

        The place is the operation's number, or what part of the workload comes before it.
        """
        number = int(float(place) * len(self.trace(workload))) if "." in str(place) else int(place)
        if not 0 <= number < len(self.trace(workload)):
            raise UnknownCase(f"workload {workload} has no operation {place}")
        nor, oracle, operation = self.trace(workload).moment(number, seed)
        if self.story is not None:
            operations = self.trace(workload).operations
            for n in range(max(0, number - 8), number):
                self.story.append(f"workload {workload}, {n}: {operations[n]}")
        return self.terminal(nor, oracle, seed), operation

    def tell(self, line: str) -> None:
        if self.story is not None:
            self.story.append(line)


def known(part: _Part, all_of_them: Container[_Part]) -> _Part:
    """A part of an id that must be one of these."""
    if part not in all_of_them:
        raise UnknownCase(f"there is no {part!r}")
    return part


def selection(size: int, count: int) -> list[int]:
    """``count`` of the numbers below ``size``, spread evenly over every dimension of an index."""
    if count >= size:
        return list(range(size))
    step = max(1, round(size * 0.6180339887498949))
    while gcd(step, size) != 1:
        step += 1
    return sorted(step * n % size for n in range(count))


def tear_of(operation: Operation, name: str) -> Tear:
    for tear in ERASE_TEARS if operation.name == "erase" else PROGRAM_TEARS:
        if tear.__name__ == name:
            return tear
    raise UnknownCase(f"no tear {name!r} of a {operation.name}")


def wounds(operation: Operation, weak: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    """Every way a cut can leave an operation: (tear, fate of its bits).

    Weak bits come with every tear, or with two of them when ``weak`` names the fates.
    """
    tears = ERASE_TEARS if operation.name == "erase" else PROGRAM_TEARS
    names = [tear.__name__ for tear in tears]
    if weak is None:
        return [(tear, fate) for tear in names for fate in (STRONG, *FATES)]
    return [(tear, STRONG) for tear in names] + [
        (tear, fate) for tear in ("bits", "after") for fate in weak
    ]


def any_tear(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """Any tear that this operation can have."""
    tears = ERASE_TEARS if len(new) == SECTOR else PROGRAM_TEARS
    return rng.choice(tears)(old, new, rng)


def fate_of(name: str) -> Fate | None:
    if name not in (STRONG, *FATES):
        raise UnknownCase(f"no fate {name!r} of weak bits")
    return FATES.get(name)


def go_on(
    terminal: Terminal, restarts: int = 1, gap: int = 0, damaged: frozenset[int] = frozenset()
) -> None:
    """The restart after a fault, work, and more restarts; all promises are kept all along."""
    terminal.boot(damaged, whole=False, gap=gap)
    for _ in range(restarts):
        terminal.append()
        terminal.append()
        terminal.release_all_but(12)
        terminal.idle()
        terminal.append()
        terminal.boot(damaged, gap=gap)
    terminal.sells_again()
