"""Cases as an XLSX sheet: out, worked on elsewhere, and in again, checked cell by cell.

All of a sheet is taken in or none of it. A cell that may not change is compared with the case as
it is now; a row whose case somebody has changed since is refused. When the last that happened
to a case is that the same person took in this very row, it is not done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from sqlalchemy import Connection

from companion.cases import states, xlsx
from companion.cases.acts import HOW, PARTIES, SQUARED, Desk
from companion.cases.errors import CaseError
from companion.cases.listing import Case, Filter, listed
from companion.reconcile.words import ACQUIRER

SHEET = "cases"
_MOST_ROWS = 200_000
_MOST_ERRORS = 50

# Columns that stay as they were written.
_FIXED = (
    "id",
    "code",
    "kind",
    "merchant",
    "terminal",
    "channel",
    "day",
    "breaks",
    "amount",
    "effect",
    "owed",
    "who acts",
    "next action",
    "revision",
)
# Columns to work in: the last three say what is done, the others what the case has.
_STATE, _ASSIGNEE, _DUE = "state", "assignee", "due"
_PARTY, _HOW, _NOTE = "send to", "how", "note"
_EDITED = (_STATE, _ASSIGNEE, _DUE, _PARTY, _HOW, _NOTE)
COLUMNS = (*_FIXED[:12], *_EDITED, *_FIXED[12:])

_MONEY = ("amount", "effect", "owed")
_HEAD = Font(bold=True)
_OPEN_CELLS = PatternFill("solid", fgColor="FFF4CC")


@dataclass(frozen=True)
class Wrong:
    """A cell that cannot be taken in: its row and column as the sheet shows them."""

    row: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.problem}"


@dataclass(frozen=True)
class Taken:
    """What a sheet did, as ids of cases: those with an act, those of them that wait for a second
    person, and those whose act had been done before."""

    rows: int
    changed: list[str]
    proposed: list[str]
    again: list[str]


class SheetError(CaseError):
    """A sheet that was refused as a whole; `wrong` are its cells."""

    def __init__(self, path: Path, wrong: list[Wrong]) -> None:
        shown = "; ".join(str(one) for one in wrong[:_MOST_ERRORS])
        more = len(wrong) - _MOST_ERRORS
        super().__init__(
            f"{path}: nothing was taken in: {shown}" + (f"; and {more} more" if more > 0 else "")
        )
        self.wrong = wrong


def write(path: Path, cases: Iterable[Case]) -> int:
    """Write cases to a sheet; how many there were. Yellow columns are there to be filled in."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.freeze_panes = "B2"
    for place, name in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _width(name)
    head = []
    for name in COLUMNS:
        cell = WriteOnlyCell(sheet, name)
        cell.font = _HEAD
        if name in _EDITED:
            cell.fill = _OPEN_CELLS
        head.append(cell)
    sheet.append(head)
    count = 0
    for case in cases:
        values = _values(case)
        sheet.append([_cell(sheet, name, values[name]) for name in COLUMNS])
        count += 1
    book.save(path)
    return count


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read: its rows as text by column, and the cells that cannot be read."""

    path: Path
    rows: list[tuple[int, dict[str, str]]]
    wrong: list[Wrong]


def read(path: Path) -> Sheet:
    """Read a sheet; CaseError when it is none of ours."""
    with xlsx.opened(path, SHEET) as cells:
        return Sheet(path, *_rows(path, cells))


def take(read: Sheet, connection: Connection, desk: Desk) -> Taken:
    """Do what a sheet says; SheetError, with every cell that is wrong, when any is."""
    rows, wrong = read.rows, list(read.wrong)
    known = {one.id: one for one in listed(connection, Filter())}
    wanted: list[tuple[int, Case, dict[str, str]]] = []
    seen: dict[str, int] = {}
    again: list[str] = []
    for number, cells in rows:
        case = known.get(cells["id"])
        if case is None:
            wrong.append(Wrong(number, "id", f"there is no case {cells['id'] or '(empty)'}"))
        elif case.id in seen:
            wrong.append(Wrong(number, "id", f"case {case.id} stands in row {seen[case.id]} too"))
        else:
            seen[case.id] = number
            if _taken_before(desk, case, cells):
                again.append(case.id)
                continue
            faults = _differences(number, case, cells)
            wrong += faults
            if not faults:
                wanted.append((number, case, cells))
    changed: list[str] = []
    proposed: list[str] = []
    for number, case, cells in wanted:
        try:
            done = _act(desk.at_row(_mark(cells)), case, cells)
        except _Fault as fault:
            wrong.append(Wrong(number, fault.column, str(fault)))
            continue
        if done is not None:
            changed.append(case.id)
            if not done:
                proposed.append(case.id)
    if wrong:
        raise SheetError(read.path, sorted(wrong, key=lambda one: (one.row, one.column)))
    return Taken(len(rows), changed, proposed, again)


def _taken_before(desk: Desk, case: Case, cells: Mapping[str, str]) -> bool:
    same = cells["revision"] == str(case.revision)
    return not same and desk.did(case.id, case.revision, _mark(cells))


def _mark(cells: Mapping[str, str]) -> str:
    """Tells one row from any other, in this sheet or another one."""
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]


class _Fault(Exception):
    def __init__(self, column: str, problem: str) -> None:
        super().__init__(problem)
        self.column = column


def _act(desk: Desk, case: Case, cells: Mapping[str, str]) -> bool | None:
    """Do what one row says: None when it says nothing, False when a second person has to."""
    state, note = cells[_STATE], cells[_NOTE]
    if state not in states.STATES:
        raise _Fault(_STATE, f"{state!r} is none of {', '.join(states.STATES)}")
    moves = state != case.state
    if moves and not states.may_follow(case.state, state):
        raise _Fault(_STATE, f"it is {case.state} and cannot become {state}")
    for name, allowed in ((_PARTY, PARTIES), (_HOW, tuple(HOW))):
        if cells[name] and cells[name] not in allowed:
            raise _Fault(name, f"{cells[name]!r} is none of {', '.join(allowed)}")
    if cells[_PARTY] and not (moves and state == states.SENT):
        raise _Fault(_PARTY, f"only a case whose state becomes {states.SENT} is sent to somebody")
    if cells[_HOW] and not (moves and state == states.RESOLVED):
        raise _Fault(_HOW, f"only a case whose state becomes {states.RESOLVED} has one")
    assigned = cells[_ASSIGNEE] != (case.assignee or "")
    due = _due(cells[_DUE])
    dated = due != (case.due or "")
    if dated and not due:
        raise _Fault(_DUE, "a case keeps a deadline")
    if state in states.CLOSED and moves and not note:
        raise _Fault(_NOTE, f"say what squared it, or why it is {state}")
    if dated and moves and state in states.CLOSED:
        raise _Fault(_DUE, f"a case that becomes {state} has no deadline any more")
    hands_on = assigned or (dated and not (moves and state in (states.SENT, states.WAITING)))
    column = _STATE if moves else _ASSIGNEE if hands_on else _NOTE
    try:
        if moves and state == states.OPEN:
            desk.reopen(case.id, note)
        if hands_on:
            desk.assign(case.id, cells[_ASSIGNEE] if assigned else None, due if dated else None)
        if moves and state != states.OPEN:
            return _move(desk, case.id, state, cells, due if dated else None)
        if note and not moves:
            desk.note(case.id, note)
    except CaseError as error:
        raise _Fault(column, str(error)) from None
    return True if moves or hands_on or note else None


def _move(desk: Desk, case_id: str, state: str, cells: Mapping[str, str], due: str | None) -> bool:
    note = cells[_NOTE]
    if state == states.RESOLVED:
        return desk.resolve(case_id, note, cells[_HOW] or SQUARED)
    if state == states.WRITTEN_OFF:
        return desk.write_off(case_id, note)
    if state == states.REJECTED:
        desk.reject(case_id, note)
    elif state == states.SENT:
        desk.send(case_id, cells[_PARTY] or ACQUIRER, due, note)
    elif state == states.WAITING:
        desk.wait(case_id, due, note)
    else:
        desk.gather(case_id, note)
    return True


def _differences(number: int, case: Case, cells: Mapping[str, str]) -> list[Wrong]:
    """The cells of a row that may not differ from its case and do."""
    now = {name: _text(name, value) for name, value in _values(case).items()}
    if cells["revision"] != now["revision"]:
        return [
            Wrong(
                number,
                "revision",
                f"case {case.id} has changed since (it is {now['revision']} now): export it anew",
            )
        ]
    return [
        Wrong(number, name, f"may not change: it is {now[name] or '(empty)'}")
        for name in _FIXED
        if cells[name] != now[name]
    ]


def _rows(path: Path, sheet: Any) -> tuple[list[tuple[int, dict[str, str]]], list[Wrong]]:
    rows: list[tuple[int, dict[str, str]]] = []
    wrong: list[Wrong] = []
    names: list[str] = []
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise CaseError(f"{path}: more than {_MOST_ROWS} rows")
        if not names:
            names = [str(cell.value or "") for cell in cells]
            _check_names(path, names)
            continue
        values: dict[str, str] = {}
        for name, cell in zip(names, cells, strict=False):
            if cell.data_type in ("f", "e"):
                wrong.append(Wrong(number, name, "a formula or an error, not a value"))
            values[name] = _text(name, cell.value)
        if any(values.values()):
            rows.append((number, {name: values.get(name, "") for name in names}))
    return rows, wrong


def _check_names(path: Path, names: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    other = [name for name in names if name not in COLUMNS]
    twice = [name for name in COLUMNS if names.count(name) > 1]
    for problem, which in (("lacks", missing), ("does not have", other), ("has twice", twice)):
        if which:
            raise CaseError(f"{path}, row 1: the sheet {problem} the column {which[0]!r}")


def _values(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "code": case.code,
        "kind": case.kind,
        "merchant": case.merchant_no,
        "terminal": case.terminal_no,
        "channel": case.channel,
        "day": case.first_day or "",
        "breaks": case.breaks,
        "amount": _major(case.amount_minor),
        "effect": _major(case.effect_minor),
        "owed": _major(case.owed_minor),
        "who acts": case.actor,
        _STATE: case.state,
        _ASSIGNEE: case.assignee or "",
        _DUE: case.due or "",
        _PARTY: "",
        _HOW: "",
        _NOTE: "",
        "next action": case.action().said("en"),
        "revision": case.revision,
    }


def _major(minor: int) -> Decimal:
    """Minor units as a number with two places: a spreadsheet adds it up."""
    return Decimal(minor).scaleb(-2)


def _cell(sheet: Any, name: str, value: Any) -> Any:
    """What goes into a cell; most values need no more than themselves."""
    if name in _MONEY:
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = "#,##0.00"
        return cell
    if isinstance(value, str) and value.startswith("="):
        cell = WriteOnlyCell(sheet, value)
        cell.data_type = "s"  # a text, not a formula
        return cell
    return value


def _text(name: str, value: object) -> str:
    return xlsx.amount(value) if name in _MONEY else xlsx.text(value)


def _due(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise _Fault(_DUE, f"{text!r} is no date (YYYY-MM-DD)") from None


def _width(name: str) -> int:
    return {"next action": 60, _NOTE: 40, "id": 15, "code": 24, "merchant": 18}.get(name, 13)
