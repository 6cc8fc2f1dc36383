"""Channels: a card acquirer, a wallet; how long each takes, and how its payouts are recognised.

Every channel has sensible settings before anybody has made any. Days are business days of the
channel's country.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

import holidays
from sqlalchemy import Connection

from companion.errors import CompanionError
from companion.store import decisions

CARD = "card"
SET = "channel set"
PAYER = "payer told"
NO_PAYER = "payer taken back"

_MOST_DAYS = 60
_MOST_PATTERN = 80
_SHORTEST_PATTERN = 2


class ChannelError(CompanionError):
    """A setting of a channel that cannot be."""


@dataclass(frozen=True)
class Channel:
    """How long a channel takes, and what is expected of it."""

    channel: str
    # Until when the other side's record of a transaction may still come.
    grace_days: int = 1
    # From a transaction to its settlement, from the settlement to its payout, and until when the
    # payout is not late.
    settle_days: int = 0
    pay_days: int = 1
    late_days: int = 2
    # Whether the acquirer sends a statement for every business day, and the bank one.
    statement: bool = True
    bank_statement: bool = True
    # ISO 3166 code: whose weekends and holidays.
    country: str = "CN"


SETTINGS = tuple(one.name for one in fields(Channel) if one.name != "channel")


def every(connection: Connection) -> dict[str, Channel]:
    """Each channel that was set or told a payer, and the card acquirer."""
    made = {CARD: Channel(CARD)}
    for decision in decisions.of(connection, (SET, PAYER)):
        name = str(decision.data["channel"])
        now = made.get(name, Channel(name))
        made[name] = replace(now, **decision.data.get("settings", {}))
    return made


def of(connection: Connection, name: str) -> Channel:
    """The settings of one channel, of an unknown one too."""
    return every(connection).get(name, Channel(name))


def change(
    connection: Connection, name: str, settings: Mapping[str, object], by: str, reason: str = ""
) -> Channel:
    """Record new values of some settings; the others stay. What is so already is not recorded
    again."""
    wanted = {key: value for key, value in settings.items() if value is not None}
    made = replace(of(connection, checked_name(name)), **wanted)  # type: ignore[arg-type]
    _check(made)
    if every(connection).get(name) != made:
        decisions.record(connection, SET, {"channel": name, "settings": wanted}, by, reason)
    return made


def checked_name(name: str) -> str:
    """A channel's name as facts have it: a short word in lower case."""
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    if not plain or name != name.lower() or len(name) > 20:
        raise ChannelError(f"{name!r}: a channel is a word of up to 20 of a-z, 0-9, - and _")
    return name


def payers(connection: Connection) -> list[tuple[str, str]]:
    """Channel and pattern of everybody who pays out, the longest patterns first: "Bank A, cards"
    is looked for before "Bank A"."""
    told: dict[str, str] = {}
    for decision in decisions.of(connection, (PAYER, NO_PAYER)):
        pattern = str(decision.data["pattern"])
        if decision.kind == PAYER:
            told[pattern] = str(decision.data["channel"])
        else:
            told.pop(pattern, None)
    return sorted(((told[one], one) for one in told), key=lambda one: (-len(one[1]), one[1]))


def tell_payer(connection: Connection, channel: str, pattern: str, by: str) -> str:
    """Record a text by which the payouts of a channel are known in the bank's bookings.

    One text is of one channel: told again of another, it is the other's.
    """
    shown = _pattern(pattern)
    if (channel, shown) not in payers(connection):
        data = {"channel": checked_name(channel), "pattern": shown}
        decisions.record(connection, PAYER, data, by)
    return shown


def forget_payer(connection: Connection, pattern: str, by: str) -> None:
    """Take a text back."""
    shown = _pattern(pattern)
    if shown not in [known for _, known in payers(connection)]:
        raise ChannelError(f"{shown!r}: no payer is known by that; companion channel list")
    decisions.record(connection, NO_PAYER, {"pattern": shown}, by)


def _pattern(text: str) -> str:
    shown = " ".join(unicodedata.normalize("NFKC", text).split())
    if not _SHORTEST_PATTERN <= len(shown) <= _MOST_PATTERN or not shown.isprintable():
        raise ChannelError(
            f"a payer's text has {_SHORTEST_PATTERN} to {_MOST_PATTERN} printable characters"
        )
    return shown


def _check(channel: Channel) -> None:
    for name, value in asdict(channel).items():
        if name.endswith("_days") and not 0 <= value <= _MOST_DAYS:
            raise ChannelError(f"{name} is 0 to {_MOST_DAYS}, not {value}")
    if channel.late_days < channel.pay_days:
        raise ChannelError(
            f"a payout cannot be late ({channel.late_days} days) before it is due "
            f"({channel.pay_days} days)"
        )
    if channel.country not in holidays.list_supported_countries():
        raise ChannelError(f"{channel.country!r}: the calendar has no such country (CN, DE, ...)")
