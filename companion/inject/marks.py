"""What is wrong with a whole terminal, a journal or a statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from companion.facts.schema import day_number
from companion.inject import days, names, size
from companion.inject.stage import Stage, midnight
from companion.inject.terms import ADYEN, CARD, CHANNELS, WECHAT, Ints
from companion.inject.truth import Known
from companion.reconcile import codes

# Since when the journals of one merchant are not known.
UNSYNCED_SINCE = midnight(day_number(days.REOPENED))

# Seconds that the clocks of one merchant's terminals are ahead; 600 is still fine.
_AHEAD = {days.EVE: 700, days.MAIN: -601, days.HOLIDAY: 600}
# Only one transaction of this day is that far apart.
_ONCE = (days.SATURDAY, 3000)

# Statements that did not come: merchant, channel, day, and whether they are overdue.
_UNTOLD = (
    (size.NO_CARD_STATEMENT, CARD, days.FRIDAY),
    (size.NO_WALLET_STATEMENT, WECHAT, days.REOPENED),
    (size.EARLY, ADYEN, days.TODAY),
)
# Of the bank too: one merchant's of this day, and another's from a day on.
_NO_BANK = days.OLD
SILENT_FROM = days.REOPENED


@dataclass
class Untold:
    """What is not in statements that did not come, by merchant, channel and day."""

    amounts: dict[tuple[int, int, date], int] = field(default_factory=dict)
    money: dict[tuple[int, int, date], int] = field(default_factory=dict)


def put(stage: Stage, known: list[Known], untold: Untold) -> None:
    """Put into a part of a day what is wrong with whole terminals and statements."""
    _skew(stage, known)
    _unsynced(stage)
    for merchant, channel, day in _UNTOLD:
        if day == stage.part.day:
            rows = _of(stage, merchant, (channel,))
            stage.book.not_on_acquirer(rows)
            place = (merchant, channel, day)
            untold.amounts[place] = untold.amounts.get(place, 0) + int(
                np.abs(stage.book.t_money(rows)).sum()
            )
            untold.money[place] = untold.money.get(place, 0) + int(stage.book.t_money(rows).sum())


def _of(stage: Stage, merchant: int, channels: tuple[int, ...]) -> Ints:
    book = stage.book
    mine = (book.merchant[: book.used] == merchant) & np.isin(book.channel[: book.used], channels)
    return np.flatnonzero(mine)


def _skew(stage: Stage, known: list[Known]) -> None:
    rows = _of(stage, size.SKEWED, (CARD, ADYEN))
    day = stage.part.day
    if day == _ONCE[0]:
        once = _ONCE[1]
        rows = rows[np.unique(stage.book.terminal[rows], return_index=True)[1] + 2]
    elif day in _AHEAD:
        once = _AHEAD[day]
    else:
        return
    stage.book.a_at[rows] = stage.book.t_at[rows]
    stage.book.t_at[rows] += once
    if abs(once) <= 600:
        return
    merchant = names.merchant_no(size.SKEWED)
    for terminal in np.unique(stage.book.terminal[rows]):
        key = f"{merchant}|{names.terminal_no(int(terminal))}|CLOCK|{stage.day}"
        known.append(Known(codes.CLOCK_SKEW, key, 0, 0, 0, 0, 0, f"{once} s"))


def _unsynced(stage: Stage) -> None:
    book = stage.book
    rows = _of(stage, size.UNSYNCED, (CARD,))
    rows = rows[book.t_at[rows] > UNSYNCED_SINCE]
    if len(rows):
        book.not_on_terminal(rows)
        amount = book.a_money(rows)
        book.breaks.add(codes.HOST_ONLY, rows, amount, amount, 1, 0, "not synced since")


def missing(untold: Untold, plain: bool) -> Iterator[Known]:
    """The breaks of statements that did not come."""
    for merchant, channel, day in _UNTOLD:
        if plain or _due(channel, day) >= days.TODAY:
            continue
        place = (merchant, channel, day)
        number, name = names.merchant_no(merchant), CHANNELS[channel]
        key = f"{number}|{name}|acquirer|{day_number(day)}"
        amount, taken = untold.amounts[place], untold.money[place]
        yield Known(codes.STATEMENT_MISSING, key, amount, -taken, 0, 0, 0, name)
    for merchant, day in _silent_days():
        if days.after(day, 1) < days.TODAY:
            key = f"{names.account(merchant)}||bank|{day_number(day)}"
            yield Known(codes.STATEMENT_MISSING, key, 0, 0, 0, 0, 0, "bank")


def _due(channel: int, day: date) -> date:
    return days.grace_day(CHANNELS[channel], day)


def _silent_days() -> Iterator[tuple[int, date]]:
    yield size.NO_BANK_STATEMENT, _NO_BANK
    for day in bank_days():
        if day >= SILENT_FROM:
            yield size.BANK_SILENT, day


def bank_days() -> list[date]:
    """The days of which a bank makes statements."""
    return [day for day in days.every() if day <= days.TODAY and days.open_day(day)]


def wanted(merchants: int, accounts: list[tuple[str, int, int]]) -> list[dict[str, object]]:
    """The table `wanted`: every merchant's statements of each trading day, every account's of
    each business day on which it counts (account, first day, day after the last)."""
    rows: list[dict[str, object]] = []
    for day in days.TRADING:
        for channel, name in enumerate(CHANNELS):
            due = day_number(_due(channel, day))
            for merchant in range(merchants):
                number = names.merchant_no(merchant)
                rows.append(_wanted("acquirer", number, number, name, day, due))
    for day in bank_days():
        due = day_number(days.after(day, 1))
        known = {account for account, first, until in accounts if first <= day_number(day) < until}
        rows += [_wanted("bank", account, "", "", day, due) for account in sorted(known)]
    return rows


def _wanted(
    leg: str, party: str, merchant: str, channel: str, day: date, due: int
) -> dict[str, object]:
    return {
        "leg": leg,
        "party": party,
        "merchant_no": merchant,
        "channel": channel,
        "day": day_number(day),
        "due_day": due,
    }


def coverage(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The table `coverage`: what is wanted, but for what did not come."""
    absent = {
        (names.merchant_no(merchant), CHANNELS[channel], day_number(day))
        for merchant, channel, day in _UNTOLD
    }
    silent = _silent_days()
    absent |= {(names.account(merchant), "", day_number(day)) for merchant, day in silent}
    return [
        {name: row[name] for name in ("leg", "party", "channel", "day")}
        for row in rows
        if (row["party"], row["channel"], row["day"]) not in absent
    ]


def seen(terminals: int, unit: tuple[int, ...]) -> list[dict[str, object]]:
    """The table `seen`: every journal is known until the end of the last day, but for one's."""
    until = midnight(day_number(days.TODAY) + 1)
    rows: list[dict[str, object]] = []
    for terminal in range(terminals):
        merchant, channel = terminal // len(unit), unit[terminal % len(unit)]
        unsynced = merchant == size.UNSYNCED and channel == CARD
        rows.append(
            {
                "merchant_no": names.merchant_no(merchant),
                "terminal_no": names.terminal_no(terminal),
                "until": UNSYNCED_SINCE if unsynced else until,
            }
        )
    return rows


# What a journal can have: code, how often, and what it says.
_GAPS = (
    (codes.JOURNAL_GAP, "is not in the store"),
    (codes.JOURNAL_GAP, "was never synced"),
    (codes.JOURNAL_ALTERED, "does not carry its seal"),
    (codes.JOURNAL_ROLLBACK, "the terminal has other records now"),
    (codes.BATCH_UNSETTLED, "the host would not settle it"),
    (codes.BATCH_TOTALS_DIFFER, "its totals are not those of its transactions"),
)


def gaps(
    terminals: int, unit: tuple[int, ...], random: np.random.Generator, known: list[Known]
) -> list[dict[str, object]]:
    """The table `gaps`, and its breaks: in some of the terminals."""
    rows: list[dict[str, object]] = []
    chosen = random.permutation(terminals)[: len(_GAPS) * max(1, terminals // 200)]
    for place, terminal in enumerate(int(one) for one in chosen):
        code, problem = _GAPS[place % len(_GAPS)]
        first = 1000 + place
        device = names.device_id(terminal)
        rows.append(
            {
                "code": code,
                "merchant_no": names.merchant_no(terminal // len(unit)),
                "terminal_no": names.terminal_no(terminal),
                "device_id": device,
                "first_seq": first,
                "last_seq": first + place % 3,
                "problem": problem,
                "evidence": "{}",
            }
        )
        known.append(Known(code, f"{device}|{first}", 0, 0, 0, 0, 0, problem))
    return rows
