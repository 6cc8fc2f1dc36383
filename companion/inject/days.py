"""The days of an injected world: the National Day holiday of 2026, with what came before.

The calendar stands here as it was announced, so that a mistake in the companion's calendar cannot
hide in the worlds that are to find it.
"""

from __future__ import annotations

from datetime import date, timedelta, timezone

from companion.facts.schema import day_number

CHINA = timezone(timedelta(hours=8))

_OFF = frozenset(
    date(2026, 9, 25) + timedelta(days=days) for days in (0, 1, 2, 6, 7, 8, 9, 10, 11, 12)
)
_WORKING_WEEKENDS = frozenset((date(2026, 9, 20), date(2026, 10, 10)))

# Days with transactions, in order.
OLD = date(2026, 9, 7)  # more than 30 days back: a hold of then has expired
EVE = date(2026, 9, 29)
MAIN = date(2026, 9, 30)  # the day that has the rows asked for
HOLIDAY = date(2026, 10, 1)
SATURDAY = date(2026, 10, 3)
REOPENED = date(2026, 10, 8)
FRIDAY = date(2026, 10, 9)
TODAY = date(2026, 10, 16)
TRADING = (OLD, EVE, MAIN, HOLIDAY, SATURDAY, REOPENED, FRIDAY, TODAY)

# The day on which some merchants' settlement account changed, and the fee plan of all.
CHANGED = REOPENED

# For each channel: business days of grace, business days until settlement (None: the calendar
# day after), business days from there to the payout, and from there until it is late.
_CHANNELS = {
    "card": (2, 1, 1, 1),
    "adyen": (3, 2, 1, 1),
    "wechat": (1, None, 1, 1),
}
CHANNELS = tuple(_CHANNELS)


def open_day(day: date) -> bool:
    """Whether banks work on that day."""
    return day in _WORKING_WEEKENDS or (day.weekday() < 5 and day not in _OFF)


def after(day: date, business_days: int) -> date:
    """That many business days later."""
    while business_days:
        day += timedelta(days=1)
        business_days -= open_day(day)
    return day


def grace_day(channel: str, day: date) -> date:
    """The last day on which the other side's record may come."""
    return after(day, _CHANNELS[channel][0])


def settle_day(channel: str, day: date) -> date:
    """The day on which transactions of a day are settled."""
    business_days = _CHANNELS[channel][1]
    return day + timedelta(days=1) if business_days is None else after(day, business_days)


def pay_day(channel: str, settled: date) -> date:
    """The day on which a settlement is paid."""
    return after(settled, _CHANNELS[channel][2])


def late_day(channel: str, settled: date) -> date:
    """The last day on which its payout is not late."""
    return after(pay_day(channel, settled), _CHANNELS[channel][3])


def due_rows() -> list[dict[str, object]]:
    """The table `due`."""
    return [
        {
            "channel": channel,
            "day": day_number(day),
            "grace_day": day_number(grace_day(channel, day)),
            "settle_day": day_number(settle_day(channel, day)),
        }
        for channel in CHANNELS
        for day in every()
    ]


def pay_due_rows() -> list[dict[str, object]]:
    """The table `pay_due`."""
    return [
        {
            "channel": channel,
            "settle_day": day_number(day),
            "pay_day": day_number(pay_day(channel, day)),
            "late_day": day_number(late_day(channel, day)),
        }
        for channel in CHANNELS
        for day in every()
    ]


def every() -> list[date]:
    """Every day from the first of the world to some after its last."""
    return [OLD + timedelta(days=days) for days in range((TODAY - OLD).days + 8)]
