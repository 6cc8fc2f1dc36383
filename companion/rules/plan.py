"""The tables of a step and of the state, in the order in which they are made.

A step reads the day's legs (`terminal`, `acquirer`, `payouts`, `bank`; with what was carried),
`recent` (the acquirer's rows of the RECENT_DAYS before), `holds`, `marks` and `groups` of the step
before, the reference tables, and `step`, one row with the day. It gives `pairs`, `breaks_now`,
`totals`, `debts` and what CARRY says. The state reads what the last step carried, under its own
names, the reference tables and `today`, and gives `open_pairs`, `breaks_open` and `debts`.
"""

from __future__ import annotations

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from companion.facts import schema
from companion.reconcile import fold
from companion.rules import (
    alone,
    attributes,
    breaks,
    compiled,
    duplicates,
    fees,
    holds,
    joins,
    matching,
    payouts,
    relations,
    settings,
    statements_due,
    verdicts,
)
from companion.rules.engines import Engine

VERSION = settings.VERSION

Tables = tuple[tuple[str, ir.Table], ...]

# What a step hands on: its table -> (the next step's input, columns). What is an input of its own
# leg's name is loaded with the day's rows.
CARRY: dict[str, tuple[str, pa.Schema]] = {
    "carry_terminal": ("terminal", schema.TERMINAL),
    "carry_acquirer": ("acquirer", schema.ACQUIRER),
    "carry_bank": ("bank", schema.BANK),
    "carry_payouts": ("payouts", schema.PAYOUTS),
    "holds_out": ("holds", relations.HOLDS),
    "marks_out": ("marks", relations.MARKS),
    "groups_out": ("groups", relations.GROUPS),
}

# Read once or twice and as large as the legs: not worth a table.
VIEWS = (*matching.VIEWS, "pairs", "kept_pairs")

# BREAKS relations of the other rules, united in breaks_now and breaks_open.
_MONEY_NOW = ("payout_breaks", "fee_breaks", "self_swipes", "clock_skews")
_MONEY_OPEN = ("payout_breaks", "fee_breaks", "self_swipes", "statement_breaks")

_TERMINAL = relations.leg("terminal")
_ACQUIRER = relations.leg("acquirer")
_STEP = relations.table("step", relations.DAY)
_TODAY = relations.table("today", relations.DAY)
_MARKS = relations.table("marks", relations.MARKS)
_PAIRS = relations.table("pairs", relations.PAIRS)


def run(engine: Engine, called: str, tables: Tables) -> None:
    """Make the tables of a step or of the state; their inputs are loaded. Their queries are kept
    as what they are `called`."""
    expressions = [expression for _, expression in tables]
    kept = engine.scratch / f"{called}.{engine.dialect}.json" if engine.scratch else None
    fresh = not compiled.is_known(engine.dialect, expressions)
    if kept and fresh:
        compiled.recall(kept, engine.dialect, expressions)
        fresh = not compiled.is_known(engine.dialect, expressions)
    for name, expression in tables:
        engine.make(name, expression, view=name in VIEWS)
    if kept and fresh:
        compiled.keep(kept, engine.dialect, expressions)


class _Made:
    """Tables in their order; each is known to those after it by its name."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, ir.Table]] = []

    def __call__(self, name: str, expression: ir.Table) -> ir.Table:
        self.tables.append((name, expression))
        return joins.made(name, expression)


def _step() -> Tables:
    made = _Made()
    left_t, left_a = matching.LEFT_TERMINAL, matching.LEFT_ACQUIRER
    matched = matching.MATCHED
    events = made("hold_events", holds.new(matched, left_a))
    known = made("holds_known", holds.known_holds(events, matched))
    links = made("hold_links", holds.linked(events, known))
    completed = made("completed", holds.completions(links))
    count = made("completions_counted", holds.counted(completed, known))
    made("holds_out", holds.handed_on(known, completed, links, _STEP))
    twice = made("charged_twice", duplicates.marks(left_a))
    marks = joins.together((_MARKS, twice, holds.repeated(count)))
    marks = made("marks_now", marks.group_by("a_id", "code").aggregate(twin=marks.twin.min()))

    gone_t = made("gone_t", _gone(left_t, left_t.status == fold.APPROVED))
    gone_a = made("gone_a", _gone(left_a, left_a.status.isin(verdicts.CAPTURED)))
    kept_t = joins.without(left_t, gone_t, "id", "id")
    kept_a = made("kept_a", joins.without(left_a, gone_a, "id", "id").select("id", "occurrence"))
    made("carry_terminal", _carried(_TERMINAL, kept_t))
    made("carry_acquirer", _carried(_ACQUIRER, kept_a))
    made("marks_out", joins.within(marks, kept_a, "a_id", "id"))
    dropped = joins.together((alone.dropped_terminal(gone_t), alone.dropped_acquirer(gone_a)))
    made("dropped", dropped)
    pairs = matched.mutate(row_key=verdicts.terminal_key(matched))
    made(
        "pairs",
        joins.together(
            (
                joins.shaped(pairs, relations.PAIRS),
                relations.table("dropped", alone.NOTED),
            )
        ),
    )
    made("totals", _totals())
    made("hold_breaks", holds.final_breaks(count, marks, _PAIRS))
    return (
        *matching.TABLES,
        *made.tables,
        *payouts.STEP,
        *fees.STEP,
        *attributes.STEP,
        ("breaks_now", _united(_PAIRS, ("hold_breaks", *_MONEY_NOW))),
        # A key is made of what the rows have, and a million of them are slow to write.
        ("kept_pairs", _PAIRS.drop("row_key")),
    )


def _state() -> Tables:
    made = _Made()
    rows_t = relations.table("carry_terminal", schema.TERMINAL)
    rows_a = relations.table("carry_acquirer", schema.ACQUIRER)
    judged = (alone.open_terminal(rows_t, _TODAY), alone.open_acquirer(rows_a, _MARKS, _TODAY))
    alone_ = made("open_rows", joins.together(judged))
    made("open_pairs", alone_.select(*relations.PAIRS.names))
    made("holds_expired", holds.expired(_TODAY))
    made("gap_breaks", _gaps())
    return (
        *made.tables,
        *payouts.STATE,
        *fees.STATE,
        *attributes.STATE,
        *statements_due.STATE,
        ("breaks_open", _united(alone_, ("holds_expired", "gap_breaks", *_MONEY_OPEN))),
    )


def _united(pairs: ir.Table, names: tuple[str, ...]) -> ir.Table:
    """The breaks among pairs, and those of other rules."""
    others = (relations.table(name, relations.BREAKS) for name in names)
    return joins.together((verdicts.broken(pairs), *others))


def _gone(left: ir.Table, stays: ir.BooleanValue) -> ir.Table:
    """The rows that are carried no longer: no money hangs on them, and their grace is over."""
    known = alone.with_grace(left.mutate(stays=ibis.cases((stays, 1), else_=0)), _STEP)
    last = ibis.coalesce(known.grace_day, 0)
    old = (known.today - known.day >= settings.CARRY_DAYS) & (known.today > last)
    return known.filter((known.stays == 0) & old).select(*left.columns)


def _carried(leg: ir.Table, kept: ir.Table) -> ir.Table:
    """The full rows of `kept`, with the occurrence that they have there."""
    ids = kept.select(kept_id=kept.id, number=kept.occurrence)
    rows = leg.join(ids, [leg.id == ids.kept_id])
    return rows.mutate(occurrence=rows.number).select(*leg.columns)


def _totals() -> ir.Table:
    """The equation's sides, from the rows as they came."""
    a = _ACQUIRER.filter((_ACQUIRER.occurrence == 0) & (_ACQUIRER.txn != verdicts.FEE))
    t = _TERMINAL.filter(_TERMINAL.occurrence == 0)
    a_money = verdicts.money(a.txn, a.amount_minor)
    t_money = verdicts.money(t.txn, t.amount_minor)
    charged = a.aggregate(
        charged=ibis.cases((a.status.isin(verdicts.CAPTURED), a_money), else_=0).sum(),
        a_rows=a.count(),
    )
    booked = t.aggregate(
        booked=ibis.cases((t.status == fold.APPROVED, t_money), else_=0).sum(),
        t_rows=t.count(),
    )
    both = _STEP.cross_join(charged).cross_join(booked)
    return both.select(
        day=both.day,
        charged=ibis.coalesce(both.charged, 0),
        booked=ibis.coalesce(both.booked, 0),
        rows=both.a_rows + both.t_rows,
    )


def _gaps() -> ir.Table:
    """What is wrong with journals and batches, as it was found in the records."""
    gaps = relations.reference("gaps")
    return breaks.told(
        gaps,
        row_key=gaps.device_id + "|" + gaps.first_seq.cast("string"),
        channel="",
        day=ibis.null("int64"),
        amount_minor=0,
    )


STEP: Tables = _step()
STATE: Tables = _state()
