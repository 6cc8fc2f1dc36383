"""How a rule tells a break: only what differs from a plain one has to be said."""

from __future__ import annotations

from typing import Any

import ibis
from ibis.expr import types as ir

from companion.rules import relations

_PLAIN = {
    "terminal_no": "",
    "effect_minor": 0,
    "owed_minor": 0,
    "provisional": 0,
    "match_pass": 0,
    "t_id": None,
    "a_id": None,
    "b_id": None,
    "p_id": None,
    "note": "",
}


def told(rows: ir.Table, **columns: ir.Value | str | int) -> ir.Table:
    """A break for each row: columns of relations.BREAKS from `columns`, else those of the row
    with the same name, else what is plain (no effect, nothing owed, final)."""
    schema = ibis.Schema.from_pyarrow(relations.BREAKS)
    made = {}
    value: Any
    for name, kind in schema.items():
        value = columns.get(name, rows[name] if name in rows.columns else _PLAIN.get(name))
        given = isinstance(value, ir.Value)
        made[name] = value.cast(kind) if given else ibis.literal(value, kind)
    return rows.select(**made)


def note(**values: ir.Value) -> ir.StringValue:
    """The note of a break: "name=value;name=value", but for what is null or ""; the first value
    is always there."""
    text = ibis.literal("")
    for name, value in values.items():
        # A text from a file cannot add parts of its own.
        plain = value.replace(";", ",") if value.type().is_string() else value.cast("string")
        given = plain.notnull() & (plain != "")
        text = text + ibis.cases((given, f";{name}=" + plain), else_="")
    return text.substr(1)
