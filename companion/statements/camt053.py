"""ISO 20022 camt.053, the bank's end-of-day statement as XML.

Read entry by entry, so a large file needs no more memory than its bookings. An entry of several
transactions that add up to it is as many bookings: each has the reference of its own payout.
Documents with a DTD or entities are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from defusedxml import DefusedXmlException

from companion.statements import currencies
from companion.statements.bank import (
    MAX_BOOKINGS,
    Account,
    Booking,
    TextWatch,
    kind_of,
    minor,
)
from companion.statements.cards import shown
from companion.statements.options import Options
from companion.statements.source import Source
from companion.statements.statement import Statement, StatementError, day_of

NAME = "camt.053"
EXPECTED = "an XML document of the namespace urn:iso:std:iso:20022:tech:xsd:camt.053.…"
_DEPTH = 40
_MAX_TEXT = 1 << 16
# Elements that identify something; other texts may hold what a payer wrote.
_REFERENCES = ("EndToEndId", "InstrId", "TxId", "AcctSvcrRef", "NtryRef", "Ref", "PmtInfId")
_ACCOUNT = ("IBAN", "Id")
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)


@dataclass
class Node:
    """An element with its text and children, as far as an entry or a statement's head needs."""

    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, *path: str) -> Iterator[Node]:
        """Every element at a path of names."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> Node | None:
        """The first element at a path."""
        return next(self.all(*path), None)

    def value(self, *path: str) -> str:
        """The text of the first element at a path, "" when there is none."""
        node = self.first(*path)
        return node.text.strip() if node else ""


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return b"xsd:camt.053." in head and head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole document; raises StatementError with the line at the first thing wrong."""
    handler = _Handler()
    try:
        defusedxml.sax.parse(source.stream(), handler, forbid_dtd=True)
    except SAXParseException as error:
        raise StatementError(f"line {error.getLineNumber()}: {error.getMessage()}") from None
    except LookupError:
        raise StatementError("line 1: an unknown encoding") from None
    except (SAXException, DefusedXmlException, UnicodeError) as error:
        raise StatementError(f"not a safe XML document: {type(error).__name__}") from None
    handler.watch.check()
    if not handler.found:
        raise StatementError("a document without a statement")
    return [account.statement(NAME, options) for account in handler.found]


class _Handler(ContentHandler):
    """Makes nodes of each Stmt, and hands every Ntry on as soon as it is whole."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Account] = []
        self.watch = TextWatch()
        self._stack: list[Node] = []
        self._names: list[str] = []
        # The account of a statement some of whose entries have come.
        self._begun: Account | None = None
        self._count = 0

    def _line(self) -> int:
        locator = getattr(self, "_locator", None)
        return int(locator.getLineNumber() or 0) if locator else 0

    def startElement(self, name: str, attrs: object) -> None:
        name = name.rpartition(":")[2]
        self._names.append(name)
        if len(self._names) > _DEPTH:
            raise StatementError(f"line {self._line()}: elements in more than {_DEPTH} others")
        if name == "Stmt" and self._stack:
            raise StatementError(f"line {self._line()}: a statement in a statement")
        if name == "Stmt" or self._stack:
            currency = getattr(attrs, "get")("Ccy", "")  # noqa: B009
            self._stack.append(Node(name, self._line(), {"Ccy": currency} if currency else {}))

    def characters(self, content: str) -> None:
        if self._stack:
            node = self._stack[-1]
            # What stands between elements is nothing but their layout.
            if not node.text and not content.strip():
                return
            node.text += content
            if len(node.text) > _MAX_TEXT:
                raise StatementError(f"line {self._line()}: a text of more than {_MAX_TEXT}")

    def endElement(self, name: str) -> None:
        self._names.pop()
        if not self._stack:
            return
        node = self._stack.pop()
        self._look(node)
        if node.name == "Ntry" and len(self._stack) == 1:
            self._entry(node)
        elif self._stack:
            self._stack[-1].children.append(node)
        else:
            self._statement(node)

    def _look(self, node: Node) -> None:
        text = node.text.strip()
        if not text or node.name in _ACCOUNT:
            return
        if node.name in _REFERENCES:
            self.watch.reference(text)
        else:
            self.watch.text(node.line, text)

    def _entry(self, node: Node) -> None:
        state = node.value("Sts", "Cd") or node.value("Sts")
        if state not in ("BOOK", "PDNG", "INFO", "FUTR"):
            raise StatementError(f"line {node.line}: an entry of status {state[:20]!r}")
        if state != "BOOK":
            return
        # The account and its balances stand before the entries.
        account = self._begun = self._begun or _account(self._stack[0])
        account.bookings += _bookings(node, account)
        self._count += 1
        if self._count > MAX_BOOKINGS:
            raise StatementError(f"line {node.line}: more than {MAX_BOOKINGS} entries")

    def _statement(self, node: Node) -> None:
        account, self._begun = self._begun or _account(node), None
        _check_summary(node, account)
        self.found.append(account)


def _account(node: Node) -> Account:
    name = node.value("Acct", "Id", "IBAN") or node.value("Acct", "Id", "Othr", "Id")
    if not name:
        raise StatementError(f"line {node.line}: a statement without an account")
    balances = [(_balance_type(one), one) for one in node.all("Bal")]
    opening = _chosen(balances, _OPENING)
    closing = _chosen(balances, _CLOSING)
    if opening is None or closing is None:
        raise StatementError(
            f"line {node.line}: no opening (OPBD, PRCD) and closing (CLBD) balance"
        )
    currency = _currency(closing)
    account = Account(name, currency, node.value("ElctrncSeqNb") or node.value("LglSeqNb"))
    account.opening, account.closing = _signed(opening, currency), _signed(closing, currency)
    account.last_day = _day(closing, "Dt")
    previous = _balance_type(opening) == "PRCD"
    account.first_day = min(_day(opening, "Dt") + previous, account.last_day)
    start, end = node.value("FrToDt", "FrDtTm"), node.value("FrToDt", "ToDtTm")
    if start and end:
        account.first_day, account.last_day = _span(node.line, start, end)
    return account


def _balance_type(balance: Node) -> str:
    return balance.value("Tp", "CdOrPrtry", "Cd")


def _chosen(balances: list[tuple[str, Node]], types: tuple[str, ...]) -> Node | None:
    """The balance of the first type that is there."""
    found = dict(reversed(balances))
    return next((found[wanted] for wanted in types if wanted in found), None)


def _currency(holder: Node) -> str:
    amount = holder.first("Amt")
    currency = amount.attributes.get("Ccy", "") if amount else ""
    if currencies.number_of(currency) is None or currency.isdigit():
        raise StatementError(f"line {holder.line}: currency {currency[:8]!r} is not known here")
    return currency


def _signed(holder: Node, currency: str) -> int:
    if _currency(holder) != currency:
        raise StatementError(
            f"line {holder.line}: an amount in {_currency(holder)} on an account in {currency}"
        )
    side = holder.value("CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        raise StatementError(f"line {holder.line}: neither credit nor debit")
    amount = minor(holder.value("Amt"), currency, holder.line)
    return amount if side == "CRDT" else -amount


def _day(holder: Node, *names: str) -> int:
    """The day of the first of these dates that is there."""
    for name in names:
        text = holder.value(name, "Dt") or holder.value(name, "DtTm")
        if text:
            day = day_of(text[:10])
            if day is None:
                raise StatementError(f"line {holder.line}: {text[:10]!r} is no date")
            return day
    raise StatementError(f"line {holder.line}: no date")


def _span(line: int, start: str, end: str) -> tuple[int, int]:
    first, last = day_of(start[:10]), day_of(end[:10])
    try:
        midnight = datetime.fromisoformat(end[:19]).strftime("%H%M%S") == "000000"
    except ValueError:
        midnight = False
    if first is None or last is None:
        raise StatementError(f"line {line}: a period without dates")
    # Until midnight is not of the day that begins then.
    last -= midnight and last > first
    if last < first:
        raise StatementError(f"line {line}: a period that ends before it begins")
    return first, last


def _bookings(entry: Node, account: Account) -> list[Booking]:
    whole = _signed(entry, account.currency)
    day = _day(entry, "BookgDt", "ValDt") if _dated(entry) else account.last_day
    reversal = entry.value("RvslInd") == "true"
    details = list(entry.all("NtryDtls", "TxDtls"))
    amounts = [_part(one, account.currency, whole) for one in details]
    known = [amount for amount in amounts if amount is not None]
    if len(details) > 1 and len(known) == len(details) and sum(known) == whole:
        parts = list(zip(details, known, strict=True))
    else:
        parts = [(details[0] if len(details) == 1 else Node("TxDtls", entry.line), whole)]
    return [
        Booking(
            detail.line if len(parts) > 1 else entry.line,
            day,
            amount,
            kind_of(amount, reversal or detail.first("RtrInf") is not None),
            _reference(detail, entry),
            _text(detail, entry),
        )
        for detail, amount in parts
    ]


def _dated(entry: Node) -> bool:
    return entry.first("BookgDt") is not None or entry.first("ValDt") is not None


def _part(detail: Node, currency: str, whole: int) -> int | None:
    """What a transaction of an entry moved, None when it does not say so in this currency."""
    for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt")):
        node = detail.first(*path)
        if node is not None and node.attributes.get("Ccy") == currency:
            amount = minor(node.text.strip(), currency, node.line)
            side = detail.value("CdtDbtInd") or ("CRDT" if whole >= 0 else "DBIT")
            return amount if side == "CRDT" else -amount
    return None


def _reference(detail: Node, entry: Node) -> str:
    found = [
        detail.value("Refs", "EndToEndId"),
        detail.value("RmtInf", "Strd", "CdtrRefInf", "Ref"),
        detail.value("Refs", "TxId"),
        detail.value("Refs", "InstrId"),
        detail.value("Refs", "AcctSvcrRef"),
        entry.value("AcctSvcrRef"),
        entry.value("NtryRef"),
    ]
    return next((one for one in found if one and one.upper() != "NOTPROVIDED"), "")


def _text(detail: Node, entry: Node) -> str:
    parties = [
        detail.value("RltdPties", side, *path)
        for side in ("Dbtr", "Cdtr", "UltmtDbtr")
        for path in (("Nm",), ("Pty", "Nm"))
    ]
    remittance = [node.text.strip() for node in detail.all("RmtInf", "Ustrd")]
    more = [detail.value("AddtlTxInf"), entry.value("AddtlNtryInf")]
    reason = detail.value("RtrInf", "Rsn", "Cd")
    return " | ".join(one for one in (*parties, *remittance, *more, reason) if one)


def _check_summary(node: Node, account: Account) -> None:
    """The counts and sums that the statement states; entries that are not booked count too."""
    summary = node.first("TxsSummry")
    if summary is None:
        return
    for name, sign in (("TtlCdtNtries", 1), ("TtlDbtNtries", -1)):
        stated = summary.value(name, "Sum")
        if not stated:
            continue
        have = sum(abs(b.amount_minor) for b in account.bookings if sign * b.amount_minor > 0)
        if minor(stated, account.currency, summary.line) != have:
            raise StatementError(f"line {summary.line}: {name} is {shown(stated)}, not the sum")
