"""Why a case may have come about: causes, ranked by how strongly what exists speaks for each.

Nothing is guessed that nothing speaks for: each cause names the records, rows and settings that
it rests on. What only follows from the kind of break comes last and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from companion.cases import acquirer_causes, cause_words, payout_causes, terminal_causes
from companion.cases.clues import Clue, Scene, scene
from companion.cases.listing import Case
from companion.reconcile.phrases import ENGLISH

# Breaks of one case that are looked at: the largest.
_MOST_BREAKS = 20
_MOST_LINES = 4


@dataclass
class Cause:
    """One possible cause: how strongly something speaks for it (0 to 100), how many of the breaks
    that were looked at it explains, and what speaks for it."""

    name: str
    weight: int
    breaks: int = 0
    clues: list[Clue] = field(default_factory=list)

    def said(self, language: str = ENGLISH) -> str:
        """In words."""
        return cause_words.cause(self.name, language)

    def because(self, language: str = ENGLISH) -> list[str]:
        """What speaks for it, in words, each once."""
        lines = [cause_words.line(one.line, language, one.values) for one in self.clues]
        return list(dict.fromkeys(lines))[:_MOST_LINES]


def ranked(connection: Connection, case: Case, found: Sequence[dict[str, object]]) -> list[Cause]:
    """The causes of a case from its breaks (listing.breaks_of), the likeliest first."""
    looked = list(found)[:_MOST_BREAKS]
    where = scene(connection, case, found)
    causes: dict[str, Cause] = {}
    for item in looked:
        mine = set()
        for clue in _clues(where, item):
            cause = causes.setdefault(clue.cause, Cause(clue.cause, clue.weight))
            cause.weight = max(cause.weight, clue.weight)
            cause.breaks += clue.cause not in mine
            cause.clues.append(clue)
            mine.add(clue.cause)
    return sorted(causes.values(), key=lambda one: (-one.weight, -one.breaks, one.name))


def _clues(where: Scene, item: dict[str, object]) -> list[Clue]:
    found: list[Clue] = []
    for source in (terminal_causes, acquirer_causes, payout_causes):
        found += source.clues(where, item)
    return found
