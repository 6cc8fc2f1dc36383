"""The host inside another program: no sockets, no sleeps, no files; virtual time and one seed.

    host = InProcessHost(random.Random(7))
    host.set_time(moment)
    for due in host.receive(message):  # a request's bytes, without the length in front
        if isinstance(due, Arrival):   # not there yet: host.arrive(due) in due.delay_ms
            ...
        else:                          # due.data for the line in due.delay_ms, lengths in front
            ...                        # (b"" with close: the connection ends)

``host.ledger`` says what really moved; ``note`` hears of every write as it is booked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timezone

from companion.acquirer.answers import Policy
from companion.acquirer.clock import SetClock
from companion.acquirer.desk import Desk
from companion.acquirer.dialects import Dialect
from companion.acquirer.events import Event, Listener
from companion.acquirer.faults import Fault, FaultScript
from companion.acquirer.front import Arrival, Due, Front, Line, Sending
from companion.acquirer.ledger import Ledger
from companion.acquirer.records import Write
from companion.acquirer.terminals import TEST_TERMINAL, Terminal

__all__ = ["Arrival", "Due", "InProcessHost", "Sending"]

_START = datetime(2026, 3, 2, 1, tzinfo=timezone.utc)


class InProcessHost:
    """A host with a ledger in memory. The same dice and requests give the same answers."""

    def __init__(
        self,
        dice: random.Random,
        *,
        terminals: Iterable[Terminal] = (TEST_TERMINAL,),
        script: FaultScript | None = None,
        policy: Policy | None = None,
        dialect: Dialect | None = None,
        note: Callable[[Write], None] | None = None,
        tell: Listener | None = None,
    ) -> None:
        self.ledger = Ledger.in_memory(dice.randbytes(32))
        self._clock = SetClock(_START)
        known = {terminal.terminal_no: terminal for terminal in terminals}
        desk = Desk(self.ledger, known, self._clock, policy, dice.randbytes, note, dialect)
        self._front = Front(desk, script or FaultScript(), tell or _silent)

    def set_time(self, moment: datetime) -> None:
        """The host's clock, an instant with its offset."""
        self._clock.moment = moment.astimezone(timezone.utc).replace(microsecond=0)

    def receive(self, data: bytes, line: Line = None, fault: Fault | None = None) -> list[Due]:
        """One request. ``line`` comes back in what is due; ``fault`` strikes before the script."""
        return self._front.receive(data, line, fault)

    def arrive(self, arrival: Arrival) -> list[Due]:
        """A delayed request, now that it is there."""
        return self._front.arrive(arrival)

    def close(self) -> None:
        self.ledger.close()


def _silent(_event: Event) -> None:
    """Nobody listens."""
