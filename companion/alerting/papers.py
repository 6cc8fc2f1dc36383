"""Statements that should be here, and payouts that are not as they should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from companion.accounts import bookings, names, watch
from companion.alerting.alarm import Alarm, Facts, level
from companion.alerting.rules import PAYOUT, STATEMENT_LATE
from companion.alerting.sight import Sight, iso_day
from companion.facts import manifest, schema
from companion.facts.schema import as_date
from companion.reconcile import codes
from companion.store import originals
from companion.store.originals import Part

_BANK = "bank"
_PAYOUTS = tuple(code for code in codes.BREAKS if code.startswith("PAYOUT_"))


def late(sight: Sight) -> Iterator[Alarm]:
    """An alarm for each party whose statements were due and are not here, of all days together:
    by the calendar of the last reconciliation, the files imported until now, and the clock. When
    nothing comes any more, nothing is reconciled either, and that is just when to tell this."""
    limit = sight.number(STATEMENT_LATE, "days")
    waiting = {
        row["row_key"]: row["amount_minor"]
        for row in sight.open_breaks((codes.STATEMENT_MISSING,))
    }
    missing: dict[str, list[dict[str, Any]]] = {}
    for row in _missing(sight, sight.today - limit):
        missing.setdefault(f"{row['party']}|{row['channel']}|{row['leg']}", []).append(row)
    for key, rows in missing.items():
        oldest = min(rows, key=lambda row: int(row["day"]))
        facts: Facts = {
            "count": len(rows),
            "day": as_date(oldest["day"]).isoformat(),
            "due": as_date(oldest["due_day"]).isoformat(),
            "channel": oldest["channel"],
        }
        yield Alarm(
            STATEMENT_LATE,
            key,
            f"statement.{oldest['leg']}",
            facts,
            oldest["merchant_no"],
            amount_minor=sum(waiting.get(f"{key}|{row['day']}", 0) for row in rows),
            rows=len(rows),
            level=level(sight.today - oldest["due_day"], limit),
        )


def _missing(sight: Sight, last_due: int) -> list[dict[str, Any]]:
    facts = sight.store.facts
    if not (facts / manifest.NAME).exists():
        return []
    wanted = pq.read_table(facts / "wanted.parquet", schema=schema.WANTED)
    due = wanted.filter(pc.field("due_day") <= last_due).to_pylist()
    covered = {
        (row["leg"], row["party"], row["channel"], row["day"])
        for row in pq.read_table(facts / "coverage.parquet", schema=schema.COVERAGE).to_pylist()
    }
    # One statement of an account covers all its channels.
    covered |= {(leg, party, "", day) for leg, party, _, day in covered if leg == _BANK}
    parts = originals.parts(sight.connection)
    return [
        row
        for row in due
        if (row["leg"], row["party"], row["channel"], row["day"]) not in covered
        and not _here(row, parts)
    ]


def _here(row: dict[str, Any], parts: Sequence[Part]) -> bool:
    """Whether a file tells it that came after the last reconciliation."""
    return any(
        part.whole
        and part.kind == row["leg"]
        and part.first_day <= row["day"] <= part.last_day
        and (
            names.fits(part.party, row["party"])
            if part.kind == _BANK
            else (part.party, part.channel) == (row["party"], row["channel"])
        )
        for part in parts
    )


def payouts(sight: Sight) -> Iterator[Alarm]:
    """Payouts that are missing, late, short, returned, or went to an old or a wrong account; and
    a changed account to which nothing has come."""
    limit = sight.number(PAYOUT, "days")
    for row in sight.open_breaks(_PAYOUTS):
        facts: Facts = {
            "code": row["code"],
            "amount_minor": row["amount_minor"],
            "day": row["business_date"] or "?",
            "channel": row["channel"],
        }
        age = sight.today - iso_day(row["business_date"]) if row["business_date"] else 0
        yield Alarm(
            PAYOUT,
            f"{row['code']}|{row['row_key']}",
            "payout.break",
            facts,
            row["merchant_no"],
            amount_minor=row["amount_minor"],
            level=1 + level(age, 2 * limit),
        )
    _, watched = bookings.read(sight.store)
    for one in watched:
        if one.state == watch.OVERDUE:
            change = one.change
            facts = {
                "day": as_date(change.valid_from).isoformat(),
                "due": as_date(one.expected).isoformat(),
                "channel": change.channel,
            }
            age = sight.today - one.expected
            yield Alarm(
                PAYOUT,
                f"change|{change.number}",
                "payout.unseen",
                facts,
                change.merchant_no,
                level=1 + level(age, 2 * limit),
            )
