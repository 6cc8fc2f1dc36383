"""Cases that nobody has brought to an end in time."""

from __future__ import annotations

from collections.abc import Iterator

from companion.alerting.alarm import Alarm, Facts, level
from companion.alerting.rules import CASE_OVERDUE
from companion.alerting.sight import Sight, iso_day
from companion.cases import listing
from companion.cases.listing import Filter
from companion.facts.schema import as_date

_SHOWN = 8


def overdue(sight: Sight) -> Iterator[Alarm]:
    """An alarm for each case past its deadline; worse with more breaks or money in it."""
    limit = sight.number(CASE_OVERDUE, "days")
    today = as_date(sight.today).isoformat()
    for case in listing.listed(sight.connection, Filter(overdue_on=today)):
        found = level(sight.today - iso_day(case.due), limit) if case.due else 0
        if found:
            facts: Facts = {
                "case": case.id[:_SHOWN],
                "code": case.code,
                "amount_minor": case.amount_minor,
                "due": str(case.due),
            }
            yield Alarm(
                *(CASE_OVERDUE, case.id, "case.overdue", facts),
                *(case.merchant_no, case.terminal_no),
                amount_minor=case.amount_minor,
                rows=case.breaks,
                level=found,
            )
