"""How much of a pre-authorisation may be completed, and how long one may stand open.

Of a channel, or of one merchant there; where nobody has said anything, the rules have their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from companion.accounts.channels import ChannelError, checked_name
from companion.rules import settings
from companion.store import decisions

SET = "hold terms set"
# For every merchant of the channel.
ANY = ""

_MOST_PERCENT = 200
_MOST_DAYS = 365


@dataclass(frozen=True)
class HoldTerms:
    """Per cent of the hold that its completions may come to, and days from the hold on."""

    merchant_no: str
    channel: str
    percent: int = settings.HOLD_PERCENT
    days: int = settings.HOLD_DAYS


def every(connection: Connection) -> list[HoldTerms]:
    """What was said last of each channel, and of each merchant there."""
    known: dict[tuple[str, str], HoldTerms] = {}
    for decision in decisions.of(connection, (SET,)):
        terms = HoldTerms(**decision.data)
        known[terms.channel, terms.merchant_no] = terms
    return [known[key] for key in sorted(known)]


def of(connection: Connection, channel: str, merchant_no: str = ANY) -> HoldTerms:
    """What counts for a merchant of a channel; ANY: for those of whom nothing is said."""
    known = {(one.channel, one.merchant_no): one for one in every(connection)}
    found = known.get((channel, merchant_no)) or known.get((channel, ANY))
    terms = found or HoldTerms(ANY, channel)
    return HoldTerms(merchant_no, channel, terms.percent, terms.days)


def change(
    connection: Connection,
    channel: str,
    merchant_no: str,
    percent: int | None,
    days: int | None,
    by: str,
    reason: str = "",
) -> HoldTerms:
    """Record one or both; what is not given stays as it counts now. What is so already is not
    recorded again."""
    now = of(connection, checked_name(channel), merchant_no)
    made = HoldTerms(
        merchant_no,
        channel,
        now.percent if percent is None else percent,
        now.days if days is None else days,
    )
    if not 100 <= made.percent <= _MOST_PERCENT:
        raise ChannelError(
            f"a hold may be completed to 100 to {_MOST_PERCENT} %, not {made.percent}"
        )
    if not 1 <= made.days <= _MOST_DAYS:
        raise ChannelError(f"a hold may stand for 1 to {_MOST_DAYS} days, not {made.days}")
    if made not in every(connection):
        decisions.record(connection, SET, made.__dict__, by, reason)
    return made
