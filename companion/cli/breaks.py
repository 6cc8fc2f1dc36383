"""`companion breaks`: the disagreements that the last reconciliation left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from companion.cli.output import (
    FINE,
    FOUND,
    console,
    json_option,
    print_json,
    store_option,
    table,
)
from companion.reconcile import codes
from companion.reconcile.words import money
from companion.store import Store
from companion.store import breaks as stored


@click.command()
@click.option("--code", type=click.Choice(codes.BREAKS), help="Only breaks of this code.")
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Only breaks of this business day."
)
@click.option("--all", "everything", is_flag=True, help="Closed ones too, and why they closed.")
@click.option("--check", is_flag=True, help="Exit with 1 when an open break is listed.")
@json_option
@store_option
@click.pass_context
def breaks(
    context: click.Context,
    code: str | None,
    day: datetime | None,
    everything: bool,
    check: bool,
    as_json: bool,
    directory: Path,
) -> None:
    """List the breaks: what disagrees, how much, why, and who has to act.

    The effect is what a break adds to customer debit minus merchant books. A provisional break
    may go away with the next sync.

    \b
    Example:
      companion breaks --code REVERSED_BUT_SETTLED --json
    """
    with Store.open(directory) as store, store.read() as connection:
        rows = stored.listed(
            connection,
            state=None if everything else "open",
            code=code,
            date=day.date().isoformat() if day else None,
        )
        last = stored.last_run(connection)
    if as_json:
        print_json(rows)
    else:
        out = console()
        if rows:
            out.print(break_table("Breaks", rows, with_state=everything))
        else:
            out.print("no breaks")
        if last is None:
            out.print("nothing was reconciled yet: companion reconcile")
        else:
            out.print(f"as of run {last['id']}, {last['finished_at']}")
    found = any(row["state"] == "open" for row in rows)
    context.exit(FOUND if check and found else FINE)


def break_table(
    title: str, rows: Iterable[Mapping[str, object]], with_state: bool = False
) -> Table:
    """Breaks as a table for people."""
    columns = ["id", "date", "code", "terminal", "batch/STAN", "amount", "effect", "who", "why"]
    made = table(title, columns + ["state"] * with_state, right=("amount", "effect"))
    for row in rows:
        parts = str(row["row_key"]).split("|")
        values = [
            str(row["id"]),
            str(row["business_date"] or ""),
            str(row["code"]) + (" (provisional)" if row["provisional"] else ""),
            str(row["terminal_no"]),
            f"{parts[2]}/{parts[3]}" if len(parts) > 3 else "",
            money(int(str(row["amount_minor"]))),
            money(int(str(row["effect_minor"]))),
            str(row["actor"]),
            escape(str(row["reason"])),
        ]
        if with_state:
            closed = row["closed_reason"]
            values.append(f"closed: {closed}" if closed else "open")
        made.add_row(*values)
    return made
