"""`companion journal`: read the stored journal of a terminal, and prove that it is whole."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import click
from rich.markup import escape
from sqlalchemy import Connection

from companion.cli.output import (
    FINE,
    FOUND,
    console,
    json_option,
    print_json,
    store_option,
    table,
)
from companion.reconcile.words import money
from companion.store import Store, StoreError, records, terminals
from companion.store.verify import verify as verify_chain
from protocol import record

_device_option = click.option(
    "--device", metavar="ID", help="Only this terminal, by its device id."
)


@click.group()
def journal() -> None:
    """Read and verify the stored journals.

    \b
    Example:
      companion journal list --device pz-0123456789
      companion journal verify
    """


def _chosen(connection: Connection, device: str | None) -> list[terminals.Terminal]:
    known = terminals.every(connection)
    if device is None:
        return known
    chosen = [terminal for terminal in known if terminal.device_id == device]
    if not chosen:
        names = ", ".join(terminal.device_id for terminal in known) or "none"
        raise StoreError(f"{device}: no such terminal in this store; it has {names}")
    return chosen


@journal.command("list")
@_device_option
@click.option("--from", "first", type=click.IntRange(0), default=0, help="From this record on.")
@click.option("--limit", type=click.IntRange(1), help="At most so many records of a terminal.")
@json_option
@store_option
def list_(
    device: str | None, first: int, limit: int | None, as_json: bool, directory: Path
) -> None:
    """List journal records, oldest first, field by field.

    \b
    Example:
      companion journal list --device pz-0123456789 --from 100 --limit 20
    """
    with Store.open(directory) as store, store.read() as connection:
        rows = [
            (terminal.device_id, item)
            for terminal in _chosen(connection, device)
            for item in islice(records.scan(connection, terminal.device_id, first), limit)
        ]
    if as_json:
        print_json([_document(name, item) for name, item in rows])
        return
    made = table(
        "Journal", ("device", "seq", "kind", "time (UTC)", "fields", "seal"), right=("seq",)
    )
    for name, item in rows:
        made.add_row(
            name,
            str(item.seq),
            _kind(item),
            _time(item),
            escape(_fields(item)),
            _seal(item.seal_ok),
        )
    console().print(made)


def _document(device: str, item: records.Stored) -> dict[str, object]:
    content = item.content or {}
    return {
        "device_id": device,
        "seq": item.seq,
        "kind": _kind(item),
        "record": {
            key: value.hex() if isinstance(value, bytes) else value
            for key, value in content.items()
            if key != "kind"
        },
        "payload": item.payload.hex(),
        "seal_ok": item.seal_ok,
        "received_at": item.received_at,
    }


def _kind(item: records.Stored) -> str:
    kind = item.content["kind"] if item.content else None
    return record.kind_name(kind) if isinstance(kind, int) else "unreadable"


def _time(item: records.Stored) -> str:
    wall = (item.content or {}).get("wall")
    if not isinstance(wall, int) or wall == 0:
        return "not set"
    return datetime.fromtimestamp(wall, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _fields(item: records.Stored) -> str:
    shown = []
    for key, value in (item.content or {}).items():
        if key in ("kind", "wall") or value in ("", b""):
            continue
        if key.endswith("_minor") and isinstance(value, int):
            shown.append(f"{key[:-6]}={money(value)}")
        else:
            shown.append(f"{key}={value.hex() if isinstance(value, bytes) else value}")
    # Card ciphertext and key blocks are long and say nothing to a person; --json has them.
    return " ".join(text for text in shown if not text.startswith(("card=", "key_block=")))


def _seal(ok: bool | None) -> str:
    return {True: "holds", False: "[red]BROKEN[/red]", None: "after a gap"}[ok]


@journal.command()
@_device_option
@json_option
@store_option
@click.pass_context
def verify(context: click.Context, device: str | None, as_json: bool, directory: Path) -> None:
    """Prove from the stored bytes that no record was lost, changed or inserted.

    Walks the seal chain of each terminal anew. Exits with 1 when a record is damaged, missing or
    does not carry the seal that it should.

    \b
    Example:
      companion journal verify --device pz-0123456789
    """
    with Store.open(directory) as store, store.read() as connection:
        results = [
            (terminal, *verify_chain(connection, terminal))
            for terminal in _chosen(connection, device)
        ]
    if as_json:
        print_json(
            [
                {
                    "device_id": terminal.device_id,
                    "records": count,
                    "next_seq": terminal.next_seq,
                    "damage": [damage.__dict__ for damage in damages],
                }
                for terminal, count, damages in results
            ]
        )
    else:
        out = console()
        for terminal, count, damages in results:
            state = "the chain holds" if not damages else f"[red]damage: {len(damages)}[/red]"
            out.print(f"{terminal.device_id}: {count} records, {state}")
            for damage in damages:
                span = f"{damage.first_seq}"
                if damage.last_seq != damage.first_seq:
                    span += f"-{damage.last_seq}"
                out.print(f"  record {span}: {damage.problem}")
        if not results:
            out.print("no terminals in this store")
    context.exit(FOUND if any(damages for _, _, damages in results) else FINE)
