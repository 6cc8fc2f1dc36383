"""Amounts and rates as people write them, exactly: 20.00, 0.38%."""

from __future__ import annotations

import re

from companion.errors import CompanionError

_DECIMAL = re.compile(r"(\d{1,9})(?:\.(\d{1,6}))?", re.ASCII)
_MONEY_PLACES = 2
_PERCENT_PLACES = 4


class FigureError(CompanionError):
    """Something that is no amount, or no rate."""


def minor(text: str) -> int:
    """Minor units of an amount: 20.5 -> 2050."""
    return _scaled(text, _MONEY_PLACES, "an amount such as 20.00")


def parts_per_million(text: str) -> int:
    """Parts per million of a rate in percent, with or without its sign: 0.38% -> 3800."""
    made = _scaled(text.removesuffix("%").rstrip(), _PERCENT_PLACES, "a rate such as 0.38%")
    if made > 1_000_000:
        raise FigureError(f"{text}: more than 100%")
    return made


def percent(ppm: int) -> str:
    """A rate as people read it: 3800 -> 0.38%."""
    whole, part = divmod(ppm, 10**_PERCENT_PLACES)
    digits = f"{part:0{_PERCENT_PLACES}d}".rstrip("0").ljust(2, "0")
    return f"{whole}.{digits}%"


def _scaled(text: str, places: int, what: str) -> int:
    found = _DECIMAL.fullmatch(text.strip())
    part = found.group(2) or "" if found else ""
    if found is None or len(part) > places:
        raise FigureError(f"{text!r} is not {what}")
    return int(found.group(1) + part.ljust(places, "0"))
