"""A number for each terminal and file of a store, the same in whatever order they came."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from companion.facts import schema


class Numbers:
    """Numbers made of names alone; where two names would have the same, one takes the next."""

    def __init__(self, names: Iterable[str]) -> None:
        self._numbers: dict[str, int] = {}
        taken: set[int] = set()
        for name in sorted(set(names)):
            hashed = hashlib.sha256(name.encode()).digest()
            number = int.from_bytes(hashed[:8], "big") % schema.SOURCES
            while number in taken:
                number = (number + 1) % schema.SOURCES
            taken.add(number)
            self._numbers[name] = number

    def of(self, name: str) -> int:
        """The number of a terminal (device id) or file."""
        return self._numbers[name]
