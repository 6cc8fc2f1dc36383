"""The few shapes of a join that every engine runs well, and numbers within a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import ibis
import pyarrow as pa
from ibis.expr import types as ir

# What counts (`idle` 0) before what does not, so that an attempt that was declined and its retry
# under the same number do not change places; then by time.
ORDER = ("idle", "at", "id")


def without(table: ir.Table, other: ir.Table, column: str, other_column: str) -> ir.Table:
    """The rows of `table` whose `column`, which is never null, is in no row of `other`.

    NOT IN: the one form that every engine answers from a set of the other side's values. SQLite
    walks a correlated NOT EXISTS row by row, and a left join drags all columns of all rows along.
    """
    known = other.filter(other[other_column].notnull())
    return table.filter(table[column].notin(known[other_column]))


def within(table: ir.Table, other: ir.Table, column: str, other_column: str) -> ir.Table:
    """The rows of `table` whose `column` is in `other`, which has no value twice."""
    found = other.select(there=other[other_column])
    joined = table.join(found, [table[column] == found.there])
    return joined.select(*table.columns)


def looked_up(
    table: ir.Table, other: ir.Table, keys: Mapping[str, str], new: Mapping[str, str]
) -> ir.Table:
    """`table` with columns of `other`, null where it has no row with `keys` (at most one has).

    Both mappings go from the name in the result, or in `table`, to the name in `other`.
    """
    found = other.select(
        **{f"of_key_{theirs}": other[theirs] for theirs in keys.values()},
        **{mine: other[theirs] for mine, theirs in new.items()},
    )
    joined = table.left_join(
        found, [table[mine] == found[f"of_key_{theirs}"] for mine, theirs in keys.items()]
    )
    return joined.select(*table.columns, *new)


def together(tables: Iterable[ir.Table]) -> ir.Table:
    """All rows of all tables, which have the same columns, in the order of the first."""
    first, *others = (wide(table) for table in tables)
    return reduce(lambda one, two: one.union(two.select(*first.columns)), others, first)


def wide(table: ir.Table) -> ir.Table:
    """The same with every integer of 64 bits, as tables have it."""
    small = [name for name, kind in table.schema().items() if kind.is_integer()]
    return table.mutate(**{name: table[name].cast("int64") for name in small})


def made(name: str, expression: ir.Table) -> ir.Table:
    """The table that an engine makes of an expression, for the expressions after it."""
    return ibis.table(wide(expression).schema(), name=name)


def crowded(table: ir.Table, keys: Sequence[str], most: int) -> ir.Table:
    """The ids of the rows whose key more than `most` rows have."""
    counted = table.group_by(list(keys)).aggregate(n=table.count())
    crowd = counted.filter(counted.n > most).select(
        **{f"of_{name}": counted[name] for name in keys}
    )
    return table.join(crowd, [table[name] == crowd[f"of_{name}"] for name in keys]).select("id")


def repeated(pairs: ir.Table, column: str) -> ir.Table:
    """The ids that stand in several pairs."""
    counted = pairs.group_by(column).aggregate(n=pairs.count())
    return counted.filter(counted.n > 1).select(id=column)


def agree(one: ir.StringValue, two: ir.StringValue) -> ir.BooleanValue:
    """Equal, or one side does not say."""
    return (one == two) | (one == "") | (two == "")


def numbered(table: ir.Table, keys: Sequence[str]) -> ir.Table:
    """`occurrence` for the rows that have none (0), in the order of ORDER within the key.

    A row that has one from an earlier day keeps it, and the new ones come behind the highest.
    """
    split = table.mutate(carried=ibis.cases((table.occurrence > 0, 1), else_=0))
    new = ibis.window(group_by=[*keys, "carried"], order_by=ORDER)
    all_ = ibis.window(group_by=list(keys))
    counted = split.mutate(
        rank=ibis.row_number().over(new) + 1, highest=split.occurrence.max().over(all_)
    )
    number = ibis.cases(
        (counted.carried == 1, counted.occurrence), else_=counted.rank + counted.highest
    )
    return counted.mutate(occurrence=number).select(*table.columns)


def shaped(table: ir.Table, columns: pa.Schema) -> ir.Table:
    """The columns of a schema, in its order and of its types."""
    return table.select(
        **{
            field.name: table[field.name].cast(
                "int64" if pa.types.is_integer(field.type) else "string"
            )
            for field in columns
        }
    )
