"""Original statement files: kept byte for byte under their SHA-256, never changed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from companion.store.errors import StoreError
from companion.store.schema import files
from companion.store.store import Store, utc_now


@dataclass(frozen=True)
class Original:
    """What the store knows of one imported file; amounts in minor units."""

    sha256: str
    name: str
    layout: str
    merchant_no: str
    business_date: str
    rows: int
    captured_count: int
    captured_minor: int
    imported_at: str
    superseded_by: str | None


def find(store: Store, sha256: str) -> Original | None:
    """The imported file with this hash, or None."""
    with store.read() as connection:
        row = connection.execute(select(files).where(files.c.sha256 == sha256)).first()
    return Original(**row._mapping) if row else None


def live(connection: Connection) -> list[Original]:
    """The files that count (not superseded), by business date and hash."""
    rows = connection.execute(
        select(files)
        .where(files.c.superseded_by.is_(None))
        .order_by(files.c.business_date, files.c.sha256)
    )
    return [Original(**row._mapping) for row in rows]


def keep(store: Store, data: bytes, original: Original) -> str | None:
    """Keep a checked file; returns the hash of the earlier file that it supersedes, if any.

    The bytes are durable under their hash before the row names them, so a kill in between
    leaves a file without a row, which the next import of the same file adopts.
    """
    _write_durably(store.files / original.sha256, data)
    same_day = (
        (files.c.layout == original.layout)
        & (files.c.merchant_no == original.merchant_no)
        & (files.c.business_date == original.business_date)
        & files.c.superseded_by.is_(None)
    )
    with store.write() as connection:
        earlier = connection.execute(select(files.c.sha256).where(same_day)).scalar()
        values = {**original.__dict__, "imported_at": utc_now(), "superseded_by": None}
        connection.execute(insert(files).values(**values))
        if earlier is not None:
            connection.execute(
                update(files)
                .where(files.c.sha256 == earlier)
                .values(superseded_by=original.sha256)
            )
    return earlier


def load(store: Store, original: Original) -> bytes:
    """The bytes of an imported file; StoreError when they are gone or were changed."""
    path = store.files / original.sha256
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: the original of {original.name}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != original.sha256:
        raise StoreError(f"{path}: the original of {original.name} was changed; import it again")
    return data


def restore(store: Store, data: bytes, original: Original) -> None:
    """Put the bytes of an imported file back after they were lost or changed."""
    _write_durably(store.files / original.sha256, data)


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # A fixed name: what a killed import left is overwritten by the next. Importers are locked.
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
