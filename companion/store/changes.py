"""Changes of a terminal's configuration that wait for its next sync."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from companion.store.schema import changes, terminals
from companion.store.store import utc_now
from protocol import cbor

# What the store does not keep once the terminal has it.
_SECRETS = ("wifi_password",)


def queue(connection: Connection, device_id: str, wanted: Mapping[str, object]) -> None:
    """Add to what waits for this terminal; a later value of a field takes the earlier one's place.

    Nothing here is checked: see protocol.config.
    """
    fields = {**waiting(connection, device_id), **wanted}
    forget(connection, device_id)
    data = cbor.dumps([[name, fields[name]] for name in sorted(fields)])
    connection.execute(insert(changes).values(device_id=device_id, data=data, wanted_at=utc_now()))


def forget(connection: Connection, device_id: str) -> bool:
    """Drop what waits for this terminal; whether there was something."""
    done = connection.execute(delete(changes).where(changes.c.device_id == device_id))
    return done.rowcount > 0


def data_of(connection: Connection, device_id: str) -> bytes:
    """What waits, as a CONFIG push; b"" when nothing does."""
    query = select(changes.c.data).where(changes.c.device_id == device_id)
    return connection.execute(query).scalar() or b""


def waiting(connection: Connection, device_id: str) -> dict[str, object]:
    """What waits, by field."""
    data = data_of(connection, device_id)
    return _fields(data) if data else {}


def taken(connection: Connection, device_id: str, data: bytes) -> None:
    """The terminal has stored this push. What was wanted meanwhile goes on waiting."""
    row = connection.execute(
        select(terminals.c.config).where(terminals.c.device_id == device_id)
    ).one()
    config = json.loads(row.config)
    values: dict[str, object] = {}
    for name, value in _fields(data).items():
        if name == "merchant_name":
            values[name] = value
        elif name not in _SECRETS:
            config[name] = value.hex() if isinstance(value, bytes) else value
    values["config"] = json.dumps(config, sort_keys=True)
    connection.execute(update(terminals).where(terminals.c.device_id == device_id).values(values))
    connection.execute(
        delete(changes).where(changes.c.device_id == device_id, changes.c.data == data)
    )


def _fields(data: bytes) -> dict[str, object]:
    pairs = cbor.loads(data)
    assert isinstance(pairs, list)
    return {str(name): value for name, value in pairs}
