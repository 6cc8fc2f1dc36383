"""A report as XLSX: a sheet for each section, numbers as numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from itertools import zip_longest
from unicodedata import east_asian_width

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from companion.report.languages import word
from companion.report.model import COUNT, MONEY, RATE, TEXT, WORDS, Cell, Report, Section, shown

_FORMATS = {MONEY: "#,##0.00", RATE: "0.00%", COUNT: "#,##0", TEXT: "@"}
_WIDEST = 60
_MARGIN = 3
_LONGEST_NAME = 31
_NO_NAME = re.compile(r"[\[\]:*?/\\]")
_BOLD = Font(bold=True)

Line = list[tuple[str, Cell]]


def render(report: Report) -> bytes:
    """The file's bytes."""
    book = Workbook()
    first = book.worksheets[0]
    first.title = word("Report", report.language)
    told: list[Line] = [[(TEXT, name), (TEXT, value)] for name, value in report.head]
    told += [[(TEXT, name), (kind, cell)] for name, kind, cell in report.key]
    _write(first, [(TEXT, report.name)], told)
    for section in report.sections:
        _sheet(book, section)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet(book: Workbook, section: Section) -> None:
    sheet = book.create_sheet(_NO_NAME.sub(" ", section.title)[:_LONGEST_NAME])
    kinds = [column.kind for column in section.columns]
    lines: list[Line] = [list(zip(kinds, row, strict=True)) for row in section.rows]
    said = " ".join(section.notes) if section.rows else section.empty
    _write(sheet, [(TEXT, column.name) for column in section.columns], lines, said)
    sheet.freeze_panes = "A2"
    if lines:
        last = get_column_letter(len(kinds))
        sheet.auto_filter.ref = f"A1:{last}{len(lines) + 1}"


def _write(sheet: Worksheet, heads: Line, lines: list[Line], said: str = "") -> None:
    for number, line in enumerate([heads, *lines], start=1):
        for place, (kind, value) in enumerate(line, start=1):
            cell = sheet.cell(number, place)
            assert isinstance(cell, SheetCell)
            _fill(cell, kind, value)
            if number == 1:
                cell.font = _BOLD
    if said:
        cell = sheet.cell(len(lines) + 3, 1)
        assert isinstance(cell, SheetCell)
        _fill(cell, TEXT, said)
    for place, column in enumerate(zip_longest(heads, *lines, fillvalue=(TEXT, None)), start=1):
        longest = max(_breadth(shown(kind, value)) for kind, value in column)
        width = min(_WIDEST, longest + _MARGIN)
        sheet.column_dimensions[get_column_letter(place)].width = width


def _fill(cell: SheetCell, kind: str, value: Cell) -> None:
    if isinstance(value, int) and kind not in WORDS:
        cell.value = _number(kind, value)
        cell.number_format = _FORMATS[kind]
    elif value is not None:
        cell.value = str(value)
        # A text that begins with = is a text, not a formula of whoever wrote the statement.
        cell.data_type = "s"
        cell.number_format = _FORMATS[TEXT]


def _number(kind: str, value: int) -> int | Decimal:
    if kind == MONEY:
        return Decimal(value) / 100
    # As the other forms show it: hundredths of a percent, rounded down.
    return Decimal(value // 100) / 10_000 if kind == RATE else value


def _breadth(text: str) -> int:
    """How many columns of a screen a text takes: a Chinese character takes two."""
    return sum(1 + (east_asian_width(char) in "FW") for char in text)
