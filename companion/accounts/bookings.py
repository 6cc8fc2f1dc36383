"""What the watch reads: the bank's bookings, the calendar and the open breaks."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from companion.accounts import channels, settlement, watch
from companion.accounts.settlement import Change
from companion.accounts.watch import Credit, Watched
from companion.facts import manifest
from companion.facts.manifest import Manifest
from companion.facts.schema import BANK
from companion.store import Store, breaks

_COLUMNS = ["account", "channel", "day", "amount_minor", "ref"]


def read(store: Store) -> tuple[int | None, list[Watched]]:
    """The newest business day that is known (None: nothing was reconciled yet), and what became
    of each approved change until then."""
    with store.read() as connection:
        changes = settlement.history(connection)
        settings = channels.every(connection)
        open_breaks = breaks.listed(connection)
        run = breaks.last_run(connection)
    troubles = [found for row in open_breaks if (found := watch.trouble_of(row)) is not None]
    known = manifest.load(store.facts) if (store.facts / manifest.NAME).exists() else Manifest()
    summary = run["summary"] if run else None
    as_of = summary.get("as_of") if isinstance(summary, dict) else None
    due = _due(store.facts)

    def late(channel: str, day: int) -> int:
        settled = [(begun, end) for (name, begun), end in due.items() if name == channel]
        later = [one for one in settled if one[0] >= day]
        days = settings.get(channel, channels.Channel(channel)).late_days
        return min(later)[1] if later else day + days

    credits = _credits(store.facts, known, changes)
    return as_of, watch.watched(changes, credits, troubles, as_of or 0, late)


def _credits(facts: Path, known: Manifest, changes: list[Change]) -> list[Credit]:
    approved = [one for one in changes if one.state == "approved"]
    if not approved:
        return []
    accounts = sorted({one.account for one in approved})
    first = min(one.valid_from for one in approved)
    made: list[Credit] = []
    paths = {
        source.path
        for day, sources in known.legs["bank"].items()
        if day >= first
        for source in sources
    }
    for path in sorted(paths):
        wanted = [("account", "in", accounts), ("day", ">=", first), ("channel", "!=", "")]
        rows = pq.read_table(facts / path, schema=BANK, columns=_COLUMNS, filters=wanted)
        made += [Credit(**row) for row in rows.to_pylist()]
    return made


def _due(facts: Path) -> dict[tuple[str, int], int]:
    path = facts / "pay_due.parquet"
    if not path.exists():
        return {}
    rows = pq.read_table(path).to_pylist()
    return {(row["channel"], row["settle_day"]): row["late_day"] for row in rows}
