"""The rows of a spreadsheet (XLSX) as text, in bounded portions."""

from __future__ import annotations

import datetime
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

import openpyxl

from companion.statements.columns import one_line
from companion.statements.source import Source
from companion.statements.statement import StatementError

# What a spreadsheet may unpack to; all texts of one are in memory at once.
MAX_UNPACKED = 512 << 20
_AT_ONCE = 1000
MAX_COLUMNS = 200
_BEGINNING = b"PK\x03\x04"


def is_sheet(head: bytes) -> bool:
    """True when a file begins like one."""
    return head.startswith(_BEGINNING)


def rows(source: Source, sheet: str = "") -> Iterator[tuple[int, list[str]]]:
    """Each row's number and values as text; of the first sheet, or the one of that name."""
    stream = source.stream()
    _check_size(stream)
    with _quiet():
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    try:
        if sheet and sheet not in book.sheetnames:
            seen = one_line(", ".join(book.sheetnames), 200)
            raise StatementError(f"no sheet {sheet!r}, only {seen}")
        if not book.worksheets:
            raise StatementError("no sheet in it")
        with _quiet():
            found = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
        number = 0
        while True:
            with _quiet():
                portion = list(islice(found, _AT_ONCE))
            if not portion:
                return
            for row in portion:
                number += 1
                if len(row) > MAX_COLUMNS:
                    raise StatementError(f"line {number}: more than {MAX_COLUMNS} columns")
                yield number, [_text(value) for value in row]
    finally:
        book.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Whatever the library finds wrong is one error; of styles and dates it would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:  # what it does not check itself comes out as it is
            raise StatementError(f"a damaged spreadsheet: {type(error).__name__}") from None


def _check_size(stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as packed:
            unpacked = sum(item.file_size for item in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise StatementError("a damaged spreadsheet: not a whole ZIP file") from None
    if unpacked > MAX_UNPACKED:
        raise StatementError(f"it unpacks to more than {MAX_UNPACKED} bytes")
    stream.seek(0)


def _text(value: object) -> str:
    """A cell as a person sees it: spreadsheets keep numbers with 15 digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # Text again before anything is computed with it.
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        moment = value.replace(microsecond=0)
        return moment.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)
