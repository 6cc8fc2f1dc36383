"""The lines of imported files that rows come from, as they stand there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from companion.evidence import show
from companion.evidence.dossier import Item, Searched, SourceLine, number, text
from companion.statements import camt053, mt940
from companion.store import Store, StoreError, originals
from companion.store.schema import files

# What is longer is no line for people: XML in one piece. Its row is shown by its columns.
_LONGEST = 1000
_WORKBOOK = b"PK\x03\x04"
# Layouts in which a booking is several lines, and how its last one looks.
_LAST = {
    camt053.NAME: re.compile(rb"</(?:Ntry|TxDtls)>"),
    mt940.NAME: re.compile(rb"^:86:"),
}
_ANY = re.compile(rb"")
_MOST_LINES = 60


def of(store: Store, connection: Connection, items: Iterable[Item]) -> Iterator[SourceLine]:
    """The line of each acquirer, payout and bank row, by file and number, each once.

    ``text`` is "" where the file has no lines, as a workbook. StoreError when an original is
    gone or was changed.
    """
    wanted: dict[str, dict[int, str]] = {}
    for item in items:
        for leg, row in item.rows():
            lines = wanted.setdefault(text(row, "file"), {})
            lines.setdefault(number(row, "line"), leg)
    for sha256 in sorted(wanted):
        file = connection.execute(select(files).where(files.c.sha256 == sha256)).first()
        if file is None:
            continue
        found = _lines(store.files / sha256, file.name, sha256, file.layout, wanted[sha256])
        for line, leg in sorted(wanted[sha256].items()):
            raw = show.plain(show.masked(found.get(line, "")))
            yield SourceLine(leg, sha256, file.name, file.layout, line, raw, file.imported_at)


def searched(connection: Connection, items: Iterable[Item]) -> Iterator[Searched]:
    """The acquirer's statements that tell the day of an item without a row of his."""
    wanted = {
        (item.merchant_no, item.channel, item.day)
        for item in items
        if item.terminal is not None and item.acquirer is None
    }
    if not wanted:
        return
    names = {original.sha256: original.name for original in originals.live(connection)}
    for part in originals.parts(connection):
        if part.kind != "acquirer" or part.sha256 not in names:
            continue
        days = show.day(part.first_day), show.day(part.last_day)
        one = Searched(part.sha256, names[part.sha256], part.party, part.channel, *days, part.rows)
        if any(one.tells(*key) for key in wanted):
            yield one


def _lines(
    path: Path, name: str, sha256: str, layout: str, wanted: Collection[int]
) -> dict[int, str]:
    """The text of these lines; the whole file is read, for its hash is checked."""
    digest = hashlib.sha256()
    found: dict[int, list[bytes]] = {}
    last = _LAST.get(layout, _ANY)
    begun = 0
    workbook = False
    try:
        with path.open("rb") as stream:
            for at, line in enumerate(stream, 1):
                digest.update(line)
                workbook = workbook or (at == 1 and line.startswith(_WORKBOOK))
                if at in wanted:
                    begun = at
                if begun:
                    found.setdefault(begun, []).append(line.strip())
                    if last.search(line) or len(found[begun]) == _MOST_LINES:
                        begun = 0
    except OSError as error:
        raise StoreError(f"{path}: the original of {name}: {error.strerror}") from error
    if digest.hexdigest() != sha256:
        raise StoreError(f"{path}: the original of {name} was changed; import it again")
    if workbook:
        return {}
    whole = {at: b" ".join(lines) for at, lines in found.items()}
    return {at: _decoded(line) for at, line in whole.items() if len(line) <= _LONGEST}


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("gb18030", "replace")
