"""The acquirer: the real host (companion/acquirer) inside this process, and what it does wrong.

A fault of its own is armed by an action and strikes the first message of its MTI; what the kinds
mean is in companion/acquirer/faults.py. ``late`` is here: the answer leaves so many milliseconds
late. What it really books goes to ``Book`` at the moment it is written.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from companion.acquirer import faults, wire
from companion.acquirer.faults import Fault
from companion.acquirer.inprocess import InProcessHost, Sending
from tests.world.book import Book
from tests.world.timeline import Timeline

LATE = "late"
_THINKING_MS = 120
# The one parameter that an action of companion/acquirer/faults.py may need.
_VALUES = {"f39": str, "ms": int, "minor": int, "bytes": int}
# Faults after which the answer is not what was booked.
_LIES = (
    faults.DECLINE,
    faults.SAY,
    faults.CAPTURE_AFTER_REVERSAL,
    faults.REFUSE_REVERSAL,
    faults.LOOSE_LOOKUP,
)


@dataclass
class Armed:
    """A fault that waits for its message; ``mti`` "" fits any."""

    kind: str
    mti: str
    value: str = ""

    def fits(self, mti: str) -> bool:
        return self.mti in ("", mti)


class Host:
    """Requests in, answers and their times out; ``fired`` hears of every fault that struck."""

    def __init__(
        self, timeline: Timeline, dice: random.Random, book: Book, fired: Callable[[str], None]
    ) -> None:
        self._timeline = timeline
        self._fired = fired
        self.armed: list[Armed] = []
        self._book = book
        self._host = InProcessHost(dice, note=book.note)

    def close(self) -> None:
        self._host.close()

    def take(self, data: bytes) -> list[tuple[int, bytes]]:
        """What leaves for the terminal, and how many milliseconds after the request."""
        self._host.set_time(self._timeline.moment())
        mti = data[11:13].hex()
        armed = next((one for one in self.armed if one.fits(mti)), None)
        fault, delay = None, _THINKING_MS
        if armed:
            self.armed.remove(armed)
            self._fired(f"host {armed.kind}")
            if armed.kind == LATE:
                delay += int(armed.value)
            else:
                needs = faults.ACTIONS[armed.kind]
                more: dict[str, Any] = {needs: _VALUES[needs](armed.value)} if needs else {}
                fault = Fault(line=1, do=armed.kind, **more)
                if armed.kind in _LIES:
                    request = wire.decode(data)
                    self._book.misled.add((int(request.batch or 0), int(request.stan)))
                    self._book.misled_closing |= mti in ("0500", "0320")
        due = self._host.receive(data, None, fault)
        return [
            (delay + one.delay_ms, one.data)
            for one in due
            if isinstance(one, Sending) and one.data
        ]
