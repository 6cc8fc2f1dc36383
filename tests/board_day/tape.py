"""Everything the panel showed and printed, in order, and the cut at its n-th output."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from boards.virtual.board import VirtualBoard
from boards.virtual.cuts import PanelMessage
from boards.virtual.shop import WAIT

Screen = list[str]


class PowerGone(Exception):
    """What was waited for cannot come: the power is off."""


@dataclass(frozen=True)
class Slip:
    """A slip of an approval that came out whole."""

    batch: str
    stan: str
    amount: str
    rrn: str
    auth: str
    date: str
    duplicate: bool


class Tape:
    """Sits on a board's panel; ``cut_at(n)`` takes the power before the n-th output is seen."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._news = threading.Condition()
        self._left = 0
        self.screens: list[Screen] = [board.screen]
        self.printed: list[str] = []
        board.cut_on_panel(self._take)

    def cut_at(self, n: int) -> None:
        with self._news:
            self._left = n

    def calm(self) -> None:
        """No cut that was armed comes any more."""
        self.cut_at(0)
        self._board.cancel_cuts()
        self._board.cut_on_panel(self._take)

    def power_on(self) -> None:
        with self._news:
            self.screens.append([""])
        self._board.cut_on_panel(self._take)
        self._board.power_on()

    def _take(self, message: PanelMessage) -> bool:
        with self._news:
            if self._left:
                self._left -= 1
                if not self._left:
                    return True
            if "screen" in message:
                self.screens.append(message["screen"])
            elif "print" in message:
                self.printed.append(message["print"])
            self._news.notify_all()
        return False

    def until(self, wanted: Callable[[Screen], bool], since: int) -> Screen:
        """The first such screen from number ``since`` on; PowerGone, or TimeoutError."""
        seen, waited = since, 0.0
        with self._news:
            while True:
                for screen in self.screens[seen:]:
                    seen += 1
                    if wanted(screen):
                        return screen
                if not self._board.is_on:
                    raise PowerGone
                if not self._news.wait(0.05):
                    waited += 0.05
                if waited > WAIT:
                    tail = self._board.serial_tail[-500:]
                    raise TimeoutError(f"the panel shows {self.screens[-1]}; serial: {tail}")

    def slips(self, since: int = 0) -> list[Slip]:
        """The whole slips of approvals from line ``since`` on."""
        found: list[Slip] = []
        fields: dict[str, str] = {}
        for line in self.printed[since:]:
            name, _, value = line.partition(" ")
            if line.startswith("---") and "AUTH" in fields and "AMOUNT" in fields:
                found.append(_slip(fields))
            if line.startswith("---") or name == "MERCHANT":
                fields = {"DUPLICATE": fields.get("DUPLICATE", "")} if name == "MERCHANT" else {}
            elif "DUPLICATE" in line:
                fields["DUPLICATE"] = "1"
            else:
                fields[name] = value.strip()
        return found


def _slip(fields: dict[str, str]) -> Slip:
    return Slip(
        fields["BATCH"],
        fields["STAN"],
        fields["AMOUNT"].removeprefix("CNY "),
        fields["RRN"],
        fields["AUTH"],
        fields["TIME"].split(" ")[0].replace("-", ""),
        bool(fields["DUPLICATE"]),
    )
