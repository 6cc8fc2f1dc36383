"""`companion evidence`: a case as papers for the acquirer or the bank."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from companion.accounts import people
from companion.cases import deadlines
from companion.cases.acts import Desk
from companion.cli.case_acts import as_option
from companion.cli.output import json_option, print_json, store_option
from companion.evidence import disclosure, gather, pack
from companion.evidence.dossier import Dossier
from companion.evidence.pages import Office
from companion.evidence.wording import ENGLISH, LANGUAGES
from companion.evidence.words import Words
from companion.store import Store


@click.command()
@click.argument("case")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the PDF and the zip go.",
)
@click.option("--lang", type=click.Choice(LANGUAGES), default=ENGLISH, show_default=True)
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on the letter; without it, that of the case's last event.",
)
@click.option(
    "--contact",
    multiple=True,
    metavar="LINE",
    help="Who writes: address, person, telephone. Once for each line; the last is the contact.",
)
@click.option(
    "--name",
    "merchant_name",
    metavar="TEXT",
    help="The merchant's name; without it, what his newest terminal prints.",
)
@click.option("--to", "addressee", multiple=True, metavar="LINE", help="To whom, a line each.")
@click.option(
    "--seal-keys",
    "keys_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the seal keys of these records for verify.py, to be handed over apart from the "
    "pack. Refused while a terminal still seals with one: companion rotate first.",
)
@click.option("--gathered", is_flag=True, help="Note in the case's history that it was made.")
@as_option
@json_option
@store_option
def evidence(
    case: str,
    out: Path,
    lang: str,
    day: datetime | None,
    contact: tuple[str, ...],
    merchant_name: str | None,
    addressee: tuple[str, ...],
    keys_file: Path | None,
    gathered: bool,
    name: str | None,
    as_json: bool,
    directory: Path,
) -> None:
    """Make the papers of a case: letters, slips, sealed records, the lines of the files.

    CASE is the id of a case, which may be shortened, or of a break. DIR gets a PDF to send, and a
    zip with it and all that it rests on; verify.py in the zip checks it with Python alone. The
    same case gives the same bytes.

    \b
    Example:
      companion evidence 4f0c2d1e9a3b --out papers --lang zh --contact "021-5555 0100"
    """
    with Store.open(directory) as store:
        dated = day.date().isoformat() if day else None
        dossier = gather.case(store, case, lang, dated)
        if merchant_name:
            dossier = replace(dossier, merchant_name=merchant_name)
        keys = disclosure.seal_keys(store, dossier) if keys_file else {}
        made = pack.make(dossier, Office(contact, addressee), Words(lang))
        out.mkdir(parents=True, exist_ok=True)
        files = {out / made.pdf_name: made.pdf, out / made.zip_name: made.zip}
        for path, data in files.items():
            _write(path, data, 0o644)
        if keys_file:
            _write(keys_file, json.dumps(keys, indent=1).encode(), 0o600)
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        if gathered:
            _note(store, dossier, name, {path.name: digest for path, digest in hashes.items()})
    if as_json:
        written = [
            {"path": str(path), "bytes": len(files[path]), "sha256": digest}
            for path, digest in hashes.items()
        ]
        print_json({"case": dossier.case_id, "items": len(dossier.items), "files": written})
        return
    for path, digest in hashes.items():
        click.echo(f"{path}  {len(files[path])} bytes  SHA-256 {digest}")
    if keys_file:
        click.echo(f"{keys_file}  seal keys: send them apart from the pack")
    for item in dossier.items:
        if item.provisional:
            click.echo(f"{item.id} is provisional: sync and import before this is sent")


def _write(path: Path, data: bytes, mode: int) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    os.replace(part, path)


def _note(store: Store, dossier: Dossier, name: str | None, hashes: dict[str, str]) -> None:
    """The history of the case says which pack was made."""
    person = people.person(name)
    with store.write() as connection:
        desk = Desk(connection, person, deadlines.today(), deadlines.after(connection))
        desk.gather(dossier.case_id, "evidence pack", dict(hashes))
