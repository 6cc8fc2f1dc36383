"""The pack of a case: a PDF, and a zip with it and all that it rests on.

The same dossier gives the same bytes: names in order, a fixed date, nothing from the machine.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO, StringIO
from pathlib import Path

from companion.evidence import narrate, pages, show, slip
from companion.evidence.dossier import Dossier, Item, Journal, Record, Row, number, text
from companion.evidence.pages import Enclosure, Office
from companion.evidence.words import Words

SUMS = "SHA256SUMS"
VERIFY = "verify.py"
# The earliest that a zip can say.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_COLUMNS = (
    "id",
    "code",
    "merchant_no",
    "terminal_no",
    "channel",
    "day",
    "batch",
    "stan",
    "rrn",
    "auth",
    "type",
    "card",
    "terminal_status",
    "terminal_amount_minor",
    "acquirer_status",
    "acquirer_amount_minor",
    "amount_minor",
    "effect_minor",
    "owed_minor",
    "file_sha256",
    "file_line",
)
_MEMBERS = (
    "day",
    "terminal_no",
    "batch",
    "stan",
    "rrn",
    "auth",
    "txn",
    "card",
    "amount_minor",
    "fee_minor",
    "settle_day",
    "settle_ref",
    "file",
    "line",
)
_UNSAFE = re.compile(r"[^0-9A-Za-z-]")
# A spreadsheet would take what begins with these for a formula.
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Pack:
    """A finished pack: the names of its two files, and their bytes."""

    pdf_name: str
    pdf: bytes
    zip_name: str
    zip: bytes


def make(dossier: Dossier, office: Office, words: Words) -> Pack:
    """Both files of a case."""
    name = f"case-{dossier.case_id}-{words.language}"
    slips = _slips(dossier)
    files = _data(dossier, slips, f"{name}.pdf", words)
    enclosures = [
        Enclosure(path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in sorted(files.items())
    ]
    pdf = pages.document(dossier, slips, enclosures, f"{name}.zip", office, words)
    files[f"{name}.pdf"] = pdf
    files[SUMS] = _sums(files)
    return Pack(f"{name}.pdf", pdf, f"{name}.zip", _zip(files))


def _slips(dossier: Dossier) -> dict[str, list[str]]:
    """The reprinted slip of each item that has one."""
    journals = {journal.device_id: journal for journal in dossier.journals}
    found = {}
    for item in dossier.items:
        records = dossier.records_of(item)
        journal = journals.get(text(item.terminal, "device_id"))
        if journal is None:
            continue
        numbers = item.merchant_no, item.terminal_no
        settings = journal.language, journal.utc_offset_min
        shop = slip.Shop(journal.merchant_name, *numbers, *settings)
        lines = slip.reprint(shop, records)
        if lines:
            found[item.id] = lines
    return found


def _data(
    dossier: Dossier, slips: Mapping[str, Sequence[str]], pdf: str, words: Words
) -> dict[str, bytes]:
    """Everything but the PDF and the list of hashes."""
    files = {
        "README.txt": _readme(dossier, pdf, words),
        VERIFY: (Path(__file__).parent / "verify.py").read_bytes(),
        "case.json": _json(_case(dossier)),
        "transactions.csv": _table(dossier.items),
        "statement-lines.json": _json([asdict(line) for line in dossier.lines]),
    }
    for journal in dossier.journals:
        files[f"journal/{journal.device_id}.json"] = _json(_journal(journal))
    for item_id, rows in dossier.members:
        files[f"payouts/{item_id}.csv"] = _csv(_MEMBERS, [_member(row) for row in rows])
    for item in dossier.items:
        if item.id in slips:
            key = (item.terminal_no, text(item.terminal, "batch"), text(item.terminal, "stan"))
            # They are from files: nothing in them may name another place.
            name = f"slips/{_UNSAFE.sub('_', '-'.join(key))}-{item.id}.txt"
            files[name] = ("\n".join(slips[item.id]) + "\n").encode()
    return files


def _readme(dossier: Dossier, pdf: str, words: Words) -> bytes:
    lines = [
        line.format(case=dossier.case_id, number=dossier.merchant_no, pdf=pdf)
        for line in words.readme
    ]
    return "\n\n".join(["\n".join(lines), *words.seals, ""]).encode()


def _case(dossier: Dossier) -> dict[str, object]:
    return {
        "case": dossier.case_id,
        "merchant_no": dossier.merchant_no,
        "merchant_name": dossier.merchant_name,
        "day": dossier.day,
        "due": dossier.due,
        "causes": list(dossier.causes),
        "history": [asdict(event) for event in dossier.history],
        "items": [asdict(item) for item in dossier.items],
    }


def _journal(journal: Journal) -> dict[str, object]:
    return {
        "device_id": journal.device_id,
        "terminal_no": journal.terminal_no,
        "newest": {
            "seq": journal.newest_seq,
            "seal": journal.newest_seal.hex(),
            "sha256_of_all_before_and_it": journal.digest,
        },
        "records": [_record(one) for one in journal.records],
    }


def _record(one: Record) -> dict[str, object]:
    fields = {name: value for name, value in one.content.items() if name != "kind"}
    unknown = fields.get("fields")
    if isinstance(unknown, list):
        # Of a kind that this version does not know: its values have no names.
        fields = {str(at): value for at, value in enumerate(unknown, 1)}
    return {
        "seq": one.seq,
        "kind": narrate.kind_name(one.content),
        "kind_number": number(one.content, "kind"),
        "fields": {name: _plain(value) for name, value in fields.items()},
        "payload": one.payload.hex(),
        "before": None if one.before is None else one.before.hex(),
        "stands_on": one.stands_on,
        "holds": one.holds,
        "generation": one.generation,
        "received_at": one.received_at,
    }


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def _table(items: Sequence[Item]) -> bytes:
    return _csv(_COLUMNS, [_values(item) for item in items])


def _member(row: Row) -> list[object]:
    """A transaction of a payout."""
    day = {name: show.day(row.get(name)) for name in ("day", "settle_day")}
    return [{**row, **day}[name] for name in _MEMBERS]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    done = StringIO()
    writer = csv.writer(done, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(value) for value in row])
    return done.getvalue().encode("utf-8-sig")


def _values(item: Item) -> list[object]:
    own, other = item.terminal, item.acquirer

    def either(name: str) -> str:
        return text(own, name) or text(other, name)

    return [
        item.id,
        item.code,
        item.merchant_no,
        item.terminal_no,
        item.channel,
        item.day or "",
        *(either(name) for name in ("batch", "stan", "rrn", "auth", "txn", "card")),
        text(own, "status"),
        text(own, "amount_minor"),
        text(other, "status"),
        text(other, "amount_minor"),
        item.amount_minor,
        item.effect_minor,
        item.owed_minor,
        text(other, "file"),
        text(other, "line"),
    ]


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _sums(files: Mapping[str, bytes]) -> bytes:
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    return "".join(sorted(lines, key=lambda line: line[66:])).encode()


def _zip(files: Mapping[str, bytes]) -> bytes:
    done = BytesIO()
    with zipfile.ZipFile(done, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _NO_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return done.getvalue()
