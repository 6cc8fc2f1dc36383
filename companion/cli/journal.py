"""`companion journal`: read the stored journal of a terminal, and prove that it is whole."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
from rich.markup import escape

from companion.cli import recordview
from companion.cli.journal_read import read
from companion.cli.output import (
    FINE,
    FOUND,
    console,
    json_option,
    print_json,
    store_option,
    table,
)
from companion.store import Store, findings, records, terminals
from companion.store.findings import Finding
from companion.store.verify import Damage
from companion.store.verify import verify as verify_chain

_device_option = click.option(
    "--device", metavar="ID", help="Only this terminal, by its device id."
)


@click.group()
def journal() -> None:
    """Read and verify journals, those in the store and those in a flash image.

    \b
    Example:
      companion journal list --device pz-0123456789
      companion journal verify
      companion journal read FLASH.bin
    """


journal.add_command(read)


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
            for terminal in terminals.chosen(connection, device)
            for item in islice(records.scan(connection, terminal.device_id, first), limit)
        ]
    if as_json:
        print_json(
            [
                {
                    "device_id": name,
                    **recordview.document(item.seq, item.content, item.payload),
                    "seal_ok": item.seal_ok,
                    "received_at": item.received_at,
                    "image": item.image,
                }
                for name, item in rows
            ]
        )
        return
    made = table(
        "Journal", ("device", "seq", "kind", "time (UTC)", "fields", "seal"), right=("seq",)
    )
    for name, item in rows:
        made.add_row(
            name,
            str(item.seq),
            recordview.kind(item.content),
            recordview.time(item.content),
            escape(recordview.fields(item.content)),
            recordview.seal(item.seal_ok),
        )
    console().print(made)


@journal.command()
@_device_option
@json_option
@store_option
@click.pass_context
def verify(context: click.Context, device: str | None, as_json: bool, directory: Path) -> None:
    """Prove from the stored bytes that no record was lost, changed or inserted.

    Walks the seal chain of each terminal anew, and names what syncs and flash images have shown
    of a journal that is not the one in the store. Exits with 1 when a record is damaged, missing
    or does not carry the seal that it should, or a terminal has another journal.

    \b
    Example:
      companion journal verify --device pz-0123456789
    """
    with Store.open(directory) as store, store.read() as connection:
        results = [
            (
                terminal,
                *verify_chain(connection, terminal),
                findings.of(connection, terminal.device_id),
            )
            for terminal in terminals.chosen(connection, device)
        ]
    if as_json:
        print_json(
            [
                {
                    "device_id": terminal.device_id,
                    "records": count,
                    "next_seq": terminal.next_seq,
                    "damage": [damage.__dict__ for damage in damages],
                    "findings": [finding.__dict__ for finding in noted],
                }
                for terminal, count, damages, noted in results
            ]
        )
    else:
        out = console()
        for terminal, count, damages, noted in results:
            state = "the chain holds" if not damages else f"[red]damage: {len(damages)}[/red]"
            out.print(f"{terminal.device_id}: {count} records, {state}")
            wrong: list[Damage | Finding] = [*damages, *noted]
            for one in wrong:
                span = recordview.span(one.first_seq, one.last_seq)
                out.print(f"  record {span}: {escape(one.problem)}")
        if not results:
            out.print("no terminals in this store")
    context.exit(FOUND if any(damages or noted for _, _, damages, noted in results) else FINE)
