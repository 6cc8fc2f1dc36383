"""Training: the cashier practises, and nothing that happens is money.

A start of its own (rtc.py), in which the parts that could do harm do not exist: no journal is
opened, no acquirer's line, no network, no engine and no key. What was practised is in RAM and ends
with the power.
"""

import asyncio

from micropython import kbd_intr

from protocol import config
from terminal import rtc, screens
from terminal.cell import Cell
from terminal.practice import Practice
from terminal.watch import Watch


class Training:
    """What runs in App's place; ends with a reset."""

    leaving = False

    def __init__(self, board, log) -> None:
        self._board = board
        self._watch = Watch(log)
        self._panel = board.Panel()
        # Of all that a configuration has, keys included, only what a slip shows stays.
        there = Cell(board.partition("vault"), 0).load()
        whole = config.decode(there) if there else {}
        names = ("merchant_name", "merchant_no", "terminal_no", "language", "confirm_minor")
        self._names = {name: whole[name] for name in names if whole}

    async def main(self) -> None:
        """Practise until the cashier ends it, or the power does."""
        kbd_intr(-1)
        if self._names:
            screens.use(self._names["language"])
            self._watch.guard(self._board)
            asyncio.create_task(self._watch.run())
            practice = Practice(self._names, self._panel, self._leave)
            practice.begin()
            while not self.leaving:
                practice.event(await self._panel.event())
        rtc.restart()

    def _leave(self) -> None:
        self._panel.show(screens.lines("starting"))
        self.leaving = True
