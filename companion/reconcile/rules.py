"""The rules, once, as ibis expressions: which rows belong together and what each pair means.

Only what ibis compiles alike for every engine is used here (see companion/README.md), so that the
same break set comes out of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr import types as ir

from companion.reconcile import codes, fold
from companion.statements.statement import GIVES_BACK, HOLDS

VERSION = "exact-2"

KEY = ("merchant_no", "terminal_no", "batch", "stan")


def full_join(left: ir.Table, right: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Every row of both sides, paired on `keys`; other columns must have different names.

    An engine without a usable full outer join gets its own branch here and nowhere else.
    """
    other = right.rename({"right_" + key: key for key in keys})
    joined = left.outer_join(other, [left[key] == other["right_" + key] for key in keys])
    return joined.mutate(
        **{key: ibis.coalesce(joined[key], joined["right_" + key]) for key in keys}
    ).drop(*("right_" + key for key in keys))


def pairs(terminal: ir.Table, host: ir.Table, days: ir.Table) -> ir.Table:
    """One row for each transaction of either side, with its verdict and its money.

    The exact pass: merchant, terminal, batch and STAN, and the n-th row of a key on one side
    with the n-th on the other, so that no row matches twice. Columns of the sides come as t_*
    and h_*. `effect_minor` is what a break adds to customer debit minus merchant books.
    """
    joined = full_join(
        _side(_covered(terminal, days), "t_", ("device_id", "first_seq")),
        _side(host, "h_", ("host_time", "file", "line")),
        (*KEY, "occurrence"),
    )
    judged = joined.mutate(
        verdict=_verdict(joined),
        business_date=ibis.coalesce(joined.h_business_date, joined.t_business_date),
        charged=_money(joined.h_status == "CAPTURED", joined.h_money_minor),
        booked=_money(joined.t_status == fold.APPROVED, joined.t_money_minor),
        row_key=joined.merchant_no
        + "|"
        + joined.terminal_no
        + "|"
        + joined.batch
        + "|"
        + joined.stan
        + "|"
        + joined.occurrence.cast("string"),
    )
    return judged.mutate(
        effect_minor=_effect(judged),
        provisional=(judged.verdict == codes.REVERSAL_STUCK) & (judged.t_status == fold.PENDING),
    )


def totals_by_day(judged: ir.Table) -> ir.Table:
    """Rows and money of each business day, as `pairs` has them."""
    return judged.group_by("business_date").aggregate(
        rows=judged.count(), charged=judged.charged.sum(), booked=judged.booked.sum()
    )


def _covered(terminal: ir.Table, days: ir.Table) -> ir.Table:
    """The terminal's rows, each knowing whether a host file of its merchant and day is here."""
    known = days.distinct().rename(day_merchant="merchant_no", day="business_date")
    joined = terminal.left_join(
        known,
        [terminal.merchant_no == known.day_merchant, terminal.business_date == known.day],
    )
    return joined.mutate(covered=joined.day.notnull()).drop("day_merchant", "day")


def money(table: ir.Table) -> ir.IntegerValue:
    """The amount as the books have it: a void gives back, a hold moves nothing."""
    return ibis.cases(
        (table.txn.isin(GIVES_BACK), 0 - table.amount_minor),
        (table.txn.isin(HOLDS), table.amount_minor * 0),
        else_=table.amount_minor,
    )


def _side(table: ir.Table, prefix: str, order: Sequence[str]) -> ir.Table:
    window = ibis.window(group_by=list(KEY), order_by=list(order))
    numbered = table.mutate(occurrence=ibis.row_number().over(window), money_minor=money(table))
    keep = (*KEY, "occurrence")
    return numbered.rename({prefix + name: name for name in numbered.columns if name not in keep})


def _money(counts: ir.BooleanValue, amount: ir.IntegerValue) -> ir.IntegerValue:
    # A side that is not there has null in both.
    return ibis.cases((counts & amount.notnull(), amount), else_=0)


def _verdict(row: ir.Table) -> ir.StringValue:
    here = row.t_device_id.notnull()
    there = row.h_file.notnull()
    captured = there & row.h_status.isin(("CAPTURED", "AUTHORISED"))
    differs = (row.t_amount_minor != row.h_amount_minor) | (row.t_money_minor != row.h_money_minor)
    approved = here & (row.t_status == fold.APPROVED)
    return ibis.cases(
        (~here, codes.HOST_ONLY),
        (approved & ~there, codes.TERMINAL_ONLY),
        (approved & ~captured, codes.NOT_CAPTURED),
        (approved & differs, codes.AMOUNT_MISMATCH),
        (approved, codes.MATCHED),
        (captured & (row.t_status == fold.DECLINED), codes.DECLINED_BUT_CAPTURED),
        (captured & (row.t_status == fold.REVERSED), codes.REVERSED_BUT_SETTLED),
        (captured, codes.REVERSAL_STUCK),
        (~there & ~row.t_covered, codes.WAITING),
        (row.t_status == fold.DECLINED, codes.DECLINED),
        (row.t_status == fold.REVERSED, codes.REVERSED),
        else_=codes.HEALED,
    )


def _effect(row: ir.Table) -> ir.IntegerValue:
    """The money of each verdict on its own account, so that the equation is a check of it."""
    return ibis.cases(
        (row.verdict == codes.HOST_ONLY, row.charged),
        (row.verdict.isin((codes.TERMINAL_ONLY, codes.NOT_CAPTURED)), 0 - row.t_money_minor),
        (row.verdict == codes.AMOUNT_MISMATCH, row.h_money_minor - row.t_money_minor),
        (
            row.verdict.isin(
                (codes.DECLINED_BUT_CAPTURED, codes.REVERSED_BUT_SETTLED, codes.REVERSAL_STUCK)
            ),
            row.h_money_minor,
        ),
        else_=0,
    )
