"""What the front panel shows and takes, seen from outside the board."""

import json
from collections import deque
from collections.abc import Callable

from boards.virtual.cuts import PanelMessage

Screen = list[str]

_KEPT_SCREENS = 1000
_KEPT_LINES = 20_000
_CARD_FIELDS = {"pan": (12, 19), "expiry": (4, 4), "entry": (3, 3), "track2": (1, 37)}
_REQUIRED_CARD_FIELDS = ("pan", "expiry")


class PanelError(ValueError):
    """A key or card event that the panel does not know; the message says what is wrong."""


def check_event(event: object) -> bytes:
    """Check a key or card event; returns it as the chip reads it, a line of JSON."""
    if not isinstance(event, dict) or len(event) != 1 or not set(event) <= {"key", "card"}:
        raise PanelError('expected {"key": "..."} or {"card": {...}}')
    if "key" in event:
        key = event["key"]
        if not isinstance(key, str) or not 1 <= len(key) <= 12 or not key.isascii():
            raise PanelError("key is not a string of 1 to 12 ASCII characters")
    else:
        _check_card(event["card"])
    return json.dumps(event, sort_keys=True).encode() + b"\n"


def _check_card(card: object) -> None:
    if not isinstance(card, dict):
        raise PanelError("card is not an object")
    for name in _REQUIRED_CARD_FIELDS:
        if name not in card:
            raise PanelError(f"card has no {name}")
    for name, value in card.items():
        if name not in _CARD_FIELDS:
            raise PanelError(f"card has an unknown field {str(name)[:20]!r}")
        low, high = _CARD_FIELDS[name]
        if not isinstance(value, str) or not low <= len(value) <= high:
            raise PanelError(f"card: {name} is not a string of {low} to {high} characters")
        if name != "track2" and not (value.isascii() and value.isdigit()):
            raise PanelError(f"card: {name} is not digits")


class FrontPanel:
    """Screens since the last input, the paper, the beeps. Guarded by the board's condition."""

    def __init__(self) -> None:
        self.screen: Screen = []
        self.printed: deque[str] = deque(maxlen=_KEPT_LINES)
        self.beeps = 0
        self._shown: deque[Screen] = deque(maxlen=_KEPT_SCREENS)

    def power_lost(self) -> None:
        """The display goes dark; paper stays."""
        self.screen = []
        self._shown.clear()

    def input_given(self) -> None:
        """From here on only screens shown later count as an answer."""
        self._shown.clear()

    def output(self, message: PanelMessage) -> None:
        if "screen" in message:
            self.screen = message["screen"]
            self._shown.append(self.screen)
        elif "print" in message:
            self.printed.append(message["print"])
        elif "beep" in message:
            self.beeps += message["beep"]

    def find(self, matches: Callable[[Screen], bool]) -> Screen | None:
        """The first match among the screens shown; those before it are forgotten."""
        for passed, screen in enumerate(self._shown):
            if matches(screen):
                for _ in range(passed):
                    self._shown.popleft()
                return screen
        return None
