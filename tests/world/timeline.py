"""Virtual time: what happens when, in milliseconds since the world began."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

START = datetime(2026, 3, 2, 1, 0, tzinfo=timezone.utc)


class Timeline:
    """A queue of things to come. Equal times keep the order in which they were asked for."""

    def __init__(self) -> None:
        self.now = 0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._asked = 0

    def after(self, milliseconds: int, do: Callable[[], None]) -> int:
        """Have something done later; its number, for ``Machine`` to know its newest timers by."""
        self._asked += 1
        heapq.heappush(self._queue, (self.now + milliseconds, self._asked, do))
        return self._asked

    def step(self, until: int) -> bool:
        """Do the next thing that is due by ``until``; False, and it is ``until``, without one."""
        if not self._queue or self._queue[0][0] > until:
            self.now = max(self.now, until)
            return False
        self.now, _, do = heapq.heappop(self._queue)
        do()
        return True

    def moment(self) -> datetime:
        return START + timedelta(milliseconds=self.now)
