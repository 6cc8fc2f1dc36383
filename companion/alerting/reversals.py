"""Reversals that have not ended: what the terminals' own records say, and the acquirer's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from companion.alerting.alarm import Alarm, Facts, level
from companion.alerting.rules import REVERSAL_STUCK
from companion.alerting.sight import DAY_S, Sight, instant, iso_day
from companion.facts.journals import HOST_ZONE
from companion.reconcile import codes
from companion.store import records, verdicts
from companion.store.schema import records as rows
from companion.store.terminals import Terminal
from protocol import record

# What nobody has cleared after so long is in a case or a report, not in an alert.
_LONGEST_S = 60 * DAY_S
# How many transactions back the one is looked for that a reversal undoes.
_NEAR = 64
_ENDED = (record.REV_OK, record.REV_ABSENT)

_Key = tuple[int, int]


@dataclass(frozen=True)
class _Open:
    """A reversal without its end: since when, and whether the terminal has given it up."""

    device_id: str
    seq: int
    since: int
    suspended: bool


def stuck(sight: Sight) -> Iterator[Alarm]:
    """An alarm for each that is older than the rule allows, unless its case was decided."""
    charged = {row["row_key"].rsplit("|", 1)[0]: row for row in _charged(sight)}
    for (merchant_no, terminal_no), same_number in _numbers(sight.terminals).items():
        decided = verdicts.decided(sight.connection, merchant_no, terminal_no)
        for (batch, stan), one in _open(sight.connection, same_number).items():
            key = f"{merchant_no}|{terminal_no}|{batch:06d}|{stan:06d}"
            row = charged.pop(key, None)
            if (batch, stan) in decided:
                continue
            amount = row["amount_minor"] if row else _amount(sight.connection, one, batch, stan)
            state = "suspended" if one.suspended else "waiting"
            phrase = "reversal.charged" if row else f"reversal.{state}"
            yield from _alarm(sight, key, phrase, one.since, amount)
    for key, row in charged.items():
        # Its records are those of another maker, or are missing.
        since = iso_day(row["business_date"]) * DAY_S - int(
            HOST_ZONE.utcoffset(None).total_seconds()
        )
        yield from _alarm(sight, key, "reversal.charged", since, row["amount_minor"])


def _charged(sight: Sight) -> list[dict[str, Any]]:
    found = sight.open_breaks((codes.REVERSAL_STUCK,))
    return [row for row in found if row["business_date"] is not None]


def _alarm(sight: Sight, key: str, phrase: str, since: int, amount: int) -> Iterator[Alarm]:
    age = sight.now - since
    found = level(age // 60, sight.number(REVERSAL_STUCK, "minutes"))
    if found and age < _LONGEST_S:
        merchant_no, terminal_no, batch, stan = key.split("|")
        # What was charged is more than what may be: it is told again.
        rows = 2 if phrase == "reversal.charged" else 1
        facts: Facts = {"amount_minor": amount, "batch": batch, "stan": stan, "age_s": age}
        yield Alarm(
            *(REVERSAL_STUCK, key, phrase, facts, merchant_no, terminal_no, amount, rows, found),
            until=since + _LONGEST_S,
        )


def _numbers(known: Iterable[Terminal]) -> dict[tuple[str, str], list[Terminal]]:
    found: dict[tuple[str, str], list[Terminal]] = {}
    for one in sorted(known, key=lambda one: (one.created_at, one.state != "retired")):
        found.setdefault((one.merchant_no, one.terminal_no), []).append(one)
    return found


def _open(connection: Connection, same_number: Iterable[Terminal]) -> dict[_Key, _Open]:
    """By batch and STAN. A terminal that takes over a number ends what the one before it left."""
    found: dict[_Key, _Open] = {}
    for terminal in same_number:
        query = (
            select(rows.c.seq, rows.c.payload, rows.c.received_at)
            .where(
                rows.c.device_id == terminal.device_id,
                rows.c.kind.in_((record.REVERSAL, record.REVERSAL_END)),
            )
            .order_by(rows.c.seq)
        )
        for row in connection.execute(query):
            content = records.decoded(row.payload)
            if content is not None:
                _take(found, terminal.device_id, row.seq, content, instant(row.received_at))
    return found


def _take(
    found: dict[_Key, _Open], device_id: str, seq: int, content: dict[str, object], received: int
) -> None:
    key = _number(content, "batch"), _number(content, "stan")
    before = found.get(key)
    if content["kind"] == record.REVERSAL_END and content["result"] in _ENDED:
        found.pop(key, None)
        return
    suspended = content["kind"] == record.REVERSAL_END
    since = before.since if before else _number(content, "wall") or received
    found[key] = _Open(
        before.device_id if before else device_id, before.seq if before else seq, since, suspended
    )


def _amount(connection: Connection, one: _Open, batch: int, stan: int) -> int:
    """Of the transaction that the reversal undoes; 0 when its record is missing."""
    query = (
        select(rows.c.payload)
        .where(
            rows.c.device_id == one.device_id,
            rows.c.seq < one.seq,
            rows.c.kind.in_((record.ARMED, record.PENDING)),
        )
        .order_by(rows.c.seq.desc())
        .limit(_NEAR)
    )
    for payload in connection.execute(query).scalars():
        content = records.decoded(payload) or {}
        if (content.get("batch"), content.get("stan")) == (batch, stan):
            return _number(content, "amount_minor")
    return 0


def _number(content: dict[str, object], name: str) -> int:
    value = content[name]
    return value if isinstance(value, int) else 0
