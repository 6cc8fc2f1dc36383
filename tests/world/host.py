"""The acquirer: the real host (companion/acquirer) inside this process, and what it does wrong.

A fault of its own is armed by an action and strikes the first message of its MTI; what the kinds
mean is in companion/acquirer/faults.py. ``late`` is here: the answer leaves so many milliseconds
late. What it really books goes to ``Book`` at the moment it is written.

Primary and backup are two doors to one ledger. While they lag, neither knows what came in at the
other's door: it answers 25 to its reversal, and nothing is undone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from companion.acquirer import faults
from companion.acquirer.answers import PARTLY
from companion.acquirer.faults import Fault
from companion.acquirer.inprocess import InProcessHost, Sending
from tests.world.book import Books
from tests.world.shop import TERMINALS
from tests.world.speech import Speech
from tests.world.timeline import Timeline

LATE = "late"
_THINKING_MS = 120
_NO_ORIGINAL = "25"
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
# Faults after which an answer must not be taken.
_SPOILS = (faults.BAD_MAC, faults.NO_MAC, faults.NO_F39, faults.ECHO_AMOUNT)


@dataclass
class Armed:
    """A fault that waits for its message; ``mti`` "" fits any, as does "0320" the end of an
    upload."""

    kind: str
    mti: str
    value: str = ""

    def fits(self, mti: str) -> bool:
        return self.mti in ("", mti, mti[:4])


class Host:
    """Requests in, answers and their times out; ``fired`` hears of every fault that struck."""

    def __init__(
        self,
        timeline: Timeline,
        dice: random.Random,
        books: Books,
        fired: Callable[[str], None],
        speech: Speech,
    ) -> None:
        self._timeline = timeline
        self._fired = fired
        self.armed: list[Armed] = []
        self.lag_until = 0
        self._doors: dict[tuple[str, str, str], int] = {}
        self._books = books
        self.speech = speech
        dialect, policy = speech.dialect, speech.policy
        self._host = InProcessHost(
            dice, terminals=TERMINALS, policy=policy, dialect=dialect, note=books.note
        )

    def close(self) -> None:
        self._host.close()

    def _unknown(self, data: bytes, door: int) -> bool:
        """Whether this is a reversal of what only the other door has seen so far."""
        request = self.speech.decode(data)
        key = request.terminal_no, request.batch, request.stan
        if request.mti != "0400":
            self._doors.setdefault(key, door)
            return False
        return self._timeline.now < self.lag_until and self._doors.get(key, door) != door

    def take(self, data: bytes, door: int) -> list[tuple[int, bytes]]:
        """What leaves for the terminal, and how many milliseconds after the request."""
        self._host.set_time(self._timeline.moment())
        mti = self.speech.name(data)
        armed = next((one for one in self.armed if one.fits(mti)), None)
        fault, delay = None, _THINKING_MS
        if armed:
            self.armed.remove(armed)
            if armed.kind != faults.PARTIAL:  # it strikes only what begins something
                self._fired(f"host {armed.kind}")
            if armed.kind == LATE:
                delay += int(armed.value)
            else:
                needs = faults.ACTIONS[armed.kind]
                more: dict[str, Any] = {needs: _VALUES[needs](armed.value)} if needs else {}
                fault = Fault(line=1, do=armed.kind, **more)
                if armed.kind in _LIES:
                    request = self.speech.decode(data)
                    book = self._books.of[request.terminal_no]
                    book.misled.add((int(request.batch or 0), int(request.stan)))
        if self._unknown(data, door) and fault is None:
            self._fired("host lag")
            fault = Fault(line=1, do=faults.DECLINE, f39=_NO_ORIGINAL)
        due = [one for one in self._host.receive(data, None, fault) if isinstance(one, Sending)]
        if any(one.answer and one.answer.f39 == PARTLY for one in due):
            self._fired(f"host {faults.PARTIAL}")
        if fault and fault.do in _SPOILS:
            self._books.spoiled.update(one.data[2:] for one in due)
        return [(delay + one.delay_ms, one.data) for one in due if one.data]
