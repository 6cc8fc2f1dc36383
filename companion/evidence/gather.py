"""A case's dossier out of the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from companion.cases import causes as ranking
from companion.cases import history, listing
from companion.cases.listing import Case
from companion.evidence import journals, members, show, sources
from companion.evidence.dossier import Dossier, Event, Item, Row
from companion.evidence.wording import CHINESE
from companion.reconcile import problems, words
from companion.store import Store, terminals

# What the other side may see of a case's history, and of what also the text. Remarks, people and
# what was made of it here (a pack among them) stay here.
_SHOWN = ("opened", "reopened", "joined", "changed", "sent", "waits", "squared", "closed")
_TEXTS = ("sent", "waits")
_FREE = ("text", "reason", "remarks", "problem")
_MOST_CAUSES = 3
# What only follows from the kind of break convinces nobody outside.
_NO_EVIDENCE = "by_code"


def case(store: Store, name: str, language: str, day: str | None = None) -> Dossier:
    """The dossier of a case, by its id or the beginning of it, or of the case of a break.

    `day` dates the pack; without it, it is the day of the case's last event. Raises CaseError when
    there is no such case, StoreError when an original is not what it was.
    """
    with store.read() as connection:
        of_break = listing.of_break(connection, name)
        found = listing.one(connection, name if of_break is None else of_break)
        rows = listing.breaks_of(connection, found.id)
        causes = _causes(connection, found, rows, language)
        # What has squared itself is claimed no more; of a closed case all of it is shown.
        rows = [row for row in rows if row["found"]] or rows
        items = sorted((_item(row, language) for row in rows), key=_order)
        events = tuple(
            Event(one.at, one.what, _told(one.what, one.text), one.seq, one.digest)
            for one in history.of(connection, found.id)
            if one.what in _SHOWN
        )
        if day is None:
            day = show.day_of(events[-1].at) if events else ""
        return Dossier(
            found.id,
            found.merchant_no,
            _name(connection, found.merchant_no),
            day,
            found.due or "",
            tuple(items),
            tuple(journals.of(connection, items)),
            tuple(sources.of(store, connection, items)),
            tuple(sources.searched(connection, items)),
            events,
            tuple(members.of(store.facts, items)),
            causes,
            _sealed(connection, found.merchant_no),
        )


def _told(what: str, text: str) -> str:
    return show.masked(text) if what in _TEXTS else ""


def _order(item: Item) -> tuple[str, str, str, str]:
    return item.day or "", item.code, item.row_key, item.id


def _causes(
    connection: Connection, found: Case, rows: Sequence[dict[str, object]], language: str
) -> tuple[str, ...]:
    """The likeliest causes that something speaks for, each with it."""
    between = "；" if language == CHINESE else "; "
    return tuple(
        show.masked(f"{one.said(language)}: {between.join(one.because(language))}")
        for one in ranking.ranked(connection, found, rows)[:_MOST_CAUSES]
        if any(clue.line != _NO_EVIDENCE for clue in one.clues)
    )


def _sealed(connection: Connection, merchant_no: str) -> frozenset[str]:
    return frozenset(
        one.terminal_no for one in terminals.every(connection) if one.merchant_no == merchant_no
    )


def _name(connection: Connection, merchant_no: str) -> str:
    """What the merchant's newest terminal prints; the number when he has none."""
    known = [
        terminal for terminal in terminals.every(connection) if terminal.merchant_no == merchant_no
    ]
    newest = max(known, key=lambda one: (one.created_at, one.device_id), default=None)
    return newest.merchant_name if newest else merchant_no


def _item(row: Mapping[str, Any], language: str) -> Item:
    evidence = json.loads(row["evidence"])
    # What is wrong with a journal or a batch is no pair of rows.
    journal = "first_seq" in evidence
    legs = {} if journal else evidence
    return Item(
        id=row["id"],
        code=row["code"],
        row_key=row["row_key"],
        merchant_no=row["merchant_no"],
        terminal_no=row["terminal_no"],
        channel=row["channel"],
        day=row["business_date"],
        amount_minor=row["amount_minor"],
        effect_minor=row["effect_minor"],
        owed_minor=row["owed_minor"],
        match_pass=row["match_pass"],
        provisional=row["provisional"],
        reason=show.masked(words.said({**row, "evidence": evidence}, language)),
        terminal=_leg(legs, "terminal"),
        acquirer=_leg(legs, "acquirer"),
        bank=_leg(legs, "bank"),
        payout=_leg(legs, "payout"),
        gap=_gap(evidence, language) if journal else None,
        note=_cleaned_note(row["note"]),
    )


def _gap(evidence: Mapping[str, object], language: str) -> Row:
    """What is wrong with a journal, and that in the language of the pack."""
    row = _cleaned(evidence)
    return {**row, "problem": problems.said(str(row["problem"]), language)}


def _cleaned_note(text: str) -> dict[str, str]:
    return {name: show.masked(value) for name, value in words.notes(text).items()}


def _leg(evidence: Mapping[str, object], name: str) -> Row | None:
    row = evidence.get(name)
    return _cleaned(row) if isinstance(row, Mapping) else None


def _cleaned(row: Mapping[str, object]) -> Row:
    """A row whose free texts have no card number: a bank's customers write what they like."""
    texts = {name: show.masked(str(row[name])) for name in _FREE if row.get(name)}
    return {**row, **texts}
