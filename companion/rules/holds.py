"""Pre-authorisations over days: completed twice, for too much, or never.

Everything that the acquirer captured of one is an event (relations.HOLDS) that is carried on. A
completion belongs to the hold whose RRN it names, or else to the newest one of the same card and
authorisation code; one whose hold nobody knows belongs to what it names.
"""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.reconcile import codes
from companion.rules import breaks, joins, relations, settings, verdicts

HOLD, COMPLETION, CANCEL, UNDO = "HOLD", "COMPLETION", "CANCEL", "UNDO"
_UNDO_TXN = "COMPLETION_VOID"
_TXNS = (*verdicts.HOLDS, *verdicts.COMPLETIONS, _UNDO_TXN)

_COLUMNS = tuple(relations.HOLDS.names)
CARRIED = relations.table("holds", relations.HOLDS)
ACQUIRER = relations.leg("acquirer")


def new(matched: ir.Table, left: ir.Table) -> ir.Table:
    """The day's events, not yet knowing their hold; `orig_rrn` and `txn` are kept for that."""
    captured = ACQUIRER.status.isin(verdicts.CAPTURED) & (ACQUIRER.occurrence == 0)
    rows = ACQUIRER.filter(captured & ACQUIRER.txn.isin(_TXNS)).drop("occurrence")
    # Few of many: only these have their key made.
    held = joins.within(matched, rows, "a_id", "id")
    pair = held.select("a_id", "t_id", "match_pass", row_key=verdicts.terminal_key(held))
    alone = left.select(
        a_id=left.id,
        t_id=ibis.null("int64"),
        match_pass=ibis.literal(0),
        row_key=verdicts.acquirer_key(left),
    )
    named = joins.together((pair, alone))
    known = rows.join(named, [rows.id == named.a_id])
    return known.select(
        kind=ibis.cases(
            (known.txn == verdicts.HOLD, HOLD),
            (known.txn == verdicts.HOLD_CANCEL, CANCEL),
            (known.txn == _UNDO_TXN, UNDO),
            else_=COMPLETION,
        ),
        a_id=known.id,
        t_id=known.t_id,
        match_pass=known.match_pass,
        row_key=known.row_key,
        **{
            name: known[name]
            for name in ("merchant_no", "terminal_no", "channel", "day", "at", "card", "auth")
        },
        amount_minor=ibis.coalesce(known.amount_minor, 0),
        rrn=known.rrn,
        orig_rrn=known.orig_rrn,
    )


def known_holds(events: ir.Table, matched: ir.Table) -> ir.Table:
    """Holds carried and new; a carried one that has found its partner goes by the pair's key."""
    fresh = events.filter(events.kind == HOLD)
    fresh = fresh.mutate(hold=fresh.a_id.cast("string"), undone=0).select(*_COLUMNS)
    carried = CARRIED.filter(CARRIED.kind == HOLD)
    alone = carried.filter(carried.t_id.isnull())
    pair = matched.select("a_id", "t_id", "match_pass", key=verdicts.terminal_key(matched))
    names = {"pair_t": "t_id", "pair_pass": "match_pass", "pair_key": "key"}
    found = joins.looked_up(alone, pair, {"a_id": "a_id"}, names)
    found = found.mutate(
        t_id=found.pair_t,
        match_pass=ibis.coalesce(found.pair_pass, 0),
        row_key=ibis.coalesce(found.pair_key, found.row_key),
    ).select(*_COLUMNS)
    rest = carried.filter(carried.t_id.notnull())
    return joins.together(joins.shaped(some, relations.HOLDS) for some in (fresh, found, rest))


def linked(events: ir.Table, holds: ir.Table) -> ir.Table:
    """The day's completions, cancels and undoings, each with its hold."""
    later = events.filter(events.kind != HOLD)
    by_rrn = _newest(holds.filter(holds.rrn != ""), ("merchant_no", "rrn"))
    by_auth = _newest(holds.filter(holds.auth != ""), ("merchant_no", "card", "auth"))
    known = joins.looked_up(
        later, by_rrn, {"merchant_no": "merchant_no", "orig_rrn": "rrn"}, {"rrn_hold": "hold"}
    )
    keys = {name: name for name in ("merchant_no", "card", "auth")}
    known = joins.looked_up(known, by_auth, keys, {"auth_hold": "hold"})
    unknown = ibis.cases(
        (known.orig_rrn != "", known.merchant_no + "|R|" + known.orig_rrn),
        (known.auth != "", known.merchant_no + "|C|" + known.card + "|" + known.auth),
        else_="A|" + known.a_id.cast("string"),
    )
    hold = ibis.coalesce(known.rrn_hold, known.auth_hold, unknown)
    return known.mutate(hold=hold, undone=0).select(*_COLUMNS, "orig_rrn")


def _newest(holds: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    last = ibis.window(
        group_by=list(keys), order_by=[ibis.desc("day"), ibis.desc("at"), ibis.desc("a_id")]
    )
    ranked = holds.select(*keys, "hold", rank=ibis.row_number().over(last))
    return ranked.filter(ranked["rank"] == 0).select(*keys, "hold")


def completions(links: ir.Table) -> ir.Table:
    """Completions of the holds that are touched, with `undone` as it is now, and `new`."""
    fresh = links.filter(links.kind == COMPLETION).select(*_COLUMNS).mutate(new=1)
    carried = CARRIED.filter(CARRIED.kind == COMPLETION).mutate(new=0)
    all_ = joins.together((fresh, carried))
    undoing = links.filter(links.kind == UNDO)
    named = undoing.filter(undoing.orig_rrn != "")
    named = named.select("merchant_no", "orig_rrn").distinct().mutate(hit=1)
    blind = undoing.filter((undoing.orig_rrn == "") & (undoing.auth != ""))
    like = ("merchant_no", "card", "auth", "amount_minor")
    blind = blind.select(*like).distinct().mutate(hit=1)
    known = joins.looked_up(
        all_, named, {"merchant_no": "merchant_no", "rrn": "orig_rrn"}, {"by_rrn": "hit"}
    )
    known = joins.looked_up(known, blind, {name: name for name in like}, {"by_auth": "hit"})
    gone = (known.undone == 1) | known.by_rrn.notnull() | known.by_auth.notnull()
    return known.mutate(undone=ibis.cases((gone, 1), else_=0)).select(*_COLUMNS, "new")


def counted(completed: ir.Table, holds: ir.Table) -> ir.Table:
    """The day's completions that count: the how-many-th each is, and the sum with it."""
    touched = completed.filter(completed.new == 1).select("hold").distinct()
    some = completed.filter(completed.undone == 0)
    some = joins.within(some, touched, "hold", "hold")
    order = ["new", "at", "a_id"]
    up_to = ibis.cumulative_window(group_by="hold", order_by=order)
    nth = ibis.window(group_by="hold", order_by=order)
    summed = some.mutate(
        nth=ibis.row_number().over(nth) + 1, together=some.amount_minor.sum().over(up_to)
    )
    known = joins.looked_up(
        summed.filter(summed.new == 1), holds, {"hold": "hold"}, {"held": "amount_minor"}
    )
    known = joins.looked_up(
        known, summed.filter(summed.nth == 1), {"hold": "hold"}, {"first": "rrn"}
    )
    return known.select(*_COLUMNS, "nth", "together", "held", "first")


def repeated(count: ir.Table) -> ir.Table:
    """MARKS of the second and every further completion."""
    again = count.filter(count.nth > 1)
    code = ibis.literal(codes.COMPLETION_DUPLICATE)
    return again.select("a_id", code=code, twin=again["first"])


def final_breaks(count: ir.Table, marks: ir.Table, pairs: ir.Table) -> ir.Table:
    """BREAKS: completed twice on both sides, and together for more than may be."""
    known = _with_terms(count)
    most = relations.whole(known.held * known.percent, 100)
    before = known.together - known.amount_minor
    over = known.mutate(most=most, before=before)
    over = over.filter((over.together > over.most) & (over.before <= over.most))
    note = breaks.note(hold=over.held, done=over.together, percent=over.percent)
    excess = breaks.told(
        over, code=codes.PREAUTH_OVER, amount_minor=over.together - over.most, note=note
    )
    agreed = pairs.filter(pairs.verdict.isin((codes.MATCHED, codes.AMOUNT_MISMATCH)))
    second = marks.filter(marks.code == codes.COMPLETION_DUPLICATE)
    second = second.select("twin", marked="a_id")
    twice = agreed.join(second, [agreed.a_id == second.marked])
    again = breaks.told(
        twice,
        code=codes.COMPLETION_DUPLICATE,
        effect_minor=0,
        note=breaks.note(first=twice.twin),
    )
    return joins.together((excess, again))


def handed_on(holds: ir.Table, completed: ir.Table, links: ir.Table, step: ir.Table) -> ir.Table:
    """The events for the next step: of what is open, and of what is not long done."""
    other = CARRIED.filter(CARRIED.kind.isin((CANCEL, UNDO)))
    fresh = links.filter(links.kind.isin((CANCEL, UNDO)))
    events = joins.together(
        joins.shaped(some, relations.HOLDS) for some in (holds, completed, other, fresh)
    )
    done = ibis.cases((events.kind.isin((COMPLETION, CANCEL)), 1), else_=0)
    one = events.select(
        "hold", "day", done=done, held=ibis.cases((events.kind == HOLD, 1), else_=0)
    )
    groups = one.group_by("hold").aggregate(
        last=one.day.max(), done=one.done.max(), held=one.held.max()
    )
    groups = groups.cross_join(step.select(today=step.day))
    is_open = (groups.done == 0) & (groups.held == 1)
    kept = groups.filter(is_open | (groups.today - groups["last"] <= settings.HOLD_KEPT_DAYS))
    return joins.within(events, kept, "hold", "hold")


def expired(today: ir.Table) -> ir.Table:
    """BREAKS of a state: holds that stand too long, neither completed nor cancelled."""
    done = CARRIED.filter(CARRIED.kind.isin((COMPLETION, CANCEL))).select("hold").distinct()
    held = joins.without(CARRIED.filter(CARRIED.kind == HOLD), done, "hold", "hold")
    known = _with_terms(held).cross_join(today.select(today=today.day))
    old = known.filter(known.today - known.day > known.days)
    note = breaks.note(hold_day=old.day, days=old.days)
    return breaks.told(old, code=codes.PREAUTH_EXPIRED, note=note)


def _with_terms(rows: ir.Table) -> ir.Table:
    """`rows` with percent and days: the merchant's of the channel, else the channel's."""
    terms = relations.reference("hold_terms")
    key = {"channel": "channel"}
    names = {"percent": "percent", "days": "days"}
    own = {f"own_{name}": name for name in names}
    known = joins.looked_up(rows, terms, {**key, "merchant_no": "merchant_no"}, own)
    known = joins.looked_up(known, terms.filter(terms.merchant_no == ""), key, names)
    return known.mutate(
        percent=ibis.coalesce(known.own_percent, known.percent, settings.HOLD_PERCENT),
        days=ibis.coalesce(known.own_days, known.days, settings.HOLD_DAYS),
    ).drop(*own)
