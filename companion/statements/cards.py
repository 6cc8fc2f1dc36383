"""Card and account numbers: found where they may not be, and masked where they may."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements.statement import StatementError

# How card numbers begin, by length; a longer row of digits is an order number or the like.
_CARD = (
    r"62\d{14,17}|4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6[0345]\d{14}|9\d{15,18}"
)
# Also in groups, as they are embossed.
_GROUPS = r"(?:\d{4}[ -]){3}\d{1,4}(?:[ -]\d{1,3})?"
_TEXT = re.compile(rf"(?<![0-9])(?:{_CARD}|{_GROUPS})(?![0-9])", re.ASCII)
_BYTES = re.compile(_TEXT.pattern.encode(), re.ASCII)
# RE2 has no lookaround.
_VECTOR = rf"(?:\A|[^0-9])(?:{_CARD}|{_GROUPS})(?:\z|[^0-9])"
MASKED = r"\d{6}\*+\d{4}"


def is_card(text: str) -> bool:
    """Whether this is a whole card number: how it begins, its length and its check digit."""
    digits = re.sub(r"[ -]", "", text)
    return re.fullmatch(_CARD, digits, re.ASCII) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def within(text: str) -> bool:
    """Whether a card number stands anywhere in a text."""
    return any(is_card(found.group()) for found in _TEXT.finditer(text))


def masked(text: str) -> str:
    """A text with the card numbers in it masked: six digits, stars, four digits."""
    return _TEXT.sub(lambda found: _hidden(found.group()), text)


def masked_bytes(data: bytes) -> bytes:
    """A file with the card numbers in it masked; everything else stays, byte for byte."""
    return _BYTES.sub(lambda found: _hidden(found.group().decode()).encode(), data)


def _hidden(text: str) -> str:
    if not is_card(text):
        return text
    places = [place for place, char in enumerate(text) if char.isdigit()]
    hidden = set(places[6:-4])
    return "".join("*" if place in hidden else char for place, char in enumerate(text))


def account(text: str) -> str:
    """The name of an account in facts: first six and last four characters, stars between.

    One of ten characters or less keeps the last four only. What has stars already stays.
    """
    plain = re.sub(r"[\s\-/]", "", text).upper()
    if "*" in plain:
        return plain
    if len(plain) > 10:
        return plain[:6] + "*" * (len(plain) - 10) + plain[-4:]
    return "*" * max(0, len(plain) - 4) + plain[-4:]


def shown(value: str) -> str:
    """A value as it may be shown in a message: it may be a clear card number."""
    if re.search(r"\d{12}", re.sub(r"[\s-]", "", value), re.ASCII):
        return f"{len(value)} characters with many digits"
    return repr(value[:40])


class Watch:
    """Looks for clear card numbers in the columns of a file, block by block.

    A column of references (order or transaction numbers) has numbers in it that look like a card's
    by chance, one in ten of those that begin like one; when most of them do, it is no chance.
    """

    def __init__(self) -> None:
        self._alike: dict[str, int] = {}
        self._cards: dict[str, int] = {}
        self._line: dict[str, int] = {}

    def look(self, name: str, column: pa.Array, line_of: Callable[[int], int]) -> None:
        """Refuse a block's column that has a clear card number."""
        for index, text in self._candidates(column):
            if within(text):
                raise StatementError(
                    f"line {line_of(index)}: {name} has a clear card number; such a file is not "
                    "kept: export it with masked cards, or let --mask keep a masked copy"
                )

    def count(self, name: str, column: pa.Array, line_of: Callable[[int], int]) -> None:
        """Count what looks like card numbers in a block's column of references."""
        for index, text in self._candidates(column):
            self._alike[name] = self._alike.get(name, 0) + 1
            if within(text):
                self._cards[name] = self._cards.get(name, 0) + 1
                self._line.setdefault(name, line_of(index))

    def check(self) -> None:
        """Refuse a file in which most of the references are card numbers."""
        for name, cards in self._cards.items():
            if 2 * cards > self._alike[name]:
                raise StatementError(
                    f"line {self._line[name]}: {name} has clear card numbers; such a file is not "
                    "kept: export it with masked cards, or let --mask keep a masked copy"
                )

    @staticmethod
    def _candidates(column: pa.Array) -> list[tuple[int, str]]:
        alike = pc.match_substring_regex(column, _VECTOR)
        if not pc.any(alike).as_py():
            return []
        places = pc.indices_nonzero(alike).to_pylist()
        return [(place, column[place].as_py()) for place in places]
