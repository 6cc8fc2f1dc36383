"""Keeps as evidence who was refused: a wrong key or certificate, a replay, somebody in between.

One record a minute, and none when room gets short: whoever knocks must not fill the journal.
"""

import asyncio

# Records that must stay free for trade.
ROOM = 512


class Refusals:
    """``note(text)`` appends a NOTE; ``room()`` says how many more records fit."""

    quiet_s = 60

    def __init__(self, note, room) -> None:
        self._note = note
        self._room = room
        self._quiet = False
        self._unsaid = 0

    def refused(self, where: str, why: str) -> None:
        """Somebody at ``where`` was refused."""
        if self._quiet or self._room() < ROOM:
            self._unsaid += 1
            return
        before = " (+%d)" % self._unsaid if self._unsaid else ""
        self._unsaid = 0
        self._quiet = True
        asyncio.create_task(self._speak_again())
        self._note(where + ": " + why + before)

    async def _speak_again(self) -> None:
        await asyncio.sleep(self.quiet_s)
        self._quiet = False
