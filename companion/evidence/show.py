"""How values are written: money, days, instants in China time, what may stand on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone

from companion.facts import schema
from companion.statements import cards, currencies

CHINA = timezone(timedelta(hours=8))
NOTHING = "—"
# Stands for a character that the font does not have.
NO_GLYPH = "〓"

# Number -> letters and decimals.
_CURRENCIES = {
    currencies.number_of(name) or "": (name, currencies.places_of(name))
    for name in currencies.letters()
} | {currencies.CNY: ("CNY", 2)}
# Six digits of a place, a date of birth, three digits, a check digit (GB 11643, MOD 11-2).
_IDENTITY = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx](?![0-9])"
)
_CHECK = "10X98765432"


def money(minor: int, currency: str = currencies.CNY) -> str:
    """Minor units and the number of a currency: 123456 -> CNY 1,234.56"""
    name, places = _CURRENCIES.get(currency, (currency, 2))
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**places)
    return f"{name} {sign}{whole:,}" + (f".{part:0{places}d}" if places else "")


def total(amounts: Iterable[tuple[int, str]]) -> str:
    """The sum of amounts (minor units, currency), one for each currency."""
    sums: dict[str, int] = {}
    for minor, currency in amounts:
        sums[currency] = sums.get(currency, 0) + minor
    return " + ".join(money(sums[currency], currency) for currency in sorted(sums))


def day(value: object) -> str:
    """A day number or an ISO date, "—" when there is none."""
    if isinstance(value, int):
        return schema.as_date(value).isoformat() if value else NOTHING
    return value.isoformat() if isinstance(value, date) else str(value or NOTHING)


def instant(seconds: int) -> str:
    """Seconds of the epoch as date and time in China."""
    if not seconds:
        return NOTHING
    return datetime.fromtimestamp(seconds, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def host_time(value: str) -> str:
    """MMDDhhmmss, as ISO 8583 has it, without a year."""
    if len(value) != 10:
        return value or NOTHING
    return f"{value[0:2]}-{value[2:4]} {value[4:6]}:{value[6:8]}:{value[8:10]}"


def masked(text: str) -> str:
    """Text in which no card number and no number of an identity card stands whole."""
    return _IDENTITY.sub(_hidden, cards.masked(text))


def _hidden(found: re.Match[str]) -> str:
    """A citizen's number without its last twelve characters, if it is one by its check digit."""
    text = found.group()
    total = sum(int(digit) << (17 - at) for at, digit in enumerate(text[:17]))
    return text[:6] + "*" * 12 if _CHECK[total % 11] == text[17].upper() else text


def plain(text: str) -> str:
    """Without what could act on a screen or turn the direction of writing."""
    return "".join(char if char.isprintable() else " " for char in text)


def short(digest: str) -> str:
    """The beginning of a hash, enough to find it in the list."""
    return digest[:16]


def day_of(at: str) -> str:
    """The day in China of an instant in ISO 8601."""
    return datetime.fromisoformat(at).astimezone(CHINA).date().isoformat()
