"""The host's clock.

Instants are UTC in the ledger and the day file. Fields 12, 13 and 15, the RRN and the business
date are China time, as an acquirer's are; it has had no summer time since 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
SALE_STEP = timedelta(minutes=1)


class ClockError(ValueError):
    """A start time that is not ISO 8601."""


@dataclass(frozen=True)
class HostClock:
    """Real time, or a scripted time that moves one minute for each sale since its start.

    A scripted clock has no state of its own: the ledger counts the sales, so a host that is
    killed and started again with the same script goes on where it was.
    """

    start: datetime | None = None

    def now(self, sales_since: Callable[[datetime], int]) -> datetime:
        if self.start is None:
            return datetime.now(timezone.utc).replace(microsecond=0)
        return self.start + SALE_STEP * sales_since(self.start)


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
