"""Fees: what the acquirer kept of a captured row, against the plan of that day."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.facts import schema
from companion.reconcile import codes
from companion.rules import breaks, joins, relations, verdicts

# Rates are parts of this.
_MILLION = 1_000_000
# What no plan is for: fees of their own, and what a chargeback costs.
_FEE_ROW = "FEE"
_CHARGEBACK = "CB"
_OF_PLAN = ("merchant_no", "channel")


def differing(wrong: ir.Table, pairs: ir.Table) -> ir.Table:
    """A break for each of those rows, called as `pairs` calls it."""
    keys = pairs.filter(pairs.a_id.notnull()).select("row_key", its_id="a_id")
    rows = wrong.join(keys, wrong.id == keys.its_id)
    return breaks.told(
        rows,
        code=codes.FEE_DIFFERS,
        amount_minor=(rows.fee_minor - rows.expected).abs(),
        a_id=rows.id,
        note=breaks.note(fee=rows.fee_minor, expected=rows.expected, rate_ppm=rows.rate_ppm),
    )


def wrong_rows(acquirer: ir.Table) -> ir.Table:
    """The rows with a fee that a plan does not give, and what it gives."""
    rows = acquirer.filter(
        acquirer.fee_minor.notnull(),
        acquirer.status.isin(verdicts.CAPTURED),
        acquirer.txn != _FEE_ROW,
        acquirer.f39 != _CHARGEBACK,
    ).select(
        "id",
        "merchant_no",
        "terminal_no",
        "channel",
        "day",
        "txn",
        "amount_minor",
        "fee_minor",
    )
    plans = _plans()
    met = rows.join(plans, [rows[key] == plans["plan_" + key] for key in _OF_PLAN])
    met = met.filter(met.valid_from <= met.day, met.day < met.until)
    told = met.mutate(expected=expected(met))
    return told.filter(told.expected != told.fee_minor)


def expected(row: ir.Table) -> ir.IntegerValue:
    """What the plan lets the acquirer keep, in minor units; negative when he gives it back.

    A sale's share is rounded half up: amounts are not negative, so a whole number and a half
    always goes away from zero, and what a refund gives back is the same number.
    """
    share = relations.whole(row.amount_minor * row.rate_ppm + _MILLION // 2, _MILLION)
    fee = share + row.fixed_minor
    capped = ibis.cases(((row.cap_minor > 0) & (fee > row.cap_minor), row.cap_minor), else_=fee)
    return ibis.cases(
        (row.txn.isin(verdicts.HOLDS), 0),
        (row.txn.isin(verdicts.GIVES_BACK) & (row.refund_back == 1), 0 - capped),
        (row.txn.isin(verdicts.GIVES_BACK), 0),
        else_=capped,
    )


def _plans() -> ir.Table:
    """The plans, each until the next of its merchant and channel: one plan a day."""
    plans = relations.reference("fee_plans")
    later = plans.valid_from.lag().over(
        group_by=list(_OF_PLAN),
        order_by=[ibis.desc("valid_from"), "valid_to", "rate_ppm", "fixed_minor"],
    )
    known = plans.mutate(later=later)
    ended = ibis.cases(
        (known.later.notnull() & (known.later < known.valid_to), known.later),
        else_=known.valid_to,
    )
    return known.mutate(until=ended).select(
        "rate_ppm",
        "fixed_minor",
        "cap_minor",
        "refund_back",
        "valid_from",
        "until",
        **{"plan_" + key: key for key in _OF_PLAN},
    )


def _tables(acquirer: str, pairs: str) -> tuple[tuple[str, ir.Table], ...]:
    rows = wrong_rows(relations.table(acquirer, schema.ACQUIRER))
    judged = differing(joins.made("wrong_fees", rows), relations.table(pairs, relations.PAIRS))
    return ("wrong_fees", rows), ("fee_breaks", judged)


STEP = _tables("acquirer", "pairs")
STATE = _tables("carry_acquirer", "open_pairs")
