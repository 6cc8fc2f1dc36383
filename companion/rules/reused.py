"""Keys with several rows on a side, or with one of an earlier day: which belongs to which.

A terminal may begin with the same batch and STAN every day. Of a key that has a row of an earlier
day, the rows of one date belong together, by the time of the transaction or else the business day;
what is left over may be late, but two times that are far apart are two transactions.
"""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.rules import joins, relations, settings, verdicts

KEY = ("merchant_no", "terminal_no", "batch", "stan")
# The sides of a key's rows.
_TERMINAL, _ACQUIRER = 0, 1
_SIDES = (("t", _TERMINAL), ("a", _ACQUIRER))
_DAY_SECONDS = 86_400
# What an acquirer's day is counted in.
_CHINA_SECONDS = 8 * 3600


def several(met: ir.Table, column: str, leg: ir.Table) -> ir.Table:
    """The ids of one side that have several partners, or a number from an earlier day."""
    carried = leg.filter(leg.occurrence > 0)
    return joins.together((joins.repeated(met, column), carried.select("id")))


def mixed(met: ir.Table, t_several: ir.Table, a_several: ir.Table) -> ir.Table:
    """The pairs of keys that have several rows on a side, or one of an earlier day."""
    return met.filter(met.t_id.isin(t_several.id) | met.a_id.isin(a_several.id))


def rows(pairs: ir.Table, terminal: ir.Table, acquirer: ir.Table) -> ir.Table:
    """The rows of both sides among `pairs`: `occurrence`, new ones behind all of earlier days;
    `date` and `nth`, by which they are paired; `again` is 1 for a key with one of an earlier day.
    """
    t = terminal.filter(terminal.id.isin(pairs.t_id))
    a = acquirer.filter(acquirer.id.isin(pairs.a_id))
    sides = joins.together(
        some.select(
            *KEY,
            "id",
            "occurrence",
            "at",
            "day",
            side=ibis.literal(side),
            idle=verdicts.idle(some.status),
            instant=instant,
        )
        for some, side, instant in ((t, _TERMINAL, _instant(t)), (a, _ACQUIRER, a["at"]))
    )
    known = sides.mutate(
        carried=ibis.cases((sides.occurrence > 0, 1), else_=0),
        highest=sides.occurrence.max().over(ibis.window(group_by=list(KEY))),
    )
    new = ibis.window(group_by=[*KEY, "side", "carried"], order_by=joins.ORDER)
    known = known.mutate(rank=ibis.row_number().over(new) + 1)
    known = known.mutate(
        occurrence=ibis.cases(
            (known.carried == 1, known.occurrence), else_=known.rank + known.highest
        ),
        again=ibis.cases((known.highest > 0, 1), else_=0),
        date=ibis.cases(
            (known.highest == 0, 0),
            (known.instant > 0, _date(known.instant)),
            else_=known.day,
        ),
    )
    of_date = ibis.window(group_by=[*KEY, "side", "date"], order_by=joins.ORDER)
    known = known.mutate(nth=ibis.row_number().over(of_date))
    return known.select(
        *KEY, "side", "id", "carried", "occurrence", "instant", "date", "nth", "again"
    )


def _instant(t: ir.Table) -> ir.IntegerValue:
    """When the terminal says it was: by its host's clock, else by its own if that knew the day."""
    knew = (_date(t["at"]) - t.day).abs() <= 1
    return ibis.cases((t.host_at > 0, t.host_at), (knew, t["at"]), else_=0)


def _date(instant: ir.IntegerValue) -> ir.IntegerValue:
    return relations.whole(instant + _CHINA_SECONDS, _DAY_SECONDS)


def numbers(of_keys: ir.Table, terminal: bool) -> ir.Table:
    """The occurrences of one side."""
    side = _TERMINAL if terminal else _ACQUIRER
    return of_keys.filter(of_keys.side == side).select("id", "occurrence")


def of_a_date(pairs: ir.Table, of_keys: ir.Table) -> ir.Table:
    """The pairs of ids, the n-th with the n-th of a date; of a key that is new, of all."""
    known = _looked_up(pairs.select("t_id", "a_id"), of_keys, "date", "nth")
    same = known.filter((known.t_date == known.a_date) & (known.t_nth == known.a_nth))
    return same.select("t_id", "a_id")


def still_open(of_keys: ir.Table, taken: ir.Table) -> ir.Table:
    """The rows that are left over of keys with one of an earlier day, in the order of their
    numbers."""
    known = of_keys.filter(of_keys.again == 1)
    left = joins.together(
        joins.without(known.filter(known.side == side), taken, "id", f"{name}_id")
        for name, side in _SIDES
    )
    window = ibis.window(group_by=[*KEY, "side"], order_by=["occurrence"])
    return left.mutate(place=ibis.row_number().over(window)).select(
        "side", "id", "instant", "place"
    )


def late(pairs: ir.Table, left: ir.Table) -> ir.Table:
    """The pairs of ids of what is left over, unless their times are known and far apart."""
    known = _looked_up(pairs.select("t_id", "a_id"), left, "instant", "place")
    unknown = (known.t_instant <= 0) | (known.a_instant <= 0)
    near = (known.t_instant - known.a_instant).abs() <= settings.REUSED_SECONDS
    found = known.filter((known.t_place == known.a_place) & (unknown | near))
    return found.select("t_id", "a_id")


def named(pairs: ir.Table, of_keys: ir.Table) -> ir.Table:
    """`pairs` (t_id, a_id and others) with their occurrence: the terminal's, but what the acquirer
    had alone until now keeps its name."""
    known = _looked_up(pairs, of_keys, "carried", "occurrence")
    kept = (known.a_carried == 1) & (known.t_carried == 0)
    number = ibis.cases((kept, known.a_occurrence), else_=known.t_occurrence)
    return known.mutate(occurrence=number).select(*pairs.columns, "occurrence")


def _looked_up(pairs: ir.Table, of_keys: ir.Table, *names: str) -> ir.Table:
    """`pairs` with these columns of both sides' rows, as t_NAME and a_NAME."""
    known = pairs
    for prefix, side in _SIDES:
        some = of_keys.filter(of_keys.side == side)
        new = {f"{prefix}_{name}": name for name in names}
        known = joins.looked_up(known, some, {f"{prefix}_id": "id"}, new)
    return known
