"""What people do with cases. Each act is one entry of the history and one step of the state.

Money needs two people: whoever closes a case whose sums still differ only proposes it, and
somebody else approves. All of it happens in the caller's transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, insert, select, update

from companion.accounts import people
from companion.cases import actions, history, proposals, states
from companion.cases.errors import CaseError
from companion.cases.proposals import Proposal
from companion.cases.summary import After
from companion.cases.telling import tell
from companion.facts.schema import as_date
from companion.reconcile.words import ACQUIRER, BANK, SHOP, money
from companion.store import records
from companion.store.schema import adjustments, cases
from companion.store.store import utc_now
from protocol import record

PARTIES = (ACQUIRER, BANK, SHOP)
# How a case was squared, and what the terminal shows of it.
SQUARED = "squared"
REFUND = "refund"
HOW = {SQUARED: record.SQUARED, REFUND: record.REFUND_DUE}

_MOST_TEXT = 2000
_ROW = "row"
# What may be a card number, however it is written.
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


class Desk:
    """One person at the cases: name as people.person gives it, day as a number. ``row``: the mark
    of a sheet's row, when it is one that says what to do."""

    def __init__(
        self, connection: Connection, name: str, day: int, after: After, row: str = ""
    ) -> None:
        self._connection = connection
        self._name = name
        self._day = day
        self._after = after
        self._row = row

    def at_row(self, mark: str) -> Desk:
        """The same person, doing what a row of a sheet says: the history has its mark."""
        return Desk(self._connection, self._name, self._day, self._after, mark)

    def did(self, case_id: str, revision: int, mark: str) -> bool:
        """Whether the case's newest entry, its revision, is of this row and the same person."""
        last = history.newest(self._connection, case_id)
        wanted = (revision, self._name, mark)
        return last is not None and (last.seq, last.person, last.data.get(_ROW)) == wanted

    def note(self, case_id: str, text: str) -> None:
        """Add a remark."""
        self._do(self._case(case_id), "note", text)

    def assign(self, case_id: str, assignee: str | None, due: str | None, text: str = "") -> None:
        """Give a case to somebody, or another deadline (YYYY-MM-DD); None leaves it as it is."""
        wanted: dict[str, object] = {}
        if assignee is not None:
            wanted["assignee"] = people.person(assignee) if assignee else None
        if due is not None:
            wanted["due"] = _date(due)
        self._do(self._case(case_id), "assigned", text, wanted, active=True)

    def gather(self, case_id: str, text: str, data: Mapping[str, object] | None = None) -> None:
        """The evidence of it was gathered: `data` says which."""
        case = self._case(case_id)
        state = case["state"] if case["state"] != states.OPEN else states.EVIDENCE
        self._do(case, "gathered", text, {"state": state}, data, active=True)

    def send(self, case_id: str, party: str, due: str | None, text: str) -> None:
        """The claim went to a party, which has to answer until `due` (None: in five business
        days)."""
        if party not in PARTIES:
            raise CaseError(f"{party!r}: a claim goes to {', '.join(PARTIES)}")
        case = self._case(case_id)
        days = actions.after_sending().days
        until = self._after(str(case["channel"]), self._day, days)
        values = {"state": states.SENT, "due": _date(due) if due else as_date(until).isoformat()}
        self._do(case, "sent", text, values, {"to": party}, active=True)

    def wait(self, case_id: str, due: str | None, text: str) -> None:
        """Somebody has answered that it takes until `due`, or it waits for something else."""
        values: dict[str, object] = {"state": states.WAITING}
        if due:
            values["due"] = _date(due)
        self._do(self._case(case_id), "waits", text, values, active=True)

    def resolve(self, case_id: str, text: str, how: str = SQUARED) -> bool:
        """Close it with what squared it; False when a second person has to approve first."""
        if how not in HOW:
            raise CaseError(f"{how!r}: a case is resolved by {' or '.join(HOW)}")
        return self._close(case_id, states.RESOLVED, text, HOW[how], {"how": how})

    def reject(self, case_id: str, text: str) -> None:
        """Whoever it was sent to has refused it for good; nothing is booked."""
        case = self._case(case_id)
        if not self._repeated(case, "closed", text, {"state": states.REJECTED}):
            proposals.check(self._connection, case)
            self._finish(case, states.REJECTED, text, record.REJECTED)

    def write_off(self, case_id: str, text: str) -> bool:
        """Give its money up; False when a second person has to approve first."""
        return self._close(case_id, states.WRITTEN_OFF, text, record.WRITTEN_OFF)

    def reopen(self, case_id: str, text: str) -> None:
        """Take up a closed case once more."""
        case = self._case(case_id)
        values = {"state": states.OPEN, "closed_by": None, "closed_reason": None}
        if self._repeated(case, "reopened", text, values):
            return
        proposals.check(self._connection, case)
        if case["state"] in states.ACTIVE:
            raise CaseError(f"case {case['id']}: it is {case['state']}, not closed")
        self._do(case, "reopened", text, values)

    def approve(self, case_id: str, text: str = "") -> None:
        """As the second person: book what was proposed and close the case."""
        case = self._case(case_id)
        waiting = proposals.of(self._connection, case_id)
        if waiting is None and self._was_last(case, "approved"):
            return
        if waiting is None:
            raise CaseError(f"case {case_id}: nothing waits for a second person")
        if people.same(self._name, waiting.maker):
            raise CaseError(
                f"case {case_id}: {waiting.maker} proposed it; somebody else has to approve it"
            )
        now = proposals.differs(self._connection, case_id)
        if now != waiting.amount_minor:
            raise CaseError(
                f"case {case_id}: {money(waiting.amount_minor)} was proposed, {money(now)} "
                "differs now; refuse it (case refuse)"
            )
        self._decide(waiting, True)
        data = {"adjustment": waiting.id, "amount_minor": waiting.amount_minor}
        result = record.WRITTEN_OFF
        if waiting.closes == states.RESOLVED:
            result = HOW[self._how(case_id)]
        said = waiting.text + (f" ({text})" if text else "")
        closed = f"{said}; proposed by {waiting.maker}, approved by {self._name}"
        self._finish(case, waiting.closes, closed, result, data, "approved")

    def refuse(self, case_id: str, text: str) -> None:
        """Decide against what was proposed; its maker may take it back so."""
        case = self._case(case_id)
        waiting = proposals.of(self._connection, case_id)
        if waiting is None and self._was_last(case, "refused"):
            return
        if waiting is None:
            raise CaseError(f"case {case_id}: nothing waits for a second person")
        self._decide(waiting, False)
        self._do(case, "refused", text, {}, {"adjustment": waiting.id})
        differs = proposals.differs(self._connection, case_id)
        nothing = not differs and not proposals.found(self._connection, case_id)
        if nothing and case["state"] in states.ACTIVE:
            reason = "it had squared itself before anything was adjusted"
            values = {"closed_by": history.COMPANION, "closed_reason": reason}
            self._store(case, {"state": states.RESOLVED, **values})
            history.add(self._connection, case, history.COMPANION, "closed", reason)

    # What the acts rest on.

    def _close(
        self,
        case_id: str,
        state: str,
        text: str,
        result: int,
        data: Mapping[str, object] | None = None,
    ) -> bool:
        case = self._case(case_id)
        if self._repeated(case, "closed", text, {"state": state}):
            return True
        waiting = proposals.of(self._connection, case_id)
        same = (self._name, state, _text(text))
        if waiting is not None and (waiting.maker, waiting.closes, waiting.text) == same:
            return False
        proposals.check(self._connection, case)
        _may(case, state)
        differs = proposals.differs(self._connection, case_id)
        if not differs:
            self._finish(case, state, text, result, data)
            return True
        made = self._connection.execute(
            insert(adjustments)
            .values(
                case_id=case_id,
                closes=state,
                amount_minor=differs,
                text=_text(text),
                maker=self._name,
                made_at=utc_now(),
            )
            .returning(adjustments.c.id)
        ).scalar_one()
        told = {**(data or {}), "adjustment": made, "amount_minor": differs, "closes": state}
        self._do(case, "proposed", text, {}, told)
        return False

    def _finish(
        self,
        case: dict[str, object],
        state: str,
        text: str,
        result: int,
        data: Mapping[str, object] | None = None,
        what: str = "closed",
    ) -> None:
        _may(case, state)
        values = {"state": state, "closed_by": self._name, "closed_reason": _text(text)}
        self._do(case, what, text, values, data)
        tell(self._connection, str(case["id"]), result, text)

    def _do(
        self,
        case: dict[str, object],
        what: str,
        text: str,
        values: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        active: bool = False,
    ) -> None:
        """Write an act down; ``active``: only a case that is not closed has it."""
        wanted = dict(values or {})
        if self._repeated(case, what, text, wanted, data):
            return
        if active:
            proposals.check(self._connection, case)
            if case["state"] not in states.ACTIVE:
                raise CaseError(f"case {case['id']}: it is {case['state']} (case reopen)")
        if wanted.get("state", case["state"]) != case["state"]:
            _may(case, str(wanted["state"]))
        self._store(case, {**wanted, "touched": True})
        told = {**(data or {}), **({_ROW: self._row} if self._row else {})}
        history.add(self._connection, case, self._name, what, _text(text), told)

    def _repeated(
        self,
        case: Mapping[str, object],
        what: str,
        text: str,
        values: Mapping[str, object],
        data: Mapping[str, object] | None = None,
    ) -> bool:
        """Whether the same person did the very same as the last thing: doing it again, because
        nobody saw whether a killed companion had done it, changes nothing."""
        last = history.newest(self._connection, str(case["id"]))
        if last is None or (last.person, last.what, last.text) != (self._name, what, _text(text)):
            return False
        then = {"state": last.state, "assignee": last.assignee, "due": last.due}
        same = all(then[name] == value for name, value in values.items() if name in then)
        untouched = all(case[name] == value for name, value in then.items())
        said = {name: value for name, value in last.data.items() if name != _ROW}
        return same and untouched and (data is None or said == data)

    def _was_last(self, case: Mapping[str, object], what: str) -> bool:
        last = history.newest(self._connection, str(case["id"]))
        mine = last is not None and (last.person, last.what) == (self._name, what)
        return mine and last is not None and last.state == case["state"]

    def _store(self, case: dict[str, object], values: Mapping[str, object]) -> None:
        case.update(values)
        self._connection.execute(update(cases).where(cases.c.id == case["id"]).values(**values))

    def _case(self, case_id: str) -> dict[str, object]:
        found = self._connection.execute(select(cases).where(cases.c.id == case_id)).mappings()
        row = found.first()
        if row is None:
            raise CaseError(f"case {case_id}: there is none")
        return dict(row)

    def _decide(self, waiting: Proposal, approved: bool) -> None:
        self._connection.execute(
            update(adjustments)
            .where(adjustments.c.id == waiting.id)
            .values(approved=approved, checker=self._name, decided_at=utc_now())
        )

    def _how(self, case_id: str) -> str:
        made = [one for one in history.of(self._connection, case_id) if one.what == "proposed"]
        return str(made[-1].data.get("how", SQUARED))


def _may(case: Mapping[str, object], state: str) -> None:
    if not states.may_follow(str(case["state"]), state):
        raise CaseError(f"case {case['id']}: it is {case['state']} and cannot become {state}")


def _text(text: str) -> str:
    shown = " ".join(text.split())
    if len(shown) > _MOST_TEXT or not shown.isprintable():
        raise CaseError(f"a text has at most {_MOST_TEXT} printable characters")
    for found in _DIGITS.findall(shown):
        digits = "".join(filter(str.isdigit, found))
        if records.luhn(digits):
            raise CaseError("a text may not hold a whole card number; leave its middle out")
    return shown


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise CaseError(f"{text!r} is no date (YYYY-MM-DD)") from None
