"""How big a world is: rows, terminals and merchants of each day, and how a day is cut in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from companion.inject import days
from companion.inject.terms import ADYEN, CARD, WECHAT

FEWEST = 4000
MOST = 20_000_000

# These merchants have no stories: what is wrong with them is wrong with a whole terminal or day.
SPECIAL = 7
(
    NO_CARD_STATEMENT,
    NO_WALLET_STATEMENT,
    SKEWED,
    UNSYNCED,
    NO_BANK_STATEMENT,
    EARLY,
    BANK_SILENT,
) = range(SPECIAL)

_PART = 400_000  # rows made at once
_SMALL_UNIT = (CARD, ADYEN, WECHAT)
_LARGE_UNIT = (CARD,) * 7 + (ADYEN,) * 2 + (WECHAT,)
_PLAIN_UNIT = (CARD,) * 6
_FEWEST_PER_TERMINAL = 24
PLAIN_MERCHANTS = 12
PLAIN_ROWS = PLAIN_MERCHANTS * len(_PLAIN_UNIT) * _FEWEST_PER_TERMINAL


@dataclass(frozen=True)
class Part:
    """Some terminals of one day: terminals first .. first + count - 1, rows in order."""

    day: date
    first: int
    count: int
    per_terminal: int
    rows: int


@dataclass(frozen=True)
class Size:
    """A world with `rows` rows on each side of its main day; the other days have fewer.

    A plain one has only what a host's day file, a terminal's export and a bank's statement tell:
    cards alone, no fees, references, tokens or journals.
    """

    rows: int
    plain: bool = False

    @property
    def unit(self) -> tuple[int, ...]:
        """The channels of a merchant's terminals."""
        if self.plain:
            return _PLAIN_UNIT
        return _SMALL_UNIT if self.rows < 100_000 else _LARGE_UNIT

    @property
    def merchants(self) -> int:
        """How many merchants there are."""
        return max(1, self.rows // (self._dense * len(self.unit)))

    @property
    def _dense(self) -> int:
        return _FEWEST_PER_TERMINAL if self.plain else min(800, max(24, self.rows // 100))

    def rows_on(self, day: date) -> int:
        """Rows on each side of a day, before stories add some."""
        return (
            self.rows
            if self.plain or day == days.MAIN
            else min(20_000, max(1200, self.rows // 20))
        )

    def terminals_on(self, day: date) -> int:
        """How many terminals trade on that day: those of the first merchants."""
        if self.plain or day == days.MAIN:
            return self.merchants * len(self.unit)
        units = self.rows_on(day) // (24 * len(self.unit))
        return min(units, 40, self.merchants) * len(self.unit)

    def parts(self, day: date) -> Iterator[Part]:
        """The day in parts of whole terminals."""
        terminals, rows = self.terminals_on(day), self.rows_on(day)
        per_terminal = -(-rows // terminals)
        at_once = max(1, _PART // per_terminal)
        for first in range(0, terminals, at_once):
            count = min(at_once, terminals - first)
            left = rows - first * per_terminal
            yield Part(day, first, count, per_terminal, min(count * per_terminal, left))
