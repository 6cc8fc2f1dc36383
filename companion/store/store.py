"""A store directory: store.sqlite, the original files, the facts made from both, the locks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from companion.store import schema
from companion.store.errors import StoreError

DEFAULT_DIRECTORY = "pingzhang"


def utc_now() -> str:
    """The present instant as the store writes it, e.g. ``2026-03-02T09:15:00+00:00``."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


class Store:
    """One open store. `read` and `write` give connections; a `write` block is one transaction."""

    def __init__(self, directory: Path, engine: Engine) -> None:
        self.directory = directory
        self._engine = engine
        # SQLite lets writers wait by sleeping, and who has slept longest gets nothing for it: with
        # several syncs at once one would starve.
        self._writing = threading.Lock()

    @classmethod
    def open(cls, directory: Path, create: bool = False) -> Store:
        """Open the store in `directory`; with `create`, make it when it is not there.

        Raises StoreError when there is none, or when store.sqlite is not one of ours.
        """
        database = directory / "store.sqlite"
        if not database.exists():
            if not create:
                raise StoreError(
                    f"{directory}: no store here; `companion provision` or `companion import` "
                    "makes one, --store DIR names another place"
                )
            _make_private(directory, database)
        store = cls(directory, _engine(database))
        try:
            store._check_or_create()
        except BaseException:
            store.close()
            raise
        return store

    def _check_or_create(self) -> None:
        database = self.directory / "store.sqlite"
        with self.read() as connection:
            application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            count = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
        if application == schema.APPLICATION_ID:
            if version not in (*schema.STEPS, schema.SCHEMA_VERSION):
                raise StoreError(
                    f"{database}: schema version {version}, this companion reads version "
                    f"{schema.SCHEMA_VERSION}"
                )
            if version != schema.SCHEMA_VERSION:
                self._bring_up()
            return
        if application != 0 or count != 0:
            raise StoreError(f"{database}: a SQLite file of another program, left as it is")
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        # All of it in one transaction: a kill here leaves an empty file, which is made again.
        with self.write() as connection:
            schema.metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")

    def _bring_up(self) -> None:
        """Make an older store one of this version; another process may have been faster."""
        with self.write() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            for step in range(version, schema.SCHEMA_VERSION):
                for statement in schema.STEPS[step]:
                    connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")

    @property
    def files(self) -> Path:
        """Where the originals are, each under its SHA-256."""
        return self.directory / "files"

    @property
    def authorities(self) -> Path:
        """Where each merchant's certificates are, with their keys."""
        return self.directory / "authorities"

    @property
    def facts(self) -> Path:
        """Where the Parquet facts are; they can be deleted at any time and are made again."""
        return self.directory / "facts"

    def lock_path(self, name: str) -> Path:
        """The file that the lock `name` is taken on."""
        return self.directory / "locks" / (name + ".lock")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one snapshot of the store."""
        with self._named_errors(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: durable when the block ends, undone when it raises or is killed."""
        with self._named_errors(), self._writing, self._engine.connect() as connection:
            # Taken at the start: a read that later turns into a write could fail halfway.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            database = self.directory / "store.sqlite"
            raise StoreError(f"{database}: cannot be used ({error.orig})") from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_private(directory: Path, database: Path) -> None:
    """Create the directory and an empty database that only this user can read: it has keys."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"{directory}: cannot make a store ({error.strerror})") from error


def _engine(database: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{database}", connect_args={"timeout": 10, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: object, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        # NORMAL may lose the last transactions at a power cut; the terminal releases its copy
        # on our word that they are stored.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What the store must not keep goes with its row.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    return engine
