"""The self-test of a board's parts, before the first sale and after every flashing.

Run from the REPL by `companion selftest`, never by the application: it shows, prints and asks for
a key. It changes nothing in the journal but what any start does there, and ends with a receipt on
the screen. Each part is told as one line, "SELFTEST part ok|failed|skipped what was seen".
"""

import asyncio
import gc
import sys
import time

from terminal import FIRMWARE
from terminal.cell import Cell
from terminal.journal import Journal

_WAIT_S = 20
_TICK_MS = 50
_TURN_MS = 200
_TURNS = 50  # a slip takes some seconds at 9600 baud
_UNUSED = ("UNFORMATTED",)
_RULE = "-" * 21


class SelfTest:
    """One run on one board; ``hands``: somebody is there to press a key and hold a card."""

    def __init__(self, board, hands: bool = True, tell=print) -> None:
        self._board = board
        self._hands = hands
        self._tell = tell
        self._panel = None  # until it has shown something
        self.results: list = []  # (part, "ok" | "failed" | "skipped")

    async def run(self) -> bool:
        """Try every part; whether none has failed."""
        for name, part in _PARTS:
            if not self._hands and part in _BY_HAND:
                self._end(name, "skipped", "nobody is there")
                continue
            await self._try(name, part)
        if self._panel:
            await self._try("receipt", SelfTest._give_receipt)
        return not self._failed()

    async def _try(self, name: str, part) -> None:
        try:
            seen = part(self)
            if not isinstance(seen, str):
                seen = await seen
            self._end(name, "ok" if seen else "skipped", seen or "nothing came")
        except Exception as error:
            # Whatever a driver raises: the other parts are to be tried all the same.
            self._end(name, "failed", "%s: %s" % (type(error).__name__, error))

    def _failed(self) -> list:
        return [name for name, how in self.results if how == "failed"]

    def _end(self, name: str, how: str, seen: str) -> None:
        self.results.append((name, how))
        self._tell("SELFTEST %s %s %s" % (name, how, seen))

    async def _give_receipt(self) -> str:
        """On the screen and on paper, whichever of them fails."""
        rows = self._receipt()
        try:
            self._show(rows[:6] + ["", "Reset it to start"])
        finally:
            self._slip(rows)
            await self._driven()
        return "shown and printed"

    def _receipt(self) -> list:
        failed = self._failed()
        passed = len([1 for _, how in self.results if how == "ok"])
        rows = ["SELF-TEST", _RULE, self._board.NAME[:21], "FIRMWARE " + FIRMWARE]
        rows.append("PASSED %d  FAILED %d" % (passed, len(failed)))
        rows.append(("FAILED: " + ", ".join(failed))[:21] if failed else "ALL THAT WAS TRIED OK")
        return rows

    def _show(self, rows: list) -> None:
        if self._panel:
            self._panel.show(rows)

    def _need(self):
        if self._panel is None:
            raise ValueError("no panel")
        return self._panel

    # -- parts: each returns what it has seen, "" when nobody did what it asked for --------------

    def _program(self) -> str:
        where = "in ROMFS" if __file__.startswith("/rom") else "in RAM, from %s" % __file__
        return "firmware %s, %s %s, runs %s" % (
            FIRMWARE,
            sys.implementation.name,
            ".".join([str(part) for part in sys.implementation.version[:3]]),
            where,
        )

    def _memory(self) -> str:
        gc.collect()
        return "%d bytes free" % gc.mem_free()

    def _chip(self) -> str:
        board = self._board
        unique = "".join(["%02x" % byte for byte in board.unique_id()])
        return "%s %s, started by %s" % (board.NAME, unique, board.reset_cause())

    def _clock(self) -> str:
        before = time.ticks_ms()
        time.sleep_ms(_TICK_MS)
        took = time.ticks_diff(time.ticks_ms(), before)
        if took < _TICK_MS - 1:  # more is the load
            raise ValueError("%d ms took %d" % (_TICK_MS, took))
        return "set" if self._board.Clock().wall() else "runs, not set"

    def _vault(self) -> str:
        there = Cell(self._board.partition("vault"), 0).load()
        return "a configuration" if there else "empty: provision it"

    def _journal(self) -> str:
        journal = Journal(self._board.partition("journal"))
        report = journal.mount()
        alarm = report["alarm"]
        if alarm in _UNUSED:
            return "not formatted: provision it"
        if alarm:
            raise ValueError(alarm)
        return "records %d to %d" % (journal.first_seq, journal.next_seq - 1)

    def _log(self) -> str:
        return "%d KB" % (self._board.partition("log").ioctl(4, 0) * 4)

    def _screen(self) -> str:
        self._panel = self._board.Panel()
        self._show(
            ["SELF-TEST", "", "Can you read this?", "0123456789", "", self._board.NAME[:21]]
        )
        return "shown"

    async def _beeper(self) -> str:
        self._need().beep(1)
        await self._driven()
        return "beeped"

    async def _printer(self) -> str:
        self._slip(["SELF-TEST", _RULE])
        await self._driven()
        return "printed"

    def _slip(self, rows: list) -> None:
        panel = self._need()
        for row in rows:
            panel.print_line(row)

    async def _keys(self) -> str:
        self._show(["SELF-TEST", "", "Press ENTER"])
        event = await self._event("key")
        if event and event != "ENTER":
            raise ValueError("ENTER was asked for, %s came" % event)
        return event

    async def _reader(self) -> str:
        self._show(["SELF-TEST", "", "Hold a card to the", "reader", "", "any key: go on"])
        want = getattr(self._need(), "want_card", bool)
        want(0)
        event = await self._event("card", "key")
        want(None)
        if hasattr(self._need(), "tell_reader"):
            self._need().tell_reader("refused", "", b"")
        return "a card" if isinstance(event, dict) else ""

    def _drivers(self) -> str:
        """What the parts say of themselves; a panel in one piece says nothing."""
        faults: list = getattr(self._need(), "faults", list)()
        if faults:
            raise ValueError("; ".join(faults))
        return "no fault"

    async def _driven(self) -> None:
        """Let the parts work: whoever waits for the panel's events drives them."""
        panel = self._need()
        for _ in range(_TURNS):
            try:
                await asyncio.wait_for_ms(panel.event(), _TURN_MS)
            except asyncio.TimeoutError:
                if not getattr(panel, "printing", bool)():
                    return

    async def _event(self, *kinds: str):
        """What the panel brings of these kinds within a bounded time, "" for nothing."""
        until = time.ticks_add(time.ticks_ms(), _WAIT_S * 1000)
        while True:
            left = time.ticks_diff(until, time.ticks_ms())
            if left <= 0:
                return ""
            try:
                event = await asyncio.wait_for_ms(self._need().event(), left)
            except asyncio.TimeoutError:
                return ""
            for kind in kinds:
                if kind in event:
                    return event[kind]


# The screen first: the parts behind it use it.
_PARTS = (
    ("program", SelfTest._program),
    ("memory", SelfTest._memory),
    ("chip", SelfTest._chip),
    ("clock", SelfTest._clock),
    ("vault", SelfTest._vault),
    ("journal", SelfTest._journal),
    ("log", SelfTest._log),
    ("screen", SelfTest._screen),
    ("beeper", SelfTest._beeper),
    ("printer", SelfTest._printer),
    ("keys", SelfTest._keys),
    ("reader", SelfTest._reader),
    ("drivers", SelfTest._drivers),
)
_BY_HAND = (SelfTest._keys, SelfTest._reader)


def run(board, hands: bool = True) -> bool:
    """Test this board; whether nothing has failed."""
    passed = asyncio.run(SelfTest(board, hands).run())
    print("SELFTEST END", "ok" if passed else "failed")
    return passed
