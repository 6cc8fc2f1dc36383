"""Tables that are only ever added to: each row carries a digest over itself and all before it.

A trigger refuses changes by SQL (see schema); what gets around it, an edited file, no longer has
the right digests. A cut end has: whoever keeps the newest digest elsewhere sees that too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from companion.store.errors import StoreError

FIRST = "0" * 64


def append(connection: Connection, table: Table, values: Mapping[str, object]) -> int:
    """Add a row to a table that has the columns ``seq`` and ``digest``; its seq. The caller's
    transaction is a write, so nobody else adds one meanwhile."""
    return extend(connection, table, [values])


def extend(connection: Connection, table: Table, many: Sequence[Mapping[str, object]]) -> int:
    """Add rows in this order; the seq of the last."""
    seq, before = head(connection, table)
    made = []
    for values in many:
        seq += 1
        row = {"seq": seq, **values}
        before = _digest(before, row)
        made.append({**row, "digest": before})
    if made:
        connection.execute(insert(table), made)
    return seq


def head(connection: Connection, table: Table) -> tuple[int, str]:
    """How many rows there are, and the newest one's digest: what to keep elsewhere."""
    query = select(table.c.seq, table.c.digest).order_by(table.c.seq.desc()).limit(1)
    last = connection.execute(query).first()
    return (int(last.seq), str(last.digest)) if last is not None else (0, FIRST)


def rows(connection: Connection, table: Table) -> Iterator[Mapping[str, Any]]:
    """Every row in order; StoreError at the first that is not as it was added."""
    before = FIRST
    expected = 1
    for found in connection.execute(select(table).order_by(table.c.seq)).mappings():
        row = {name: value for name, value in found.items() if name != "digest"}
        if row["seq"] != expected or found["digest"] != _digest(before, row):
            raise StoreError(
                f"{table.name}: entry {expected} is missing or was changed in the file; nothing "
                "behind it can be trusted"
            )
        before = found["digest"]
        expected += 1
        yield row


def _digest(before: str, row: Mapping[str, object]) -> str:
    text = json.dumps(dict(row), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()
