"""`companion case export | import`: cases out to a spreadsheet and in again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from companion.accounts import people
from companion.cases import deadlines, listing, sheet
from companion.cases.acts import Desk
from companion.cli.case_acts import as_option
from companion.cli.case_options import filter_options, filtered
from companion.cli.output import json_option, print_json, store_option
from companion.store import Store


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@filter_options
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@store_option
def export(file: Path, everything: bool, directory: Path, **options: Any) -> None:
    """Write cases to an XLSX file. Its yellow columns may be filled in, for `case import`.

    \b
    Example:
      companion case export march.xlsx --since 2026-03-01
    """
    with Store.open(directory) as store, store.read() as connection:
        wanted = filtered(connection, (), options, everything)
        count = sheet.write(file, listing.listed(connection, wanted))
    click.echo(f"{file}: {count} cases")


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_option
@click.option("--dry-run", is_flag=True, help="Check the sheet and say what it would do.")
@json_option
@store_option
def import_(file: Path, name: str | None, dry_run: bool, as_json: bool, directory: Path) -> None:
    """Do what a sheet of `case export` says: states, assignees, deadlines, notes.

    All of it or nothing. An unknown case, a cell that may not change, a state that may not follow
    or a case that has changed since the export is refused with its row and column.

    \b
    Example:
      companion case import march.xlsx --as WANG
    """
    by = people.person(name)
    read = sheet.read(file)  # before anybody has to wait for the store
    with Store.open(directory) as store:
        try:
            with store.write() as connection:
                desk = Desk(connection, by, deadlines.today(), deadlines.after(connection))
                taken = sheet.take(read, connection, desk)
                if dry_run:
                    raise _Undone
        except _Undone:
            pass
    if as_json:
        print_json({**taken.__dict__, "dry_run": dry_run})
        return
    would = "would change" if dry_run else "changed"
    click.echo(
        f"{file}: {taken.rows} rows, {would} {len(taken.changed)} cases; "
        f"{len(taken.proposed)} of them wait for a second person"
        + (f"; {len(taken.again)} had been changed by it before" if taken.again else "")
    )


class _Undone(Exception):
    """A dry run ends its transaction so."""


def register(group: click.Group) -> None:
    """Add the commands."""
    group.add_command(export)
    group.add_command(import_)
