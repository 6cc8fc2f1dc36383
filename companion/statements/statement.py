"""What a parsed statement is, whatever layout it came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from companion.errors import CompanionError

# Types of transaction that give the customer money back, and those that move none.
GIVES_BACK = ("VOID", "REFUND", "COMPLETION_VOID")
HOLDS = ("PREAUTH", "PREAUTH_CANCEL")


class StatementError(CompanionError):
    """A file that is not a statement we can trust; the message names the line and the rule."""


@dataclass(frozen=True)
class HostRow:
    """One transaction as the acquirer's host reports it; `line` counts from 1 in the file."""

    line: int
    business_date: date
    host_time: datetime
    merchant_no: str
    terminal_no: str
    batch: str
    stan: str
    rrn: str
    auth: str
    txn: str
    card: str
    currency: str
    amount_minor: int
    status: str
    f39: str
    reversal_f39: str


@dataclass(frozen=True)
class Statement:
    """A whole file: one merchant, one business day; totals as the file states them, checked."""

    layout: str
    merchant_no: str
    business_date: date
    rows: list[HostRow]
    captured_count: int
    captured_minor: int
