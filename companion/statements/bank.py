"""What the bank layouts have in common: accounts with balances, and bookings that fit them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from companion.statements import cards, currencies, rows
from companion.statements.columns import MAX_DIGITS, one_line, written
from companion.statements.options import Options
from companion.statements.statement import BANK, MAX_DAYS, Statement, StatementError

CREDIT, DEBIT, RETURN = "CREDIT", "DEBIT", "RETURN"
# Bookings of one file: banks write some thousands a day.
MAX_BOOKINGS = 500_000


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking; the amount in minor units, positive when the account grows."""

    line: int
    day: int
    amount_minor: int
    kind: str
    ref: str
    text: str


@dataclass
class Account:
    """One statement of an account as a file tells it, not checked yet."""

    # As the file has it, not masked.
    account: str
    currency: str
    number: str = ""
    opening: int | None = None
    closing: int | None = None
    first_day: int = 0
    last_day: int = 0
    bookings: list[Booking] = field(default_factory=list)

    def statement(self, layout: str, options: Options) -> Statement:
        """The statement, with its bookings checked against its balances."""
        places = currencies.places_of(self.currency)
        total = sum(booking.amount_minor for booking in self.bookings)
        if self.opening is None or self.closing is None:
            raise StatementError("no opening and closing balance, so nothing can be checked")
        if self.opening + total != self.closing:
            which = one_line(self.number, 40) or "without a number"
            raise StatementError(
                f"statement {which}: the opening balance "
                f"{written(self.opening, places)} and the bookings {written(total, places)} do "
                f"not make the closing balance {written(self.closing, places)}"
            )
        account = cards.account(options.party or self.account)
        if not re.fullmatch(r"[0-9A-Z*.]{2,64}", account, re.ASCII):
            raise StatementError(f"{cards.shown(account)} is no account")
        first, last = self.first_day, self.last_day
        if not 0 <= last - first < MAX_DAYS:
            raise StatementError(f"a statement of more than {MAX_DAYS} days")
        number = currencies.number_of(self.currency)
        assert number is not None
        table = rows.of_dicts(
            BANK,
            [
                {
                    "account": account,
                    "channel": options.channel,
                    # What has another date, a value date say, was booked within the period.
                    "day": min(max(one.day, first), last),
                    "amount_minor": one.amount_minor,
                    "currency": number,
                    "kind": one.kind,
                    "ref": one_line(one.ref, 64),
                    "line": one.line,
                    "text": one_line(cards.masked(one.text), 500),
                }
                for one in self.bookings
            ],
        )
        return Statement(
            layout,
            BANK,
            account,
            options.channel,
            one_line(self.number, 64),
            first,
            last,
            True,
            table,
            len(self.bookings),
            total,
        )


def kind_of(amount: int, returned: bool) -> str:
    """The kind of a booking; what goes back to its payer is a return."""
    if returned and amount < 0:
        return RETURN
    return CREDIT if amount >= 0 else DEBIT


def minor(text: str, currency: str, line: int, point: str = ".") -> int:
    """Minor units of a decimal number without a sign."""
    places = currencies.places_of(currency)
    whole, _, rest = text.partition(point)
    rest = rest.rstrip("0")
    if not re.fullmatch(rf"\d{{1,{MAX_DIGITS + 3}}}", whole, re.ASCII) or not re.fullmatch(
        rf"\d{{0,{places}}}", rest, re.ASCII
    ):
        raise StatementError(
            f"line {line}: {cards.shown(text)} is no amount with {places} decimals"
        )
    return int(whole + rest.ljust(places, "0"))


class TextWatch:
    """Clear card numbers in the texts and references of a bank's file."""

    def __init__(self) -> None:
        self._alike = 0
        self._cards = 0

    def text(self, line: int, value: str) -> None:
        """Refuse a free text with a card number in it."""
        if cards.within(value):
            raise StatementError(
                f"line {line}: a text has a clear card number; such a file is not kept: have it "
                "exported with masked cards, or let --mask keep a masked copy"
            )

    def reference(self, value: str) -> None:
        """Count a reference that looks like a card number: one in ten does by chance."""
        if re.fullmatch(r"\d{14,19}", value, re.ASCII):
            self._alike += 1
            self._cards += cards.is_card(value)

    def check(self) -> None:
        """Refuse a file in which most such references are card numbers."""
        if 2 * self._cards > self._alike:
            raise StatementError(
                "its references are clear card numbers; such a file is not kept: have it "
                "exported with masked cards, or let --mask keep a masked copy"
            )
