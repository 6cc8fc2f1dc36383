"""Fee plans: what a channel may keep, from when. A plan for a day that has one takes its place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import Connection

from companion.accounts.settlement import ALWAYS
from companion.errors import CompanionError
from companion.facts.schema import FAR, as_date, day_number
from companion.store import decisions
from companion.store.decisions import Decision

SET = "fee plan set"
ENDED = "fee plan ended"


class FeeError(CompanionError):
    """A fee plan that cannot be."""


@dataclass(frozen=True)
class Terms:
    """Rate in parts per million, fixed part and cap in minor units (0: none), and whether a
    refund gives the fee back."""

    rate_ppm: int
    fixed_minor: int = 0
    cap_minor: int = 0
    refund_back: bool = False


@dataclass(frozen=True)
class Plan:
    """The terms of a merchant's channel from `valid_from` until the day before `valid_to`."""

    merchant_no: str
    channel: str
    terms: Terms
    valid_from: int
    valid_to: int
    by: str
    at: str


def plans(connection: Connection) -> list[Plan]:
    """Every plan that counts, by merchant, channel and day."""
    made = []
    for (merchant_no, channel), mine in sorted(_told(connection).items()):
        starts = sorted(mine)
        for start, end in zip(starts, [*starts[1:], FAR], strict=True):
            one = mine[start]
            if one.kind == SET:
                terms = Terms(**one.data["terms"])
                made.append(Plan(merchant_no, channel, terms, start, end, one.actor, one.at))
    return made


def set_plan(
    connection: Connection,
    merchant_no: str,
    channel: str,
    terms: Terms,
    valid_from: date | None,
    by: str,
    reason: str = "",
) -> None:
    """Record what a channel may keep from a day on; None: since ever. What is so already is not
    recorded again."""
    data = {**_key(merchant_no, channel, valid_from), "terms": asdict(terms)}
    start = day_number(valid_from) if valid_from else ALWAYS
    now = _told(connection).get((merchant_no, channel), {}).get(start)
    if now is not None and (now.kind, now.data) == (SET, data):
        return
    decisions.record(connection, SET, data, by, reason)


def end_plan(
    connection: Connection,
    merchant_no: str,
    channel: str,
    valid_to: date,
    by: str,
    reason: str = "",
) -> None:
    """Record that from a day on there is no plan: fees of later days are not judged."""
    end = day_number(valid_to)
    mine = [
        one
        for one in plans(connection)
        if (one.merchant_no, one.channel) == (merchant_no, channel)
    ]
    if not any(one.valid_from <= end < one.valid_to for one in mine):
        raise FeeError(f"{merchant_no}, {channel}: has no fee plan on {valid_to}")
    decisions.record(connection, ENDED, _key(merchant_no, channel, valid_to), by, reason)


def _told(connection: Connection) -> dict[tuple[str, str], dict[int, Decision]]:
    """What was decided last for each first day, by merchant and channel."""
    told: dict[tuple[str, str], dict[int, Decision]] = {}
    for decision in decisions.of(connection, (SET, ENDED)):
        key = (str(decision.data["merchant_no"]), str(decision.data["channel"]))
        start = day_number(date.fromisoformat(decision.data["valid_from"]))
        told.setdefault(key, {})[start] = decision
    return told


def _key(merchant_no: str, channel: str, day: date | None) -> dict[str, object]:
    start = day or as_date(ALWAYS)
    return {"merchant_no": merchant_no, "channel": channel, "valid_from": start.isoformat()}
