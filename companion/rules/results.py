"""What is told of a day and of the state: sums, what has healed, and the rows that breaks name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from companion.facts import schema
from companion.reconcile import codes
from companion.rules import plan, relations

# The leg of each row that a break names.
ROWS = {"terminal": "t_id", "acquirer": "a_id", "bank": "b_id", "payouts": "p_id"}
# The pairs of a day as they are kept.
KEPT = pa.schema([column for column in relations.PAIRS if column.name != "row_key"])

_NAMING = pa.schema([(column, pa.int64()) for column in ROWS.values()])
# The table that each leg's rows are carried over in.
CARRIED = {given: name for name, (given, _) in plan.CARRY.items() if given in schema.LEGS}


def _healed(pairs: ir.Table) -> ir.Table:
    """Pairs of what a terminal left open and what its host says of it, in the columns of breaks:
    they are no breaks, and the terminal wants to know."""
    both = pairs.filter(pairs.verdict == codes.HEALED, pairs.t_id.notnull(), pairs.a_id.notnull())
    return both.select("t_id", "a_id", b_id=ibis.null("int64"), p_id=ibis.null("int64"))


def _summary(pairs: ir.Table) -> ir.Table:
    """How many of each verdict on each day, and their money."""
    return pairs.group_by("day", "verdict").aggregate(
        rows=pairs.count(),
        charged=pairs.charged_minor.sum(),
        booked=pairs.booked_minor.sum(),
        effect=pairs.effect_minor.sum(),
    )


def _rows(named_by: Sequence[str], tables: dict[str, str]) -> Iterator[tuple[str, ir.Table]]:
    """The full rows that these tables name, as tables rows_LEG."""
    for leg, column in ROWS.items():
        rows = relations.table(tables[leg], schema.LEGS[leg])
        ids = []
        for name in named_by:
            named = relations.table(name, _NAMING)
            ids.append(named.filter(named[column].notnull()).select(id=named[column]))
        yield f"rows_{leg}", rows.semi_join(ibis.union(*ids, distinct=True), "id")


_PAIRS = relations.table("kept_pairs", KEPT)
# After a step, with its `kept_pairs` loaded.
OF_DAY: plan.Tables = (
    ("healed", _healed(_PAIRS)),
    ("summary", _summary(_PAIRS)),
    *_rows(("breaks_now", "healed"), {leg: leg for leg in ROWS}),
)
OF_STATE: plan.Tables = (
    ("summary", _summary(relations.table("open_pairs", relations.PAIRS))),
    *_rows(("breaks_open",), CARRIED),
)
