"""XLSX files from outside: opened within bounds, their cells as text."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from companion.cases.errors import CaseError

MAX_FILE = 20 << 20
_MAX_UNPACKED = 400 << 20


@contextmanager
def opened(path: Path, sheet: str) -> Iterator[Any]:
    """A sheet of a file, to be read row by row; CaseError when it is not there."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise CaseError(f"{path}: larger than {MAX_FILE} bytes")
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MAX_UNPACKED:
                raise CaseError(f"{path}: larger than {_MAX_UNPACKED} bytes when unpacked")
        # An open file: when it is no workbook, openpyxl would not close one that it has opened.
        with path.open("rb") as file, warnings.catch_warnings():
            # Of what other programs put in and nobody asks for here.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(file, read_only=True)
            if sheet not in book.sheetnames:
                raise CaseError(f"{path}: no sheet {sheet!r}, as companion case export makes it")
            yield book[sheet]
    except OSError as error:
        raise CaseError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError) as error:
        raise CaseError(f"{path}: no XLSX file ({error})") from error


def text(value: object) -> str:
    """A cell: the same for what was written and for what a spreadsheet made of it."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def amount(value: object) -> str:
    """A cell with money, with two places; what is no number stays as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return text(value)
    # A spreadsheet holds numbers as doubles; their shortest text is what was written.
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return str(exact.quantize(Decimal("0.01"))) if exact == round(exact, 2) else str(exact)
