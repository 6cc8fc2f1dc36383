"""Rows without a partner: what they mean when nothing has come for them."""

from __future__ import annotations

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from companion.reconcile import codes, fold
from companion.rules import joins, relations, verdicts

# What a row without a partner was judged to be, and what its words need besides.
NOTED = relations.PAIRS.append(pa.field("note", pa.string()))

_COVERAGE = relations.reference("coverage")
_DUE = relations.reference("due")
_SEEN = relations.reference("seen")


def open_terminal(rows: ir.Table, today: ir.Table) -> ir.Table:
    """Carried rows of the terminal as NOTED; `today` has one row, the day that judges them."""
    here = _COVERAGE.filter(_COVERAGE.leg == "acquirer")
    here = here.group_by("party", "channel", "day").aggregate(n=here.count())
    keys = {"merchant_no": "party", "channel": "channel", "day": "day"}
    known = with_grace(joins.looked_up(rows, here, keys, {"covered": "n"}), today)
    approved = known.status == fold.APPROVED
    verdict = ibis.cases(
        (known.covered.isnull(), codes.WAITING),
        (approved & known.txn.isin(verdicts.VOIDS), codes.VOID_NOT_APPLIED),
        (approved & (known.txn == verdicts.HOLD_CANCEL), codes.PREAUTH_NOT_RELEASED),
        (approved, codes.TERMINAL_ONLY),
        else_=_nothing(known),
    )
    early = approved & (known.today <= known.grace_day)
    return _of_terminal(known, verdict, ibis.cases((early, 1), else_=0))


def open_acquirer(rows: ir.Table, marks: ir.Table, today: ir.Table) -> ir.Table:
    """Carried rows of the acquirer as NOTED; `marks` tells the duplicates among them."""
    known = with_grace(rows, today)
    for name, code in (("twice", codes.DUPLICATE_CHARGE), ("again", codes.COMPLETION_DUPLICATE)):
        some = marks.filter(marks.code == code)
        found = {name: "code", f"{name}_of": "twin"}
        known = joins.looked_up(known, some, {"id": "a_id"}, found)
    keys = {"merchant_no": "merchant_no", "terminal_no": "terminal_no"}
    known = joins.looked_up(known, _SEEN, keys, {"until": "until"})
    captured = known.status.isin(verdicts.CAPTURED)
    verdict = ibis.cases(
        (captured, ibis.coalesce(known.twice, known.again, codes.HOST_ONLY)),
        else_=_uncharged(known),
    )
    early = (known.until < known["at"]) | (known.today <= known.grace_day)
    provisional = ibis.cases((early & (known.status != fold.DECLINED), 1), else_=0)
    note = ibis.cases(
        (~captured, ""),
        (known.twice.notnull(), "twin=" + known.twice_of),
        (known.again.notnull(), "first=" + known.again_of),
        (known.until < known["at"], "unseen=1"),
        else_="",
    )
    return _of_acquirer(known, verdict, provisional, note)


def dropped_terminal(rows: ir.Table) -> ir.Table:
    """Rows of the terminal that nobody was charged for, at the end of their time, as NOTED."""
    return _of_terminal(rows, _nothing(rows), ibis.literal(0))


def dropped_acquirer(rows: ir.Table) -> ir.Table:
    """The acquirer's rows without money, at the end of their time, as NOTED."""
    return _of_acquirer(rows, _uncharged(rows), ibis.literal(0), ibis.literal(""))


def _nothing(rows: ir.Table) -> ir.StringValue:
    return ibis.cases(
        (rows.status == fold.DECLINED, codes.DECLINED),
        (rows.status == fold.REVERSED, codes.REVERSED),
        else_=codes.HEALED,
    )


def _uncharged(rows: ir.Table) -> ir.StringValue:
    return ibis.cases((rows.status == fold.DECLINED, codes.DECLINED), else_=codes.HOST_ONLY)


def with_grace(rows: ir.Table, today: ir.Table) -> ir.Table:
    """`rows` with the last day of their grace, null where no calendar knows it, and today."""
    keys = {"channel": "channel", "day": "day"}
    known = joins.looked_up(rows, _DUE, keys, {"grace_day": "grace_day"})
    return known.cross_join(today.select(today=today.day))


def _of_terminal(
    rows: ir.Table, verdict: ir.StringValue, provisional: ir.IntegerValue
) -> ir.Table:
    money = verdicts.money(rows.txn, rows.amount_minor)
    approved = rows.status == fold.APPROVED
    return _pairs(
        rows,
        t_id=rows.id,
        a_id=ibis.null("int64"),
        row_key=verdicts.terminal_key(rows),
        verdict=verdict,
        charged_minor=ibis.literal(0),
        booked_minor=ibis.cases((approved, money), else_=0),
        effect_minor=ibis.cases((approved, 0 - money), else_=0),
        provisional=provisional,
        note=ibis.literal(""),
    )


def _of_acquirer(
    rows: ir.Table,
    verdict: ir.StringValue,
    provisional: ir.IntegerValue,
    note: ir.StringValue,
) -> ir.Table:
    money = verdicts.money(rows.txn, rows.amount_minor)
    charged = ibis.cases((rows.status.isin(verdicts.CAPTURED), money), else_=0)
    return _pairs(
        rows,
        t_id=ibis.null("int64"),
        a_id=rows.id,
        row_key=verdicts.acquirer_key(rows),
        verdict=verdict,
        charged_minor=charged,
        booked_minor=ibis.literal(0),
        effect_minor=charged,
        provisional=provisional,
        note=note,
    )


def _pairs(rows: ir.Table, **columns: ir.Value) -> ir.Table:
    made = rows.mutate(
        match_pass=ibis.literal(0), amount_minor=ibis.coalesce(rows.amount_minor, 0), **columns
    )
    return joins.shaped(made, NOTED)
