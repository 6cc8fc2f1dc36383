"""Acquirer and bank: what became of each payout group, as tables of a step and of the state.

A group is carried until it is square and nothing more is to be expected of it; until then the
state judges it each time anew, and the step that closes it keeps the verdict. So a payout that
comes late turns one break into another, and none is told twice.
"""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from companion.facts import schema
from companion.rules import accounts, credits, groups, joins, payout_breaks, relations

# How long a square group is kept for late rows and returns, how long an announced payout waits
# for its group.
KEEP_DAYS = 10

_INT = "int64"


class _Tables:
    """Tables in the order in which they are made, each over the ones before it."""

    def __init__(self) -> None:
        self.made: list[tuple[str, ir.Table]] = []

    def add(self, name: str, expression: ir.Table) -> ir.Table:
        """The table `name` that the plan will make of the expression."""
        self.made.append((name, expression))
        return joins.made(name, expression)


def _step_tables() -> tuple[tuple[str, ir.Table], ...]:
    """The tables of a step."""
    tables = _Tables()
    add = tables.add
    day = _day("step")
    before = relations.table("groups", relations.GROUPS)
    new = add("payout_rows", groups.new_rows())
    grown = add("payout_groups", groups.grown(new))
    bookings = add("payout_bookings", credits.unexplained(relations.leg("bank"), before))
    found = _explained(tables, bookings, grown)
    booked = add("payouts_booked", credits.booked(found, grown))
    after = add("payouts_after", _after(grown, booked))
    closed = add("payouts_closed", _closed(after, day))
    carried = add("groups_out", joins.without(after, closed, "row_key", "row_key"))
    rest = add("payouts_unexplained", credits.left(bookings, found))
    stale = add("payouts_stale", _stale(rest, day))
    add("carry_bank", _carried_bookings(joins.without(rest, stale, "id", "id"), carried))
    add("carry_payouts", _carried_payouts(carried, day))
    add("debts", _debts(new, day))
    # They are square, so that nothing of them can be missing.
    bank, payouts = relations.leg("bank"), relations.leg("payouts")
    _broken(tables, payout_breaks.judged(closed, payouts, closed, day), stale, bank, payouts)
    return tuple(tables.made)


def _explained(tables: _Tables, bookings: ir.Table, grown: ir.Table) -> ir.Table:
    """The passes of `credits`, each over what the ones before it have left."""
    add = tables.add
    names = add("payout_names", credits.references(grown))
    named = add("paid_by_ref", credits.by_reference(bookings, names))

    free = add("payouts_free_1", credits.left(bookings, named))
    paying = free.filter(free.kind != credits.RETURN)
    unpaid = add("payouts_unpaid_1", credits.still(credits.unpaid(grown), named))
    fits = add("payouts_fit_1", credits.fitting(paying, unpaid))
    single = add("paid_by_amount", credits.paired(fits))

    free = add("payouts_free_2", credits.left(free, single))
    paying = free.filter(free.kind != credits.RETURN)
    unpaid = add("payouts_unpaid_2", credits.still(unpaid, single))
    fits = add("payouts_fit_2", credits.fitting(paying, credits.bundles(unpaid)))
    several = add("paid_together", credits.members(credits.paired(fits), unpaid))

    first = add("payouts_paid", joins.together((named, single, several)))
    returns = free.filter(free.kind == credits.RETURN)
    fits = add("payouts_fit_3", credits.fitting(returns, credits.paid(grown, first)))
    back = add("paid_back", credits.paired(fits))
    return add("payouts_found", joins.together((first, back)))


def _state_tables() -> tuple[tuple[str, ir.Table], ...]:
    """The tables of the state: every group that is carried, and every booking."""
    tables = _Tables()
    add = tables.add
    day = _day("today")
    carried = relations.table("groups", relations.GROUPS)
    payouts = relations.table("carry_payouts", schema.PAYOUTS)
    told = add("payouts_told", accounts.told_until(carried))
    bank = relations.table("carry_bank", schema.BANK)
    bookings = add("payout_bookings", credits.unexplained(bank, carried))
    stale = add("payouts_stale", _stale(bookings, day))
    judged = payout_breaks.judged(carried, payouts, told, day)
    judged = _broken(tables, judged, stale, bank, payouts)
    add("debts", _awaited(judged, joins.without(bookings, stale, "id", "id"), day))
    return tuple(tables.made)


def _broken(
    tables: _Tables, judged: ir.Table, stale: ir.Table, bank: ir.Table, payouts: ir.Table
) -> ir.Table:
    """Add the breaks of groups and of bookings; the judged groups."""
    judged = tables.add("payouts_judged", judged)
    misled = tables.add("payouts_misled", payout_breaks.misled(judged, bank, payouts))
    of_groups = payout_breaks.of_groups(judged, misled)
    tables.add("payout_breaks", of_groups.union(payout_breaks.of_bookings(stale)))
    return judged


def _day(name: str) -> ir.Table:
    return ibis.table({"day": _INT}, name=name).select(now="day")


def _after(grown: ir.Table, booked: ir.Table) -> ir.Table:
    """The groups with what the day's bookings bring."""
    paid = booked.kind != credits.RETURN
    credit = booked.kind == "CREDIT"
    old = credit & (booked.standing == accounts.OLD)
    wrong = credit & (booked.standing == accounts.WRONG)
    none = ibis.null(_INT)
    more = booked.group_by(its_key="row_key").aggregate(
        more_got=booked.amount_minor.sum(),
        more_credits=ibis.cases((paid, 1), else_=0).sum(),
        a_first=ibis.cases((paid, booked.day), else_=none).min(),
        a_last=booked.day.max(),
        a_return=ibis.cases((paid, none), else_=booked.day).max(),
        more_old=ibis.cases((old, booked.amount_minor), else_=0).sum(),
        more_wrong=ibis.cases((wrong, booked.amount_minor), else_=0).sum(),
        a_credit_id=ibis.cases((paid, booked.b_id), else_=none).min(),
        a_bad_id=ibis.cases((old | wrong, booked.b_id), else_=none).min(),
        a_return_id=ibis.cases((paid, none), else_=booked.b_id).max(),
    )
    both = grown.left_join(more, grown.row_key == more.its_key)
    return both.mutate(
        got_minor=both.got_minor + both.more_got.fill_null(0),
        credits=both.credits + both.more_credits.fill_null(0),
        first_day=ibis.coalesce(both.first_day, both.a_first),
        last_day=ibis.coalesce(both.a_last, both.last_day),
        returned_day=ibis.coalesce(both.a_return, both.returned_day),
        old_minor=both.old_minor + both.more_old.fill_null(0),
        wrong_minor=both.wrong_minor + both.more_wrong.fill_null(0),
        credit_id=ibis.coalesce(both.credit_id, both.a_credit_id),
        bad_id=ibis.coalesce(both.bad_id, both.a_bad_id),
        return_id=ibis.coalesce(both.a_return_id, both.return_id),
    ).select(*relations.GROUPS.names)


def _closed(after: ir.Table, day: ir.Table) -> ir.Table:
    """The square groups of which nothing more is to be expected."""
    timed = after.cross_join(day)
    due = ibis.cases((timed.late_day < schema.FAR, timed.late_day), else_=timed.settle_day)
    last = ibis.greatest(due, timed.last_day.fill_null(0))
    done = timed.filter(timed.net_minor == timed.got_minor, timed.now > last + KEEP_DAYS)
    return done.select(*relations.GROUPS.names)


def _stale(bookings: ir.Table, day: ir.Table) -> ir.Table:
    """The bookings that nothing has explained in time."""
    timed = bookings.cross_join(day)
    return timed.filter(timed.now > timed.day + credits.MARGIN_DAYS).drop("now")


def _carried_bookings(rest: ir.Table, carried: ir.Table) -> ir.Table:
    """What is still to be explained, and what groups name as evidence."""
    kept = joins.together((rest.select("id"), *credits.evidence(carried))).distinct()
    return joins.within(relations.leg("bank"), kept, "id", "id")


def _carried_payouts(carried: ir.Table, day: ir.Table) -> ir.Table:
    payouts = relations.leg("payouts")
    known = payout_breaks.announcing(carried, payouts).select("id")
    timed = payouts.cross_join(day)
    fresh = timed.filter(timed.now <= timed.day + KEEP_DAYS).select("id")
    return joins.within(payouts, known.union(fresh).distinct(), "id", "id")


def _debts(new: ir.Table, day: ir.Table) -> ir.Table:
    """What the day's rows are worth, and what the bank has booked that day."""
    bank = credits.followed(relations.leg("bank")).cross_join(day)
    got = bank.filter(bank.day == bank.now)
    net = new.aggregate(net_minor=new.net_minor.sum().fill_null(0))
    received = got.aggregate(received_minor=got.amount_minor.sum().fill_null(0))
    both = day.cross_join(net).cross_join(received)
    return _as_debts(both, net_minor=both.net_minor, received_minor=both.received_minor)


def _awaited(judged: ir.Table, bookings: ir.Table, day: ir.Table) -> ir.Table:
    """What no break tells of: not due yet, or not explained yet."""
    waiting = judged.filter(judged.code == "")
    open_minor = waiting.aggregate(open_minor=waiting.open_minor.sum().fill_null(0))
    early = bookings.aggregate(early_minor=bookings.amount_minor.sum().fill_null(0))
    both = day.cross_join(open_minor).cross_join(early)
    return _as_debts(both, awaited_minor=both.open_minor - both.early_minor)


def _as_debts(rows: ir.Table, **columns: ir.Value) -> ir.Table:
    none = ibis.literal(0, "int64")
    amounts = relations.DEBTS.names[1:]
    return rows.select(day="now", **{name: columns.get(name, none) for name in amounts})


STEP = _step_tables()
STATE = _state_tables()
