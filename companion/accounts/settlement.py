"""Settlement accounts: which one a channel has to pay to, from when, and who decided it.

The first account of a merchant's channel is only told. A change of it is asked by one person and
approved by another. An account is known by its masked number, as facts have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from companion.accounts import people
from companion.errors import CompanionError
from companion.facts.schema import FAR, as_date, day_number
from companion.store import decisions
from companion.store.decisions import Decision

TOLD = "account told"
ASKED = "account change asked"
APPROVED = "account change approved"
REFUSED = "account change refused"
_KINDS = (TOLD, ASKED, APPROVED, REFUSED)

ALWAYS = 0


class AccountError(CompanionError):
    """A change of accounts that cannot be; the message says why."""


@dataclass(frozen=True)
class Change:
    """One account, told or asked for, and what became of it. Days as in facts."""

    number: int
    merchant_no: str
    channel: str
    account: str
    valid_from: int
    # told, asked, approved or refused
    state: str
    maker: str
    asked_at: str
    reason: str
    # Who approved or refused it; "" for nobody yet.
    checker: str
    decided_at: str
    verdict: str
    # The place of that in the order of all decisions; 0 for none yet.
    decided: int

    @property
    def counts(self) -> bool:
        """Whether payouts have to go by it."""
        return self.state in ("told", "approved")


@dataclass(frozen=True)
class Account:
    """Where a channel pays a merchant from `valid_from` until the day before `valid_to`."""

    merchant_no: str
    channel: str
    account: str
    valid_from: int
    valid_to: int


def history(connection: Connection) -> list[Change]:
    """Every account that was ever told or asked for, in the order of asking."""
    made: dict[int, Change] = {}
    for decision in decisions.of(connection, _KINDS):
        if decision.kind in (TOLD, ASKED):
            made[decision.seq] = _asked(decision)
        else:
            number = int(decision.data["change"])
            made[number] = _decided(made[number], decision)
    return list(made.values())


def accounts(changes: list[Change]) -> list[Account]:
    """The accounts that count, each until the next one of its merchant and channel begins.

    Of two that begin on one day the one decided later counts: so a mistake is corrected.
    """
    made: list[Account] = []
    for merchant_no, channel in sorted({(one.merchant_no, one.channel) for one in changes}):
        mine = {
            one.valid_from: one.account
            for one in sorted(changes, key=lambda one: one.decided)
            if one.counts and (one.merchant_no, one.channel) == (merchant_no, channel)
        }
        starts = sorted(mine)
        for start, end in zip(starts, [*starts[1:], FAR], strict=True):
            made.append(Account(merchant_no, channel, mine[start], start, end))
    return made


def tell(connection: Connection, merchant_no: str, channel: str, account: str, by: str) -> int:
    """Record the first account of a merchant's channel; it counts for all days before a change."""
    mine = _of(history(connection), merchant_no, channel)
    for one in mine:
        if one.counts and one.account == account:
            return one.number
        if one.counts:
            raise AccountError(
                f"{merchant_no}, {channel}: is paid to {one.account} since "
                f"{_day(one.valid_from)}; another account is a change: companion account change"
            )
    data = _data(merchant_no, channel, account, ALWAYS)
    return decisions.record(connection, TOLD, data, by)


def ask(
    connection: Connection,
    merchant_no: str,
    channel: str,
    account: str,
    valid_from: date,
    by: str,
    reason: str,
) -> int:
    """Ask for another account from a day on; the same again while it waits is the same change."""
    start = day_number(valid_from)
    changes = _of(history(connection), merchant_no, channel)
    if not any(one.counts for one in changes):
        raise AccountError(
            f"{merchant_no}, {channel}: has no account yet; companion account add tells the first"
        )
    for one in changes:
        if one.state == "asked" and (one.account, one.valid_from) == (account, start):
            return one.number
    for now in accounts(changes):
        if now.account == account and now.valid_from <= start < now.valid_to:
            raise AccountError(
                f"{merchant_no}, {channel}: is paid to {account} on {valid_from} already"
            )
    data = _data(merchant_no, channel, account, start)
    return decisions.record(connection, ASKED, data, by, reason)


def approve(connection: Connection, number: int, by: str, reason: str = "") -> Change:
    """The second person's yes; whoever asked cannot give it."""
    change = _waiting(connection, number)
    if people.same(change.maker, by):
        raise AccountError(f"change {number} was asked by {change.maker}: another person approves")
    decisions.record(connection, APPROVED, {"change": number}, by, reason)
    return _numbered(connection, number)


def refuse(connection: Connection, number: int, by: str, reason: str = "") -> Change:
    """The second person's no, or the first one's own withdrawal."""
    _waiting(connection, number)
    decisions.record(connection, REFUSED, {"change": number}, by, reason)
    return _numbered(connection, number)


def _waiting(connection: Connection, number: int) -> Change:
    change = _numbered(connection, number)
    if change.state != "asked":
        by = change.checker or change.maker
        raise AccountError(f"change {number} is {change.state} by {by} already")
    return change


def _numbered(connection: Connection, number: int) -> Change:
    for one in history(connection):
        if one.number == number:
            return one
    raise AccountError(f"{number}: no such change; companion account list --all has the numbers")


def _of(changes: list[Change], merchant_no: str, channel: str) -> list[Change]:
    return [one for one in changes if (one.merchant_no, one.channel) == (merchant_no, channel)]


def _data(merchant_no: str, channel: str, account: str, start: int) -> dict[str, object]:
    return {
        "merchant_no": merchant_no,
        "channel": channel,
        "account": account,
        "valid_from": as_date(start).isoformat(),
    }


def _day(day: int) -> str:
    return as_date(day).isoformat() if day > ALWAYS else "ever"


def _asked(decision: Decision) -> Change:
    data = decision.data
    return Change(
        number=decision.seq,
        merchant_no=str(data["merchant_no"]),
        channel=str(data["channel"]),
        account=str(data["account"]),
        valid_from=day_number(date.fromisoformat(data["valid_from"])),
        state="told" if decision.kind == TOLD else "asked",
        maker=decision.actor,
        asked_at=decision.at,
        reason=decision.reason,
        checker="",
        decided_at=decision.at if decision.kind == TOLD else "",
        verdict="",
        decided=decision.seq if decision.kind == TOLD else 0,
    )


def _decided(change: Change, decision: Decision) -> Change:
    return Change(
        **{
            **change.__dict__,
            "state": "approved" if decision.kind == APPROVED else "refused",
            "checker": decision.actor,
            "decided_at": decision.at,
            "verdict": decision.reason,
            "decided": decision.seq,
        }
    )
