"""The terminals this companion has provisioned, and the keys it shares with each."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from companion.store.errors import StoreError
from companion.store.records import generation, last_stan
from companion.store.schema import rotations, terminals
from companion.store.store import Store, utc_now

# The journal counts its records from 1.
FIRST_SEQ = 1
_MAX_STAN = 999999
_STAN_JUMP = 1000


@dataclass(frozen=True)
class Terminal:
    """One terminal as the store knows it; the keys stay out of its repr."""

    device_id: str
    terminal_no: str
    merchant_no: str
    merchant_name: str
    state: str
    created_at: str
    last_sync_at: str | None
    next_seq: int
    seal_key: bytes = field(repr=False)
    sync_key: bytes = field(repr=False)
    token_key: bytes = field(repr=False)
    config: str = field(repr=False)


def offer(store: Store, config: dict[str, object], replace: bool) -> dict[str, object]:
    """Save a new terminal's identity and keys, durable before the terminal is told.

    `config` is a protocol.config dict, returned as the terminal is to have it: without a token
    key it gets the one of its number or its merchant. The TMK and the Wi-Fi password are not
    kept: nothing here needs them again. Raises StoreError when another live terminal has the same
    terminal and merchant number, unless `replace`: then that one is retired once the new one has
    answered.
    """
    # The pendings are in the records.
    left_out = ("tmk", "wifi_password", "pendings")
    keys = ("seal_key", "sync_key", "token_key")
    columns = ("device_id", "terminal_no", "merchant_no", "merchant_name")
    kept = {
        key: value.hex() if isinstance(value, bytes) else value
        for key, value in config.items()
        if key not in (*keys, *columns, *left_out)
    }
    number = str(config["terminal_no"]), str(config["merchant_no"])
    with store.write() as connection:
        live = connection.execute(
            select(terminals.c.device_id).where(
                terminals.c.terminal_no == number[0],
                terminals.c.merchant_no == number[1],
                terminals.c.state == "provisioned",
            )
        ).scalar()
        if live is not None and not replace:
            raise StoreError(
                f"terminal {config['terminal_no']} of merchant {config['merchant_no']} is "
                f"{live} already; --replace retires it and makes a new one"
            )
        if "token_key" not in config:
            config = {**config, "token_key": _token_key(connection, *number)}
        connection.execute(
            insert(terminals).values(
                **{key: config[key] for key in (*columns, *keys)},
                config=json.dumps(kept, sort_keys=True),
                state="offered",
                created_at=utc_now(),
                next_seq=FIRST_SEQ,
            )
        )
    return config


def _token_key(connection: Connection, terminal_no: str, merchant_no: str) -> bytes:
    """A card looks the same on all terminals of a merchant.

    Once each had a key of its own. Then the first one's counts, except where a terminal takes
    the place of another: what is handed on to it names the cards by that one's key.
    """
    before = with_number(connection, terminal_no, merchant_no)
    if before:
        return before[-1].token_key
    first = connection.execute(
        select(terminals.c.token_key)
        .where(terminals.c.merchant_no == merchant_no)
        .order_by(terminals.c.created_at, terminals.c.device_id)
    ).scalar()
    return first or secrets.token_bytes(32)


def with_number(connection: Connection, terminal_no: str, merchant_no: str) -> list[Terminal]:
    """The terminals that have or had this number, the oldest first."""
    rows = connection.execute(
        select(terminals)
        .where(terminals.c.terminal_no == terminal_no, terminals.c.merchant_no == merchant_no)
        .order_by(terminals.c.created_at, terminals.c.state != "retired")
    )
    return [_terminal(row) for row in rows]


def stan_after(connection: Connection, before: list[Terminal]) -> int:
    """Where the STANs of a terminal go on that takes the place of those; 0 when it is the first.

    The last one may have used more than it synced, so they jump (window 26).
    """
    for terminal in reversed(before):
        stan = last_stan(connection, terminal.device_id)
        stan = stan or int(json.loads(terminal.config).get("stan_start", 0))
        if stan:
            return (stan + _STAN_JUMP - 1) % _MAX_STAN + 1
    return _STAN_JUMP if before else 0


def confirm(connection: Connection, device_id: str) -> None:
    """Note that an offered terminal has answered, to its provisioning or to a first sync.

    The terminal that had its number until then is retired; its records stay and still count.
    """
    terminal = find(connection, device_id)
    if terminal is None or terminal.state != "offered":
        return
    connection.execute(
        update(terminals)
        .where(
            terminals.c.terminal_no == terminal.terminal_no,
            terminals.c.merchant_no == terminal.merchant_no,
            terminals.c.state == "provisioned",
        )
        .values(state="retired")
    )
    connection.execute(
        update(terminals).where(terminals.c.device_id == device_id).values(state="provisioned")
    )


def withdraw(store: Store, device_id: str) -> None:
    """Forget a terminal whose provisioning was refused: nobody has its keys."""
    with store.write() as connection:
        connection.execute(
            delete(terminals).where(
                terminals.c.device_id == device_id, terminals.c.state == "offered"
            )
        )


def find(connection: Connection, device_id: str) -> Terminal | None:
    """The terminal with this device id, or None."""
    row = connection.execute(select(terminals).where(terminals.c.device_id == device_id)).first()
    return _terminal(row) if row else None


def every(connection: Connection) -> list[Terminal]:
    """Every terminal, by device id."""
    rows = connection.execute(select(terminals).order_by(terminals.c.device_id))
    return [_terminal(row) for row in rows]


def seal_keys(connection: Connection, terminal: Terminal) -> list[bytes]:
    """Its seal keys, one a generation."""
    rows = connection.execute(
        select(rotations.c.seal_key)
        .where(rotations.c.device_id == terminal.device_id)
        .order_by(rotations.c.generation)
    )
    return [terminal.seal_key, *rows.scalars()]


def begin_rotation(connection: Connection, terminal: Terminal) -> None:
    """Make new keys, which the next sync gives the terminal; nothing when some wait for it.

    StoreError while the store lacks the record in which the terminal began with the last ones.
    """
    last = _rotation(connection, terminal.device_id)
    if last is not None and last.sync_key != terminal.sync_key:
        return
    done = last.generation if last is not None else 0
    if generation(connection, terminal.device_id, terminal.next_seq) != done:
        raise StoreError(
            f"{terminal.device_id}: it has not begun with its last new keys yet, as far as this "
            "store knows; it does when it starts, and a sync tells"
        )
    connection.execute(
        insert(rotations).values(
            device_id=terminal.device_id,
            generation=done + 1,
            seal_key=secrets.token_bytes(32),
            sync_key=secrets.token_bytes(32),
        )
    )


def new_keys(connection: Connection, terminal: Terminal) -> tuple[bytes, bytes] | None:
    """Seal key and sync key of a rotation that is not confirmed; the terminal may have them."""
    last = _rotation(connection, terminal.device_id)
    if last is None or last.sync_key == terminal.sync_key:
        return None
    return last.seal_key, last.sync_key


def confirm_rotation(connection: Connection, device_id: str) -> None:
    """The terminal has the keys of its last rotation."""
    last = _rotation(connection, device_id)
    if last is not None:
        mine = terminals.c.device_id == device_id
        connection.execute(update(terminals).where(mine).values(sync_key=last.sync_key))


def _rotation(connection: Connection, device_id: str) -> Row[Any] | None:
    return connection.execute(
        select(rotations)
        .where(rotations.c.device_id == device_id)
        .order_by(rotations.c.generation.desc())
    ).first()


def chosen(connection: Connection, device_id: str | None) -> list[Terminal]:
    """The terminal with this device id, every one for None; StoreError when there is none."""
    known = every(connection)
    if device_id is None:
        return known
    found = [terminal for terminal in known if terminal.device_id == device_id]
    if not found:
        names = ", ".join(terminal.device_id for terminal in known) or "none"
        raise StoreError(f"{device_id}: no such terminal in this store; it has {names}")
    return found


def _terminal(row: Row[tuple[object, ...]]) -> Terminal:
    values = row._mapping
    return Terminal(**{name: values[name] for name in Terminal.__dataclass_fields__})
