"""Charged twice: a captured row without a partner beside another one like it."""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.reconcile import codes
from companion.rules import joins, relations, settings, verdicts

_ALIKE = ("merchant_no", "terminal_no", "card", "amount_minor", "txn")
_NAMED = (*_ALIKE, "id", "batch", "stan", "rrn", "at")

ACQUIRER = relations.leg("acquirer")
RECENT = relations.table("recent", relations.leg("acquirer").schema().to_pyarrow())


def _charges(rows: ir.Table) -> ir.Table:
    counts = rows.status.isin(verdicts.CAPTURED) & verdicts.takes_money(rows.txn)
    return rows.filter(counts).select(*_NAMED)


def marks(left: ir.Table) -> ir.Table:
    """MARKS of the rows in `left` that are a second charge, one for each twin.

    The first one may be any charge alike that has a partner, or one without that came earlier: of
    several that the terminal knows nothing of, one is no duplicate.
    """
    own = _charges(left)
    others = joins.together((_charges(ACQUIRER), _charges(RECENT)))
    others = others.select(**{f"o_{name}": others[name] for name in _NAMED})
    met = own.join(others, [own[name] == others[f"o_{name}"] for name in _ALIKE])
    same = _same(met) & (met.id != met.o_id)
    twins = met.filter(same).select("id", "at", "o_id", "o_at", "o_rrn")
    partnerless = left.select(alone=left.id)
    known = twins.left_join(partnerless, [twins.o_id == partnerless.alone])
    earlier = (known.o_at < known["at"]) | ((known.o_at == known["at"]) & (known.o_id < known.id))
    found = known.filter(known.alone.isnull() | earlier)
    return found.select(a_id=found.id, code=ibis.literal(codes.DUPLICATE_CHARGE), twin=found.o_rrn)


def _same(met: ir.Table) -> ir.BooleanValue:
    known = (met["at"] > 0) & (met.o_at > 0)
    soon = known & ((met["at"] - met.o_at).abs() <= settings.TWICE_SECONDS)
    stan = (met.batch == met.o_batch) & (met.stan == met.o_stan)
    return soon | (stan & verdicts.has_stan(met)) | ((met.rrn == met.o_rrn) & (met.rrn != ""))
