"""Files that are read by a mapping file: CSV in any form, and spreadsheets."""

from __future__ import annotations

import re
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import cards, currencies, portions, rows
from companion.statements import mapping as mappings
from companion.statements.cards import Watch
from companion.statements.columns import Columns, decimal, one_line, units, written
from companion.statements.mapping import Mapping
from companion.statements.options import CARD, Options
from companion.statements.source import Source
from companion.statements.statement import (
    ACQUIRER,
    BANK,
    HOLDS,
    PAYOUTS,
    TERMINAL,
    Statement,
    StatementError,
    day_of,
)

# Names and numbers: no digit of another script, nothing that a screen acts on.
_TEXT = r"[\x20-\x7e\x{4e00}-\x{9fff}]{0,64}"
_PATTERNS = {
    "merchant_no": r"[0-9A-Za-z._-]{1,40}",
    "terminal_no": r"[0-9A-Za-z._-]{0,40}",
    "batch": r"\d{0,6}",
    "stan": r"\d{0,6}",
    "of_batch": r"\d{0,6}",
    "of_stan": r"\d{0,6}",
    "card": r"\d{0,6}\*+\d{0,4}|",
    "account": r"[0-9A-Za-z* /-]{4,64}",
    "text": r"[^\x00]*",
    "reason": r"[^\x00]*",
}
_NUMBERS = ("batch", "stan", "of_batch", "of_stan")
_FREE = ("text", "reason")


def parse(source: Source, options: Options) -> list[Statement]:
    """Read a file by its mapping; raises StatementError with the line at the first thing wrong."""
    mapping = mappings.read(options.mapping)
    reader = _Reader(mapping, options)
    columns, stated = portions.of(source, mapping)
    found = rows.Collected(mapping.kind)
    try:
        for portion in columns:
            found.add(reader.batch(portion))
        table = found.table()
    finally:
        found.close()
    reader.watch.check()
    if not table.num_rows:
        raise StatementError("a file without a row does not say its day")
    reader.check(table, stated())
    channel = options.channel or mapping.channel or ("" if mapping.kind == BANK else CARD)
    return rows.statements(mapping.name, mapping.kind, channel, table)


class _Reader:
    """Makes facts of portions of columns."""

    def __init__(self, mapping: Mapping, options: Options) -> None:
        self.watch = Watch()
        self._mapping = mapping
        self._channel = options.channel or mapping.channel
        self._party = options.party or mapping.party
        self._balances: list[tuple[int, int]] = []  # line, balance
        self._places = currencies.places_of(mapping.currency)

    def batch(self, columns: Columns) -> pa.RecordBatch:
        """The rows of a portion."""
        for name, values in columns.values.items():
            self._look(name, values, columns)
        texts = Columns(columns.line, self._values(columns), columns.rows, columns.numbers)
        given = {
            name: self._text(texts, name)
            for name in self._mapping.columns
            if name in _PATTERNS or name in _PLAIN
        }
        make = {
            ACQUIRER: self._acquirer,
            TERMINAL: self._terminal,
            PAYOUTS: self._payouts,
            BANK: self._bank,
        }[self._mapping.kind]
        return rows.shaped(self._mapping.kind, columns.rows, {**given, **make(texts)})

    def _look(self, name: str, values: pa.Array, columns: Columns) -> None:
        mapping = self._mapping
        own = [fact for fact, column in mapping.columns.items() if column == name]
        if "account" in own:
            return  # an account may be that of a card
        known = name in mapping.references or set(own) & {"rrn", "orig_rrn", "ref", "settle_ref"}
        (self.watch.count if known else self.watch.look)(name, values, columns.line_of)

    def _values(self, columns: Columns) -> dict[str, pa.Array]:
        """The mapped columns under the names of the facts, without what is around the values."""
        around = " " + self._mapping.strip
        return {
            fact: pc.utf8_trim(columns[name], characters=around)
            for fact, name in self._mapping.columns.items()
        }

    def _text(self, texts: Columns, name: str) -> pa.Array:
        if name == "card":
            texts.values[name] = pc.replace_substring_regex(texts[name], "[xX#•]", "*")
        texts.check({name: _PATTERNS.get(name, _TEXT)}, hidden=("card", "account"))
        if name in _NUMBERS:
            padded = pc.utf8_lpad(texts[name], 6, "0")
            return pc.if_else(pc.equal(texts[name], ""), "", padded)
        if name == "account":
            return texts.mapped(name, cards.account, "an account")
        if name in _FREE:
            return pa.array([one_line(cards.masked(one), 500) for one in texts[name].to_pylist()])
        return texts[name]

    def _who(self, texts: Columns, key: str) -> dict[str, pa.Array | str | int]:
        """The party and currency of each row, where no column has them."""
        found: dict[str, pa.Array | str | int] = {}
        if key not in self._mapping.columns:
            if not self._party:
                raise StatementError(f"no column has the {key}: --party or the mapping says it")
            found[key] = cards.account(self._party) if key == "account" else self._party
        if "currency" in self._mapping.columns:
            same = pc.is_in(texts["currency"], pa.array([self._mapping.currency, ""]))
            texts.refuse("currency", same, f"{self._mapping.currency}, as the mapping says")
        number = currencies.number_of(self._mapping.currency)
        assert number is not None
        found["currency"] = number
        found["channel"] = self._channel or ("" if self._mapping.kind == BANK else CARD)
        return found

    def _acquirer(self, texts: Columns) -> dict[str, pa.Array | str | int]:
        amount = self._amount(texts, "amount")
        txn = self._types(texts, amount)
        rows.check_sign(texts, "amount", txn, amount)
        held = pc.is_in(txn, pa.array(HOLDS))
        standing = pc.if_else(held, pa.scalar("AUTHORISED"), pa.scalar("CAPTURED"))
        status = self._words(texts, "status", self._mapping.status)
        day, at = self._when(texts)
        found = self._who(texts, "merchant_no")
        found.update({"txn": txn, "amount_minor": pc.abs(amount), "day": day, "at": at})
        # A hold takes no money, whatever the file's word for it.
        known = status is None
        found["status"] = standing if known else self._standing(status, held)
        found["line"] = rows.lines(texts)
        if "fee" in self._mapping.columns:
            empty = pc.equal(texts["fee"], "")
            fee = self._amount(texts, "fee", "0")
            found["fee_minor"] = pc.if_else(empty, pa.scalar(None, pa.int64()), fee)
        if "settle_date" in self._mapping.columns:
            found["settle_day"] = self._days(texts, "settle_date", empty=0)
        return found

    @staticmethod
    def _standing(status: pa.Array, held: pa.Array) -> pa.Array:
        stands = pc.is_in(status, pa.array(("CAPTURED", "AUTHORISED")))
        right = pc.if_else(held, pa.scalar("AUTHORISED"), pa.scalar("CAPTURED"))
        return pc.if_else(stands, right, status)

    def _terminal(self, texts: Columns) -> dict[str, pa.Array | str | int]:
        amount = self._amount(texts, "amount")
        txn = self._types(texts, amount)
        rows.check_sign(texts, "amount", txn, amount)
        day, at = self._when(texts)
        status = self._words(texts, "status", self._mapping.status)
        line = rows.lines(texts)
        moved = pc.abs(amount)
        return {
            **self._who(texts, "merchant_no"),
            "txn": txn,
            "amount_minor": moved,
            "sent_minor": moved,
            "day": day,
            "at": at,
            "first_seq": line,
            "last_seq": line,
            "status": "APPROVED" if status is None else status,
        }

    def _payouts(self, texts: Columns) -> dict[str, pa.Array | str | int]:
        net = self._amount(texts, "net")
        day = self._days(texts, "date")
        known = self._mapping.columns
        fee = self._amount(texts, "fee", "0") if "fee" in known else None
        gross = self._amount(texts, "gross", "0") if "gross" in known else None
        if fee is not None and gross is not None:
            texts.refuse("net", pc.equal(pc.subtract(gross, fee), net), "gross less fee")
        status = self._words(texts, "status", self._mapping.status)
        nothing = pa.repeat(pa.scalar(0, pa.int64()), texts.rows)
        return {
            **self._who(texts, "merchant_no"),
            "net_minor": net,
            "day": day,
            "line": rows.lines(texts),
            "fee_minor": fee if fee is not None else nothing,
            "gross_minor": gross
            if gross is not None
            else net
            if fee is None
            else pc.add(net, fee),
            "settle_day": self._days(texts, "settle_date") if "settle_date" in known else day,
            "status": "SENT" if status is None else status,
        }

    def _bank(self, texts: Columns) -> dict[str, pa.Array | str | int]:
        direction = self._words(texts, "direction", self._mapping.directions)
        if "amount" in self._mapping.columns:
            amount = self._amount(texts, "amount")
            if direction is not None:
                out = pc.not_equal(direction, "CREDIT")
                amount = pc.if_else(out, pc.negate(pc.abs(amount)), pc.abs(amount))
        else:
            credit = pc.abs(self._amount(texts, "credit", "0"))
            amount = pc.subtract(credit, pc.abs(self._amount(texts, "debit", "0")))
        kind = pc.if_else(pc.greater_equal(amount, 0), pa.scalar("CREDIT"), pa.scalar("DEBIT"))
        if direction is not None:
            kind = pc.if_else(pc.equal(direction, "RETURN"), pa.scalar("RETURN"), kind)
        if "balance" in self._mapping.columns:
            balances = self._amount(texts, "balance").to_pylist()
            self._balances += zip(texts.numbered(), balances, strict=True)
        return {
            **self._who(texts, "account"),
            "amount_minor": amount,
            "kind": kind,
            "line": rows.lines(texts),
            "day": self._days(texts, "date"),
        }

    def _types(self, texts: Columns, amount: pa.Array) -> pa.Array:
        found = self._words(texts, "type", self._mapping.types)
        if found is None:
            return pc.if_else(pc.less(amount, 0), pa.scalar("REFUND"), pa.scalar("SALE"))
        return found

    def _words(self, texts: Columns, name: str, words: dict[str, str]) -> pa.Array | None:
        if name not in self._mapping.columns:
            return None
        return texts.mapped(name, words.get, f"one of {', '.join(words)}")

    def _amount(self, texts: Columns, name: str, empty: str | None = None) -> pa.Array:
        mapping = self._mapping
        plain = texts[name]
        if mapping.thousands:
            plain = pc.replace_substring(plain, mapping.thousands, "")
        if mapping.decimal == ",":
            plain = pc.replace_substring(plain, ",", ".")
        plain = pc.replace_substring_regex(plain, r"\A\+", "")
        if empty is not None:
            plain = pc.if_else(pc.equal(plain, ""), empty, plain)
        places = 0 if mapping.minor else self._places
        pattern = decimal(places, signed=True) if places else r"-?\d{1,12}"
        good = pc.match_substring_regex(plain, rf"\A(?:{pattern}0*)\z")
        texts.refuse(name, good, "an amount")
        return units(plain, places)

    def _days(self, texts: Columns, name: str, empty: int | None = None) -> pa.Array:
        def day(text: str) -> int | None:
            if not text and empty is not None:
                return empty
            try:
                moment = datetime.strptime(text, self._mapping.date)
            except ValueError:
                return None
            return day_of(moment.date().isoformat())

        return texts.mapped(name, day, f"a date like {self._mapping.date}")

    def _when(self, texts: Columns) -> tuple[pa.Array, pa.Array]:
        """The business day and the instant; 0 when the file has no time of day."""
        names = self._mapping.columns
        if "datetime" in names:
            local = texts.mapped(
                "datetime", self._seconds, f"a time like {self._mapping.datetime}"
            )
            day = self._days(texts, "date") if "date" in names else pc.divide(local, 86400)
            return day, pc.subtract(local, self._mapping.zone * 3600)
        day = self._days(texts, "date")
        if "time" not in names:
            return day, pa.repeat(pa.scalar(0, pa.int64()), texts.rows)
        clock = texts.mapped("time", self._clock, f"a time like {self._mapping.time}")
        local = pc.add(pc.multiply(day, 86400), clock)
        return day, pc.subtract(local, self._mapping.zone * 3600)

    def _seconds(self, text: str) -> int | None:
        try:
            moment = datetime.strptime(text, self._mapping.datetime)
        except ValueError:
            return None
        day = day_of(moment.date().isoformat())
        return None if day is None else day * 86400 + _of_day(moment)

    def _clock(self, text: str) -> int | None:
        try:
            return _of_day(datetime.strptime(text, self._mapping.time))
        except ValueError:
            return None

    def check(self, table: pa.Table, stated: list[str]) -> None:
        """Compare what the file states with what its rows add up to."""
        if self._balances:
            self._check_balances(table)
        totals = self._mapping.totals
        if totals is None:
            return
        _, total = rows.totals(self._mapping.kind, table)
        if totals.count:
            self._check_total("rows", _at(stated, totals.count), 0, table.num_rows)
        if totals.amount:
            places = 0 if self._mapping.minor else self._places
            self._check_total("the amount", _at(stated, totals.amount), places, total)

    def _check_total(self, what: str, text: str, places: int, counted: int) -> None:
        plain = text.replace(self._mapping.thousands or "\0", "")
        plain = plain.replace(",", ".") if self._mapping.decimal == "," else plain
        pattern = decimal(places, signed=True) + "0*" if places else r"-?\d{1,12}"
        if (
            not re.fullmatch(pattern, plain, re.ASCII)
            or units(pa.array([plain]), places)[0].as_py() != counted
        ):
            raise StatementError(
                f"the totals say {cards.shown(text)} for {what}, the rows have "
                f"{written(counted, places)}"
            )

    def _check_balances(self, table: pa.Table) -> None:
        """Each balance is the one before it and the booking, whichever is the newest row."""
        amounts = table["amount_minor"].to_pylist()
        wrong = []
        for newest_first in (False, True):
            found = [
                line
                for at, (line, balance) in enumerate(self._balances)
                if at
                and balance - self._balances[at - 1][1]
                != (-amounts[at - 1] if newest_first else amounts[at])
            ]
            if not found:
                return
            wrong.append(found[0])
        raise StatementError(f"line {max(wrong)}: the balance does not fit the one before it")


_PLAIN = ("rrn", "auth", "orig_rrn", "f39", "reversal_f39", "settle_ref", "entry", "code", "ref")


def _at(values: list[str], place: int) -> str:
    return values[place - 1] if place <= len(values) else ""


def _of_day(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second
