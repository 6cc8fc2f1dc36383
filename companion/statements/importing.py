"""Import of a statement file: parse and check all of it, then keep the original."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from companion.statements import layouts
from companion.statements.statement import StatementError
from companion.store import StoreError, originals
from companion.store.lock import locked
from companion.store.originals import Original
from companion.store.store import Store

MAX_FILE = 1 << 30  # bytes; ten million rows of a day file are about this much


@dataclass(frozen=True)
class Imported:
    """The outcome: the file as stored, whether it is new, and the file it takes the place of."""

    original: Original
    new: bool
    supersedes: str | None


@dataclass(frozen=True)
class Checked:
    """A file that was read and checked to its last line, not stored yet."""

    data: bytes
    original: Original


def check(path: Path) -> Checked:
    """Read and check the statement at `path`.

    Raises StatementError, with the path in front, for a file that cannot be read or trusted.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise StatementError(f"{path}: larger than {MAX_FILE} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise StatementError(f"{path}: {error.strerror}") from error
    try:
        statement = layouts.parse(data)
    except StatementError as error:
        raise StatementError(f"{path}: {error}") from None
    return Checked(
        data,
        Original(
            sha256=hashlib.sha256(data).hexdigest(),
            name=path.name,
            layout=statement.layout,
            merchant_no=statement.merchant_no,
            business_date=statement.business_date.isoformat(),
            rows=len(statement.rows),
            captured_count=statement.captured_count,
            captured_minor=statement.captured_minor,
            imported_at="",
            superseded_by=None,
        ),
    )


def take_in(store: Store, checked: Checked) -> Imported:
    """Store a checked file; the same bytes a second time change nothing."""
    sha256 = checked.original.sha256
    with locked(store.lock_path("import"), f"{store.directory}: another import is going on"):
        known = originals.find(store, sha256)
        if known is None:
            earlier = originals.keep(store, checked.data, checked.original)
            stored = originals.find(store, sha256)
            assert stored is not None
            return Imported(stored, True, earlier)
        try:
            originals.load(store, known)
        except StoreError:
            originals.restore(store, checked.data, known)
        return Imported(known, False, None)


def import_file(store: Store, path: Path) -> Imported:
    """`check` and `take_in` in one."""
    return take_in(store, check(path))
