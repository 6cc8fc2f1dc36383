"""Where a story takes place: a part of a day with ordinary trade, some of which it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from companion.facts.schema import day_number
from companion.inject import days
from companion.inject.book import Book
from companion.inject.size import SPECIAL, Part, Size
from companion.inject.terms import ADYEN, CARD, CHANNELS, WECHAT, Ints

# A story may change this many transactions of one terminal that follow each other.
SLOT = 4
DAY_SECONDS = 86_400
_CHINA_SECONDS = 8 * 3600
_OPENS, _TRADES = 9 * 3600, 12 * 3600
# Cards, and how many of them look different when they are masked.
CARDS = 200_000
MASKS = 50_000
# The merchants' own cards are the last ones of the list.
OWN_CARDS = 500
# A terminal's first sale of the day is a large one, so that no settlement is below zero.
_ANCHOR = 3_000_000

# Amounts end in cents that tell apart what must not look like a pair by chance.
ORDINARY = 50  # and below
UNANSWERED, TERMINAL_CENTS, HOST_CENTS, APART_CENTS = 57, 71, 83, 97


def midnight(day: int) -> int:
    """The first second of a day in China."""
    return day * DAY_SECONDS - _CHINA_SECONDS


@dataclass(frozen=True)
class Stage:
    """A part of a day: its book, and where the slots of each channel begin."""

    part: Part
    book: Book
    random: np.random.Generator
    slots: dict[int, Ints]

    @property
    def day(self) -> int:
        """The day as a number."""
        return day_number(self.part.day)

    @property
    def next_day(self) -> int:
        """The next day with transactions."""
        return self.day_after(1)

    def day_after(self, count: int) -> int:
        """The day with transactions that many such days later."""
        return day_number(days.TRADING[days.TRADING.index(self.part.day) + count])

    def amounts(self, count: int, cents: int = 0) -> Ints:
        """Amounts in minor units that end in these cents."""
        return self.random.integers(20, 4000, count) * 100 + cents

    def provisional(self, channel: int, later: int = 0) -> int:
        """1 while the other side's record of this day (or of one later) may still come."""
        day = days.TRADING[days.TRADING.index(self.part.day) + later]
        return int(days.grace_day(CHANNELS[channel], day) >= days.TODAY)


def ordinary(size: Size, part: Part, random: np.random.Generator, rrn: int) -> Stage:
    """A part of a day on which nothing is wrong: sales that both sides know alike."""
    unit = size.unit
    book = Book(part.rows, part.rows // 4 + 400, rrn, size.plain)
    row = np.arange(part.rows)
    terminal = part.first + row // part.per_terminal
    place = row % part.per_terminal
    channel = np.array(unit)[terminal % len(unit)]
    day = day_number(part.day)
    spacing = _TRADES // part.per_terminal
    at = midnight(day) + _OPENS + place * spacing + random.integers(0, spacing, part.rows)
    amount = random.integers(1, 1000, part.rows) * 100 + random.integers(0, ORDINARY, part.rows)
    amount += np.where(place == 0, _ANCHOR, 0)
    rrn_own = book.own_rrn(row)
    for name, values in {
        "merchant": terminal // len(unit),
        "terminal": terminal,
        "channel": channel,
        "batch": np.full(part.rows, days.TRADING.index(part.day) + 1),
        "stan": place + 1,
        "card": np.where(channel == WECHAT, -1, random.integers(0, CARDS - OWN_CARDS, part.rows)),
        "auth": (terminal % len(unit)) * 1000 + place + 1 + _auth_of_day(part.day),
        "on_terminal": np.ones(part.rows, np.int64),
        "on_acquirer": np.ones(part.rows, np.int64),
        "t_day": np.full(part.rows, day),
        "a_day": np.full(part.rows, day),
        "t_at": at,
        "a_at": at + random.integers(0, 4, part.rows),
        "t_amount": amount,
        "a_amount": amount,
        "t_rrn": np.where(channel == WECHAT, 0, rrn_own),
        "a_rrn": rrn_own,
        "a_batch": np.where(channel == CARD, 1, 0) * (days.TRADING.index(part.day) + 1),
        "a_stan": np.where(channel == CARD, place + 1, 0),
        # The second channel names no terminal, the wallet every other time.
        "a_terminal": (channel == CARD) | ((channel == WECHAT) & (random.random(part.rows) < 0.5)),
        "a_token": (channel == ADYEN) & (random.random(part.rows) < 0.5),
        "late": random.random(part.rows) < 0.03,
    }.items():
        getattr(book, name)[: part.rows] = values
    return Stage(part, book, random, _slots(part, unit, random))


def _auth_of_day(day: date) -> int:
    return days.TRADING.index(day) * 20_000


def _slots(part: Part, unit: tuple[int, ...], random: np.random.Generator) -> dict[int, Ints]:
    """Where slots begin, in any order; a terminal's first transactions are left out."""
    inside = np.arange(SLOT, part.per_terminal - SLOT + 1, SLOT)
    terminals = part.first + np.arange(part.count)
    found = {}
    for channel in (CARD, ADYEN, WECHAT):
        mine = np.array(unit)[terminals % len(unit)] == channel
        mine &= terminals // len(unit) >= SPECIAL
        starts = (np.arange(part.count)[mine, None] * part.per_terminal + inside).ravel()
        found[channel] = random.permutation(starts[starts + SLOT <= part.rows])
    return found


# A story gets its stage, the channel, and for each time that it happens a column of SLOT rows.
Tell = Callable[[Stage, int, Ints], None]


@dataclass(frozen=True)
class Story:
    """Something that happens in a world. `share` is for what is no break: of all slots."""

    name: str
    channels: tuple[int, ...]
    tell: Tell
    days: tuple[date, ...]
    share: float = 0.0
