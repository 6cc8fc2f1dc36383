"""`companion import`: take in a statement file."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.output import json_option, print_json, store_option
from companion.reconcile.words import money
from companion.statements.importing import check, take_in
from companion.store import Store


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@store_option
def import_(file: Path, as_json: bool, directory: Path) -> None:
    """Take in a statement: checked as a whole first, kept byte for byte, the same file once.

    A file of an unknown layout, a damaged one, or one with a clear card number is refused and
    nothing of it is stored. A corrected file for the same merchant and day takes the place of
    the earlier one.

    \b
    Example:
      companion import DAY.csv
    """
    checked = check(file)  # before a store is made for it
    with Store.open(directory, create=True) as store:
        done = take_in(store, checked)
    item = done.original
    if as_json:
        print_json({**item.__dict__, "new": done.new, "supersedes": done.supersedes})
        return
    if not done.new:
        click.echo(f"{file}: imported before, nothing to do (sha256 {item.sha256[:16]})")
        return
    click.echo(
        f"{file}: {item.layout}, merchant {item.merchant_no}, {item.business_date}: "
        f"rows {item.rows}, captured {item.captured_count}, {money(item.captured_minor)}"
    )
    if done.supersedes:
        click.echo(f"it takes the place of the file with sha256 {done.supersedes[:16]}")
