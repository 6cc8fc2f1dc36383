"""What is wrong with a payout group, or with a booking that no group explains."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.facts import schema
from companion.reconcile import codes
from companion.rules import accounts, breaks, credits

_SENT = "SENT"


def announcing(groups: ir.Table, payouts: ir.Table) -> ir.Table:
    """Each announced payout with its group: by reference, or else by the day of settlement."""
    names = groups.select(
        "row_key", g_merchant="merchant_no", g_channel="channel", g_ref="ref", g_day="settle_day"
    )
    pairs = payouts.join(
        names,
        [payouts.merchant_no == names.g_merchant, payouts.channel == names.g_channel],
    )
    return pairs.filter(
        ((pairs.g_ref != "") & (pairs.ref == pairs.g_ref))
        | ((pairs.g_ref == "") & (pairs.settle_day == pairs.g_day))
    )


def judged(groups: ir.Table, payouts: ir.Table, told: ir.Table, day: ir.Table) -> ir.Table:
    """Each group with the code of what is open of it, "" when that is nothing or awaited.

    Nothing is missing before the bank's statements have `told` of the group's last day.
    """
    said = _said(groups, payouts)
    told = told.select(told_key="row_key")
    joined = groups.left_join(said, groups.row_key == said.its_key)
    joined = joined.left_join(told, joined.row_key == told.told_key).cross_join(day)
    known = joined.mutate(open_minor=joined.net_minor - joined.got_minor)
    owed = known.open_minor > 0
    nothing = known.credits == 0
    late = (known.now > known.late_day) & known.told_key.notnull()
    back = known.returned_day.notnull() | known.returned_id.notnull()
    return known.mutate(
        code=ibis.cases(
            (owed & back, codes.PAYOUT_RETURNED),
            (owed & nothing & known.old_id.notnull(), codes.PAYOUT_OLD_ACCOUNT),
            (owed & nothing & known.wrong_id.notnull(), codes.PAYOUT_WRONG_ACCOUNT),
            (owed & nothing & late, codes.PAYOUT_MISSING),
            (owed & late, codes.PAYOUT_SHORT),
            ((known.open_minor < 0) & (late | ~nothing), codes.PAYOUT_OVER),
            else_="",
        )
    )


def misled(groups: ir.Table, bank: ir.Table, payouts: ir.Table) -> ir.Table:
    """Where the judged groups should have been paid whose money went, or was sent, elsewhere."""
    came = groups.filter(groups.bad_id.notnull()).select("row_key", its_id="bad_id")
    elsewhere = (codes.PAYOUT_OLD_ACCOUNT, codes.PAYOUT_WRONG_ACCOUNT)
    sent = groups.filter(groups.code.isin(elsewhere))
    sent = sent.select("row_key", its_id=ibis.coalesce(sent.old_id, sent.wrong_id))
    found = [
        names.join(rows.select("id", "account", "day"), names.its_id == rows.id).select(
            "row_key", "account", "day"
        )
        for names, rows in ((came, bank), (sent, payouts))
    ]
    rows = found[0].union(found[1])
    owners = groups.select("row_key", "merchant_no", "channel")
    return accounts.right(rows.join(owners, "row_key")).rename(of_key="its_key")


def of_groups(groups: ir.Table, misled: ir.Table) -> ir.Table:
    """The breaks of judged groups: what is open, and what was wrong with what came."""
    groups = groups.left_join(misled, groups.row_key == misled.of_key)
    still = groups.filter(groups.code != "")
    back = still.code == codes.PAYOUT_RETURNED
    open_ = _told(
        still,
        code=still.code,
        amount_minor=still.open_minor.abs(),
        owed_minor=still.open_minor,
        b_id=ibis.cases((back, still.return_id), else_=still.credit_id),
        p_id=ibis.cases(
            (back, still.returned_id),
            else_=ibis.coalesce(still.old_id, still.wrong_id, still.sent_id),
        ),
    )
    late = groups.filter(groups.first_day > groups.late_day)
    parts = [(late, codes.PAYOUT_LATE, late.net_minor.abs(), late.credit_id)]
    for code, name in (
        (codes.PAYOUT_OLD_ACCOUNT, "old_minor"),
        (codes.PAYOUT_WRONG_ACCOUNT, "wrong_minor"),
    ):
        rows = groups.filter(groups[name] > 0)
        parts.append((rows, code, rows[name], rows.bad_id))
    return open_.union(
        *(
            _told(rows, code=code, amount_minor=amount, b_id=b_id)
            for rows, code, amount, b_id in parts
        )
    )


def of_bookings(bookings: ir.Table) -> ir.Table:
    """The breaks of bookings that nothing explains: the whole amount is owed, one way or other."""
    names = ("account", "day", "ref", "amount_minor")
    place = ibis.row_number().over(group_by=list(names), order_by="id")
    owners = (
        accounts.holders()
        .group_by(its_account="account")
        .aggregate(merchant_no=accounts.holders().merchant_no.min())
    )
    rows = bookings.mutate(occurrence=place + 1)
    rows = rows.left_join(owners, rows.account == owners.its_account)
    key = ibis.literal("BANK")
    for name in (*names, "occurrence"):
        key = key + "|" + rows[name].cast("string")
    return breaks.told(
        rows,
        code=ibis.cases(
            (rows.kind == credits.RETURN, codes.PAYOUT_RETURNED),
            (rows.amount_minor < 0, codes.PAYOUT_SHORT),
            else_=codes.PAYOUT_OVER,
        ),
        row_key=key,
        merchant_no=rows.merchant_no.fill_null(""),
        amount_minor=rows.amount_minor.abs(),
        owed_minor=0 - rows.amount_minor,
        b_id=rows.id,
    )


def _said(groups: ir.Table, payouts: ir.Table) -> ir.Table:
    """What the acquirer has announced of each group."""
    rows = announcing(groups, payouts).select(
        "row_key", "merchant_no", "channel", "account", "day", "status", "id"
    )
    rows = accounts.judged(rows)
    sent = rows.status == _SENT
    none = ibis.null("int64")
    return rows.group_by(its_key="row_key").aggregate(
        returned_id=ibis.cases((sent, none), else_=rows.id).max(),
        sent_id=ibis.cases((sent, rows.id), else_=none).min(),
        **{
            name: ibis.cases((sent & (rows.standing == standing), rows.id), else_=none).min()
            for name, standing in (("old_id", accounts.OLD), ("wrong_id", accounts.WRONG))
        },
    )


def _told(groups: ir.Table, **columns: ir.Value | str | int) -> ir.Table:
    known = groups.late_day < schema.FAR
    note = breaks.note(
        net=groups.net_minor,
        got=groups.got_minor,
        rows=groups.rows,
        pay_day=ibis.cases((known, groups.pay_day), else_=ibis.null("int64")),
        late_day=ibis.cases((known, groups.late_day), else_=ibis.null("int64")),
        ref=groups.ref,
        wanted=groups.wanted,
        valid_to=groups.valid_to,
    )
    return breaks.told(groups, day=groups.settle_day, note=note, **columns)
