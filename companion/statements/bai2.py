"""BAI2, the cash management report of American banks.

Records of comma-separated fields end in "/"; a record 88 goes on with the one before it. Every
account, group and file ends with the sum of its amounts and the number of its records: all of them
are checked, and the balances too where the report has both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from companion.statements import currencies
from companion.statements.bank import MAX_BOOKINGS, Account, Booking, TextWatch, kind_of
from companion.statements.cards import shown
from companion.statements.options import Options
from companion.statements.source import Source
from companion.statements.statement import Statement, StatementError, day_of

NAME = "bai2"
EXPECTED = "a first record '01,sender,receiver,…,2/'"
MAX_FILE = 64 << 20

_OPENING, _CLOSING = "010", "015"
# Debits that take back what came in: a reversed credit, a returned item.
_RETURNS = ("552", "555", "557")
_AMOUNT = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class _Record:
    """A record with its continuations: `lines` physical ones."""

    line: int
    code: str
    fields: list[str]
    lines: int


@dataclass
class _Sums:
    """What the trailers of an account, a group or the file are checked against."""

    amount: int = 0
    parts: int = 0
    records: int = 0


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    line = head.split(b"\n", 1)[0].rstrip(b"\r ")
    return line.startswith(b"01,") and line.endswith(b"2/") and line.count(b",") == 8


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole report; raises StatementError with the line at the first thing wrong."""
    try:
        text = source.everything(MAX_FILE).decode("latin-1")
    except UnicodeDecodeError as error:
        raise StatementError(str(error)) from None
    reader = _Reader()
    for record in _records(text):
        reader.take(record)
    if not reader.ended:
        raise StatementError("the report ends without its record 99; it was cut short")
    reader.watch.check()
    if not reader.found:
        raise StatementError("a report without an account")
    return [account.statement(NAME, options) for account in reader.found]


def _records(text: str) -> Iterator[_Record]:
    line, joined, ended, count = 0, "", True, 0
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        physical = raw.rstrip()
        if not physical:
            continue
        if len(physical) > 1 << 16:
            raise StatementError(f"line {number}: longer than {1 << 16} bytes")
        if physical.startswith("88,"):
            if not joined:
                raise StatementError(f"line {number}: a record 88 with none before it")
            # A text goes on as it is; fields go on with the next one.
            joined += ("," if ended else " ") + physical[3:].removesuffix("/")
            ended, count = physical.endswith("/"), count + 1
            continue
        if joined:
            yield _record(line, joined, count)
        line, joined, ended, count = (
            number,
            physical.removesuffix("/"),
            physical.endswith("/"),
            1,
        )
    if joined:
        yield _record(line, joined, count)


def _record(line: int, text: str, count: int) -> _Record:
    code, _, rest = text.partition(",")
    return _Record(line, code, rest.split(","), count)


class _Reader:
    """Takes the records one by one and keeps the account, group and file that are open."""

    def __init__(self) -> None:
        self.found: list[Account] = []
        self.watch = TextWatch()
        self.ended = False
        self._open = ""  # "01", "02" or "03": what is open
        self._file, self._group, self._account = _Sums(), _Sums(), _Sums()
        self._day = 0
        self._currency = "USD"
        self._count = 0

    def take(self, record: _Record) -> None:
        """Take the next record, which must be one that may come here."""
        takers = {
            ("01", ""): self._begin_file,
            ("02", "01"): self._begin_group,
            ("03", "02"): self._begin_account,
            ("16", "03"): self._booking,
            ("49", "03"): self._end_account,
            ("98", "02"): self._end_group,
            ("99", "01"): self._end_file,
        }
        taker = takers.get((record.code, self._open))
        if taker is None or self.ended:
            raise StatementError(f"line {record.line}: a record {record.code[:4]!r} here")
        taker(record)

    def _begin_file(self, record: _Record) -> None:
        self._open = "01"
        self._file = _Sums(records=record.lines)

    def _begin_group(self, record: _Record) -> None:
        fields = _padded(record.fields, 7)
        day = fields[3]
        found = day_of(f"20{day[:2]}-{day[2:4]}-{day[4:]}") if len(day) == 6 else None
        if found is None:
            raise StatementError(f"line {record.line}: as-of date {shown(day)} is no date")
        self._day, self._currency = found, fields[5] or "USD"
        self._group = _Sums(records=record.lines)
        self._open = "02"

    def _begin_account(self, record: _Record) -> None:
        fields = record.fields
        name, currency = fields[0].strip(), (fields[1:2] or [""])[0] or self._currency
        if not re.fullmatch(r"[0-9A-Za-z*-]{4,40}", name):
            raise StatementError(f"line {record.line}: no account number")
        if currency.isdigit() or currencies.number_of(currency) is None:
            raise StatementError(
                f"line {record.line}: currency {currency[:8]!r} is not known here"
            )
        account = Account(name, currency, first_day=self._day, last_day=self._day)
        self._account = _Sums(records=record.lines)
        rest = fields[2:]
        while rest and any(rest):
            code, amount, rest = rest[0], (rest[1:2] or [""])[0], rest[2:]
            rest = rest[1:]  # the number of items
            rest = _after_funds(record.line, rest)
            if not amount:
                continue
            value = _amount(record.line, amount)
            self._account.amount += value
            if code == _OPENING:
                account.opening = value
            elif code == _CLOSING:
                account.closing = value
        self.found.append(account)
        self._open = "03"

    def _booking(self, record: _Record) -> None:
        fields = record.fields
        code, amount = fields[0], (fields[1:2] or [""])[0]
        value = _amount(record.line, amount or "0")
        if value < 0:
            raise StatementError(f"line {record.line}: a negative amount")
        self._account.amount += value
        self._account.records += record.lines
        rest = _padded(_after_funds(record.line, fields[2:]), 3)
        bank, customer, text = rest[0].strip(), rest[1].strip(), ",".join(rest[2:]).strip(", ")
        self.watch.text(record.line, text)
        for reference in (bank, customer):
            self.watch.reference(reference)
        signed = value * _direction(record.line, code)
        if not value:
            return
        self._count += 1
        if self._count > MAX_BOOKINGS:
            raise StatementError(f"line {record.line}: more than {MAX_BOOKINGS} bookings")
        reference = customer if customer not in ("", "0") else bank
        kind = kind_of(signed, code in _RETURNS)
        self.found[-1].bookings.append(
            Booking(record.line, self._day, signed, kind, reference, text)
        )

    def _end_account(self, record: _Record) -> None:
        self._account.records += record.lines
        _check(record, self._account.amount, self._account.records)
        account = self.found[-1]
        total = sum(one.amount_minor for one in account.bookings)
        # A report may tell bookings without balances; the control totals hold all the same.
        if account.opening is None or account.closing is None:
            account.opening, account.closing = 0, total
        self._group.amount += self._account.amount
        self._group.parts += 1
        self._group.records += self._account.records
        self._open = "02"

    def _end_group(self, record: _Record) -> None:
        self._group.records += record.lines
        _check(record, self._group.amount, self._group.parts, self._group.records)
        self._file.amount += self._group.amount
        self._file.parts += 1
        self._file.records += self._group.records
        self._open = "01"

    def _end_file(self, record: _Record) -> None:
        self._file.records += record.lines
        _check(record, self._file.amount, self._file.parts, self._file.records)
        self.ended = True


def _padded(fields: list[str], length: int) -> list[str]:
    return fields + [""] * (length - len(fields))


def _amount(line: int, text: str) -> int:
    if not _AMOUNT.fullmatch(text):
        raise StatementError(f"line {line}: {shown(text)} is no amount")
    return int(text)


def _after_funds(line: int, fields: list[str]) -> list[str]:
    """What follows the type of funds, which may have more fields of its own."""
    if not fields:
        return []
    kind, rest = fields[0], fields[1:]
    if kind == "S":
        return rest[3:]
    if kind == "V":
        return rest[2:]
    if kind == "D":
        if not rest or not _NUMBER.fullmatch(rest[0]) or int(rest[0]) > 100:
            raise StatementError(f"line {line}: a distribution of funds without its number")
        return rest[1 + 2 * int(rest[0]) :]
    if kind not in ("", "0", "1", "2", "Z"):
        raise StatementError(f"line {line}: funds of type {shown(kind)}")
    return rest


def _direction(line: int, code: str) -> int:
    """1 for a type of credit, -1 for one of debit."""
    if re.fullmatch(r"\d{3}", code, re.ASCII):
        number = int(code)
        if 100 <= number < 400 or 920 <= number < 960:
            return 1
        if 400 <= number < 700 or 960 <= number < 1000:
            return -1
    if code == "890":
        return 0  # no money, only text
    raise StatementError(f"line {line}: bookings of type {shown(code)} are not known here")


def _check(record: _Record, *counted: int) -> None:
    names = ["control total", "number of parts", "number of records"]
    if len(counted) == 2:
        del names[1]
    stated = record.fields[: len(counted)]
    for name, text, count in zip(names, _padded(stated, len(counted)), counted, strict=True):
        if not _AMOUNT.fullmatch(text) or int(text) != count:
            raise StatementError(
                f"line {record.line}: record {record.code} says {name} {shown(text)}, the records "
                f"above have {count}"
            )
