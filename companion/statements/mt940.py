"""SWIFT MT940, the bank's customer statement, with the tag patterns of the library mt-940.

The library reads whole files leniently; here each tag is read by itself, so that an error names
its line, and a tag that is not known, or in the wrong place, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mt940.tags import (
    FinalClosingBalance,
    FinalOpeningBalance,
)
from mt940.tags import (
    Statement as StatementLine,
)

from companion.facts import schema
from companion.statements import currencies
from companion.statements.bank import MAX_BOOKINGS, Account, Booking, TextWatch, kind_of, minor
from companion.statements.columns import one_line
from companion.statements.options import Options
from companion.statements.source import Source, encoding_of
from companion.statements.statement import Statement, StatementError, day_of

NAME = "mt940"
EXPECTED = "a SWIFT message with ':20:', ':25:', ':28C:', ':60F:' …"
MAX_FILE = 64 << 20

_TAG = re.compile(r":(\d{2}[A-Z]?|NS):")
_LINE = StatementLine().re
_OPENS, _CLOSES = FinalOpeningBalance().re, FinalClosingBalance().re
# What an order of tags may be, and those that say nothing that is needed here.
_SAYS = ("20", "25", "28", "28C", "60F", "60M", "61", "86", "62F", "62M")
_SILENT = ("13", "13D", "21", "34F", "64", "65", "90C", "90D", "NS", "25P")
_NO_REFERENCE = ("", "NONREF", "NOREF", "NOTPROVIDED")
_END_TO_END = re.compile(r"(?:EREF\+|/EREF/|\?2\dEREF\+)\s*([^?/\n]+)")
_OTHER_ACCOUNT = re.compile(r"\?31[^?]*")
_SUB_FIELD = re.compile(r"\?\d\d")
_RETURN_CODES = ("NRTI", "NRTN", "FRTI", "SRTI")


@dataclass(frozen=True, slots=True)
class _Tag:
    line: int
    name: str
    text: str


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    text = head.decode("latin-1")
    begins = text.lstrip("\ufeff\xef\xbb\xbf \r\n").startswith((":20:", "{1:", "{4:"))
    return begins and ":25" in text and ":28" in text


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole file; raises StatementError with the line at the first thing wrong."""
    data = source.everything(MAX_FILE)
    try:
        text = data.decode(encoding_of(source)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    watch = TextWatch()
    found: list[Account] = []
    goes_on = False
    for tags in _messages(text):
        account, first, last = _account(tags, watch)
        if first == goes_on:
            what = "begins before another has ended" if goes_on else "begins with its second page"
            raise StatementError(f"line {tags[0].line}: a statement {what}")
        if goes_on:
            _join(found[-1], account, tags[0].line)
        else:
            found.append(account)
        goes_on = not last
        if sum(len(one.bookings) for one in found) > MAX_BOOKINGS:
            raise StatementError(f"more than {MAX_BOOKINGS} bookings")
    if goes_on:
        raise StatementError("the last statement has no closing balance; it was cut short")
    watch.check()
    if not found:
        raise StatementError("a file without a statement")
    return [account.statement(NAME, options) for account in found]


def _messages(text: str) -> Iterator[list[_Tag]]:
    """The tags of each message, which begins with its reference."""
    message: list[_Tag] = []
    for tag in _tags(text):
        if tag.name == "20" and message:
            yield message
            message = []
        if not message and tag.name != "20":
            raise StatementError(f"line {tag.line}: :{tag.name}: before a :20:")
        message.append(tag)
    if message:
        yield message


def _tags(text: str) -> Iterator[_Tag]:
    line, name, parts = 0, "", [""]
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        # The headers of SWIFT blocks, and the ends of text blocks.
        raw = re.sub(r"^\{.*?\{4:", "", raw) if raw.startswith("{") else raw
        if raw.startswith(("{", "-}")) or raw.rstrip() in ("-", ""):
            if name:
                yield _Tag(line, name, "\n".join(parts))
                name = ""
            continue
        found = _TAG.match(raw)
        if found:
            if name:
                yield _Tag(line, name, "\n".join(parts))
            line, name, parts = number, found.group(1), [raw[found.end() :].rstrip()]
            if name not in (*_SAYS, *_SILENT):
                raise StatementError(f"line {number}: the tag :{name}: is not known here")
        elif not name:
            raise StatementError(f"line {number}: text before a tag")
        else:
            parts.append(raw.rstrip())
    if name:
        yield _Tag(line, name, "\n".join(parts))


def _account(tags: list[_Tag], watch: TextWatch) -> tuple[Account, bool, bool]:
    """The account of a message, and whether it is the first and the last page of a statement."""
    values = {tag.name: tag for tag in tags}
    for needed in ("25", "60", "62"):
        if not any(name.startswith(needed) for name in values):
            raise StatementError(f"line {tags[0].line}: a message without :{needed}:")
    opening = values.get("60F") or values["60M"]
    closing = values.get("62F") or values["62M"]
    opened, currency, opening_day = _balance(opening, _OPENS)
    closed, other, closing_day = _balance(closing, _CLOSES)
    if other != currency:
        raise StatementError(f"line {closing.line}: a balance in {other}, the first in {currency}")
    account = Account(
        _name(values.get("25") or values["25P"], currency),
        currency,
        (values.get("28C") or values.get("28") or _Tag(0, "", "")).text.split("/")[0].strip(),
        opening=opened,
        closing=closed,
        last_day=closing_day,
    )
    entry: _Tag | None = None
    for tag in tags:
        if tag.name == "61":
            if entry is not None:
                account.bookings.append(_booking(entry, "", currency, watch))
            entry = tag
        elif tag.name == "86" and entry is not None:
            account.bookings.append(_booking(entry, tag.text, currency, watch))
            entry = None
        elif tag.name == "86":
            watch.text(tag.line, tag.text)
    if entry is not None:
        account.bookings.append(_booking(entry, "", currency, watch))
    # Most banks date the opening balance with the day before the statement's first.
    same = any(one.day == opening_day for one in account.bookings)
    account.first_day = min(opening_day + (not same), closing_day)
    return account, "60F" in values, "62F" in values


def _name(tag: _Tag, currency: str) -> str:
    """The account's number or IBAN, without the bank's code and the currency."""
    name = tag.text.split("\n")[0].strip().rpartition("/")[2].replace(" ", "")
    if len(name) > 10 and name.endswith(currency):
        name = name.removesuffix(currency)
    if not re.fullmatch(r"[0-9A-Za-z.*-]{4,40}", name):
        raise StatementError(f"line {tag.line}: no account number")
    return name


def _balance(tag: _Tag, pattern: re.Pattern[str]) -> tuple[int, str, int]:
    found = pattern.match(tag.text)
    if not found or found.end() != len(tag.text.rstrip()):
        raise StatementError(f"line {tag.line}: :{tag.name}: is no balance")
    currency = found["currency"].upper()
    if not currency.isalpha() or currencies.number_of(currency) is None:
        raise StatementError(f"line {tag.line}: currency {currency!r} is not known here")
    amount = minor(found["amount"], currency, tag.line, ",")
    day = _day(tag.line, found["year"], found["month"], found["day"])
    return (amount if found["status"].upper() == "C" else -amount), currency, day


def _booking(tag: _Tag, details: str, currency: str, watch: TextWatch) -> Booking:
    found = _LINE.match(tag.text)
    if not found:
        raise StatementError(f"line {tag.line}: :61: is no booking")
    mark = found["status"].upper()
    amount = minor(found["amount"], currency, tag.line, ",")
    # The reversal of a credit is a debit, of a debit a credit.
    signed = amount if mark in ("C", "RD") else -amount
    more = found["extra_details"] or ""
    # The other side's account may be that of a card; facts have it masked.
    watch.text(tag.line, _OTHER_ACCOUNT.sub("", details))
    watch.text(tag.line, more)
    own = (found["customer_reference"] or "").strip()
    end_to_end = _END_TO_END.search(details)
    reference = end_to_end.group(1).strip() if end_to_end else own
    if reference.upper() in _NO_REFERENCE:
        reference = (found["bank_reference"] or "").strip()
    watch.reference(reference)
    text = one_line(f"{_SUB_FIELD.sub(' ', details)} {more}", 500)
    code = (found["id"] or "").upper()
    return Booking(
        tag.line,
        _entry_day(tag.line, found.groupdict()),
        signed,
        kind_of(signed, mark == "RC" or code in _RETURN_CODES),
        reference,
        text,
    )


def _entry_day(line: int, found: dict[str, str | None]) -> int:
    """The day of the booking, which has no year: that nearest to the value date."""
    year, month = found["year"] or "", found["entry_month"] or ""
    value = _day(line, year, found["month"] or "", found["day"] or "")
    entry = found["entry_day"] or ""
    if not (month.strip() and entry.strip()):
        return value
    near = schema.as_date(value).year
    known = [day_of(f"{near + step:04d}-{month}-{entry}") for step in (-1, 0, 1)]
    days = [day for day in known if day is not None]
    if not days:
        raise StatementError(f"line {line}: {month}{entry} is no date")
    return min(days, key=lambda day: abs(day - value))


def _day(line: int, year: str, month: str, day: str) -> int:
    found = day_of(f"20{year}-{month}-{day}")
    if found is None or not (year + month + day).isascii():
        raise StatementError(f"line {line}: {year}{month}{day} is no date")
    return found


def _join(page: Account, more: Account, line: int) -> None:
    """A statement goes on in the next message where the one before it ended."""
    if (page.account, page.currency) != (more.account, more.currency):
        raise StatementError(f"line {line}: a page of another account's statement")
    if page.closing != more.opening:
        raise StatementError(f"line {line}: a page is missing: the balances do not fit")
    page.closing, page.last_day = more.closing, max(page.last_day, more.last_day)
    page.bookings += more.bookings
