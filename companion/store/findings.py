"""What a sync or a flash image proved wrong with a journal and the stored records cannot show.

A finding stays as it was when it was noticed first, with both sides of it as evidence; when it is
met again only the moment is noted. `reconcile` makes a break of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select, update

from companion.store.schema import findings
from companion.store.store import utc_now

# Records are missing, here or at the terminal.
GAP = "JOURNAL_GAP"
# A record was changed or inserted, or what stood before it was taken out.
ALTERED = "JOURNAL_ALTERED"
# The terminal no longer has the journal that it had.
ROLLBACK = "JOURNAL_ROLLBACK"


@dataclass(frozen=True)
class Finding:
    """Records first_seq to last_seq, both included, what is wrong with them, and the proof."""

    device_id: str
    code: str
    first_seq: int
    last_seq: int
    problem: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def note(connection: Connection, finding: Finding) -> None:
    """Keep a finding, unless the same one is kept already."""
    now = utc_now()
    if not seen(connection, finding, now):
        values = {**finding.__dict__, "evidence": json.dumps(finding.evidence, sort_keys=True)}
        connection.execute(insert(findings).values(**values, noticed_at=now, seen_at=now))


def seen(connection: Connection, finding: Finding, now: str) -> bool:
    """Note that a finding was met again; False when it is not kept."""
    again = connection.execute(
        update(findings)
        .where(
            findings.c.device_id == finding.device_id,
            findings.c.code == finding.code,
            findings.c.first_seq == finding.first_seq,
        )
        .values(seen_at=now)
    )
    return again.rowcount > 0


def of(connection: Connection, device_id: str) -> list[Finding]:
    """The findings of a terminal by record number; the moments are part of the evidence."""
    rows = connection.execute(
        select(findings)
        .where(findings.c.device_id == device_id)
        .order_by(findings.c.first_seq, findings.c.code)
    )
    return [
        Finding(
            row.device_id,
            row.code,
            row.first_seq,
            row.last_seq,
            row.problem,
            {
                **json.loads(row.evidence),
                "noticed_at": row.noticed_at,
                "seen_at": row.seen_at,
            },
        )
        for row in rows
    ]
