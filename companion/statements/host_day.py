"""The host's day file, layout `pingzhang-host-1`.

UTF-8 text of comma-separated lines: a first line that names the layout, merchant and business
day, a line of column names, one line a transaction, and a last line of control totals. Every value
is checked against its pattern, so a shifted or cut file is refused and never half read.

Amounts are positive; what gives money back (``GIVES_BACK``) counts negative in the control total.
A pre-authorisation or its cancel moves none: it is AUTHORISED, never CAPTURED.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime, timezone

from companion.statements.statement import (
    GIVES_BACK,
    HOLDS,
    HostRow,
    Statement,
    StatementError,
)

NAME = "pingzhang-host-1"
EXPECTED = f"a first line '#{NAME},merchant_no,business_date'"

# Column -> what its values look like. The card must be masked: a clear card number has no place
# in the store, so such a file is refused as a whole.
COLUMNS = {
    "business_date": r"\d{4}-\d{2}-\d{2}",
    "host_time": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|\+00:00)",
    "merchant_no": r"[0-9A-Za-z]{15}",
    "terminal_no": r"[0-9A-Za-z]{8}",
    "batch": r"\d{6}",
    "stan": r"\d{6}",
    "rrn": r"[0-9A-Za-z]{0,12}",
    "auth": r"[0-9A-Za-z]{0,6}",
    "type": (
        r"SALE|VOID|REFUND|PREAUTH|PREAUTH_CANCEL|COMPLETION|COMPLETION_NOTICE|COMPLETION_VOID"
    ),
    "card": r"\d{6}\*+\d{4}",
    "currency": r"156",
    "amount_minor": r"\d{1,12}",
    "status": r"CAPTURED|AUTHORISED|REVERSED|DECLINED",
    "f39": r"[0-9A-Z]{2}|",
    "reversal_f39": r"[0-9A-Z]{2}|",
}
# ASCII: a digit of another script is read as a number, but compares as different.
_PATTERNS = {name: re.compile(pattern, re.ASCII) for name, pattern in COLUMNS.items()}
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_SUM = re.compile(r"-?\d{1,18}", re.ASCII)


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return head.startswith(b"#" + NAME.encode() + b",")


def parse(data: bytes) -> Statement:
    """Parse a whole day file; raises StatementError with the line at the first thing wrong."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StatementError(f"line {line}: not UTF-8 text") from None
    lines = text.splitlines()
    if len(lines) < 3 or not lines[-1].startswith("#totals,"):
        raise StatementError(
            f"line {len(lines)}: the file ends without its #totals line; it was cut short"
        )
    merchant_no, day = _first_line(lines[0])
    if lines[1] != ",".join(COLUMNS):
        raise StatementError(f"line 2: the columns are not {','.join(COLUMNS)}")
    rows = []
    for number, values in _values(lines[2:-1]):
        row = _row(number, values)
        if row.merchant_no != merchant_no or row.business_date != day:
            raise StatementError(
                f"line {number}: merchant {row.merchant_no} on {row.business_date}, but line 1 "
                f"says {merchant_no} on {day}"
            )
        rows.append(row)
    captured = [
        -row.amount_minor if row.txn in GIVES_BACK else row.amount_minor
        for row in rows
        if row.status == "CAPTURED"
    ]
    _check_totals(len(lines), lines[-1], (len(rows), len(captured), sum(captured)))
    return Statement(NAME, merchant_no, day, rows, len(captured), sum(captured))


def _values(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The values of each line, with its number in the file."""
    reader = csv.reader(lines)
    try:
        for number, values in enumerate(reader, 3):
            if reader.line_num != number - 2:
                raise StatementError(
                    f"line {number}: a quoted value runs over the end of the line"
                )
            yield number, values
    except csv.Error as error:
        raise StatementError(f"line {reader.line_num + 2}: {error}") from None


def _first_line(line: str) -> tuple[str, date]:
    values = line.split(",")
    if (
        len(values) != 3
        or not _PATTERNS["merchant_no"].fullmatch(values[1])
        or not _PATTERNS["business_date"].fullmatch(values[2])
    ):
        raise StatementError(f"line 1: not {EXPECTED.removeprefix('a first line ')}")
    return values[1], _date(1, values[2])


def _date(line: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise StatementError(f"line {line}: {text} is no date") from None


def _row(line: int, values: list[str]) -> HostRow:
    if len(values) != len(COLUMNS):
        raise StatementError(f"line {line}: {len(values)} values, not {len(COLUMNS)}")
    for (name, pattern), value in zip(_PATTERNS.items(), values, strict=True):
        if not pattern.fullmatch(value):
            shown = "an unmasked or malformed card" if name == "card" else _shown(value)
            raise StatementError(f"line {line}: {name} is {shown}, not {COLUMNS[name]}")
    item = dict(zip(COLUMNS, values, strict=True))
    if item["status"] == ("CAPTURED" if item["type"] in HOLDS else "AUTHORISED"):
        raise StatementError(f"line {line}: a {item['type']} is not {item['status']}")
    try:
        moment = datetime.fromisoformat(item["host_time"].replace("Z", "+00:00"))
    except ValueError:
        raise StatementError(f"line {line}: {item['host_time']} is no time") from None
    return HostRow(
        line=line,
        business_date=_date(line, item["business_date"]),
        host_time=moment.astimezone(timezone.utc),
        merchant_no=item["merchant_no"],
        terminal_no=item["terminal_no"],
        batch=item["batch"],
        stan=item["stan"],
        rrn=item["rrn"],
        auth=item["auth"],
        txn=item["type"],
        card=item["card"],
        currency=item["currency"],
        amount_minor=int(item["amount_minor"]),
        status=item["status"],
        f39=item["f39"],
        reversal_f39=item["reversal_f39"],
    )


def _shown(value: str) -> str:
    """A value as it may be shown: where columns are shifted it may be a clear card number."""
    if re.search(r"\d{12}", re.sub(r"[\s-]", "", value)):
        return f"{len(value)} characters with many digits"
    return repr(value[:40])


def _check_totals(line: int, text: str, counted: tuple[int, int, int]) -> None:
    stated = text.split(",")[1:]
    whole = [_COUNT.fullmatch(value) for value in stated[:2]]
    signed = [_SUM.fullmatch(value) for value in stated[2:]]
    if len(stated) != 3 or not all(whole + signed):
        raise StatementError(f"line {line}: not '#totals,row_count,captured_count,captured_minor'")
    names = ("rows", "captured rows", "captured minor units")
    for name, value, count in zip(names, stated, counted, strict=True):
        if int(value) != count:
            said = str(int(value)) if len(value) <= 12 else "another number of"
            raise StatementError(
                f"line {line}: the totals say {said} {name}, the lines above have {count}"
            )
