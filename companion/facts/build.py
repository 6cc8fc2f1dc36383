"""The facts of a store, brought up to date: what the rules read is made of nothing else.

Truth is the records and the original files; everything here can be deleted and is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from companion.accounts import channels, reference
from companion.accounts import names as names_of
from companion.accounts.channels import Channel
from companion.facts import calendar, manifest, schema, statement_legs, terminal_leg
from companion.facts.calendar import Want
from companion.facts.journals import CHANNEL, HOST_ZONE
from companion.facts.manifest import Manifest
from companion.facts.numbers import Numbers
from companion.facts.seals import Seals
from companion.facts.terminal_leg import TerminalLeg
from companion.store import Store, originals, records, terminals
from companion.store.originals import Part

# How far behind the last known day the calendar goes: graces and payouts end in it.
_AHEAD = 60


def build(store: Store) -> Path:
    """Write the facts of everything in the store; the caller holds the reconcile lock."""
    facts = store.facts
    facts.mkdir(mode=0o700, parents=True, exist_ok=True)
    made, sealed = Manifest(), Seals(facts)
    with store.read() as connection:
        live, parts = originals.live(connection), originals.parts(connection)
        names = [statement_legs.source_name(part) for part in parts]
        numbers = Numbers([*names, *(one.device_id for one in terminals.every(connection))])
        accounts = reference.accounts(connection)
        settings = statement_legs.Settings(
            channels.payers(connection), frozenset(accounts["account"].to_pylist())
        )
        statement_legs.build(store, facts, live, parts, numbers, settings, made, sealed)
        leg = terminal_leg.build(connection, facts, numbers, _statement_days(parts), sealed)
        for day, source in leg.days.items():
            made.add("terminal", day, source)
        known = _channels(connection, parts, accounts)
        first, last = _span(made, parts)
        tables = {
            "accounts": accounts,
            "fee_plans": reference.fee_plans(connection),
            "hold_terms": reference.hold_terms(connection),
            "own_cards": reference.own_cards(connection),
            "due": calendar.due(known.values(), first, last),
            "pay_due": calendar.pay_due(known.values(), first, last),
            "coverage": manifest.as_table(schema.COVERAGE, _coverage(parts, accounts)),
            "wanted": calendar.wanted(_wants(leg, parts, accounts, known), known, last),
            "seen": manifest.as_table(schema.SEEN, _seen(connection, facts, made, parts)),
            "gaps": manifest.as_table(schema.GAPS, leg.gaps),
        }
    for name, table in tables.items():
        manifest.write(facts / f"{name}.parquet", table)
        made.references[name] = _digest(table)
    # The calendar grows with every new day, and says the same of those that it had.
    for name in ("due", "pay_due"):
        made.references[name] = repr((version("holidays"), sorted(known.items())))
    sealed.save()
    manifest.save(facts, made)
    return facts


def _statement_days(parts: Iterable[Part]) -> dict[str, list[date]]:
    """The days that the acquirers' statements of each merchant tell of."""
    days: dict[str, set[date]] = {}
    for part in parts:
        if part.kind == "acquirer":
            told = range(part.first_day, part.last_day + 1)
            days.setdefault(part.party, set()).update(map(schema.as_date, told))
    return {party: sorted(found) for party, found in days.items()}


def _channels(
    connection: Connection, parts: Iterable[Part], accounts: pa.Table
) -> dict[str, Channel]:
    """The settings of every channel that anything is of."""
    known = channels.every(connection)
    named = {part.channel for part in parts if part.channel} | set(accounts["channel"].to_pylist())
    for name in sorted(named - known.keys()):
        known[name] = channels.of(connection, name)
    return known


def _span(made: Manifest, parts: Iterable[Part]) -> tuple[int, int]:
    days = [*made.days(), *(part.last_day for part in parts)]
    return min(days, default=0), max(days, default=0) + _AHEAD


def _coverage(parts: Sequence[Part], accounts: pa.Table) -> list[dict[str, object]]:
    """A row for each day that a statement tells all of; a bank's account as it is recorded."""
    seen = {part.party for part in parts if part.kind == "bank"}
    meant = names_of.resolved(seen, frozenset(accounts["account"].to_pylist()))
    told = {
        (part.kind, meant.get(part.party, part.party), part.channel, day)
        for part in parts
        if part.whole
        for day in range(part.first_day, part.last_day + 1)
    }
    names = schema.COVERAGE.names
    return [dict(zip(names, row, strict=True)) for row in sorted(told)]


def _wants(
    leg: TerminalLeg, parts: Sequence[Part], accounts: pa.Table, known: Mapping[str, Channel]
) -> list[Want]:
    """The acquirer's statement of every day from the first on which there was trade, and the
    bank's of every account that counts, from the first that is here."""
    begun: dict[tuple[str, str], int] = {}
    for merchant_no, days in leg.traded.items():
        begun[merchant_no, CHANNEL] = min(days, default=schema.FAR)
    for part in parts:
        if part.kind == "acquirer" and part.whole:
            key = part.party, part.channel
            begun[key] = min(begun.get(key, schema.FAR), part.first_day)
    wants = [
        Want("acquirer", merchant_no, merchant_no, channel, first)
        if channel != CHANNEL
        else Want(
            *("acquirer", merchant_no, merchant_no, channel, first),
            days=leg.traded.get(merchant_no, frozenset()),
        )
        for (merchant_no, channel), first in sorted(begun.items())
        if known[channel].statement and first != schema.FAR
    ]
    first_bank = min((part.first_day for part in parts if part.kind == "bank"), default=None)
    if first_bank is not None:
        wants += [
            Want(
                *("bank", row["account"], row["merchant_no"], row["channel"]),
                max(row["valid_from"], first_bank),
                last_day=row["valid_to"] - 1,
            )
            for row in accounts.to_pylist()
            if known[row["channel"]].bank_statement
        ]
    return wants


def _seen(
    connection: Connection, facts: Path, made: Manifest, parts: Iterable[Part]
) -> list[dict[str, object]]:
    """Until when each terminal's transactions are known, by journal or export."""
    until: dict[tuple[str, str], int] = {}
    for terminal in terminals.every(connection):
        heard = terminal.last_sync_at or records.last_received(connection, terminal.device_id)
        if heard:
            key = terminal.merchant_no, terminal.terminal_no
            until[key] = max(until.get(key, 0), _instant(datetime.fromisoformat(heard)))
    ends = {part.sha256: part.last_day for part in parts if part.kind == "terminal"}
    paths = {source.path for sources in made.legs["terminal"].values() for source in sources}
    for path in sorted(paths):
        # Named by the file that it was made of; those of journals are named by their day.
        end = ends.get(Path(path).name[:64])
        if end is None:
            continue
        midnight = datetime.combine(schema.as_date(end + 1), time(), HOST_ZONE)
        table = pq.read_table(facts / path, columns=["merchant_no", "terminal_no"])
        for row in table.group_by(table.schema.names).aggregate([]).to_pylist():
            key = row["merchant_no"], row["terminal_no"]
            until[key] = max(until.get(key, 0), _instant(midnight))
    return [
        {"merchant_no": merchant_no, "terminal_no": terminal_no, "until": instant}
        for (merchant_no, terminal_no), instant in sorted(until.items())
    ]


def _instant(moment: datetime) -> int:
    return int(moment.timestamp())


def _digest(table: pa.Table) -> str:
    return hashlib.sha256(json.dumps(table.to_pydict()).encode()).hexdigest()
