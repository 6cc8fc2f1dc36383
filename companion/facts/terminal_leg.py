"""The terminal leg as files: one for the terminals of each number, and one for each day.

``numbers/MERCHANT-TERMINAL.parquet`` has what the journals of one number tell, beside it a small
JSON document with the digest of the records that it was made from; both are made anew when that
digest is another, or one of them is not as it was left. ``terminal/DAY-DIGEST.parquet`` has all
terminals' rows of one day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from sqlalchemy import Connection

from companion.facts import journals, manifest, schema
from companion.facts.manifest import Source
from companion.facts.numbers import Numbers
from companion.facts.seals import Seals
from companion.store import terminals

# Part of every digest: another way to make the rows makes them anew.
_VERSION = "terminal-1"


@dataclass(frozen=True)
class _Number:
    """The terminals of one number as files: rows, a digest of those of each day, and gaps."""

    merchant_no: str
    rows: Path
    days: dict[int, str]
    gaps: list[dict[str, object]]


@dataclass(frozen=True)
class TerminalLeg:
    """The files of each day, and what is wrong with the journals."""

    days: dict[int, Source]
    gaps: list[dict[str, object]]
    # The days on which a merchant's terminals traded.
    traded: dict[str, frozenset[int]]


def build(
    connection: Connection,
    facts: Path,
    numbers: Numbers,
    statement_days: Mapping[str, Sequence[date]],
    sealed: Seals,
) -> TerminalLeg:
    """Bring the files up to date with the store; ``statement_days`` by merchant."""
    made = []
    for (merchant_no, _), same_number in sorted(_by_number(connection).items()):
        days = statement_days.get(merchant_no, [])
        made.append(_number(connection, facts, numbers, same_number, days, sealed))
    told: dict[int, list[str]] = {}
    for one in made:
        for day, digest in one.days.items():
            told.setdefault(day, []).append(digest)
    days_ = {day: _day(facts, day, digests, made, sealed) for day, digests in sorted(told.items())}
    _forget(facts / "terminal", {Path(source.path).name for source in days_.values()})
    traded = {one.merchant_no: frozenset[int]() for one in made}
    for one in made:
        traded[one.merchant_no] |= one.days.keys()
    return TerminalLeg(days_, [gap for one in made for gap in one.gaps], traded)


def _by_number(connection: Connection) -> dict[tuple[str, str], list[terminals.Terminal]]:
    found: dict[tuple[str, str], list[terminals.Terminal]] = {}
    for terminal in sorted(terminals.every(connection), key=lambda one: one.created_at):
        found.setdefault((terminal.merchant_no, terminal.terminal_no), []).append(terminal)
    return found


def _number(
    connection: Connection,
    facts: Path,
    numbers: Numbers,
    same_number: Sequence[terminals.Terminal],
    days: Sequence[date],
    sealed: Seals,
) -> _Number:
    first = same_number[0]
    path = facts / "numbers" / f"{first.merchant_no}-{first.terminal_no}.parquet"
    known = path.with_suffix(".json")
    sources = {one.device_id: numbers.of(one.device_id) for one in same_number}
    digest = hashlib.sha256(
        f"{_VERSION} {sources} {journals.digest(connection, same_number, days)}".encode()
    ).hexdigest()
    document = _document(known)
    whole = sealed.whole(path) and sealed.whole(known)
    if document is None or document["digest"] != digest or not whole:
        # The document may not speak of other rows than those beside it, whenever a kill comes.
        known.unlink(missing_ok=True)
        told = journals.told(connection, same_number, sources, days)
        rows = manifest.as_table(schema.TERMINAL, told.rows)
        manifest.write(path, rows)
        document = {"digest": digest, "days": _digests(rows), "gaps": told.gaps}
        manifest.replace(known, json.dumps(document).encode())
        sealed.put(path)
        sealed.put(known)
    by_day = {int(day): one for day, one in document["days"].items()}
    return _Number(first.merchant_no, path, by_day, document["gaps"])


def _document(path: Path) -> Any:
    """What was written of a number, or None: it can be made anew at any time."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _digests(rows: pa.Table) -> dict[str, str]:
    """A digest of the rows of each day."""
    found: dict[str, str] = {}
    for day in pc.unique(rows["day"]).to_pylist():
        of_day = rows.filter(pc.equal(rows["day"], day)).sort_by("id")
        text = json.dumps(of_day.to_pydict())
        found[str(day)] = hashlib.sha256(text.encode()).hexdigest()
    return found


def _day(
    facts: Path, day: int, digests: list[str], made: Iterable[_Number], sealed: Seals
) -> Source:
    digest = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
    path = facts / "terminal" / f"{day}-{digest[:24]}.parquet"
    if not sealed.whole(path):
        paths = [one.rows for one in made if day in one.days]
        found = ds.dataset(paths, schema=schema.TERMINAL, format="parquet")
        manifest.write(path, found.to_table(filter=ds.field("day") == day).sort_by("id"))
        sealed.put(path)
    return Source(str(path.relative_to(facts)), digest)


def _forget(folder: Path, kept: set[str]) -> None:
    """Remove the files of days that were told otherwise before."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
