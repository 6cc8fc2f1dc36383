"""`companion import`: take in a statement file."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click

from companion.cli.output import BAD_INPUT, json_option, print_json, store_option
from companion.facts.schema import as_date
from companion.reconcile.words import money
from companion.statements import StatementError, layouts, learning
from companion.statements.importing import Imported, check, take_in
from companion.statements.mapping import MAX_MAPPING
from companion.statements.options import Options
from companion.store import Store
from companion.store.originals import Part


@click.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read it by this mapping file (TOML or JSON).",
)
@click.option("--learn", is_flag=True, help="Take nothing in; print a draft of a mapping file.")
@click.option("--channel", default="", metavar="NAME", help="Whose statement: card, wechat …")
@click.option(
    "--party", default="", metavar="NUMBER", help="The merchant or account, if the file says none."
)
@click.option("--mask", is_flag=True, help="Keep a copy in which card numbers are masked.")
@click.option("--replace", is_flag=True, help="Take the place of another layout's file, too.")
@json_option
@store_option
@click.pass_context
def import_(
    context: click.Context,
    files: tuple[Path, ...],
    mapping: Path | None,
    learn: bool,
    channel: str,
    party: str,
    mask: bool,
    replace: bool,
    as_json: bool,
    directory: Path,
) -> None:
    """Take in statements: each checked as a whole first, kept byte for byte, the same file once.

    A file of an unknown layout, a damaged one, or one with a clear card number is refused and
    nothing of it is stored; the others are taken in all the same, and the exit code is 2. A
    corrected file for the same days takes the place of the earlier one.

    Known are the day file of `companion host-day`, the export of other terminals, Allinpay's POS
    statement, WeChat Pay's bill, Adyen's settlement details, camt.053, MT940 and BAI2. What no
    layout knows is read by a mapping file, which --learn drafts from it.

    \b
    Example:
      companion import DAY.csv
      companion import statements/*
      companion import --learn STATEMENT.xlsx > bank.toml
      companion import --mapping bank.toml STATEMENT.xlsx
    """
    if learn:
        if len(files) > 1:
            raise click.UsageError("--learn looks at one file")
        _learn(files[0], as_json)
        return
    options = Options(_text_of(mapping) if mapping else "", channel, party)
    told = []
    refused = 0
    for file in files:
        try:
            checked = check(file, options, mask)  # before a store is made for it
            with Store.open(directory, create=True) as store:
                done = take_in(store, checked, replace)
        except StatementError as error:
            if len(files) == 1:
                raise
            click.echo(f"companion: {error}", err=True)
            refused += 1
            continue
        told.append(_as_json(done))
        if not as_json:
            _show(file, done)
    if as_json:
        print_json(told[0] if len(files) == 1 else told)
    if refused:
        click.echo(f"companion: {refused} of {len(files)} files refused", err=True)
        context.exit(BAD_INPUT)


def _show(file: Path, done: Imported) -> None:
    item = done.original
    if not done.new:
        click.echo(f"{file}: imported before, nothing to do (sha256 {item.sha256[:16]})")
        if item.superseded_by:
            click.echo(f"the file with sha256 {item.superseded_by[:16]} has taken its place")
        return
    for part in done.parts:
        click.echo(f"{file}: {item.layout}, {_told(part)}")
    for sha256 in done.supersedes:
        click.echo(f"it takes the place of the file with sha256 {sha256[:16]}")


def _text_of(mapping: Path) -> str:
    try:
        data = mapping.read_bytes()[: 4 * MAX_MAPPING + 1]
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise StatementError(f"{mapping}: not UTF-8 text") from None


def _learn(file: Path, as_json: bool) -> None:
    layout = layouts.known(file)
    if layout:
        raise StatementError(f"{file}: the layout {layout}, which needs no mapping")
    try:
        seen = learning.look(file)
    except StatementError as error:
        raise StatementError(f"{file}: {error}") from None
    if as_json:
        print_json(asdict(seen))
        return
    name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._") or "statement"
    click.echo(learning.draft(seen, name[:40]), nl=False)


def _told(part: Part) -> str:
    who = f"account {part.party}" if part.kind == "bank" else f"merchant {part.party}"
    what = {"bank": "bookings", "payouts": "payouts"}.get(part.kind, "captured")
    return (
        f"{who}, {part.period}: rows {part.rows}, {what} {part.captured_count}, "
        f"{money(part.captured_minor)}"
    )


def _as_json(done: Imported) -> dict[str, object]:
    return {
        **done.original.__dict__,
        "new": done.new,
        "supersedes": done.supersedes,
        "statements": [
            {
                **part.__dict__,
                "first_day": as_date(part.first_day),
                "last_day": as_date(part.last_day),
            }
            for part in done.parts
        ],
    }
