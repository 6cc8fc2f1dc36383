"""Which payout group explains which booking of the bank: a booking is explained once, whole.

First by the reference that both have, then by the amount: one group that is still unpaid, else
all unpaid groups that are due on one day together; a return without a reference by the group that
has got as much. Bookings that nothing explains are tried again with the next days' groups.
"""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.facts import schema
from companion.rules import accounts, joins, relations

# How long after its last day a payout is still taken for the one that was awaited.
MARGIN_DAYS = 5

RETURN = "RETURN"

_BOOKING = ("id", "account", "channel", "day", "amount_minor", "currency", "ref", "kind")
_FOUND = ("b_id", "row_key", "amount_minor")
# A group, or several as one, that a booking may pay: `amount` is what that booking would be, days
# from settle_day to `last`; the lowest `order` is served first.
_CANDIDATE = (
    "row_key",
    "merchant_no",
    "channel",
    "currency",
    "settle_day",
    "last",
    "amount",
    "order",
)


def followed(bank: ir.Table) -> ir.Table:
    """The bookings that are of a followed channel."""
    bank = bank.filter(bank.channel != "", bank.amount_minor != 0)
    return joins.within(bank, accounts.channels(), "channel", "channel")


def evidence(groups: ir.Table) -> list[ir.Table]:
    """The ids of the bookings that groups name."""
    return [
        groups.filter(groups[name].notnull()).select(id=groups[name])
        for name in ("credit_id", "bad_id", "return_id")
    ]


def unexplained(bank: ir.Table, groups: ir.Table) -> ir.Table:
    """The followed bookings that no carried group has: those that it names are only evidence."""
    named = joins.together(evidence(groups)).distinct()
    return joins.without(followed(bank), named, "id", "id").select(*_BOOKING)


def references(groups: ir.Table) -> ir.Table:
    """Every reference that a group is paid under: its own, or that of its announced payout."""
    names = ("merchant_no", "channel", "currency", "row_key")
    own = groups.filter(groups.ref != "").select("ref", *names)
    sent = relations.leg("payouts")
    sent = sent.filter(sent.ref != "").select(
        its_ref="ref", its_merchant="merchant_no", its_channel="channel", its_day="settle_day"
    )
    unnamed = groups.filter(groups.ref == "")
    told = unnamed.join(
        sent,
        [
            unnamed.merchant_no == sent.its_merchant,
            unnamed.channel == sent.its_channel,
            unnamed.settle_day == sent.its_day,
        ],
    )
    return own.union(told.select(*names, ref="its_ref").select("ref", *names)).distinct()


def by_reference(bookings: ir.Table, names: ir.Table) -> ir.Table:
    """The bookings with a known reference; of several merchants' the account's holder is meant."""
    names = names.rename(
        g_ref="ref", g_channel="channel", g_currency="currency", g_merchant="merchant_no"
    )
    found = bookings.join(
        names, [bookings.ref == names.g_ref, bookings.channel == names.g_channel]
    )
    found = found.filter(_same_currency(found.currency, found.g_currency))
    holders = accounts.holders().rename(h_account="account", h_merchant="merchant_no")
    held = found.left_join(
        holders, [found.account == holders.h_account, found.g_merchant == holders.h_merchant]
    )
    held = held.mutate(stranger=ibis.cases((held.h_account.notnull(), 0), else_=1))
    place = ibis.row_number().over(group_by="id", order_by=["stranger", "row_key"])
    first = held.mutate(place=place)
    return _found(first.filter(first.place == 0))


def left(bookings: ir.Table, found: ir.Table) -> ir.Table:
    """The bookings that a pass has not explained."""
    return joins.without(bookings, found.select("b_id").distinct(), "id", "b_id")


def unpaid(groups: ir.Table) -> ir.Table:
    """The groups that have nothing yet, or had it returned: what is awaited, and until when."""
    open_ = groups.filter(
        (groups.credits == 0) | groups.returned_day.notnull(),
        groups.net_minor != groups.got_minor,
    )
    latest = ibis.greatest(open_.late_day, open_.returned_day.fill_null(0))
    return open_.select(
        *_CANDIDATE[:4],
        "pay_day",
        "settle_day",
        order="settle_day",
        amount=open_.net_minor - open_.got_minor,
        last=latest + MARGIN_DAYS,
    )


def still(candidates: ir.Table, found: ir.Table) -> ir.Table:
    """The groups that a pass has left unpaid."""
    return joins.without(candidates, found.select("row_key").distinct(), "row_key", "row_key")


def bundles(unpaid: ir.Table) -> ir.Table:
    """All unpaid groups of a merchant, channel and currency that are due on one day as one."""
    sums = unpaid.group_by("merchant_no", "channel", "currency", "pay_day").aggregate(
        count=unpaid.count(),
        amount=unpaid.amount.sum(),
        settle_day=unpaid.settle_day.max(),
        last=unpaid.last.max(),
    )
    several = sums.filter(sums["count"] > 1)
    return several.mutate(row_key=_bundle(several), order=several.pay_day).select(*_CANDIDATE)


def members(paid: ir.Table, unpaid: ir.Table) -> ir.Table:
    """The groups of paid bundles, each with its own part of the booking."""
    bundle = paid.select("b_id", bundle="row_key")
    groups = unpaid.select("row_key", amount_minor="amount", bundle=_bundle(unpaid))
    return bundle.join(groups, "bundle").select(*_FOUND)


def paid(groups: ir.Table, found: ir.Table) -> ir.Table:
    """The groups that have got something, newest first: what a return of all of it would be."""
    now = found.group_by(its_key="row_key").aggregate(more=found.amount_minor.sum())
    grown = groups.left_join(now, groups.row_key == now.its_key)
    grown = grown.mutate(amount=0 - grown.got_minor - grown.more.fill_null(0))
    got = grown.filter(grown.amount < 0)
    return got.mutate(order=0 - got.settle_day, last=ibis.literal(schema.FAR, "int64")).select(
        *_CANDIDATE
    )


def fitting(bookings: ir.Table, candidates: ir.Table) -> ir.Table:
    """Every booking with every candidate whose amount and time fit, on the merchant's accounts."""
    holders = accounts.holders().rename(h_account="account", h_merchant="merchant_no")
    held = bookings.join(holders, bookings.account == holders.h_account)
    sides = candidates.rename(
        g_merchant="merchant_no", g_channel="channel", g_currency="currency", g_amount="amount"
    )
    met = held.join(
        sides,
        [
            held.h_merchant == sides.g_merchant,
            held.channel == sides.g_channel,
            held.amount_minor == sides.g_amount,
        ],
    )
    return met.filter(
        _same_currency(met.currency, met.g_currency),
        met.settle_day <= met.day,
        met.day <= met.last,
    ).select("id", "day", "account", "ref", "amount_minor", "row_key", "order")


def paired(fits: ir.Table) -> ir.Table:
    """At most one candidate a booking and one booking a candidate: the n-th with the n-th."""
    candidates_first = ibis.row_number().over(group_by="id", order_by=["order", "row_key"])
    bookings_first = ibis.row_number().over(
        group_by="row_key", order_by=["day", "account", "ref", "id"]
    )
    ranked = fits.mutate(place=candidates_first, booking_place=bookings_first)
    same = ranked.filter(ranked.place == ranked.booking_place)
    # Where merchants share accounts the places need not fit: then the first ones count.
    once = same.mutate(turn=ibis.row_number().over(group_by="id", order_by="place"))
    once = once.filter(once.turn == 0)
    each = once.mutate(
        again=ibis.row_number().over(group_by="row_key", order_by=["booking_place", "id"])
    )
    return _found(each.filter(each.again == 0))


def booked(found: ir.Table, groups: ir.Table) -> ir.Table:
    """The explained parts of the bookings, each with its account's standing on that day."""
    bank = relations.leg("bank").select(b_id="id", account="account", day="day", kind="kind")
    owners = groups.select("row_key", "merchant_no", "channel")
    return accounts.judged(found.join(bank, "b_id").join(owners, "row_key"))


def _bundle(rows: ir.Table) -> ir.StringValue:
    names = rows.merchant_no + "|" + rows.channel + "|" + rows.currency
    return names + "|" + rows.pay_day.cast("string")


def _found(pairs: ir.Table) -> ir.Table:
    return pairs.select("row_key", "amount_minor", b_id="id").select(*_FOUND)


def _same_currency(one: ir.StringValue, other: ir.StringValue) -> ir.BooleanValue:
    """Not every bank or acquirer says which it is."""
    return (one == other) | (one == "") | (other == "")
