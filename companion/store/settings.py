"""What a store is told once and keeps: choices of the merchant, and keys of its own."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from companion.store.schema import settings


def get(connection: Connection, name: str, default: str = "") -> str:
    """The value of a setting."""
    found = connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()
    return default if found is None else str(found)


def put(connection: Connection, name: str, value: str) -> None:
    """Keep a value in the place of the last one."""
    statement = insert(settings).values(name=name, value=value)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def made_once(connection: Connection, name: str, value: str) -> str:
    """The value that the setting has, or this one from now on."""
    statement = insert(settings).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_nothing())
    return get(connection, name)
