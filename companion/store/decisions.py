"""What people decided about accounts, fees, channels and own cards; never changed, only added to.

The present state of each is folded out of these (companion/accounts), so there is nothing that
could differ from its history.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from companion.store import chained
from companion.store.schema import decisions
from companion.store.store import utc_now


@dataclass(frozen=True)
class Decision:
    """Who said what, when, and why; ``seq`` is its number in the store."""

    seq: int
    kind: str
    data: dict[str, Any]
    actor: str
    reason: str
    at: str


def record(
    connection: Connection, kind: str, data: Mapping[str, object], actor: str, reason: str = ""
) -> int:
    """Add one; its number."""
    text = json.dumps(dict(data), sort_keys=True, ensure_ascii=False)
    values = {"kind": kind, "data": text, "actor": actor, "reason": reason, "at": utc_now()}
    return chained.append(connection, decisions, values)


def of(connection: Connection, kinds: Collection[str]) -> list[Decision]:
    """Those of these kinds in order; StoreError when any at all was changed since it was added."""
    every = list(chained.rows(connection, decisions))
    return [
        Decision(**{**row, "data": json.loads(row["data"])})
        for row in every
        if row["kind"] in kinds
    ]


def head(connection: Connection) -> tuple[int, str]:
    """How many there are, and the newest one's digest; who keeps it elsewhere sees a cut end."""
    return chained.head(connection, decisions)
