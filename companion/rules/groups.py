"""Payout groups: what the acquirer settles together, counted once, on the day of its rows.

Everything about payouts behind this is small: a row a group, not a row a transaction.
"""

from __future__ import annotations

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from companion.facts import schema
from companion.rules import accounts, relations, verdicts

_CURRENCY = "156"
_OF_ROWS = ("merchant_no", "channel", "currency", "day", "settle_ref", "settle_day")
# Names a group for good; the rest of its columns grow with late rows and with bookings.
_NAMES = ("row_key", "merchant_no", "channel", "currency", "ref")
_SUMS = ("rows", "net_minor", "got_minor", "credits", "old_minor", "wrong_minor")
_FIRSTS = ("first_day", "credit_id", "bad_id")
_LASTS = ("settle_day", "last_day", "returned_day", "return_id")
_TIMES = ("pay_day", "late_day")


def new_rows() -> ir.Table:
    """The money that the day's captured rows bring to each group."""
    rows = relations.leg("acquirer")
    rows = rows.filter(
        rows.occurrence == 0,
        rows.status.isin(verdicts.CAPTURED),
        ~rows.txn.isin(verdicts.HOLDS),
    )
    gross = verdicts.money(rows.txn, rows.amount_minor)
    summed = rows.group_by(*_OF_ROWS).aggregate(
        rows=rows.count(), net_minor=(gross - rows.fee_minor.fill_null(0)).sum()
    )
    known = accounts.followed().rename(its_merchant="merchant_no", its_channel="channel")
    joined = summed.join(
        known,
        [summed.merchant_no == known.its_merchant, summed.channel == known.its_channel],
    )
    return joined.select(*summed.columns)


def grown(new: ir.Table) -> ir.Table:
    """The carried groups and the new ones, with `new` added, and when each should be paid."""
    carried = relations.table("groups", relations.GROUPS)
    both = carried.drop(*_TIMES).union(_as_groups(_settled(new)))
    groups = both.group_by(*_NAMES).aggregate(
        **{name: both[name].sum() for name in _SUMS},
        **{name: both[name].min() for name in _FIRSTS},
        **{name: both[name].max() for name in _LASTS},
    )
    due = relations.reference("pay_due").rename(
        due_channel="channel", due_settle="settle_day", due_pay="pay_day", due_late="late_day"
    )
    timed = groups.left_join(
        due, [groups.channel == due.due_channel, groups.settle_day == due.due_settle]
    )
    timed = timed.mutate(
        pay_day=ibis.coalesce(timed.due_pay, timed.settle_day),
        # Without a calendar nothing is late.
        late_day=ibis.coalesce(timed.due_late, schema.FAR),
    )
    return timed.select(*relations.GROUPS.names)


def _settled(new: ir.Table) -> ir.Table:
    """`new` with the day of settlement, by the calendar when the acquirer does not say."""
    due = relations.reference("due").select(
        due_channel="channel", due_day="day", due_settle="settle_day"
    )
    joined = new.left_join(due, [new.channel == due.due_channel, new.day == due.due_day])
    return joined.mutate(
        settle_day=ibis.cases(
            (joined.settle_day > 0, joined.settle_day),
            else_=ibis.coalesce(joined.due_settle, joined.day),
        )
    )


def _as_groups(new: ir.Table) -> ir.Table:
    name = ibis.cases((new.settle_ref != "", new.settle_ref), else_=new.settle_day.cast("string"))
    suffix = ibis.cases((new.currency == _CURRENCY, ""), else_=ibis.literal("|") + new.currency)
    none = ibis.null("int64")
    made = new.mutate(
        row_key=new.merchant_no + "|" + new.channel + "|" + name + "|PAYOUT" + suffix,
        ref=new.settle_ref,
        got_minor=0,
        credits=0,
        first_day=none,
        last_day=none,
        returned_day=none,
        old_minor=0,
        wrong_minor=0,
        credit_id=none,
        bad_id=none,
        return_id=none,
    )
    columns = pa.schema([field for field in relations.GROUPS if field.name not in _TIMES])
    return made.select(*columns.names).cast(ibis.Schema.from_pyarrow(columns))
