"""The letters of a case: one for each kind of disagreement and whoever has to act on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from companion.evidence import groups, show, tables
from companion.evidence.dossier import Dossier, Item, export_of, number, text
from companion.evidence.tables import Table
from companion.evidence.words import Words, fill


@dataclass(frozen=True)
class Section:
    """The items of one code."""

    title: str
    saw: str
    recorded: str
    asks: tuple[str, ...]
    table: Table
    notes: tuple[str, ...]
    # Where the other side's rows stand, file by file.
    files: tuple[str, ...]
    count: int
    total: str


@dataclass(frozen=True)
class Letter:
    """One letter; ``facts`` are label and value."""

    group: str
    recipient: str
    to: str
    subject: str
    facts: tuple[tuple[str, str], ...]
    opening: str
    sections: tuple[Section, ...]
    by: str


# Rows of a table in a letter; what is more is in transactions.csv.
MOST_ROWS = 200

_OPENINGS = {
    groups.PAYOUT: "opening.payout",
    groups.ACCOUNT: "opening.payout",
    groups.STATEMENT: "opening.missing",
    groups.JOURNAL: "opening.missing",
    groups.BATCH: "opening.missing",
    groups.SELF_SWIPE: "opening.report",
}
_SHOWN = 12
_SPANS = 4


def compose(dossier: Dossier, words: Words) -> list[Letter]:
    """Every letter of the case, the acquirer's before the bank's."""
    made = []
    for group, codes in groups.GROUPS.items():
        items = [item for item in dossier.items if groups.group_of(item.code) == group]
        for recipient in (groups.ACQUIRER, groups.BANK, groups.FILE):
            mine = [
                item
                for item in items
                if recipient in groups.recipients(item.code, item.note.get("leg", ""))
            ]
            if mine:
                order = [*codes, *sorted({item.code for item in mine} - set(codes))]
                made.append(_letter(group, recipient, order, mine, dossier, words))
    return made


def _letter(
    group: str,
    recipient: str,
    codes: Sequence[str],
    items: Sequence[Item],
    dossier: Dossier,
    words: Words,
) -> Letter:
    said = words.group(group, recipient)
    it = words.items(said.noun, len(items))
    name = _OPENINGS.get(group, _opening(items, dossier))
    if recipient == groups.FILE:
        name = "opening.file"
    elif recipient == groups.BANK and group == groups.PAYOUT:
        name = "opening.bank"
    return Letter(
        group,
        recipient,
        words.say(f"to.{recipient}"),
        said.subject,
        tuple(_facts(items, dossier, words)),
        words.say(name, name=dossier.merchant_name, number=dossier.merchant_no, it=it),
        tuple(
            _section(group, recipient, code, found, dossier, words)
            for code in codes
            if (found := [item for item in items if item.code == code])
        ),
        _by(recipient, dossier.answer_by, words),
    )


def _opening(items: Sequence[Item], dossier: Dossier) -> str:
    """By what our side rests on: journals, exports of another maker's terminals, or both."""
    sealed = {
        item.terminal_no in dossier.sealed
        if item.terminal is None
        else export_of(item.terminal) is None
        for item in items
    }
    if sealed == {False}:
        return "opening.export"
    return "opening" if sealed == {True} else "opening.mixed"


def _by(recipient: str, due: str, words: Words) -> str:
    if recipient == groups.FILE:
        return ""
    return words.say("by", due=due) if due else words.say("by.open")


def _facts(items: Sequence[Item], dossier: Dossier, words: Words) -> Iterator[tuple[str, str]]:
    """What the desk looks up first."""
    yield words.say("merchant_no"), dossier.merchant_no
    terminals = sorted({item.terminal_no for item in items if item.terminal_no})
    if terminals:
        yield words.say("terminals"), _some(terminals)
    days = sorted({show.day(item.day) for item in items if item.day})
    if days:
        yield words.say("days"), days[0] if len(days) == 1 else f"{days[0]} … {days[-1]}"
    spans = [span for item in items if (span := tables.span(item, dossier))]
    if spans:
        yield words.say("span"), "\n".join(spans[:_SPANS])
    yield words.say("count"), str(len(items))
    if any(item.amount_minor for item in items):
        yield words.say("in_question"), _total(items)
    if dossier.answer_by:
        yield words.say("answer_by"), dossier.answer_by


def _total(items: Sequence[Item]) -> str:
    return show.total((item.amount_minor, item.currency) for item in items)


def _some(values: Sequence[str]) -> str:
    return ", ".join(values[:_SHOWN]) + (" …" if len(values) > _SHOWN else "")


def _section(
    group: str, recipient: str, code: str, items: Sequence[Item], dossier: Dossier, words: Words
) -> Section:
    said = words.code(code)
    noun = words.group(group, recipient).noun
    seconds = ", ".join(sorted({item.note.get("seconds", "?") for item in items}))
    values = {
        "it": words.items(noun, len(items)),
        "amount": _total(items),
        "seconds": seconds,
    }
    after = {**values, "it": words.items(noun, len(items), "these")}
    to_bank = recipient == groups.BANK and group == groups.PAYOUT
    asks = words.bank_asks if to_bank else said.asks
    notes = []
    if any(item.provisional for item in items):
        notes.append(words.say("provisional"))
    if any(item.match_pass == 3 for item in items):
        notes.append(words.say("low"))
    listed = dict(dossier.members)
    names = [f"payouts/{item.id}.csv" for item in items if item.id in listed]
    if names:
        notes.append(words.say("members", name=_some(names)))
    return Section(
        said.title,
        fill(said.saw, **values),
        fill(said.recorded, **values),
        tuple(fill(ask, **after) for ask in asks),
        tables.of(group, items[:MOST_ROWS], dossier, words),
        tuple(notes),
        tuple(_files(items, dossier, words)),
        len(items),
        _total(items),
    )


def _files(items: Sequence[Item], dossier: Dossier, words: Words) -> Iterator[str]:
    names = {line.sha256: line.name for line in dossier.lines}
    found: dict[tuple[str, str], set[int]] = {}
    for item in items:
        for leg, row in item.rows():
            if text(row, "file"):
                found.setdefault((leg, text(row, "file")), set()).add(number(row, "line"))
    for leg, sha256 in sorted(found):
        lines = _some([str(line) for line in sorted(found[leg, sha256])])
        name = names.get(sha256, "?")
        yield words.say(f"from.{leg}", name=name, sha256=sha256, lines=lines)
    missing = {
        (item.merchant_no, item.channel, item.day) for item in items if item.acquirer is None
    }
    for one in dossier.searched:
        days = " … ".join(sorted({one.first_day, one.last_day}))
        if any(one.tells(*wanted) for wanted in missing):
            yield words.say("searched", name=one.name, sha256=one.sha256, rows=one.rows, days=days)
