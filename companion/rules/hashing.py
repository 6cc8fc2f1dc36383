"""The hash of a set of breaks: the same from any engine, store, truth and order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol


class Told(Protocol):
    """What the hash knows of a break; money in minor units."""

    @property
    def code(self) -> str: ...
    @property
    def row_key(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def effect_minor(self) -> int: ...
    @property
    def owed_minor(self) -> int: ...
    @property
    def provisional(self) -> int: ...


def break_id(code: str, row_key: str) -> str:
    """How a break is known in every run and store."""
    return hashlib.sha256(f"{code}|{row_key}".encode()).hexdigest()[:16]


def break_set_hash(found: Iterable[Told]) -> str:
    """SHA-256 over the ids and figures, a line a break, sorted."""
    lines = sorted(
        f"{break_id(one.code, one.row_key)} {one.amount_minor} {one.effect_minor} "
        f"{one.owed_minor} {int(one.provisional)}\n"
        for one in found
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
