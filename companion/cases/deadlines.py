"""Business days of a channel, for deadlines."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection

from companion.accounts import channels
from companion.accounts.channels import Channel
from companion.cases.summary import After
from companion.facts import calendar
from companion.facts.schema import day_number

_CHINA = timezone(timedelta(hours=8))


def after(connection: Connection) -> After:
    """How many business days later: by the calendar of each channel's country."""
    known = channels.every(connection)

    def later(channel: str, day: int, count: int) -> int:
        country = known.get(channel, Channel(channel)).country
        return calendar.next_business_day(day, count, country)

    return later


def today() -> int:
    """The number of the present day in China."""
    return day_number(datetime.now(_CHINA).date())
