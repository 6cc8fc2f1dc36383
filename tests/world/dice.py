"""What a trace is made of, and the dice that draw it."""

from __future__ import annotations

import random
from typing import Any

from protocol.iso8583.dialect import Profile

Step = tuple[Any, ...]
"""``(name, *values)``, plain and complete."""


class Dice(random.Random):
    """What draws a trace, for the dialect of its world."""

    def __init__(self, seed: str, profile: Profile) -> None:
        super().__init__(seed)
        self.profile = profile
