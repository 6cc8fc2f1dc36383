"""Which stories happen in a part of a day, and where."""

from __future__ import annotations

import numpy as np

from companion.inject import told_alike, told_once, told_pairs, told_twice
from companion.inject.stage import SLOT, Stage, Story
from companion.inject.terms import ADYEN, CARD, WECHAT

STORIES: tuple[Story, ...] = (
    *told_pairs.stories(),
    *told_once.stories(),
    *told_twice.stories(),
    *told_alike.stories(),
)
# How often each break happens in a day of that many rows, and how much of a day is wrong at most.
_ONE_IN = 10_000
_MOST = 0.7


def act(stage: Stage) -> None:
    """Tell the stories of the day; in a small part some, in a large one each many times."""
    times = max(1, stage.part.rows // _ONE_IN)
    for channel in (CARD, ADYEN, WECHAT):
        slots = stage.slots[channel]
        told = [
            story
            for story in STORIES
            if channel in story.channels and stage.part.day in story.days
        ]
        left = int(len(slots) * _MOST)
        used = 0
        for place in _order(told, stage.random):
            story = told[place]
            count = times if not story.share else max(1, int(len(slots) * story.share))
            count = min(count, left - used)
            if count <= 0:
                break
            chosen = slots[used : used + count]
            used += count
            story.tell(stage, channel, chosen + np.arange(SLOT)[:, None])


def _order(told: list[Story], random: np.random.Generator) -> list[int]:
    """Breaks first, for a small part has no room for all: those in any order."""
    return sorted(random.permutation(len(told)).tolist(), key=lambda at: told[at].share > 0)
