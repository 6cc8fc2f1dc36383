"""A mapping file: how a CSV or XLSX file that no layout knows is read, written by its user.

TOML or JSON. It names the file's column for each column of the facts, how dates and amounts are
written, and what each word for a type or state means. Nothing is guessed: a word that the mapping
does not have is refused, and so is a key that is not known here.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field, fields
from typing import Any

from companion.statements import currencies
from companion.statements.statement import (
    ACQUIRER,
    BANK,
    COLUMNS,
    PAYOUTS,
    TERMINAL,
    TYPES,
    StatementError,
)

if sys.version_info >= (3, 11):
    import tomllib

MAX_MAPPING = 1 << 16
# What a draft has where its user has to decide.
OPEN = "?"

# What a column of the file may be, beside the text columns of the facts that have its name.
_AMOUNTS = ("amount", "fee", "credit", "debit", "gross", "net", "balance")
_TIMES = ("date", "time", "datetime", "settle_date")
_WORDS = {
    "type": TYPES,
    "status": {
        ACQUIRER: ("CAPTURED", "AUTHORISED", "DECLINED", "REVERSED"),
        TERMINAL: ("APPROVED", "DECLINED", "REVERSED", "PENDING", "SUSPENDED", "NEEDS_RECON"),
        PAYOUTS: ("SENT", "RETURNED"),
    },
    "direction": ("CREDIT", "DEBIT", "RETURN"),
}
_SLIP = ("merchant_no", "terminal_no", "batch", "stan", "card", "rrn", "auth", "currency")
_TEXTS = {
    ACQUIRER: (*_SLIP, "orig_rrn", "f39", "reversal_f39", "settle_ref"),
    TERMINAL: (*_SLIP, "entry", "code", "of_batch", "of_stan"),
    PAYOUTS: ("merchant_no", "ref", "account", "reason", "currency"),
    BANK: ("account", "ref", "text", "currency"),
}
_OTHERS = {
    ACQUIRER: ("amount", "fee", "type", "status", *_TIMES),
    TERMINAL: ("amount", "type", "status", "date", "time", "datetime"),
    PAYOUTS: ("gross", "fee", "net", "status", "date", "settle_date"),
    BANK: ("amount", "credit", "debit", "balance", "direction", "date"),
}
_NEEDED = {ACQUIRER: ("amount",), TERMINAL: ("amount", "terminal_no"), PAYOUTS: ("net",), BANK: ()}
_ENCODINGS = ("utf-8", "gb18030", "latin-1")


@dataclass(frozen=True)
class Totals:
    """Where the file states its totals: a line, counted from the end, and places in it from 1."""

    line: int = 1
    count: int = 0
    amount: int = 0


@dataclass(frozen=True)
class Mapping:
    """A mapping as it is written; every name is checked."""

    name: str
    kind: str
    columns: dict[str, str]
    channel: str = ""
    # The merchant or account, when no column has it.
    party: str = ""
    currency: str = "CNY"
    encoding: str = "utf-8"
    delimiter: str = ","
    # The line with the column names; 0: there is none, and columns are "1", "2" …
    header: int = 1
    # Lines at the end that are no rows.
    footer: int = 0
    sheet: str = ""
    # Characters around values, such as the backtick or tab that keeps a spreadsheet from reading
    # a number.
    strip: str = "`'\t"
    date: str = "%Y-%m-%d"
    time: str = "%H:%M:%S"
    datetime: str = "%Y-%m-%d %H:%M:%S"
    # Hours east of UTC of the file's times.
    zone: int = 8
    # Amounts are in minor units, without a decimal point.
    minor: bool = False
    decimal: str = "."
    thousands: str = ""
    types: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    directions: dict[str, str] = field(default_factory=dict)
    # Columns of order and transaction numbers, which may look like card numbers by chance.
    references: tuple[str, ...] = ()
    totals: Totals | None = None


def read(text: str) -> Mapping:
    """Read the text of a mapping file; StatementError says what is wrong with it."""
    if len(text) > MAX_MAPPING:
        raise StatementError(f"mapping: larger than {MAX_MAPPING} characters")
    try:
        found = _parsed(text)
        return _mapping(found)
    except _Wrong as error:
        raise StatementError(f"mapping: {error}") from None


class _Wrong(ValueError):
    """What is wrong with a mapping."""


def _parsed(text: str) -> dict[str, Any]:
    found: Any
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _Wrong(f"not JSON: {str(error)[:200]}") from None
    elif sys.version_info >= (3, 11):
        try:
            found = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise _Wrong(f"not TOML: {str(error)[:200]}") from None
    else:
        raise _Wrong("TOML needs Python 3.11; write it as JSON")
    if not isinstance(found, dict):
        raise _Wrong("not a table")
    return found


def _mapping(found: dict[str, Any]) -> Mapping:
    kinds = {item.name: item.type for item in fields(Mapping)}
    for key, value in found.items():
        if key not in kinds:
            raise _Wrong(f"{str(key)[:40]!r} is not one of {', '.join(kinds)}")
        _check_value(key, str(kinds[key]), value)
    for key in ("name", "kind", "columns"):
        if key not in found:
            raise _Wrong(f"{key} is missing")
    if found["kind"] not in COLUMNS:
        raise _Wrong(f"kind is not one of {', '.join(COLUMNS)}")
    totals = found.get("totals")
    made = Mapping(
        **{
            **found,
            "references": tuple(found.get("references", ())),
            "totals": Totals(**totals) if totals else None,
        }
    )
    _check(made)
    return made


def _check_value(key: str, kind: str, value: object) -> None:
    if kind == "str":
        good = isinstance(value, str) and len(value) <= 200
    elif kind == "bool":
        good = isinstance(value, bool)
    elif kind == "int":
        good = isinstance(value, int) and not isinstance(value, bool) and -1000 < value < 1000
    elif kind.startswith("dict"):
        good = isinstance(value, dict) and all(
            isinstance(item, str) and len(item) <= 200 for pair in value.items() for item in pair
        )
    elif kind.startswith("tuple"):
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    else:
        good = isinstance(value, dict) and all(
            name in ("line", "count", "amount")
            and isinstance(item, int)
            and not isinstance(item, bool)
            and 0 < item < 1000
            for name, item in value.items()
        )
    if not good:
        raise _Wrong(f"{key} is not what it should be ({kind})")


def _check(made: Mapping) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", made.name, re.ASCII):
        raise _Wrong("name: small letters, digits, '.', '_', '-'; at most 40")
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,40}", made.channel, re.ASCII):
        raise _Wrong("channel: letters, digits, '.', '_', '-'; at most 40")
    allowed = (*_TEXTS[made.kind], *_OTHERS[made.kind])
    for name in made.columns:
        if name not in allowed:
            raise _Wrong(f"columns: {name[:40]!r} is not one of {', '.join(allowed)}")
    _check_columns(made)
    if made.encoding not in _ENCODINGS:
        raise _Wrong(f"encoding is not one of {', '.join(_ENCODINGS)}")
    if len(made.delimiter) != 1 or not made.delimiter.isascii() or made.delimiter in '"\r\n\0':
        raise _Wrong("delimiter is not one character")
    if made.decimal not in (".", ",") or made.thousands not in ("", ",", ".", " ", "'"):
        raise _Wrong("decimal is '.' or ',', thousands '', ',', '.', ' ' or \"'\"")
    if made.decimal == made.thousands:
        raise _Wrong("decimal and thousands are the same")
    if made.currency not in currencies.letters():
        raise _Wrong(f"currency {made.currency[:8]!r} is not known here")
    if not -12 <= made.zone <= 14 or not 0 <= made.header <= 100 or not 0 <= made.footer <= 100:
        raise _Wrong("zone, header or footer is out of bounds")
    if made.totals is not None and made.totals.line > made.footer:
        raise _Wrong("totals: its line is not among the lines of the footer")
    _check_words(made)


def _check_columns(made: Mapping) -> None:
    names = made.columns
    for name in _NEEDED[made.kind]:
        if name not in names:
            raise _Wrong(f"columns: {name} is missing")
    if made.kind == BANK and not ("amount" in names or {"credit", "debit"} <= names.keys()):
        raise _Wrong("columns: amount, or credit and debit, are missing")
    if "date" not in names and ("datetime" not in names or made.kind in (PAYOUTS, BANK)):
        raise _Wrong("columns: date is missing")
    for name, column in names.items():
        if column in ("", OPEN):
            raise _Wrong(f"columns: {name} is not said yet")


def _check_words(made: Mapping) -> None:
    for key, words, column in (
        ("types", made.types, "type"),
        ("status", made.status, "status"),
        ("directions", made.directions, "direction"),
    ):
        known = _WORDS[column]
        allowed = known.get(made.kind, ()) if isinstance(known, dict) else known
        for word, meaning in words.items():
            if meaning not in allowed:
                what = (
                    "is not said yet" if meaning == OPEN else f"is not one of {', '.join(allowed)}"
                )
                raise _Wrong(f"{key}: what {word[:40]!r} means {what}")
        if column in made.columns and not words:
            raise _Wrong(f"{key}: the words of column {made.columns[column]!r} are missing")
