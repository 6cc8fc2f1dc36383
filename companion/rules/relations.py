"""What the rules read and what they give, as relations of every engine."""

from __future__ import annotations

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from companion.facts import schema

_TEXT = pa.string()
_INT = pa.int64()

# A break before it has words. ``amount_minor`` is never negative; ``effect_minor`` is what it adds
# to customer debit minus merchant books, ``owed_minor`` what it adds to the acquirer's debt minus
# the bank's credits. ``note`` has what the words need and no row has, as "name=value;name=value".
BREAKS = pa.schema(
    [
        ("code", _TEXT),
        ("row_key", _TEXT),
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("channel", _TEXT),
        # The business day, null for one that belongs to none.
        ("day", _INT),
        ("amount_minor", _INT),
        ("effect_minor", _INT),
        ("owed_minor", _INT),
        # 1: it may go away with the next sync or statement, without anybody acting.
        ("provisional", _INT),
        # The matching pass that made the pair; 0 for none. Pass 3 is of low confidence.
        ("match_pass", _INT),
        # The rows of terminal, acquirer and bank (or announced payout), null for none.
        ("t_id", _INT),
        ("a_id", _INT),
        ("b_id", _INT),
        ("p_id", _INT),
        ("note", _TEXT),
    ]
)

# One row for each pair, or single row, of a step or a state: what it was judged to be.
PAIRS = pa.schema(
    [
        ("t_id", _INT),
        ("a_id", _INT),
        ("match_pass", _INT),
        ("row_key", _TEXT),
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("channel", _TEXT),
        ("day", _INT),
        ("verdict", _TEXT),
        ("amount_minor", _INT),
        # What the customer was charged and what the terminal has booked: the equation's sides.
        ("charged_minor", _INT),
        ("booked_minor", _INT),
        ("effect_minor", _INT),
        ("provisional", _INT),
    ]
)

# What a step hands on besides the legs. An event of a pre-authorisation that the acquirer
# captured: `kind` is HOLD, COMPLETION, CANCEL or UNDO (of a completion), `hold` says which one it
# belongs to, `undone` is 1 for a completion that was undone.
HOLDS = pa.schema(
    [
        ("kind", _TEXT),
        ("hold", _TEXT),
        ("undone", _INT),
        ("a_id", _INT),
        ("t_id", _INT),
        ("match_pass", _INT),
        ("row_key", _TEXT),
        ("merchant_no", _TEXT),
        ("terminal_no", _TEXT),
        ("channel", _TEXT),
        ("day", _INT),
        ("at", _INT),
        ("amount_minor", _INT),
        ("card", _TEXT),
        ("auth", _TEXT),
        ("rrn", _TEXT),
    ]
)

# What a captured row was seen to be when its twin was in sight, and the twin's RRN.
MARKS = pa.schema([("a_id", _INT), ("code", _TEXT), ("twin", _TEXT)])

# The day of a step, or of a state.
DAY = pa.schema([("day", _INT)])

# The first equation's sides for a day, and how many rows both legs have of it.
TOTALS = pa.schema(
    [
        ("day", _INT),
        ("charged", _INT),
        ("booked", _INT),
        ("rows", _INT),
    ]
)

# What an acquirer pays in one go: the captured rows of a merchant, channel and currency that have
# one reference of settlement, or one day of it, and what the bank has booked of it so far. Null
# where there is none.
GROUPS = pa.schema(
    [
        ("row_key", _TEXT),
        ("merchant_no", _TEXT),
        ("channel", _TEXT),
        ("currency", _TEXT),
        ("ref", _TEXT),
        ("settle_day", _INT),
        ("pay_day", _INT),
        ("late_day", _INT),
        ("rows", _INT),
        ("net_minor", _INT),
        ("got_minor", _INT),
        # Bookings that were not returns, the day of the first and of the last of any kind.
        ("credits", _INT),
        ("first_day", _INT),
        ("last_day", _INT),
        ("returned_day", _INT),
        # Credited to an account that was valid before, and to one that never was.
        ("old_minor", _INT),
        ("wrong_minor", _INT),
        # The first booking, the first to such an account, the last return.
        ("credit_id", _INT),
        ("bad_id", _INT),
        ("return_id", _INT),
    ]
)

# The second equation, a row for each step and one for the state: the sum of net_minor is that of
# received_minor, awaited_minor and of what the breaks say is owed.
DEBTS = pa.schema(
    [
        ("day", _INT),
        ("net_minor", _INT),
        ("received_minor", _INT),
        ("awaited_minor", _INT),
    ]
)


@ibis.udf.scalar.builtin(name="int_div")  # type: ignore[untyped-decorator]
def whole(a: int, b: int) -> int:  # type: ignore[empty-body]
    """a divided by b, towards zero, in integers: `//` goes through floats on every engine."""


def table(name: str, columns: pa.Schema) -> ir.Table:
    """A relation by name, bound to no engine."""
    return ibis.table(ibis.Schema.from_pyarrow(columns), name=name)


def leg(name: str) -> ir.Table:
    """One of the legs."""
    return table(name, schema.LEGS[name])


def reference(name: str) -> ir.Table:
    """One of the tables that are the same for every day."""
    return table(name, schema.REFERENCE[name])
