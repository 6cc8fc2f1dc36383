"""Which row of the terminal belongs to which row of the acquirer: the exact pass, and all three
together.

A row never matches twice. What the exact pass pairs is one join on the key; rows are numbered only
where that shows a key to have several on a side, so that a day without them costs no sort. Pairs
are kept narrow (`_PAIR`) and judged where they are made; everything else is joined back by id.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
from ibis.expr import types as ir

from companion.rules import by_rrn, joins, nearby, relations, reused, settings, verdicts

_KEY = reused.KEY
_TERMINAL = relations.leg("terminal")
_EVERY = relations.leg("acquirer")
# What an acquirer charges for itself is no transaction.
_ACQUIRER = _EVERY.filter(_EVERY.txn != verdicts.FEE)

# What later passes and judgements need of a row that has no partner yet.
_REST = (
    "id",
    "merchant_no",
    "terminal_no",
    "channel",
    "batch",
    "stan",
    "occurrence",
    "day",
    "at",
    "txn",
    "status",
    "amount_minor",
    "card",
    "token",
    "rrn",
)
# A pair: the terminal's key, the acquirer's channel and day, and what it was judged to be.
_PAIR = (
    "t_id",
    "a_id",
    "merchant_no",
    "terminal_no",
    "batch",
    "stan",
    "channel",
    "day",
    "t_at",
    "a_at",
    "verdict",
    "amount_minor",
    "charged_minor",
    "booked_minor",
    "effect_minor",
    "provisional",
)

Tables = tuple[tuple[str, ir.Table], ...]


def _joined(t: ir.Table, a: ir.Table, predicates: list[ir.BooleanValue], *others: str) -> ir.Table:
    """Rows of both sides as a judged pair, with `others` of t."""
    pair = t.join(a, predicates).select(
        t_id=t.id,
        a_id=a.id,
        **{name: t[name] for name in _KEY},
        channel=a.channel,
        day=a.day,
        t_at=t["at"],
        a_at=a["at"],
        t_txn=t.txn,
        a_txn=a.txn,
        t_status=t.status,
        a_status=a.status,
        t_amount=t.amount_minor,
        a_amount=a.amount_minor,
        **{name: t[name] for name in others},
    )
    return verdicts.judged(pair)


def _met(crowd: ir.Table) -> ir.Table:
    """Every row of one side with every row of the other of the same key."""
    t = joins.without(_TERMINAL.filter(verdicts.has_stan(_TERMINAL)), crowd, "id", "id")
    a = _ACQUIRER.filter(verdicts.has_stan(_ACQUIRER))
    pair = _joined(t, a, [t[name] == a[name] for name in _KEY])
    return pair.select(*_PAIR)


def _of_keys(mixed: ir.Table, chosen: ir.Table, of_keys: ir.Table) -> ir.Table:
    """The pairs that were chosen among those of keys with several rows, or with one of an earlier
    day."""
    ids = chosen.select(of_t="t_id", of_a="a_id")
    pairs = mixed.join(ids, [mixed.t_id == ids.of_t, mixed.a_id == ids.of_a])
    return reused.named(pairs.select(*_PAIR), of_keys).mutate(match_pass=1)


def _exact(met: ir.Table, mixed: ir.Table, found: ir.Table) -> ir.Table:
    """Pass 1: the pairs of a key alone, and what was found of the others."""
    alone = joins.without(met, mixed, "t_id", "t_id")
    alone = alone.select(*_PAIR, occurrence=ibis.literal(1, "int64"), match_pass=1)
    return joins.together((alone, found))


def _terminal_key(rows: ir.Table) -> ir.Table:
    return rows.mutate(**{f"key_{place}": rows[name] for place, name in enumerate(_KEY)})


def _acquirer_key(rows: ir.Table) -> ir.Table:
    """The terminal's key, or merchant, channel and RRN for a row without batch or STAN."""
    by_stan = verdicts.has_stan(rows)
    return rows.mutate(
        key_0=rows.merchant_no,
        key_1=ibis.cases((by_stan, rows.terminal_no), else_=rows.channel),
        key_2=ibis.cases((by_stan, rows.batch), else_=""),
        key_3=ibis.cases((by_stan, rows.stan), else_=rows.rrn),
        key_4=ibis.cases((by_stan, 1), else_=0),
    )


def _numbers(free: ir.Table, mixed: ir.Table, key: Callable[[ir.Table], ir.Table]) -> ir.Table:
    """The number of each row that is not alone in its key and new; the others have 1.

    Those of `mixed` were numbered with their partners.
    """
    keyed = key(joins.without(free, mixed, "id", "id"))
    names = [name for name in keyed.columns if name.startswith("key_")]
    counted = keyed.group_by(names).aggregate(n=keyed.count(), top=keyed.occurrence.max())
    several = counted.filter((counted.n > 1) | (counted.top > 0))
    several = several.rename({f"of_{name}": name for name in names})
    rows = keyed.join(several, [keyed[name] == several[f"of_{name}"] for name in names])
    rows = rows.select(*names, "id", "at", "occurrence", idle=verdicts.idle(rows.status))
    rows = joins.numbered(rows, names)
    return joins.together((mixed, rows.select("id", "occurrence")))


def _rest(free: ir.Table, numbers: ir.Table) -> ir.Table:
    """The rows of a side without a partner in pass 1, numbered."""
    known = joins.looked_up(free, numbers, {"id": "id"}, {"number": "occurrence"})
    return known.mutate(occurrence=ibis.coalesce(known.number, 1)).drop("number")


def _chosen(ids: ir.Table, match_pass: int) -> ir.Table:
    return ids.select("t_id", "a_id", match_pass=ibis.literal(match_pass, "int64"))


def _paired(chosen: ir.Table, rest_t: ir.Table, rest_a: ir.Table) -> ir.Table:
    """Pairs of ids as `_PAIR`."""
    ids = chosen.select(of_t="t_id", of_a="a_id", match_pass="match_pass")
    t = ids.join(rest_t, [ids.of_t == rest_t.id])
    pair = _joined(t, rest_a, [t.of_a == rest_a.id], "occurrence", "match_pass")
    return pair.select(*_PAIR, "occurrence", "match_pass")


def _all() -> tuple[Tables, ir.Table, ir.Table, ir.Table]:
    tables: list[tuple[str, ir.Table]] = []

    def made(name: str, expression: ir.Table) -> ir.Table:
        tables.append((name, expression))
        return joins.made(name, expression)

    named = _TERMINAL.filter(verdicts.has_stan(_TERMINAL)).select(*_KEY, "id")
    crowd = made("t_crowd", joins.crowded(named, _KEY, settings.CROWD))
    met = made("met", _met(crowd))
    t_several = made("t_several", reused.several(met, "t_id", _TERMINAL))
    a_several = made("a_several", reused.several(met, "a_id", _ACQUIRER))
    mixed = made("mixed", reused.mixed(met, t_several, a_several))
    of_keys = made("of_keys", reused.rows(mixed, _TERMINAL, _ACQUIRER))
    of_date = made("of_a_date", reused.of_a_date(mixed, of_keys))
    late = reused.late(mixed, made("still_open", reused.still_open(of_keys, of_date)))
    chosen = joins.together((of_date, late))
    found = made("found_in_keys", _of_keys(mixed, chosen, of_keys))
    t_number, a_number = (reused.numbers(of_keys, terminal=some) for some in (True, False))
    exact = made("exact", _exact(met, mixed, found))
    free_t = made("free_t", joins.without(_TERMINAL.select(*_REST), exact, "id", "t_id"))
    free_a = made("free_a", joins.without(_ACQUIRER.select(*_REST), exact, "id", "a_id"))
    t_numbers = made("t_numbers", _numbers(free_t, t_number, _terminal_key))
    a_numbers = made("a_numbers", _numbers(free_a, a_number, _acquirer_key))
    rest_t = made("rest_t", _rest(free_t, t_numbers))
    rest_a = made("rest_a", _rest(free_a, a_numbers))
    rrn_crowd = made("rrn_crowd", by_rrn.crowd(free_t))
    rrn_met = made("rrn_met", by_rrn.met(free_t, free_a, rrn_crowd))
    rrn_mixed = made("rrn_mixed", by_rrn.mixed(rrn_met))
    second = made("by_rrn", by_rrn.pairs(rrn_met, rrn_mixed, free_t, free_a))
    near = made("near", nearby.candidates(free_t, free_a, second))
    nearest = made("nearest_1", nearby.nearest(near))
    next_ = made("nearest_2", nearby.nearest(nearby.still_free(near, nearest)))
    chosen = joins.together((_chosen(second, 2), _chosen(nearest, 3), _chosen(next_, 3)))
    paired = made("paired", _paired(chosen, rest_t, rest_a))
    matched = made("matched", joins.together((exact, paired)))
    left_t = made("left_t", joins.without(rest_t, paired, "id", "t_id"))
    left_a = made("left_a", joins.without(rest_a, paired, "id", "a_id"))
    return tuple(tables), matched, left_t, left_a


# TABLES in their order; MATCHED: every pair of the step; LEFT_*: the rows without a partner,
# carried ones too, all with their occurrence.
TABLES, MATCHED, LEFT_TERMINAL, LEFT_ACQUIRER = _all()
VIEWS = ("exact", "rest_t", "rest_a", "matched")
