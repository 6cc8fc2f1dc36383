"""The host's clock.

Instants are UTC in the ledger and the day file. Fields 12, 13 and 15, the RRN and the business
date are China time, as an acquirer's are; it has had no summer time since 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol

CHINA = timezone(timedelta(hours=8))
STEP = timedelta(minutes=1)


class ClockError(ValueError):
    """A start time that is not ISO 8601."""


class Clock(Protocol):
    def now(self, booked_since: Callable[[datetime], int]) -> datetime:
        """The time in UTC; ``booked_since`` counts the transactions booked since an instant."""


@dataclass(frozen=True)
class HostClock:
    """Real time, or a scripted time that moves one minute for each transaction since its start.

    A scripted clock has no state of its own: the ledger counts the transactions, so a host that
    is killed and started again with the same script goes on where it was.
    """

    start: datetime | None = None

    def now(self, booked_since: Callable[[datetime], int]) -> datetime:
        if self.start is None:
            return datetime.now(timezone.utc).replace(microsecond=0)
        return self.start + STEP * booked_since(self.start)


@dataclass
class SetClock:
    """A clock that its owner sets, for simulations."""

    moment: datetime

    def now(self, booked_since: Callable[[datetime], int]) -> datetime:
        del booked_since
        return self.moment


def scripted(start: str) -> HostClock:
    """A scripted clock from an ISO time; without an offset it is UTC."""
    try:
        # Python 3.10 does not read the Z that everyone writes.
        moment = datetime.fromisoformat(start.removesuffix("Z") + "+00:00" * start.endswith("Z"))
    except ValueError:
        raise ClockError(f"{start!r} is not an ISO time such as 2026-03-02T09:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return HostClock(moment.astimezone(timezone.utc).replace(microsecond=0))


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
