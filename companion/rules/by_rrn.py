"""Pass 2: rows that have no partner by their numbers, by RRN and card."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.rules import joins, settings, verdicts

_KEY = ("merchant_no", "rrn", "card")


def crowd(free_t: ir.Table) -> ir.Table:
    """The ids of rows whose RRN and card are no name of theirs: too many have the same."""
    named = free_t.filter(free_t.rrn != "").select(*_KEY, "id")
    return joins.crowded(named, _KEY, settings.CROWD)


def met(free_t: ir.Table, free_a: ir.Table, crowd: ir.Table) -> ir.Table:
    """Every row of one side with every row of the other of the same RRN and card."""
    t = joins.without(free_t.filter(free_t.rrn != ""), crowd, "id", "id")
    a = free_a.filter(free_a.rrn != "")
    found = t.join(a, [t[name] == a[name] for name in _KEY])
    return found.select(
        t_id=t.id,
        a_id=a.id,
        agree=ibis.cases(
            (joins.agree(t.token, a.token) & joins.agree(t.terminal_no, a.terminal_no), 1), else_=0
        ),
    )


def mixed(found: ir.Table) -> ir.Table:
    """The pairs of keys that have several rows on a side."""
    t, a = (joins.repeated(found, column) for column in ("t_id", "a_id"))
    return found.filter(found.t_id.isin(t.id) | found.a_id.isin(a.id))


def pairs(found: ir.Table, several: ir.Table, free_t: ir.Table, free_a: ir.Table) -> ir.Table:
    """Pass 2: the n-th with the n-th; no two tokens or terminals that differ."""
    alone = joins.without(found, several, "t_id", "t_id")
    known = several
    for column, free in (("t_id", free_t), ("a_id", free_a)):
        rows = free.filter(free.id.isin(several[column]))
        rows = rows.select(*_KEY, "id", "at", idle=verdicts.idle(rows.status))
        window = ibis.window(group_by=list(_KEY), order_by=joins.ORDER)
        ranked = rows.mutate(rank=ibis.row_number().over(window))
        known = joins.looked_up(known, ranked, {column: "id"}, {f"{column}_rank": "rank"})
    nth = known.filter(known.t_id_rank == known.a_id_rank).select(*found.columns)
    both = joins.together((alone, nth))
    return both.filter(both.agree == 1).select("t_id", "a_id")
