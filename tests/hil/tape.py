"""Everything a terminal showed, printed and said, in order; and when its power came and went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Screen = list[str]

WAIT_S = 60.0
"""For what should come soon: a hang is noticed, a busy machine is borne."""


class PowerGone(Exception):
    """What was waited for cannot come: the power is off."""


class Silence(Exception):
    """The terminal has power and does not do what it should; the message has its last words."""


@dataclass(frozen=True)
class Slip:
    """A slip of an approval that came out whole."""

    title: str
    batch: int
    stan: int
    amount_minor: int
    duplicate: bool


class Tape:
    """Messages are the panel's, {"screen": [...]}, {"print": ...}, {"beep": n}; and {"boot": ...}
    of a start, with its cause. From any thread."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.powered = False
        self._news = threading.Condition()
        self._left = 0
        self._then: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, message: Message) -> None:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()
            self._left -= 1
            if self._then and not self._left:
                self._then()
                self._then = None

    def after(self, n: int, then: Callable[[], None] | None) -> None:
        """Call it when the n-th message from now is there, in the thread that hears it; it must
        not wait. When this returns, what was to be called before has been or never will be."""
        with self._news:
            self._left, self._then = n, then

    def power(self, on: bool) -> None:
        """The power came or went; a terminal that starts has a dark screen."""
        with self._news:
            if on and not self.powered:
                self.messages.append({"screen": [""]})
            self.powered = on
            self._news.notify_all()

    def screens(self, since: int = 0) -> list[Screen]:
        return [one["screen"] for one in self.messages[since:] if "screen" in one]

    def screen(self, before: int | None = None) -> Screen:
        """The latest, of those before message number ``before``."""
        at = len(self.messages) if before is None else before
        while at and "screen" not in self.messages[at - 1]:
            at -= 1
        screen: Screen = self.messages[at - 1]["screen"] if at else [""]
        return screen

    def wait(
        self, wanted: Callable[[Message], bool], since: int, timeout: float = WAIT_S
    ) -> Message:
        """The first such message from number ``since`` on; PowerGone, or Silence."""
        deadline = time.monotonic() + timeout
        with self._news:
            seen = since
            while True:
                for message in self.messages[seen:]:
                    seen += 1
                    if wanted(message):
                        return message
                if not self.powered:
                    raise PowerGone
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Silence(f"not in {timeout:g} s; the last: {self.messages[-3:]}")
                self._news.wait(left)

    def wait_screen(self, wanted: Callable[[Screen], bool], since: int) -> Screen:
        """The same for screens."""
        found = self.wait(lambda one: "screen" in one and wanted(one["screen"]), since)
        screen: Screen = found["screen"]
        return screen

    def slips(self, since: int = 0) -> list[Slip]:
        """The whole slips of approvals among the messages from number ``since`` on."""
        found: list[Slip] = []
        fields: dict[str, str] = {}
        for line in [one["print"] for one in self.messages[since:] if "print" in one]:
            name, _, value = line.partition(" ")
            if line.startswith("---"):
                if "AUTH" in fields and "AMOUNT" in fields:
                    found.append(_slip(fields))
                fields = {}
            elif "DUPLICATE" in line:
                fields["DUPLICATE"] = "1"
            else:
                fields.setdefault("title", line)  # the first behind the rule
                fields[name] = value.strip()
        return found


def _slip(fields: dict[str, str]) -> Slip:
    amount = int(fields["AMOUNT"].removeprefix("CNY ").replace(".", ""))
    numbers = int(fields["BATCH"]), int(fields["STAN"]), amount
    return Slip(fields["title"], *numbers, "DUPLICATE" in fields)
