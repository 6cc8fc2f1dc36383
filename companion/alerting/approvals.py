"""The approval rate of each terminal, against its usual one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from companion.alerting.alarm import Alarm, level
from companion.alerting.rules import APPROVAL_RATE
from companion.alerting.sight import Sight
from companion.facts import manifest
from companion.reconcile import fold

# What is usual: of so many days before the hours that are judged, and of so many answers.
_USUAL_DAYS = 28
_ENOUGH = 50
# Whether a transaction ended well; one that is going on says nothing.
_ENDED = (fold.APPROVED, fold.DECLINED, fold.REVERSED, fold.SUSPENDED, fold.NEEDS_RECON)
_COLUMNS = ["merchant_no", "terminal_no", "status", "day"]

_Number = tuple[str, str]
_Counts = Counter[tuple[str, str, bool]]


def fell(sight: Sight) -> Iterator[Alarm]:
    """An alarm for each terminal whose rate has fallen far enough."""
    hours = sight.number(APPROVAL_RATE, "hours")
    begin = sight.now - 3600 * hours
    present: _Counts = Counter(
        (one.merchant_no, one.terminal_no, one.status == fold.APPROVED)
        for one in sight.sold
        if one.at >= begin and one.status in _ENDED
    )
    judged = [
        number
        for number in sorted({key[:2] for key in present})
        if _answers(present, number) >= sight.number(APPROVAL_RATE, "answers")
    ]
    if not judged:
        return
    last = sight.day_of(begin) - 1
    usual = _usual(sight.store.facts, range(last - _USUAL_DAYS + 1, last + 1))
    for number in judged:
        if _answers(usual, number) < _ENOUGH:
            continue
        rate, normal = _rate(present, number), _rate(usual, number)
        found = level(normal - rate, sight.number(APPROVAL_RATE, "points"))
        if found:
            facts = {
                "rate": rate,
                "usual": normal,
                "answers": _answers(present, number),
                "span_s": 3600 * hours,
            }
            yield Alarm(
                APPROVAL_RATE, "|".join(number), "approval.fell", facts, *number, level=found
            )


def _answers(counts: _Counts, number: _Number) -> int:
    return sum(counts[number[0], number[1], approved] for approved in (True, False))


def _rate(counts: _Counts, number: _Number) -> int:
    """In percent, rounded to the nearest."""
    answers = _answers(counts, number)
    return (200 * counts[number[0], number[1], True] + answers) // (2 * answers)


def _usual(facts: Path, days: Iterable[int]) -> _Counts:
    """What the facts of the last reconciliation have of these days."""
    found: _Counts = Counter()
    if not (facts / manifest.NAME).exists():
        return found
    known = manifest.load(facts)
    wanted = set(days)
    paths = {one.path for day in sorted(wanted) for one in known.sources("terminal", day)}
    for path in sorted(paths):
        filters = [("day", "in", wanted), ("status", "in", _ENDED)]
        table = pq.read_table(facts / path, columns=_COLUMNS, filters=filters)
        counted = table.group_by(_COLUMNS[:3]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            approved = row["status"] == fold.APPROVED
            found[row["merchant_no"], row["terminal_no"], approved] += row["count_all"]
    return found
