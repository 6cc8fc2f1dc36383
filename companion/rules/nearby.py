"""Pass 3, of low confidence: rows that have nothing in common but amount and time."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.rules import joins, relations, settings, verdicts


def candidates(free_t: ir.Table, free_a: ir.Table, by_rrn: ir.Table) -> ir.Table:
    """What pass 3 may pair: same merchant, channel, amount and direction, little time between
    them. Two rows that both have a STAN are two transactions.

    Times are compared within slots of NEAR_SECONDS and their neighbours, so that the join has
    equal values to go by.
    """
    t = _slotted(joins.without(free_t, by_rrn, "id", "t_id"))
    a = _slotted(joins.without(free_a, by_rrn, "id", "a_id"))
    around = joins.together(a.mutate(slot=a.slot + step) for step in (-1, 0, 1))
    keys = ("merchant_no", "channel", "amount_minor", "way", "slot")
    same = [t[name] == around[name] for name in keys]
    met = t.join(around, same).select(
        t_id=t.id,
        a_id=around.id,
        t_at=t["at"],
        a_at=around["at"],
        apart=(t["at"] - around["at"]).abs(),
        agree=ibis.cases(
            (
                joins.agree(t.card, around.card)
                & joins.agree(t.terminal_no, around.terminal_no)
                & (t.named + around.named < 2),
                1,
            ),
            else_=0,
        ),
    )
    return met.filter((met.agree == 1) & (met.apart <= settings.NEAR_SECONDS)).drop("agree")


def _slotted(rest: ir.Table) -> ir.Table:
    known = rest.filter(rest["at"] > 0)
    return known.select(
        "id",
        "merchant_no",
        "terminal_no",
        "channel",
        "amount_minor",
        "card",
        "at",
        named=ibis.cases((verdicts.has_stan(known), 1), else_=0),
        way=verdicts.direction(known.txn),
        slot=relations.whole(known["at"], settings.NEAR_SECONDS),
    )


def nearest(near: ir.Table) -> ir.Table:
    """Those that are each other's nearest."""
    of_t = ibis.window(group_by="t_id", order_by=["apart", "a_at", "a_id"])
    of_a = ibis.window(group_by="a_id", order_by=["apart", "t_at", "t_id"])
    ranked = near.mutate(t_rank=ibis.row_number().over(of_t), a_rank=ibis.row_number().over(of_a))
    return ranked.filter((ranked.t_rank == 0) & (ranked.a_rank == 0)).select("t_id", "a_id")


def still_free(near: ir.Table, taken: ir.Table) -> ir.Table:
    return joins.without(joins.without(near, taken, "t_id", "t_id"), taken, "a_id", "a_id")
