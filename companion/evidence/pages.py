"""The pages of a pack: the letters, then the annexes that they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, PageBreak

from companion.evidence import fonts, letters, narrate, sheet, show, slip, timeline
from companion.evidence.dossier import (
    Dossier,
    Item,
    Record,
    currency_of,
    export_of,
    number,
    text,
)
from companion.evidence.letters import Letter, Section
from companion.evidence.sheet import Sheet, SlipPaper
from companion.evidence.words import Words
from protocol import record, seal

# Of a case with more items, the rest is in the pack's data.
MOST_DETAILS = 24
_MOST_RECORDS = 400
_MOST_ENCLOSED = 12


@dataclass(frozen=True)
class Enclosure:
    """A file of the pack as the pages list it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Office:
    """Who writes and to whom, as far as the store does not know it; lines of text."""

    sender: tuple[str, ...] = ()
    addressee: tuple[str, ...] = ()


def document(
    dossier: Dossier,
    slips: Mapping[str, Sequence[str]],
    enclosures: Sequence[Enclosure],
    archive: str,
    office: Office,
    words: Words,
) -> bytes:
    """The PDF of a case; `slips` are the reprinted lines by item id."""
    paper = Sheet(words)
    story: list[Flowable] = []
    for letter in letters.compose(dossier, words):
        story += _letter(letter, dossier, enclosures, archive, office, paper)
        story.append(PageBreak())
    annexes = (
        ("timeline", _timeline(dossier, paper)),
        ("details", _details(dossier, slips, paper)),
        ("lines", _lines(dossier, paper)),
        ("sealed", _sealed(dossier, paper)),
        ("hashes", _hashes(dossier, enclosures, paper)),
    )
    for letter_name, (name, blocks) in zip("ABCDE", annexes, strict=True):
        head = f"{words.say('annex', letter=letter_name)}  {words.say(name)}"
        story += [CondPageBreak(140), paper.text(head, "title"), *blocks, paper.gap(4)]
    head = f"{dossier.merchant_name} · {dossier.merchant_no} · {words.say('case')} "
    return sheet.build(
        story, words, f"{words.say('case')} {dossier.case_id}", head + dossier.case_id
    )


def _letter(
    letter: Letter,
    dossier: Dossier,
    enclosures: Sequence[Enclosure],
    archive: str,
    office: Office,
    paper: Sheet,
) -> Iterator[Flowable]:
    words = paper.words
    yield paper.text(dossier.merchant_name, "name")
    for line in office.sender:
        yield paper.text(line, "small")
    yield paper.gap(5)
    addressee = office.addressee if letter.recipient == "acquirer" else ()
    for line in addressee or (letter.to,):
        yield paper.text(line)
    yield paper.gap(3)
    yield paper.pairs(
        [
            (words.say("date"), show.day(dossier.day) if dossier.day else "____________"),
            (words.say("reference"), dossier.case_id),
            (words.say("contact"), office.sender[-1] if office.sender else "____________"),
        ]
    )
    yield paper.gap(3)
    yield paper.text(letter.subject, "title")
    yield paper.pairs(letter.facts)
    yield paper.gap(3)
    yield paper.text(letter.opening)
    for section in letter.sections:
        yield from _section(section, paper)
    if letter.by:
        yield KeepTogether([paper.text(words.say("answer_by"), "head"), paper.text(letter.by)])
    yield KeepTogether(list(_close(enclosures, archive, paper)))


def _section(section: Section, paper: Sheet) -> Iterator[Flowable]:
    words = paper.words
    yield KeepTogether([paper.text(section.title, "head"), paper.text(section.saw)])
    if section.recorded:
        yield paper.text(section.recorded)
    for note in section.notes:
        yield paper.text(note, "small")
    table = section.table
    last = len(table.heads) - 1
    money = table.heads[last] == "amount"
    totals = [""] * len(table.heads)
    totals[1], totals[-1] = words.say("total"), section.total
    yield paper.grid(
        [words.say(head) for head in table.heads],
        table.widths,
        table.rows,
        right=(last,) if money else (),
        last=totals if money and section.count > 1 else (),
    )
    for file in section.files:
        yield paper.text(file, "code")
    if section.count > len(table.rows):
        more = section.count - len(table.rows)
        yield paper.text(words.say("more", count=more), "small")
    yield paper.gap(2)
    yield KeepTogether(
        [paper.text(words.say("ask"), "head"), paper.numbered(section.asks), paper.gap(1)]
    )


def _close(enclosures: Sequence[Enclosure], archive: str, paper: Sheet) -> Iterator[Flowable]:
    words = paper.words
    yield paper.text(words.say("enclosed"), "head")
    yield paper.text(words.say("enclosed.text", zip=archive), "small")
    main = list(enclosures)
    if len(main) > _MOST_ENCLOSED:
        main = [one for one in enclosures if not one.name.startswith("slips/")]
    yield _listed(main, paper)
    yield paper.gap(2)
    yield paper.text(words.say("cards"), "small")
    yield paper.gap(10)
    yield paper.text("_" * 34)
    yield paper.text(words.say("signature"), "small")


def _timeline(dossier: Dossier, paper: Sheet) -> Iterator[Flowable]:
    words = paper.words
    yield paper.text(words.say("timeline.text"), "small")
    found = timeline.of(dossier, words)
    rows = []
    for moment in found[: timeline.MOST]:
        cells = [moment.when, "", "", ""]
        what = f"{moment.what}\n{moment.source}" if moment.source else moment.what
        if moment.leg == timeline.CASE:
            cells[1] = f"{words.say('leg.case')}: {what}"
        else:
            cells[1 + timeline.LEGS.index(moment.leg)] = what
        rows.append(cells)
    heads = [words.say("when"), *(words.say(f"leg.{leg}") for leg in timeline.LEGS)]
    yield paper.grid(heads, [24, 56, 47, 47], rows)
    if len(found) > len(rows):
        yield paper.text(words.say("more", count=len(found) - len(rows)), "small")


def _details(
    dossier: Dossier, slips: Mapping[str, Sequence[str]], paper: Sheet
) -> Iterator[Flowable]:
    words = paper.words
    for at, item in enumerate(dossier.items[:MOST_DETAILS], 1):
        blocks: list[Flowable] = [
            paper.text(f"{at}. {words.code(item.code).title}", "head"),
            paper.text(f"{words.say('finding')}: {item.reason} ({item.code}, {item.id})", "small"),
        ]
        if item.terminal is not None or item.acquirer is not None:
            printed = _slip(item, dossier, slips, paper)
            blocks.append(paper.beside(_compared(item, paper), printed, 116))
        yield KeepTogether([*blocks, paper.gap(2)])
    if len(dossier.items) > MOST_DETAILS:
        yield paper.text(words.say("details.more", count=len(dossier.items) - MOST_DETAILS))
    if dossier.causes:
        yield paper.text(words.say("causes"), "head")
        yield paper.numbered(dossier.causes)


def _compared(item: Item, paper: Sheet) -> Flowable:
    """Both sides of one transaction, field by field."""
    words = paper.words
    both = (item.terminal, item.acquirer)
    rows = [
        [words.say("state"), *(words.term("STATUS", (row or {}).get("status")) for row in both)],
        [words.say("sum"), *(_of(row, "amount_minor", words) for row in both)],
    ]
    rows += [
        [label, *(_of(row, name, words) for row in both)]
        for label, name in (
            (words.say("when"), "at"),
            (words.say("type"), "txn"),
            (words.say("number"), "card"),
            ("Batch / STAN", "stan"),
            ("RRN", "rrn"),
            ("Auth.", "auth"),
            ("F39", "code"),
        )
    ]
    rows.append([words.say("file"), _device(item, words), _file(item, words)])
    return paper.grid(
        [words.say("field"), words.say("ours"), words.say("yours")], [26, 43, 43], rows
    )


def _of(row: Mapping[str, object] | None, name: str, words: Words) -> str:
    if row is None:
        return show.NOTHING
    if name == "amount_minor":
        return show.money(number(row, name), currency_of(row))
    if name == "at":
        return show.instant(number(row, "at"))
    if name == "txn":
        return words.term("TYPES", row.get("txn"))
    if name == "stan":
        return f"{text(row, 'batch') or show.NOTHING} / {text(row, 'stan') or show.NOTHING}"
    if name == "code":
        code = text(row, "code") or text(row, "f39")
        undone = text(row, "reversal_code") or text(row, "reversal_f39")
        return (code or show.NOTHING) + (f", 0400/0410: {undone}" if undone else "")
    return text(row, name) or show.NOTHING


def _device(item: Item, words: Words) -> str:
    row = item.terminal
    if row is None:
        return show.NOTHING
    exported = export_of(row)
    if exported is not None:
        return _place(exported, words)
    first, last = number(row, "first_seq"), number(row, "last_seq")
    return f"{text(row, 'device_id')}\n{words.say('records_span', first=first, last=last)}"


def _file(item: Item, words: Words) -> str:
    row = item.acquirer
    return _place(row, words) if row is not None and text(row, "file") else show.NOTHING


def _place(row: Mapping[str, object], words: Words) -> str:
    return f"{show.short(text(row, 'file'))}…\n{words.say('line')} {number(row, 'line')}"


def _slip(
    item: Item, dossier: Dossier, slips: Mapping[str, Sequence[str]], paper: Sheet
) -> Flowable:
    words = paper.words
    if item.id in slips:
        return SlipPaper(slips[item.id], slip.WIDTH)
    if export_of(item.terminal) is not None:
        return paper.text(words.say("slip.export"), "small")
    known = dossier.records_of(item)
    begun = any(one.content["kind"] == record.ARMED for one in known)
    name = "slip.none" if begun else "slip.part" if known else "slip.lost"
    return paper.text(words.say(name), "small")


def _lines(dossier: Dossier, paper: Sheet) -> Iterator[Flowable]:
    words = paper.words
    if not dossier.lines:
        yield paper.text(words.say("lines.none"))
        return
    yield paper.text(words.say("lines.text"), "small")
    files: dict[str, list[list[str]]] = {}
    heads = {}
    for one in dossier.lines:
        heads[one.sha256] = (
            f"{one.name} ({one.layout}, {words.term('LEGS', one.leg)}), "
            f"{words.say('imported', at=one.imported_at)}\nSHA-256 {one.sha256}"
        )
        said = one.text or words.say("line.untold")
        files.setdefault(one.sha256, []).append([str(one.line), said])
    for sha256, rows in files.items():
        yield KeepTogether(
            [
                paper.text(heads[sha256], "code"),
                paper.grid(["", words.say("content")], [14, 160], rows[:1], code=(1,)),
            ]
        )
        if rows[1:]:
            yield paper.grid(["", ""], [14, 160], rows[1 : MOST_DETAILS * 2], code=(1,))
        yield paper.gap(3)


def _sealed(dossier: Dossier, paper: Sheet) -> Iterator[Flowable]:
    words = paper.words
    if not any(journal.records for journal in dossier.journals):
        yield paper.text(words.say("sealed.none"))
        return
    for paragraph in words.seals:
        yield paper.text(paragraph)
    for journal in dossier.journals:
        said = words.say(
            "newest",
            device=journal.device_id,
            seq=journal.newest_seq,
            seal=journal.newest_seal.hex(),
            digest=journal.digest,
        )
        yield paper.text(said, "code")
        if journal.records:
            heads = ("seq", "kind", "clock", "content", "seal")
            yield paper.grid(
                [words.say(head) for head in heads],
                [16, 24, 30, 68, 36],
                [_record(one, words) for one in journal.records[:_MOST_RECORDS]],
                code=(4,),
            )
        yield paper.gap(3)


def _record(one: Record, words: Words) -> list[str]:
    holds = {True: "holds.yes", False: "holds.no", None: "holds.unknown"}[one.holds]
    return [
        str(one.seq),
        narrate.kind_name(one.content),
        show.instant(number(one.content, "wall")),
        narrate.said(one.content, words),
        f"{seal.split(one.payload)[1].hex()}\n{words.say(holds)}",
    ]


def _hashes(dossier: Dossier, enclosures: Sequence[Enclosure], paper: Sheet) -> Iterator[Flowable]:
    words = paper.words
    yield paper.text(words.say("hashes.text"), "small")
    yield _listed(enclosures, paper)
    if any(fonts.printable(name) != name for name in _names(dossier)):
        yield paper.text(words.say("glyph"), "small")


def _listed(enclosures: Sequence[Enclosure], paper: Sheet) -> Flowable:
    words = paper.words
    return paper.grid(
        [words.say("file"), words.say("bytes"), "SHA-256"],
        [62, 16, sheet.WIDTH - 78],
        [[one.name, str(one.size), one.sha256] for one in enclosures],
        code=(0, 2),
    )


def _names(dossier: Dossier) -> Iterator[str]:
    """Texts from outside in which any character may be."""
    yield dossier.merchant_name
    yield from (journal.merchant_name for journal in dossier.journals)
    yield from (line.text for line in dossier.lines)
    yield from (event.text for event in dossier.history)
