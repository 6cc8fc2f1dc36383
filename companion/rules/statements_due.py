"""Statements that should be here and are not: a break of their own, with what waits for them."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.reconcile import codes
from companion.rules import breaks, relations

_ACQUIRER = "acquirer"
_BANK = "bank"


def missing(open_pairs: ir.Table, today: ir.Table) -> ir.Table:
    """A break for each statement that is overdue; an acquirer's has the money that waits for it,
    which is not counted as awaited any more."""
    wanted = _overdue(today)
    waiting = open_pairs.filter(open_pairs.verdict == codes.WAITING)
    sums = waiting.group_by(
        its_merchant="merchant_no", its_channel="channel", its_day="day"
    ).aggregate(effect=waiting.effect_minor.sum(), amount=waiting.effect_minor.abs().sum())
    met = wanted.left_join(
        sums,
        [
            wanted.merchant_no == sums.its_merchant,
            wanted.channel == sums.its_channel,
            wanted.day == sums.its_day,
        ],
    )
    ours = met.leg == _ACQUIRER
    key = met.party + "|" + met.channel + "|" + met.leg + "|" + met.day.cast("string")
    return breaks.told(
        met,
        code=codes.STATEMENT_MISSING,
        row_key=key,
        amount_minor=ibis.cases((ours, met.amount.fill_null(0)), else_=0),
        effect_minor=ibis.cases((ours, met.effect.fill_null(0)), else_=0),
        note=breaks.note(leg=met.leg, due_day=met.due_day),
    )


def _overdue(today: ir.Table) -> ir.Table:
    """What is wanted, not covered, and due before today. One statement of an account covers all
    its channels."""
    wanted = relations.reference("wanted")
    timed = wanted.cross_join(today.select(now="day"))
    due = timed.filter(timed.now > timed.due_day)
    due = due.mutate(of_channel=_channel(due))
    coverage = relations.reference("coverage")
    here = coverage.mutate(of_channel=_channel(coverage)).select(
        its_leg="leg", its_party="party", its_channel="of_channel", its_day="day"
    )
    here = here.distinct()
    known = due.left_join(
        here,
        [
            due.leg == here.its_leg,
            due.party == here.its_party,
            due.of_channel == here.its_channel,
            due.day == here.its_day,
        ],
    )
    return known.filter(known.its_leg.isnull()).select(*wanted.columns)


def _channel(rows: ir.Table) -> ir.StringValue:
    return ibis.cases((rows.leg == _BANK, ""), else_=rows.channel)


STATE = (
    (
        "statement_breaks",
        missing(
            relations.table("open_pairs", relations.PAIRS), relations.table("today", relations.DAY)
        ),
    ),
)
