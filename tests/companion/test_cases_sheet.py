"""Cases out to a spreadsheet, worked on, and in again: every cell is checked."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from companion.cases import CaseError, sheet, states
from companion.cases.acts import Desk
from companion.cases.sheet import COLUMNS, SheetError, Taken
from companion.reconcile import codes
from tests.companion.casebook import AS_OF, Book, broken, later

Change = Callable[[Any], None]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book(tmp_path / "store")
    made.found(
        broken(codes.CLOCK_SKEW, 1, 0),
        broken(codes.AMOUNT_MISMATCH, 2, 1250),
        broken(codes.DECLINED_BUT_CAPTURED, 3, -7),
    )
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cases.xlsx"


def export(book: Book, path: Path) -> dict[str, int]:
    """Write all cases; the row of each code."""
    cases = book.listed()
    assert sheet.write(path, cases) == len(cases)
    return {one.code: row for row, one in enumerate(cases, 2)}


def edit(path: Path, row: int, **cells: Any) -> None:
    """Change cells as a person in a spreadsheet does."""
    made = openpyxl.load_workbook(path)
    for name, value in cells.items():
        made[sheet.SHEET].cell(row, COLUMNS.index(name.replace("_", " ")) + 1).value = value
    made.save(path)


def take(book: Book, path: Path, name: str = "WANG") -> Taken:
    read = sheet.read(path)
    with book.store.write() as connection:
        return sheet.take(read, connection, Desk(connection, name, AS_OF, later))


def refused(book: Book, path: Path) -> list[str]:
    """What a sheet is refused for; nothing of it may be done."""
    before = [one.__dict__ for one in book.listed()]
    with pytest.raises(SheetError) as caught:
        take(book, path)
    assert [one.__dict__ for one in book.listed()] == before
    return [str(one) for one in caught.value.wrong]


def by_code(book: Book, code: str) -> Any:
    (one,) = book.listed(code=code)
    return one


def test_a_sheet_that_nobody_changed_does_nothing(book: Book, path: Path) -> None:
    export(book, path)
    before = [one.__dict__ for one in book.listed()]
    assert take(book, path) == Taken(3, [], [], [])
    assert [one.__dict__ for one in book.listed()] == before


def test_a_sheet_saved_by_another_program_is_the_same(book: Book, path: Path) -> None:
    export(book, path)
    made = openpyxl.load_workbook(path)
    made.save(path)
    assert take(book, path) == Taken(3, [], [], [])


def test_states_assignees_deadlines_and_notes_come_in(book: Book, path: Path) -> None:
    rows = export(book, path)
    edit(path, rows[codes.CLOCK_SKEW], state="resolved", note="battery changed")
    edit(path, rows[codes.AMOUNT_MISMATCH], state="written_off", note="small", assignee="LI")
    sent: dict[str, Any] = {"state": "sent", "send_to": "bank", "due": datetime(2026, 4, 1)}
    edit(path, rows[codes.DECLINED_BUT_CAPTURED], **sent)
    taken = take(book, path)
    assert (taken.rows, len(taken.changed), len(taken.proposed)) == (3, 3, 1)
    clock = by_code(book, codes.CLOCK_SKEW)
    assert (clock.state, clock.closed_reason) == ("resolved", "battery changed")
    mismatch = by_code(book, codes.AMOUNT_MISMATCH)
    assert (mismatch.state, mismatch.proposed_minor, mismatch.assignee) == ("open", 1250, "LI")
    claim = by_code(book, codes.DECLINED_BUT_CAPTURED)
    assert (claim.state, claim.due) == ("sent", "2026-04-01")


def test_amounts_are_numbers_that_a_spreadsheet_adds_up(book: Book, path: Path) -> None:
    rows = export(book, path)
    cells = openpyxl.load_workbook(path)[sheet.SHEET]
    column = COLUMNS.index("effect") + 1
    assert cells.cell(rows[codes.AMOUNT_MISMATCH], column).value == 12.5
    assert cells.cell(rows[codes.DECLINED_BUT_CAPTURED], column).value == -0.07


@pytest.mark.parametrize("minor", [1, 7, 29, 1999, 99999999999, 12345678901, 999999999999])
def test_an_amount_comes_back_as_it_went_out(tmp_path: Path, minor: int) -> None:
    book, path = Book(tmp_path / "other"), tmp_path / "cases.xlsx"
    book.found(broken(effect=minor), broken(stan=2, effect=-minor))
    export(book, path)
    assert take(book, path) == Taken(2, [], [], [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("code", "HOST_ONLY"),
        ("amount", 12.51),
        ("amount", "12.50"),
        ("effect", None),
        ("merchant", "1"),
        ("breaks", 2),
        ("day", "2026-03-03"),
        ("who acts", "shop"),
    ],
)
def test_a_cell_that_may_not_change_is_refused_with_its_place(
    book: Book, path: Path, column: str, value: object
) -> None:
    rows = export(book, path)
    row = rows[codes.AMOUNT_MISMATCH]
    edit(path, rows[codes.CLOCK_SKEW], state="resolved", note="would be fine")
    edit(path, row, **{column.replace(" ", "_"): value})
    if (column, value) == ("amount", "12.50"):
        take(book, path)  # the same amount, as text
        return
    (problem,) = refused(book, path)
    assert problem.startswith(f"row {row}, column {column}: may not change")


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"state": "closed"}, "state", "is none of"),
        ({"state": "resolved"}, "note", "say what squared it"),
        ({"state": "sent", "send_to": "police"}, "send to", "is none of"),
        ({"send_to": "bank"}, "send to", "only a case whose state becomes sent"),
        ({"how": "refund"}, "how", "only a case whose state becomes resolved"),
        ({"due": "soon"}, "due", "is no date"),
        ({"due": None}, "due", "keeps a deadline"),
        ({"state": "resolved", "note": "x", "due": "2026-05-01"}, "due", "no deadline any more"),
        ({"note": "622200" + "0000000009"}, "note", "card number"),
        ({"note": "=1+1"}, "note", "formula"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(
    book: Book, path: Path, cells: dict[str, object], column: str, said: str
) -> None:
    rows = export(book, path)
    row = rows[codes.CLOCK_SKEW]
    edit(path, row, **cells)
    (problem,) = refused(book, path)
    assert problem.startswith(f"row {row}, column {column}:") and said in problem


def test_a_state_that_may_not_follow_is_refused_with_its_place(book: Book, path: Path) -> None:
    case = by_code(book, codes.CLOCK_SKEW)
    book.act("WANG", "resolve", case.id, "done")
    rows = export(book, path)
    edit(path, rows[codes.CLOCK_SKEW], state="sent")
    (problem,) = refused(book, path)
    row = rows[codes.CLOCK_SKEW]
    assert problem == f"row {row}, column state: it is resolved and cannot become sent"


def test_every_wrong_cell_is_told_at_once(book: Book, path: Path) -> None:
    rows = export(book, path)
    edit(path, rows[codes.CLOCK_SKEW], id="000000000000")
    edit(path, rows[codes.AMOUNT_MISMATCH], state="gone")
    edit(path, rows[codes.DECLINED_BUT_CAPTURED], amount=1, channel="x")
    problems = refused(book, path)
    assert len(problems) == 4
    assert any("there is no case 000000000000" in one for one in problems)


def test_a_case_that_stands_twice_is_refused(book: Book, path: Path) -> None:
    rows = export(book, path)
    made = openpyxl.load_workbook(path)
    cells = made[sheet.SHEET]
    cells.append([cell.value for cell in cells[2]])
    made.save(path)
    assert refused(book, path) == [
        f"row {len(rows) + 2}, column id: case {book.listed()[0].id} stands in row 2 too"
    ]


def test_a_case_that_somebody_changed_since_is_refused(book: Book, path: Path) -> None:
    rows = export(book, path)
    case = by_code(book, codes.CLOCK_SKEW)
    book.act("LI", "note", case.id, "meanwhile")
    edit(path, rows[codes.CLOCK_SKEW], state="resolved", note="done")
    (problem,) = refused(book, path)
    assert "has changed since" in problem and "column revision" in problem


def test_a_sheet_taken_in_again_changes_nothing_and_says_so(book: Book, path: Path) -> None:
    # Its person did not see whether a companion that was killed had taken it in.
    rows = export(book, path)
    edit(path, rows[codes.CLOCK_SKEW], note="once")
    edit(path, rows[codes.AMOUNT_MISMATCH], state="written_off", assignee="CHEN", note="small")
    first = take(book, path)
    assert len(first.changed) == 2 and len(first.proposed) == 1 and first.again == []
    before = [one.__dict__ for one in book.listed()]
    assert take(book, path) == Taken(3, [], [], first.changed)
    assert [one.__dict__ for one in book.listed()] == before
    edit(path, rows[codes.CLOCK_SKEW], note="twice")
    (problem,) = refused(book, path)
    assert "has changed since" in problem


def test_a_sheet_taken_in_again_is_refused_where_somebody_went_on(book: Book, path: Path) -> None:
    rows = export(book, path)
    edit(path, rows[codes.CLOCK_SKEW], note="once")
    take(book, path)
    with pytest.raises(SheetError, match="has changed since"):
        take(book, path, "LI")
    book.act("LI", "note", by_code(book, codes.CLOCK_SKEW).id, "once")
    (problem,) = refused(book, path)
    assert "has changed since" in problem


def test_a_sheet_taken_in_again_is_refused_where_a_reconciliation_went_on(
    book: Book, path: Path
) -> None:
    rows = export(book, path)
    edit(path, rows[codes.AMOUNT_MISMATCH], note="once")
    take(book, path)
    book.found(broken(codes.CLOCK_SKEW, 1, 0), broken(codes.DECLINED_BUT_CAPTURED, 3, -7))
    assert by_code(book, codes.AMOUNT_MISMATCH).squared  # by itself
    (problem,) = refused(book, path)
    assert "has changed since" in problem


def test_what_a_sheet_did_may_be_said_again_as_a_command(book: Book, path: Path) -> None:
    rows = export(book, path)
    edit(path, rows[codes.AMOUNT_MISMATCH], state="sent", send_to="bank", note="claim")
    take(book, path)
    case = by_code(book, codes.AMOUNT_MISMATCH)
    book.act("WANG", "send", case.id, "bank", case.due, "claim")
    assert by_code(book, codes.AMOUNT_MISMATCH).revision == case.revision


def test_columns_may_be_moved_and_rows_left_out(book: Book, path: Path) -> None:
    rows = export(book, path)
    edit(path, rows[codes.CLOCK_SKEW], note="seen")
    made = openpyxl.load_workbook(path)
    cells = made[sheet.SHEET]
    table = [[cell.value for cell in row] for row in cells.iter_rows()]
    order = list(range(len(COLUMNS)))
    random.Random(3).shuffle(order)
    other = openpyxl.Workbook()
    page = other.create_sheet(sheet.SHEET)
    for number, row in enumerate(table, 1):
        if number in (1, rows[codes.CLOCK_SKEW]):
            page.append([row[place] for place in order])
    other.save(path)
    assert take(book, path).changed == [by_code(book, codes.CLOCK_SKEW).id]


@pytest.mark.parametrize("column", ["revision", "state"])
def test_a_sheet_without_a_column_is_refused(book: Book, path: Path, column: str) -> None:
    export(book, path)
    made = openpyxl.load_workbook(path)
    made[sheet.SHEET].delete_cols(COLUMNS.index(column) + 1)
    made.save(path)
    with pytest.raises(CaseError, match=f"lacks the column '{column}'"):
        take(book, path)


def test_a_text_that_looks_like_a_formula_stays_a_text(book: Book, path: Path) -> None:
    case = by_code(book, codes.CLOCK_SKEW)
    book.act("WANG", "assign", case.id, "=HYPERLINK(1)", None)
    rows = export(book, path)
    cells = openpyxl.load_workbook(path)[sheet.SHEET]
    cell = cells.cell(rows[codes.CLOCK_SKEW], COLUMNS.index("assignee") + 1)
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")


def test_what_is_no_sheet_of_ours_is_refused(book: Book, path: Path, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="No such file"):
        take(book, path)
    path.write_bytes(b"id,state\n")
    with pytest.raises(CaseError, match="no XLSX file"):
        take(book, path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x", "y")
    with pytest.raises(CaseError, match="no XLSX file"):
        take(book, path)
    other = openpyxl.Workbook()
    other.save(path)
    with pytest.raises(CaseError, match="no sheet 'cases'"):
        take(book, path)


def test_every_state_can_be_reached_by_a_sheet(book: Book, path: Path) -> None:
    for state in (*states.STATES[1:4], "rejected", "open", "resolved"):
        rows = export(book, path)
        edit(path, rows[codes.CLOCK_SKEW], state=state, note="on")
        take(book, path)
        assert by_code(book, codes.CLOCK_SKEW).state == state
