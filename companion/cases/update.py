"""The cases after a reconciliation: what was found is in a case, what has squared itself closes.

A case that nobody has touched follows from the breaks that were found, and from nothing else. One
that somebody has worked on keeps its breaks, whatever they turn into, and whoever closed it is
not overruled, unless the amounts change or a sum that was adjusted comes after all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy import update as change

from companion.accounts import settlement
from companion.cases import grouping, history, journals, states, summary
from companion.cases.grouping import AccountChange, Key
from companion.cases.summary import After
from companion.reconcile.words import money
from companion.store.breaks import Break
from companion.store.schema import adjustments, breaks, case_breaks, cases


@dataclass
class Changes:
    """The ids of the cases that a reconciliation opened, closed, and opened once more."""

    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)


def update(connection: Connection, found: Sequence[Break], as_of: int, after: After) -> Changes:
    """Bring the cases to what was found, in the transaction of the reconciliation, behind
    `breaks.record`; ``as_of`` is its day number."""
    return _Update(connection, found, as_of, after).run()


def case_id(key: str) -> str:
    """The id of the case of a key: the same in every store."""
    return hashlib.sha256(f"case|{key}".encode()).hexdigest()[:12]


@dataclass
class _Member:
    """A break's place in a case, as the last reconciliation left it."""

    case_id: str
    amount_minor: int
    effect_minor: int
    owed_minor: int
    found: bool

    @property
    def sums(self) -> tuple[int, int, int]:
        """What may not change behind whoever closed the case."""
        return self.amount_minor, self.effect_minor, self.owed_minor


class _Update:
    def __init__(
        self, connection: Connection, found: Sequence[Break], as_of: int, after: After
    ) -> None:
        self.connection = connection
        self.found = {item.id: item for item in found}
        self.as_of = as_of
        self.after = after
        self.journals = journals.read(connection, list(self.found.values()))
        self.cases = {row["id"]: dict(row) for row in connection.execute(select(cases)).mappings()}
        query = select(case_breaks)
        self.before = {
            row.break_id: _Member(
                row.case_id, row.amount_minor, row.effect_minor, row.owed_minor, row.found
            )
            for row in connection.execute(query)
        }
        self.proposed, self.adjusted = _adjusted(connection)
        self.members_before: dict[str, list[str]] = {}
        for break_id, member in self.before.items():
            self.members_before.setdefault(member.case_id, []).append(break_id)
        self.why = _reasons_of_closed(connection, self.before, self.found)
        self.key_of: dict[str, Key] = {}
        self.entries: list[dict[str, object]] = []
        self.dirty: dict[str, dict[str, object]] = {}
        self.changes = Changes()

    def run(self) -> Changes:
        places = self._places()
        members: dict[str, list[Break]] = {}
        for break_id, place in places.items():
            members.setdefault(place, []).append(self.found[break_id])
        self._open(members)
        gone = self._gone(places)
        self._keep(places)
        for id_ in sorted(self.cases):
            case = self.cases[id_]
            if case["touched"]:
                self._touched(case, members.get(id_, []), gone.get(id_, []))
            else:
                self._derived(case, members.get(id_, []), places)
        self._write()
        return self.changes

    def _write(self) -> None:
        if self.dirty:
            names = [column.name for column in cases.c if column.name not in ("id", "kind", "key")]
            rows = [
                {"of_case": case["id"], **{f"new_{name}": case[name] for name in names}}
                for case in self.dirty.values()
            ]
            this = change(cases).where(cases.c.id == bindparam("of_case"))
            values: dict[str, object] = {name: bindparam(f"new_{name}") for name in names}
            self.connection.execute(this.values(**values), rows)
        history.add_all(self.connection, self.entries)

    def _places(self) -> dict[str, str]:
        """The case of each break that was found; new ones get their key here."""
        places: dict[str, str] = {}
        by_key = grouping.keys(
            list(self.found.values()), self.journals, _account_changes(self.connection)
        )
        heirs = self._heirs()
        for break_id in self.found:
            place = self.before.get(break_id)
            if place is not None and self.cases[place.case_id]["touched"]:
                places[break_id] = place.case_id
                continue
            if place is None and self.found[break_id].row_key in heirs:
                places[break_id] = heirs[self.found[break_id].row_key]
                continue
            key, id_ = self._generation(by_key[break_id])
            self.key_of[id_] = key
            places[break_id] = id_
        return places

    def _heirs(self) -> dict[str, str]:
        """Row keys of breaks that are gone, and the cases that somebody works on them in: what is
        found of the same row now has turned into another break, and stays there."""
        gone = {
            break_id: member.case_id
            for break_id, member in self.before.items()
            if member.found
            and break_id not in self.found
            and self.cases[member.case_id]["touched"]
            and self.cases[member.case_id]["state"] in states.ACTIVE
        }
        if not gone:
            return {}
        query = select(breaks.c.id, breaks.c.row_key).where(breaks.c.state == "closed")
        return {
            row.row_key: gone[row.id] for row in self.connection.execute(query) if row.id in gone
        }

    def _generation(self, key: Key) -> tuple[Key, str]:
        """A cause that comes again when its case is closed for good makes another case."""
        number = 1
        while True:
            about = key.about if number == 1 else f"{key.about}|{number}"
            made = Key(key.kind, about)
            case = self.cases.get(case_id(str(made)))
            if case is None or not case["touched"] or case["state"] in states.ACTIVE:
                return made, case_id(str(made))
            number += 1

    def _open(self, members: Mapping[str, list[Break]]) -> None:
        fresh = []
        for id_ in sorted(members):
            if id_ in self.cases:
                continue
            key = self.key_of[id_]
            case = {
                "id": id_,
                "kind": key.kind,
                "key": str(key),
                **self._about(key.kind, members[id_]),
                "state": states.OPEN,
                "touched": False,
                "assignee": None,
                "closed_by": None,
                "closed_reason": None,
            }
            self.cases[id_] = case
            fresh.append(case)
        if fresh:
            self.connection.execute(insert(cases), fresh)
        for case in fresh:
            self.changes.opened.append(str(case["id"]))
            self._note(case, "opened", summary.told(members[str(case["id"])]))

    def _about(self, kind: str, found: Sequence[Break]) -> dict[str, object]:
        return summary.about(kind, found, self.journals.days, self.as_of, self.after)

    def _gone(self, places: Mapping[str, str]) -> dict[str, list[str]]:
        """The breaks of each case that were there before and are not any more."""
        gone: dict[str, list[str]] = {}
        for break_id, member in self.before.items():
            if member.found and break_id not in places:
                gone.setdefault(member.case_id, []).append(break_id)
        return gone

    def _keep(self, places: Mapping[str, str]) -> None:
        """Write down which break is in which case."""
        fresh, moved = [], []
        for break_id, place in places.items():
            item, before = self.found[break_id], self.before.get(break_id)
            now = _Member(place, *summary.sums(item), True)
            if before is None:
                fresh.append({"break_id": break_id, **now.__dict__})
            elif before != now:
                moved.append({"key": break_id, **now.__dict__})
        lost = [
            {"key": break_id}
            for break_id, member in self.before.items()
            if member.found and break_id not in places
        ]
        if fresh:
            self.connection.execute(insert(case_breaks), fresh)
        this = change(case_breaks).where(case_breaks.c.break_id == bindparam("key"))
        if moved:
            self.connection.execute(this, moved)
        if lost:
            self.connection.execute(this.values(found=False), lost)

    def _derived(
        self, case: dict[str, object], found: Sequence[Break], places: Mapping[str, str]
    ) -> None:
        """A case that nobody has touched is what its breaks are now."""
        if found:
            now = self._about(str(case["kind"]), found)
            if now["first_day"] is None:
                del now["due"]  # it was counted from the day on which it was found
            reopened = case["state"] != states.OPEN
            if reopened:
                now.update(state=states.OPEN, closed_by=None, closed_reason=None)
            self._set(case, now)
            if reopened:
                self.changes.reopened.append(str(case["id"]))
                self._note(case, "reopened", summary.told(found))
        elif case["state"] == states.OPEN:
            self._close(case, self._why(str(case["id"]), places))

    def _touched(
        self, case: dict[str, object], found: Sequence[Break], gone: Sequence[str]
    ) -> None:
        """A case that somebody works on, or has worked on."""
        id_ = str(case["id"])
        joined = [item for item in found if item.id not in self.before]
        differs = [
            item
            for item in found
            if item.id in self.before and self.before[item.id].sums != summary.sums(item)
        ]
        back = [
            item for item in found if item.id in self.before and not self.before[item.id].found
        ]
        active = case["state"] in states.ACTIVE
        if joined:
            self._note(case, "joined", summary.told(joined))
        if differs:
            if not active:
                self._reopen(case, f"its amounts have changed: {summary.told(differs)}")
            else:
                self._note(case, "changed", summary.told(differs))
        elif back and case["closed_by"] == history.COMPANION and not active:
            self._reopen(case, f"it is there again: {summary.told(back)}")
        if not gone:
            return
        why = self._reasons(gone)
        if not active and self.adjusted.get(id_):
            self._reopen(
                case,
                f"it came after it was adjusted by {money(self.adjusted[id_])}: {why}; the "
                "adjustment has to be taken back",
            )
        elif active and not found and not self.proposed.get(id_) and not self.adjusted.get(id_):
            self._close(case, why)
        else:
            self._note(case, "squared", why)

    def _why(self, id_: str, places: Mapping[str, str]) -> str:
        """Why a case has no break any more."""
        mine = self.members_before.get(id_, [])
        moved = sorted({places[key] for key in mine if key in places})
        gone = [key for key in mine if key not in places and self.before[key].found]
        said = [self._reasons(gone)] if gone else []
        if moved:
            said.append("what was in it is now in case " + ", ".join(moved))
        return "; ".join(said) or "its breaks are gone"

    def _reasons(self, gone: Sequence[str]) -> str:
        """What squared these breaks, each reason once."""
        counts: dict[str, int] = {}
        for break_id in gone:
            reason = self.why.get(break_id, "")
            counts[reason] = counts.get(reason, 0) + 1
        many = len(counts) > 1
        return "; ".join(
            f"{reason} ({count} times)" if many else reason
            for reason, count in sorted(counts.items())
        )

    def _reopen(self, case: dict[str, object], why: str) -> None:
        self._set(case, {"state": states.OPEN, "closed_by": None, "closed_reason": None})
        self.changes.reopened.append(str(case["id"]))
        self._note(case, "reopened", why)

    def _close(self, case: dict[str, object], why: str) -> None:
        closed = {
            "state": states.RESOLVED,
            "closed_by": history.COMPANION,
            "closed_reason": why,
        }
        self._set(case, closed)
        self.changes.closed.append(str(case["id"]))
        self._note(case, "closed", why)

    def _set(self, case: dict[str, object], values: Mapping[str, object]) -> None:
        now = {name: value for name, value in values.items() if case[name] != value}
        if now:
            case.update(now)
            self.dirty[str(case["id"])] = case
            if "due" in now and case["state"] == states.OPEN and "state" not in now:
                self._note(case, "due", f"to be done by {now['due']}")

    def _note(self, case: Mapping[str, object], what: str, text: str) -> None:
        self.entries.append(history.entry(case, history.COMPANION, what, text))


def _account_changes(connection: Connection) -> list[AccountChange]:
    every = settlement.accounts(settlement.history(connection))
    return [
        AccountChange(one.merchant_no, one.channel, one.valid_from)
        for one in every
        if one.valid_from > settlement.ALWAYS
    ]


def _adjusted(connection: Connection) -> tuple[dict[str, bool], dict[str, int]]:
    """The cases with an adjustment that nobody has decided, and what was adjusted in each."""
    proposed: dict[str, bool] = {}
    adjusted: dict[str, int] = {}
    for row in connection.execute(select(adjustments)):
        if row.approved is None:
            proposed[row.case_id] = True
        elif row.approved:
            adjusted[row.case_id] = adjusted.get(row.case_id, 0) + row.amount_minor
    return proposed, adjusted


def _reasons_of_closed(
    connection: Connection, before: Mapping[str, _Member], found: Mapping[str, Break]
) -> dict[str, str]:
    """What squared each break that was in a case and is not found any more."""
    if all(key in found for key, member in before.items() if member.found):
        return {}
    query = select(breaks.c.id, breaks.c.closed_reason).where(breaks.c.state == "closed")
    return {row.id: str(row.closed_reason or "") for row in connection.execute(query)}
