"""What a pair of rows means, and what it does to the equation; how a row is called."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.reconcile import codes, fold
from companion.rules import breaks

FEE = "FEE"
HOLD = "PREAUTH"
HOLD_CANCEL = "PREAUTH_CANCEL"
HOLDS = (HOLD, HOLD_CANCEL)
VOIDS = ("VOID", "COMPLETION_VOID")
GIVES_BACK = (*VOIDS, "REFUND")
COMPLETIONS = ("COMPLETION", "COMPLETION_NOTICE")
CAPTURED = ("CAPTURED", "AUTHORISED")
UNDONE = (fold.DECLINED, fold.REVERSED)
OPEN = (fold.PENDING, fold.SUSPENDED, fold.NEEDS_RECON)

# What a pair has after `judged`, besides what it had.
_UNPROVEN = (codes.NOT_CAPTURED, codes.VOID_NOT_APPLIED)
_CHARGED = (
    codes.DECLINED_BUT_CAPTURED,
    codes.REVERSED_BUT_SETTLED,
    codes.REVERSAL_STUCK,
    codes.REFUND_UNKNOWN,
)


def money(txn: ir.StringValue, amount: ir.IntegerValue) -> ir.IntegerValue:
    """The amount as the books have it: a void gives back, a hold moves nothing."""
    known = ibis.coalesce(amount, 0)
    return ibis.cases((txn.isin(HOLDS), 0), (txn.isin(GIVES_BACK), 0 - known), else_=known)


def direction(txn: ir.StringValue) -> ir.IntegerValue:
    """Which way the money goes: pass 3 pairs nothing that goes another way."""
    return ibis.cases(
        (txn == HOLD, 1), (txn == HOLD_CANCEL, 2), (txn.isin(GIVES_BACK), 3), else_=4
    )


def idle(status: ir.StringValue) -> ir.IntegerValue:
    """0 for a row of either side that moves or holds money, else 1."""
    return ibis.cases((status.isin((fold.APPROVED, *CAPTURED)), 0), else_=1)


def takes_money(txn: ir.StringValue) -> ir.BooleanValue:
    """Whether the customer pays with it."""
    return ~txn.isin((*HOLDS, *GIVES_BACK))


def judged(pair: ir.Table) -> ir.Table:
    """The pair, of columns t_* and a_*, with verdict, amount, effect and provisional."""
    known = pair.mutate(
        t_money=money(pair.t_txn, pair.t_amount),
        a_money=money(pair.a_txn, pair.a_amount),
        differs=ibis.coalesce(pair.t_amount, -1) - ibis.coalesce(pair.a_amount, -1),
    )
    known = known.mutate(
        charged_minor=ibis.cases((known.a_status.isin(CAPTURED), known.a_money), else_=0),
        booked_minor=ibis.cases((known.t_status == fold.APPROVED, known.t_money), else_=0),
    )
    verdict = known.mutate(verdict=_verdict(known))
    effect = verdict.mutate(effect_minor=_effect(verdict))
    return effect.mutate(amount_minor=_amount(effect), provisional=_provisional(effect))


def _verdict(row: ir.Table) -> ir.StringValue:
    captured = row.a_status.isin(CAPTURED)
    approved = row.t_status == fold.APPROVED
    is_open = row.t_status.isin(OPEN)
    held = captured & (row.t_txn == HOLD) & (row.a_txn == HOLD)
    gone = row.t_status.isin((*UNDONE, fold.SUSPENDED, fold.NEEDS_RECON))
    unequal = (row.differs != 0) | (row.a_money != row.t_money)
    return ibis.cases(
        (held & gone, codes.PREAUTH_NOT_RELEASED),
        (held & approved & (row.differs < 0), codes.PREAUTH_OVER),
        (held & approved & (row.differs > 0), codes.PREAUTH_UNDER),
        (approved & ~captured & (row.t_txn == HOLD_CANCEL), codes.PREAUTH_NOT_RELEASED),
        (approved & ~captured & row.t_txn.isin(VOIDS), codes.VOID_NOT_APPLIED),
        (is_open & captured & (row.t_txn == "REFUND"), codes.REFUND_UNKNOWN),
        (approved & ~captured, codes.NOT_CAPTURED),
        (approved & unequal, codes.AMOUNT_MISMATCH),
        (approved, codes.MATCHED),
        (captured & (row.t_status == fold.DECLINED), codes.DECLINED_BUT_CAPTURED),
        (captured & (row.t_status == fold.REVERSED), codes.REVERSED_BUT_SETTLED),
        (captured, codes.REVERSAL_STUCK),
        (row.t_status == fold.DECLINED, codes.DECLINED),
        (row.t_status == fold.REVERSED, codes.REVERSED),
        else_=codes.HEALED,
    )


def _effect(row: ir.Table) -> ir.IntegerValue:
    """The money of each verdict on its own account, so that the equation is a check of it."""
    return ibis.cases(
        (row.verdict.isin(_UNPROVEN), 0 - row.t_money),
        (row.verdict == codes.AMOUNT_MISMATCH, row.a_money - row.t_money),
        (row.verdict.isin(_CHARGED), row.a_money),
        else_=0,
    )


def _amount(row: ir.Table) -> ir.IntegerValue:
    by_difference = (codes.PREAUTH_OVER, codes.PREAUTH_UNDER, codes.AMOUNT_MISMATCH)
    of_terminal = (row.t_status == fold.APPROVED) & ~row.a_status.isin(CAPTURED)
    return ibis.cases(
        (row.effect_minor != 0, row.effect_minor.abs()),
        (row.verdict.isin(by_difference), row.differs.abs()),
        (of_terminal, ibis.coalesce(row.t_amount, row.a_amount, 0)),
        else_=ibis.coalesce(row.a_amount, row.t_amount, 0),
    )


def _provisional(row: ir.Table) -> ir.IntegerValue:
    waits = row.verdict.isin((codes.REVERSAL_STUCK, codes.REFUND_UNKNOWN))
    return ibis.cases((waits & (row.t_status == fold.PENDING), 1), else_=0)


def terminal_key(row: ir.Table) -> ir.StringValue:
    """merchant|terminal|batch|stan|occurrence: a row of the terminal, or a pair."""
    return (
        row.merchant_no
        + "|"
        + row.terminal_no
        + "|"
        + row.batch
        + "|"
        + row.stan
        + "|"
        + row.occurrence.cast("string")
    )


def acquirer_key(row: ir.Table) -> ir.StringValue:
    """The same for a row of the acquirer, or by channel and RRN when it has no STAN."""
    by_rrn = (
        row.merchant_no + "|" + row.channel + "|" + row.rrn + "|" + row.occurrence.cast("string")
    )
    return ibis.cases((has_stan(row), terminal_key(row)), else_=by_rrn)


def has_stan(row: ir.Table) -> ir.BooleanValue:
    """Whether the exact pass can have it."""
    return (row.batch != "") & (row.stan != "")


def broken(pairs: ir.Table) -> ir.Table:
    """Those of a PAIRS relation that are breaks, as BREAKS."""
    found = pairs.filter(pairs.verdict.isin(codes.BREAKS))
    return breaks.told(found, code=found.verdict)
