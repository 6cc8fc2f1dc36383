"""Import of a statement file: parse and check all of it, then keep the original."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from companion.statements import cards, layouts
from companion.statements.options import Options
from companion.statements.source import Source
from companion.statements.statement import Statement, StatementError
from companion.store import StoreError, originals
from companion.store.lock import locked
from companion.store.originals import Original, Part
from companion.store.store import Store

MAX_FILE = 2 << 30  # bytes; ten million rows of a day file are about 1.4 GB
# A file that is masked on its way in is masked in memory.
MAX_MASKED = 256 << 20


@dataclass(frozen=True)
class Imported:
    """The outcome: the file as stored, whether it is new, and the files it takes the place of."""

    original: Original
    parts: list[Part]
    new: bool
    supersedes: list[str]


@dataclass(frozen=True)
class Checked:
    """A file that was read and checked to its last line, not stored yet."""

    # The bytes to keep: of the file, or masked ones.
    origin: Path | bytes
    original: Original
    parts: list[Part]

    @property
    def data(self) -> Iterable[bytes]:
        """The bytes to keep, piece by piece."""
        if isinstance(self.origin, bytes):
            return [self.origin]
        return originals.blocks(self.origin)


def check(path: Path, options: Options | None = None, mask: bool = False) -> Checked:
    """Read and check the statement at `path`; with `mask`, of a copy with masked card numbers.

    Raises StatementError, with the path in front, for a file that cannot be read or trusted.
    """
    options = options or Options()
    try:
        size = path.stat().st_size
        if size > (MAX_MASKED if mask else MAX_FILE):
            raise StatementError(f"{path}: larger than {MAX_MASKED if mask else MAX_FILE} bytes")
        origin = cards.masked_bytes(path.read_bytes()) if mask else path
        if isinstance(origin, bytes):
            sha256 = hashlib.sha256(origin).hexdigest()
        else:
            with Source(origin) as source:
                sha256 = source.sha256()
    except OSError as error:
        raise StatementError(f"{path}: {error.strerror}") from error
    try:
        found = layouts.read(origin, options.mapping, options.channel, options.party)
    except StatementError as error:
        raise StatementError(f"{path}: {error}") from None
    original = Original(
        sha256=sha256,
        name=path.name,
        layout=found[0].layout,
        **asdict(options),
        imported_at="",
        superseded_by=None,
    )
    return Checked(origin, original, [_part(sha256, at, one) for at, one in enumerate(found)])


def _part(sha256: str, at: int, statement: Statement) -> Part:
    names = ("kind", "party", "channel", "number", "first_day", "last_day", "whole")
    return Part(
        sha256=sha256,
        part=at,
        **{name: getattr(statement, name) for name in names},
        rows=statement.rows.num_rows,
        captured_count=statement.captured_count,
        captured_minor=statement.captured_minor,
    )


def take_in(store: Store, checked: Checked, replace: bool = False) -> Imported:
    """Store a checked file; the same bytes, read in the same way, change nothing a second time."""
    sha256 = checked.original.sha256
    with locked(store.lock_path("import"), f"{store.directory}: another import is going on"):
        known = originals.find(store, sha256)
        if known is None or known.options != checked.original.options:
            earlier = originals.keep(store, checked.data, checked.original, checked.parts, replace)
            stored = originals.find(store, sha256)
            assert stored is not None
            return Imported(stored, checked.parts, True, earlier)
        try:
            originals.checked(store, known)
        except StoreError:
            originals.restore(store, checked.data, known)
        return Imported(known, originals.parts_of(store, sha256), False, [])


def import_file(store: Store, path: Path) -> Imported:
    """`check` and `take_in` in one."""
    return take_in(store, check(path))
