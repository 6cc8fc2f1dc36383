"""Original statement files: kept byte for byte under their SHA-256, never changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from companion.facts import schema as facts
from companion.store.errors import StoreError
from companion.store.schema import files, statements
from companion.store.store import Store, utc_now

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Original:
    """What the store knows of one imported file."""

    sha256: str
    name: str
    layout: str
    # What was said at the import, without which it could not be read again: the text of a mapping
    # file, and the channel and party that the file does not tell.
    mapping: str
    channel: str
    party: str
    imported_at: str
    # Of the file that takes the place of all of it.
    superseded_by: str | None

    @property
    def options(self) -> tuple[str, str, str]:
        """What was said at the import."""
        return self.mapping, self.channel, self.party


@dataclass(frozen=True)
class Part:
    """One statement in a file; amounts in minor units, days as in companion.facts.schema."""

    sha256: str
    part: int
    kind: str
    party: str
    channel: str
    number: str
    first_day: int
    last_day: int
    # It tells all of its days; otherwise it is a batch.
    whole: bool
    rows: int
    captured_count: int
    captured_minor: int

    @property
    def period(self) -> str:
        """The days, or the batch, as a person writes them."""
        first, last = facts.as_date(self.first_day), facts.as_date(self.last_day)
        days = first.isoformat() if first == last else f"{first} to {last}"
        return days if self.whole else f"batch {self.number} ({days})"


class Overlap(StoreError):
    """A file tells days that another one tells already, and cannot take its place."""


def find(store: Store, sha256: str) -> Original | None:
    """The imported file with this hash, or None."""
    with store.read() as connection:
        row = connection.execute(select(files).where(files.c.sha256 == sha256)).first()
    return Original(**row._mapping) if row else None


def live(connection: Connection) -> list[Original]:
    """The files that count (not superseded), by hash."""
    found = select(files).where(files.c.superseded_by.is_(None)).order_by(files.c.sha256)
    return [Original(**row._mapping) for row in connection.execute(found)]


def parts(connection: Connection) -> list[Part]:
    """The statements that count, of all files."""
    order = (statements.c.first_day, statements.c.sha256, statements.c.part)
    found = select(statements).where(statements.c.superseded_by.is_(None)).order_by(*order)
    return [_part(row._mapping) for row in connection.execute(found)]


def parts_of(store: Store, sha256: str) -> list[Part]:
    """The statements of one file, superseded or not."""
    found = select(statements).where(statements.c.sha256 == sha256).order_by(statements.c.part)
    with store.read() as connection:
        return [_part(row._mapping) for row in connection.execute(found)]


def _part(row: object) -> Part:
    values = dict(row)  # type: ignore[call-overload]
    del values["superseded_by"]
    return Part(**values)


def keep(
    store: Store,
    data: Iterable[bytes],
    original: Original,
    told: Sequence[Part],
    replace: bool = False,
) -> list[str]:
    """Keep a checked file; returns the hashes of the earlier files that it takes the place of.

    Raises Overlap, and keeps nothing, when it tells days that another file tells. `replace` lets
    it take the place of files of another layout too. The bytes are durable under their hash before
    the row names them, so a kill in between leaves a file without a row, which the next import of
    the same file adopts.
    """
    with store.read() as connection:
        _superseded(connection, original, told, replace)
    _write_durably(store.files / original.sha256, original.sha256, data)
    with store.write() as connection:
        gone = _superseded(connection, original, told, replace)
        _name(connection, original, told)
        for part in gone:
            mine = (statements.c.sha256 == part.sha256) & (statements.c.part == part.part)
            connection.execute(
                update(statements).where(mine).values(superseded_by=original.sha256)
            )
        names = sorted({part.sha256 for part in gone})
        counting = select(statements.c.sha256).where(statements.c.superseded_by.is_(None))
        whole = files.c.sha256.in_(names) & files.c.sha256.not_in(counting)
        connection.execute(update(files).where(whole).values(superseded_by=original.sha256))
    return names


def _name(connection: Connection, original: Original, told: Sequence[Part]) -> None:
    """Write the rows of a file. When its bytes are known they are read in another way now: what
    it took the place of when it was read before counts again."""
    sha256 = original.sha256
    values = {**asdict(original), "imported_at": utc_now(), "superseded_by": None}
    if connection.execute(select(files.c.sha256).where(files.c.sha256 == sha256)).first():
        connection.execute(update(files).where(files.c.sha256 == sha256).values(**values))
        connection.execute(delete(statements).where(statements.c.sha256 == sha256))
        for table in (files, statements):
            old = table.c.superseded_by == sha256
            connection.execute(update(table).where(old).values(superseded_by=None))
    else:
        connection.execute(insert(files).values(**values))
    connection.execute(
        insert(statements), [{**asdict(part), "superseded_by": None} for part in told]
    )


def _superseded(
    connection: Connection, original: Original, told: Sequence[Part], replace: bool
) -> list[Part]:
    """The statements of other files that those of a new one take the place of."""
    layouts = dict(connection.execute(select(files.c.sha256, files.c.layout)).all())
    counts = statements.c.superseded_by
    other = (statements.c.sha256 != original.sha256) & (
        counts.is_(None) | (counts == original.sha256)
    )
    known = [_part(row._mapping) for row in connection.execute(select(statements).where(other))]
    return [
        earlier
        for earlier in known
        if any(
            _takes_place(new, earlier, original.layout == layouts[earlier.sha256], replace)
            for new in told
        )
    ]


def _takes_place(new: Part, earlier: Part, same_layout: bool, replace: bool) -> bool:
    """Whether `new` takes the place of `earlier`; raises Overlap when both would be counted."""
    mine, its = ((one.kind, one.party, one.channel) for one in (new, earlier))
    if mine != its or new.whole != earlier.whole:
        return False
    may = same_layout or replace
    if not new.whole:
        return may and new.number == earlier.number
    if new.last_day < earlier.first_day or earlier.last_day < new.first_day:
        return False
    covered = new.first_day <= earlier.first_day and earlier.last_day <= new.last_day
    if new.kind == "terminal":
        # Each terminal may have a file of its own.
        told, known = set(new.number.split(",")), set(earlier.number.split(","))
        if not told & known:
            return False
        covered = covered and (replace or known <= told)
    elif covered and may and new.number and earlier.number and new.number != earlier.number:
        # A second statement of the same day.
        covered = (new.first_day, new.last_day) != (earlier.first_day, earlier.last_day)
        if not covered:
            return False
    if may and covered:
        return True
    raise Overlap(
        f"{new.kind} of {new.party or 'the merchant'}, {new.period}: "
        f"{earlier.period} is told by an earlier file (sha256 {earlier.sha256[:16]})"
        + (" that tells more than it" if may else " of another layout; --replace takes its place")
    )


def checked(store: Store, original: Original) -> Path:
    """Where the file is, after a look at every byte of it; StoreError when it is gone or was
    changed."""
    path = store.files / original.sha256
    digest = hashlib.sha256()
    try:
        for block in blocks(path):
            digest.update(block)
    except OSError as error:
        raise StoreError(f"{path}: the original of {original.name}: {error.strerror}") from error
    if digest.hexdigest() != original.sha256:
        raise StoreError(f"{path}: the original of {original.name} was changed; import it again")
    return path


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def restore(store: Store, data: Iterable[bytes], original: Original) -> None:
    """Put the bytes of an imported file back after they were lost or changed."""
    _write_durably(store.files / original.sha256, original.sha256, data)


def _write_durably(path: Path, sha256: str, data: Iterable[bytes]) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # A fixed name: what a killed import left is overwritten by the next. Importers are locked.
    part = path.with_suffix(".part")
    digest = hashlib.sha256()
    handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        for block in data:
            stream.write(block)
            digest.update(block)
        stream.flush()
        os.fsync(stream.fileno())
    if digest.hexdigest() != sha256:
        part.unlink()
        raise StoreError(f"{path}: the file was changed while it was imported; import it again")
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
