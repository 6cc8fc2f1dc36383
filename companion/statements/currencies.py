"""Currencies: the number by which facts and terminals name one, and its decimals (ISO 4217)."""

from __future__ import annotations

from companion.statements.statement import StatementError

CNY = "156"
_KNOWN = {
    "AED": ("784", 2),
    "AUD": ("036", 2),
    "BRL": ("986", 2),
    "CAD": ("124", 2),
    "CHF": ("756", 2),
    "CNH": ("156", 2),
    "CNY": ("156", 2),
    "RMB": ("156", 2),
    "CZK": ("203", 2),
    "DKK": ("208", 2),
    "EUR": ("978", 2),
    "GBP": ("826", 2),
    "HKD": ("344", 2),
    "HUF": ("348", 2),
    "IDR": ("360", 2),
    "INR": ("356", 2),
    "JPY": ("392", 0),
    "KRW": ("410", 0),
    "KWD": ("414", 3),
    "MOP": ("446", 2),
    "MXN": ("484", 2),
    "MYR": ("458", 2),
    "NOK": ("578", 2),
    "NZD": ("554", 2),
    "PHP": ("608", 2),
    "PLN": ("985", 2),
    "RUB": ("643", 2),
    "SAR": ("682", 2),
    "SEK": ("752", 2),
    "SGD": ("702", 2),
    "THB": ("764", 2),
    "TWD": ("901", 2),
    "USD": ("840", 2),
    "VND": ("704", 0),
    "ZAR": ("710", 2),
}
_NUMBERS = {number for number, _ in _KNOWN.values()}


def number_of(code: str) -> str | None:
    """The number of a currency, from its letters or its number; None when it is not known."""
    if code in _NUMBERS:
        return code
    return _KNOWN[code][0] if code in _KNOWN else None


def places_of(code: str) -> int:
    """How many decimals a currency has, from its letters."""
    if code not in _KNOWN:
        raise StatementError(f"currency {code[:8]!r} is not known here")
    return _KNOWN[code][1]


def letters() -> tuple[str, ...]:
    """The currencies that are known, by their letters."""
    return tuple(_KNOWN)
