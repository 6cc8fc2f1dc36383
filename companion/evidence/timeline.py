"""What happened, on each of the three legs, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from companion.evidence import narrate, show
from companion.evidence.dossier import Dossier, Item, Journal, Row, currency_of, number, text
from companion.evidence.words import Words
from companion.facts import schema

TERMINAL, ACQUIRER, BANK, CASE = "terminal", "acquirer", "bank", "case"
LEGS = (TERMINAL, ACQUIRER, BANK)
# Of a case with more, the rest is in the pack's data.
MOST = 400

_DAY = 86400
_CHINA = 8 * 3600


@dataclass(frozen=True)
class Moment:
    """One event: when in words, on which leg, what, and where it stands."""

    order: tuple[int, int, int]
    when: str
    leg: str
    what: str
    source: str


def of(dossier: Dossier, words: Words) -> list[Moment]:
    """The events of a case."""
    found = [moment for journal in dossier.journals for moment in _journal(journal, words)]
    seen: set[tuple[object, object]] = set()
    for item in dossier.items:
        found += _rows(item, seen, words)
    found += _settled(dossier.items, words)
    for event in dossier.history:
        seconds = int(datetime.fromisoformat(event.at).timestamp())
        what = words.event(f"case.{event.what}", text=event.text)
        moment = Moment((seconds, 3, len(found)), show.instant(seconds), CASE, what, "")
        found.append(moment)
    return sorted(found, key=lambda moment: moment.order)


def _journal(journal: Journal, words: Words) -> Iterator[Moment]:
    last = 0
    for one in journal.records:
        wall = number(one.content, "wall")
        # While the clock was not set, only the order is known.
        last = wall or last
        source = f"{journal.terminal_no}, {words.say('record', seq=one.seq)}"
        what = narrate.said(one.content, words)
        if number(one.content, "stan"):
            stan = f"{number(one.content, 'stan'):06d}"
            what = f"{words.say('stan', stan=stan)}: {what}"
        yield Moment((last, 0, one.seq), show.instant(wall), TERMINAL, what, source)


def _rows(item: Item, seen: set[tuple[object, object]], words: Words) -> Iterator[Moment]:
    for leg, row in item.rows():
        key = row.get("file"), row.get("line")
        if key in seen:
            continue
        seen.add(key)
        source = f"{show.short(text(row, 'file'))}, {words.say('line')} {number(row, 'line')}"
        order = len(seen)
        if leg in ("terminal", "acquirer"):
            yield from _transaction(leg, row, order, source, words)
        elif leg == "payouts":
            what = words.event(
                "announced",
                ref=text(row, "ref"),
                amount=show.money(number(row, "net_minor"), currency_of(row)),
                status=words.term("STATUS", row.get("status")),
                account=text(row, "account") or show.NOTHING,
            )
            yield _dated(row.get("day"), order, BANK, what, source)
        else:
            what = words.event(
                "booked",
                status=words.term("STATUS", row.get("kind")),
                amount=show.money(number(row, "amount_minor"), currency_of(row)),
                ref=text(row, "ref"),
                text=text(row, "text"),
            )
            yield _dated(row.get("day"), order, BANK, what, source)


def _transaction(leg: str, row: Row, order: int, source: str, words: Words) -> Iterator[Moment]:
    at = number(row, "at")
    what = words.event(
        "captured",
        status=words.term("STATUS", row.get("status")),
        amount=show.money(number(row, "amount_minor"), currency_of(row)),
        f39=text(row, "f39") or text(row, "code") or show.NOTHING,
    )
    if text(row, "stan"):
        what = f"{words.say('stan', stan=text(row, 'stan'))}: {what}"
    if at:
        yield Moment((at, 1, order), show.instant(at), leg, what, source)
    else:
        yield _dated(row.get("day"), order, leg, what, source)


def _settled(items: Iterable[Item], words: Words) -> Iterator[Moment]:
    """The settlements that the acquirer says his rows are in: one event for each."""
    counts: dict[tuple[int, str], int] = {}
    for item in items:
        day = number(item.acquirer, "settle_day")
        if day:
            key = day, text(item.acquirer, "settle_ref")
            counts[key] = counts.get(key, 0) + 1
    for order, ((day, ref), count) in enumerate(sorted(counts.items())):
        what = words.event("settled", ref=ref, rows=words.say("rows", rows=count))
        yield _dated(day, order, ACQUIRER, what, "")


def _dated(day: object, order: int, leg: str, what: str, source: str) -> Moment:
    """Something of which only the day is known, at the end of it."""
    if isinstance(day, str):
        day = schema.day_number(datetime.fromisoformat(day).date())
    end = (day + 1) * _DAY - _CHINA - 1 if isinstance(day, int) else 0
    return Moment((end, 2, order), show.day(day), leg, what, source)
