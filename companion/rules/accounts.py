"""Settlement accounts: was money sent to the account that was the right one on that day?"""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.rules import relations

# What an account was on a day: the right one, one that had been the right one, or neither.
VALID = "VALID"
OLD = "OLD"
WRONG = "WRONG"

_BANK = "bank"
_OF_ACCOUNT = ("merchant_no", "channel", "account")


def followed() -> ir.Table:
    """Merchant and channel of every payout that is followed: an account is recorded."""
    return relations.reference("accounts").select("merchant_no", "channel").distinct()


def channels() -> ir.Table:
    """The channels whose bookings are followed."""
    return relations.reference("accounts").select("channel").distinct()


def holders() -> ir.Table:
    """Whose an account is, whatever the channel."""
    return relations.reference("accounts").select("merchant_no", "account").distinct()


def told_until(groups: ir.Table) -> ir.Table:
    """The groups of whose right account a statement is here that is as new as their late_day: what
    it does not have has not come."""
    coverage = relations.reference("coverage")
    banks = coverage.filter(coverage.leg == _BANK)
    known = banks.group_by(its_party="party").aggregate(until=banks.day.max())
    accounts = relations.reference("accounts").rename({"its_" + key: key for key in _OF_ACCOUNT})
    right = groups.join(
        accounts,
        [groups.merchant_no == accounts.its_merchant_no, groups.channel == accounts.its_channel],
    )
    right = right.filter(right.valid_from <= right.late_day, right.late_day < right.valid_to)
    told = right.join(known, right.its_account == known.its_party)
    return told.filter(told.until >= told.late_day).select("row_key").distinct()


def judged(rows: ir.Table) -> ir.Table:
    """`rows` (merchant_no, channel, account, day and others) with what the account was."""
    names = rows.columns
    accounts = relations.reference("accounts").rename({"its_" + key: key for key in _OF_ACCOUNT})
    known = rows.left_join(accounts, [rows[key] == accounts["its_" + key] for key in _OF_ACCOUNT])
    valid = (known.valid_from <= known.day) & (known.day < known.valid_to)
    seen = known.group_by(*names).aggregate(
        valid=ibis.cases((valid, 1), else_=0).max(),
        before=ibis.cases((known.valid_to <= known.day, 1), else_=0).max(),
    )
    return seen.select(
        *names,
        standing=ibis.cases((seen.valid == 1, VALID), (seen.before == 1, OLD), else_=WRONG),
    )


def right(rows: ir.Table) -> ir.Table:
    """For `rows` (row_key once, merchant_no, channel, account, day): `wanted`, the account that
    was the right one on that day, and `valid_to`, since when the row's was not any more."""
    accounts = relations.reference("accounts").rename({"its_" + key: key for key in _OF_ACCOUNT})
    met = rows.join(
        accounts,
        [rows.merchant_no == accounts.its_merchant_no, rows.channel == accounts.its_channel],
    )
    valid = (met.valid_from <= met.day) & (met.day < met.valid_to)
    before = (met.its_account == met.account) & (met.valid_to <= met.day)
    return met.group_by(its_key="row_key").aggregate(
        wanted=ibis.cases((valid, met.its_account), else_=ibis.null("string")).min(),
        valid_to=ibis.cases((before, met.valid_to), else_=ibis.null("int64")).max(),
    )
