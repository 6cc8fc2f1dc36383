"""What strikes the eye in a row or a day without any money being wrong: own cards, clocks."""

from __future__ import annotations

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from companion.facts import schema
from companion.reconcile import codes, fold
from companion.rules import breaks, joins, relations, settings, verdicts

# What a pair of a step has to tell of its clocks.
CLOCKS = pa.schema(
    [
        ("t_id", pa.int64()),
        ("a_id", pa.int64()),
        ("merchant_no", pa.string()),
        ("terminal_no", pa.string()),
        ("channel", pa.string()),
        ("day", pa.int64()),
        ("t_at", pa.int64()),
        ("a_at", pa.int64()),
    ]
)


def own_card_rows(terminal: ir.Table) -> ir.Table:
    """The payments with one of the merchant's own cards."""
    rows = terminal.filter(
        terminal.token != "",
        terminal.status == fold.APPROVED,
        verdicts.takes_money(terminal.txn),
    )
    own = relations.reference("own_cards").distinct()
    own = own.rename(its_merchant="merchant_no", its_token="token")
    return rows.join(
        own, [rows.merchant_no == own.its_merchant, rows.token == own.its_token]
    ).select("id", "merchant_no", "terminal_no", "channel", "day", "amount_minor")


def own_cards(rows: ir.Table, pairs: ir.Table) -> ir.Table:
    """A break for each of those rows, called as `pairs` calls it."""
    keys = pairs.filter(pairs.t_id.notnull()).select("row_key", its_id="t_id")
    known = rows.join(keys, rows.id == keys.its_id)
    return breaks.told(known, code=codes.SELF_SWIPE, t_id=known.id)


def skews(matched: ir.Table, step: ir.Table) -> ir.Table:
    """A break for each terminal whose clock was far from the host's on the step's day.

    Pairs of that day only: so the day's worst pair is told once, by the day's own step.
    """
    today = matched.join(step.select(now="day"), matched.day == step.day)
    known = today.filter(today.t_at > 0, today.a_at > 0)
    apart = known.mutate(seconds=known.t_at - known.a_at)
    far = apart.filter(apart.seconds.abs() > settings.SKEW_SECONDS)
    far = far.mutate(apart=far.seconds.abs())
    worst = ibis.row_number().over(
        group_by=["merchant_no", "terminal_no", "day"], order_by=[ibis.desc("apart"), "t_id"]
    )
    ranked = far.mutate(place=worst)
    first = ranked.filter(ranked.place == 0)
    key = first.merchant_no + "|" + first.terminal_no + "|CLOCK|" + first.day.cast("string")
    return breaks.told(
        first,
        code=codes.CLOCK_SKEW,
        row_key=key,
        amount_minor=0,
        note=breaks.note(seconds=first.seconds),
    )


def _own_cards(terminal: str, pairs: str) -> tuple[tuple[str, ir.Table], ...]:
    rows = own_card_rows(relations.table(terminal, schema.TERMINAL))
    judged = own_cards(joins.made("own_card_rows", rows), relations.table(pairs, relations.PAIRS))
    return ("own_card_rows", rows), ("self_swipes", judged)


STEP = (
    *_own_cards("terminal", "pairs"),
    (
        "clock_skews",
        skews(relations.table("matched", CLOCKS), relations.table("step", relations.DAY)),
    ),
)
STATE = _own_cards("carry_terminal", "open_pairs")
