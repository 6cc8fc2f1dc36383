"""When each place is due for a sync. No I/O and no clock: the caller says what time it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Each sync is a thread with a port and a connection to the store.
MAX_AT_ONCE = 8
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 300.0


@dataclass
class _Entry:
    due_at: float
    retry_s: float = FIRST_RETRY_S
    running: bool = False
    gone: bool = False


class Agenda:
    """Times are seconds. A place is due when it appears, ``every_s`` after a good sync, and after
    a bad one at twice the distance of the last time."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._entries: dict[str, _Entry] = {}

    def update(self, places: Iterable[str], now: float) -> tuple[list[str], list[str]]:
        """Note which places are there; returns those that came and those that went."""
        there = set(places)
        came = []
        for place in sorted(there):
            entry = self._entries.get(place)
            if entry is None:
                self._entries[place] = _Entry(due_at=now)
            elif entry.gone:
                entry.gone, entry.due_at, entry.retry_s = False, now, FIRST_RETRY_S
            else:
                continue
            came.append(place)
        went = [place for place in self.places() if place not in there]
        for place in went:
            self._entries[place].gone = True
            self._forget(place)
        return came, went

    def places(self) -> list[str]:
        """The places that are there."""
        return sorted(place for place, entry in self._entries.items() if not entry.gone)

    def start(self, now: float) -> list[str]:
        """The places whose sync begins now, the longest overdue first."""
        due = [place for place in self._waiting() if self._entries[place].due_at <= now]
        begin = sorted(due, key=lambda place: self._entries[place].due_at)[: self._room()]
        for place in begin:
            self._entries[place].running = True
        return begin

    def ended(self, place: str, good: bool, now: float) -> float:
        """A sync has ended; returns in how many seconds the place is due again."""
        entry = self._entries[place]
        entry.running = False
        wait_s = self._every_s if good else entry.retry_s
        entry.retry_s = FIRST_RETRY_S if good else min(2 * entry.retry_s, LONGEST_RETRY_S)
        entry.due_at = now + wait_s
        self._forget(place)
        return wait_s

    def next_at(self) -> float | None:
        """When `start` will have something; None: only an end or an arrival changes that."""
        if not self._room():
            return None
        return min((self._entries[place].due_at for place in self._waiting()), default=None)

    def due_at(self, place: str) -> float | None:
        """When a place that is there is due; None while its sync runs."""
        entry = self._entries[place]
        return None if entry.running else entry.due_at

    def _waiting(self) -> list[str]:
        return [
            place for place, entry in self._entries.items() if not entry.running and not entry.gone
        ]

    def _room(self) -> int:
        return MAX_AT_ONCE - sum(entry.running for entry in self._entries.values())

    def _forget(self, place: str) -> None:
        """What is gone is forgotten, but not before its sync has ended."""
        if self._entries[place].gone and not self._entries[place].running:
            del self._entries[place]
