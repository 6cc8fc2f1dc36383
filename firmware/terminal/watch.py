"""What looks after a running terminal: feeds the watchdog, counts the time, logs what changes."""

import asyncio
import time

from terminal import rtc
from terminal.acquirer import AcquirerLine

# A loop that does nothing else for so long is hung. Longer than what holds it up in good order:
# a name server that does not answer, a TLS handshake, a few flash sectors.
WATCHDOG_MS = 60000
_TURN_MS = 1000
# A start that has lasted so long, in seconds, did not end at once.
_HEALTHY_S = 60
# Lines an hour: what comes and goes all day must not wear the log's flash.
_LINES = 30
_HOUR_S = 3600


class Watch:
    """``seconds``: since the start. ``heard``: then a host answered last, -1 for never."""

    def __init__(self, log) -> None:
        self.dog = None
        self.seconds = 0
        self.heard = -1
        self._line: AcquirerLine | None = None
        self._answers = 0
        self._sources: list = []
        self._said: list[str] = []
        self._log = log
        self._lines = 0
        self._ms = time.ticks_ms()

    def guard(self, board) -> None:
        """Start the board's watchdog, if it has one: from now on the loop must not hang."""
        start = getattr(board, "watchdog", None)
        self.dog = start(WATCHDOG_MS) if start else None

    def add(self, source) -> None:
        """``source()`` says in a few words how something is; a change of it is logged."""
        self._sources.append(source)
        self._said.append("")

    def follow(self, line: AcquirerLine) -> None:
        """Look after the acquirer's line."""
        self._line = line
        self.add(self._host)

    def _host(self) -> str:
        line = self._line
        assert line is not None
        if line.answers != self._answers:
            self._answers = line.answers
            self.heard = self.seconds
        if line.trouble:
            return "host: " + line.trouble
        return "host: answers" if self._answers else ""

    async def run(self) -> None:
        """For ever; as a task of the loop it stops when the loop does."""
        while True:
            self.turn()
            await asyncio.sleep_ms(_TURN_MS)

    def turn(self) -> None:
        """A second has gone by, or a little more."""
        if self.dog:
            self.dog.feed()
        gone = time.ticks_diff(time.ticks_ms(), self._ms) // 1000
        self._ms = time.ticks_add(self._ms, gone * 1000)
        before = self.seconds
        self.seconds += gone
        self._log.seconds = self.seconds
        if before < _HEALTHY_S <= self.seconds:
            rtc.keep(rtc.SELL, 0)
        if before // _HOUR_S != self.seconds // _HOUR_S:
            self._lines = 0
        for number in range(len(self._sources)):
            self._look(number)

    def _look(self, number: int) -> None:
        said = self._sources[number]()
        if said != self._said[number] and self._lines < _LINES:
            self._said[number] = said
            self._lines += 1
            self._log.line(said)
