"""The legs that come as statements: a Parquet file for each part of each imported file.

A file is named by the original's hash and written whole, so it is never out of date; those of bank
and payouts also by what the settings make of them: whose payout a booking is, which account a
shorter spelling means. One that is not as it was left is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from companion.accounts import names
from companion.facts import manifest, schema
from companion.facts.manifest import FactsError, Manifest, Source
from companion.facts.numbers import Numbers
from companion.facts.seals import Seals
from companion.statements import StatementError, layouts, payers
from companion.statements.statement import Statement
from companion.store import Store, originals
from companion.store.originals import Original, Part

# Part of every file's name: another way to make the rows makes them anew.
_VERSION = "1"
_PATTERNS = ("bank",)
_ACCOUNTS = ("bank", "payouts")


@dataclass(frozen=True)
class Settings:
    """What the merchant has said that changes how a row is read."""

    # (channel, text in the booking) of the payers.
    payers: Sequence[tuple[str, str]]
    # The accounts that he has recorded.
    accounts: frozenset[str]


def source_name(part: Part) -> str:
    """What the rows of a part are numbered by."""
    return f"{part.sha256}-{part.part}"


def build(
    store: Store,
    facts: Path,
    live: Iterable[Original],
    parts: Sequence[Part],
    numbers: Numbers,
    settings: Settings,
    made: Manifest,
    sealed: Seals,
) -> None:
    """Bring the files up to date and add them to the manifest."""
    by_file: dict[str, list[Part]] = {}
    for part in parts:
        by_file.setdefault(part.sha256, []).append(part)
    kept = set()
    for original in live:
        mine = by_file.get(original.sha256, [])
        paths = {part: _path(original, part, settings) for part in mine}
        if not all(sealed.whole(facts / path) for path in paths.values()):
            _write(store, facts, original, paths, numbers, settings)
            for path in paths.values():
                sealed.put(facts / path)
        for part, path in paths.items():
            kept.add(path)
            digest = f"{path} {numbers.of(source_name(part))}"
            for day in _days(facts / path, part):
                made.add(part.kind, day, Source(path, digest))
    for leg in schema.LEGS:
        _forget(facts, f"statements/{leg}", kept)


def _path(original: Original, part: Part, settings: Settings) -> str:
    told = [_VERSION, repr(original.options)]
    if part.kind in _PATTERNS:
        told.append(repr(list(settings.payers)))
    if part.kind in _ACCOUNTS:
        told.append(repr(sorted(settings.accounts)))
    tag = hashlib.sha256("\n".join(told).encode()).hexdigest()[:8]
    return f"statements/{part.kind}/{part.sha256}-{part.part}-{tag}.parquet"


def _write(
    store: Store,
    facts: Path,
    original: Original,
    paths: Mapping[Part, str],
    numbers: Numbers,
    settings: Settings,
) -> None:
    path = originals.checked(store, original)
    try:
        read = layouts.read(path, original.mapping, original.channel, original.party)
    except StatementError as error:
        raise FactsError(f"{original.name}, imported before, cannot be read: {error}") from error
    for part, made in paths.items():
        number = numbers.of(source_name(part))
        manifest.write(facts / made, _rows(read[part.part], original.sha256, number, settings))


def _rows(statement: Statement, sha256: str, number: int, settings: Settings) -> pa.Table:
    """The rows of a statement as facts: each knows where it comes from."""
    kind, rows = statement.kind, statement.rows
    place = rows["first_seq"] if kind == "terminal" else rows["line"]
    ids = pc.add(pa.scalar(schema.row_id(number, 0), pa.int64()), place)
    rows = rows.append_column("id", ids)
    if kind == "terminal":
        rows = _filled(rows, "device_id", sha256)
    else:
        rows = _filled(rows, "file", sha256)
    if kind in _PATTERNS:
        rows = payers.assign(rows, list(settings.payers))
    if kind in _ACCOUNTS:
        rows = _resolved(rows, settings.accounts)
    return rows.select(schema.LEGS[kind].names).cast(schema.LEGS[kind])


def _filled(rows: pa.Table, column: str, value: str) -> pa.Table:
    at = rows.schema.get_field_index(column)
    return rows.set_column(at, column, pa.repeat(pa.scalar(value, pa.string()), len(rows)))


def _resolved(rows: pa.Table, known: frozenset[str]) -> pa.Table:
    """The rows with each account as the merchant has recorded it."""
    seen = pc.unique(rows["account"]).to_pylist()
    meant = names.resolved(seen, known)
    at = rows.schema.get_field_index("account")
    column = [meant.get(name, name) for name in rows["account"].to_pylist()]
    return rows.set_column(at, "account", pa.array(column, pa.string()))


def _days(path: Path, part: Part) -> list[int]:
    """The days that a file has rows of."""
    parquet = pq.ParquetFile(path)
    if parquet.metadata.num_rows == 0:
        return []
    if part.first_day == part.last_day:
        return [part.first_day]
    found: list[int] = pc.unique(parquet.read(["day"])["day"]).to_pylist()
    return sorted(found)


def _forget(facts: Path, folder: str, kept: set[str]) -> None:
    """Remove the files of statements that do not count any more."""
    if (facts / folder).is_dir():
        for path in (facts / folder).iterdir():
            if str(path.relative_to(facts)) not in kept:
                path.unlink()
