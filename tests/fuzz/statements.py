"""Statement files of every layout, and files that are read by a mapping."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import openpyxl

from boards.virtual.shop import card
from companion.statements import Statement as Known
from companion.statements import StatementError, cards, layouts
from companion.statements.statement import COLUMNS, GIVES_BACK, HOLDS
from tests.companion.sealed import DayFile
from tests.companion.statement_files import (
    BAI2,
    MT940,
    TerminalFile,
    adyen,
    allinpay,
    camt053,
    wechat,
)
from tests.fuzz.mutation import damage
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random

_CLEAR = card(1)["pan"]
_VALUES = (
    *("", "0", "-1", "1", "00", "999999999999", "9999999999999", "+1", "1_0", " 1", "1.0", "1,5"),
    *("SALE", "REFUND", "PREAUTH", "AUTHORISED", "CAPTURED", "2026-02-30", "0000-00-00", "CNY"),
    *("٣", "\uff11\uff12\uff13\uff14\uff15\uff16", "\x00", "\x1b[2J", "\u202e", "\u2028", "\r"),
    *('"', '"a\nb"', "`", "x" * 200000, "9" * 5000, _CLEAR, "0.00001", "-0.00", "1e5", "nan"),
    *("2026-03-02T09:00:00.1Z", "2026-03-02T24:00:00Z", "9999-12-31T23:59:59+00:00", "250000"),
    *(
        "消费",
        "退货",
        "SUCCESS",
        "REVOKED",
        "MerchantPayout",
        "&lt;",
        "<Ntry>",
        ":61:",
        "{4:",
        "/",
    ),
    *("C", "RD", "49", "88", "16", "99999999999999999999", "\ud7ff", "\U0001f4b3"),
)
# What facts hold that others compare with: a digit is one of ten there.
_ASCII = ("batch", "stan", "auth", "card", "currency", "f39", "code", "kind", "status", "txn")
# References may look like a card number by chance.
_FREE = ("rrn", "orig_rrn", "ref", "settle_ref", "merchant_no", "terminal_no")


class Statement(Target):
    """A statement file of a layout: refused with its line, or read with totals that agree."""

    name = "statement"
    refusals = (StatementError,)
    memory = (1 << 18, 32)
    steps = (6000, 20)

    def __init__(self) -> None:
        day = DayFile()
        for stan, status in enumerate(("CAPTURED", "DECLINED", "REVERSED", "CAPTURED"), 1):
            day.add(stan, 100 * stan, status, txn="REFUND" if stan == 4 else "SALE")
        terminals = TerminalFile().add(1, 100).add(2, 50, txn="REFUND").add(3, 70, "DECLINED")
        texts = [
            *(DayFile().text(), day.text(), terminals.text(), wechat(), wechat(24, "\r\n")),
            *(allinpay({}, {"交易类型": "退货"}), adyen(), camt053(), MT940, BAI2),
        ]
        self.seeds = [text.encode() for text in texts]

    def make(self, dice: Random) -> bytes:
        data = pick(dice, self.seeds)
        if not dice.below(3):
            return damage(dice, data, pick(dice, self.seeds))
        pieces = re.split(r"([,\n<>:/`])", data.decode())
        for _ in range(1 + dice.below(3)):
            at = dice.below(len(pieces))
            what = dice.below(5)
            if what == 0:
                pieces[at:at] = pieces[at : at + 1 + dice.below(20)]
            elif what == 1:
                del pieces[at : at + 1 + dice.below(4)]
            elif what == 2:
                pieces.insert(at, pieces[dice.below(len(pieces))])
            else:
                pieces[at : at + 1] = [_VALUES[dice.below(len(_VALUES))]]
            pieces = pieces or [""]
        text = "".join(pieces)
        if text.startswith("#pingzhang") and dice.below(2):
            text = _with_totals(text)
        return text.encode("utf-8", "surrogatepass")

    def read(self, data: bytes) -> tuple[Known, ...]:
        return _read(data)

    def check(self, data: bytes, found: Any) -> bytes:
        return _checked(found)


_ACQUIRER: dict[str, Any] = {
    "name": "x",
    "kind": "acquirer",
    "party": "M1",
    "footer": 1,
    "columns": {"stan": "n", "amount": "a", "fee": "f", "date": "d", "time": "t", "type": "w"},
    "types": {"pay": "SALE", "back": "REFUND"},
    "totals": {"count": 2, "amount": 3},
}
_BANK: dict[str, Any] = {
    "name": "y",
    "kind": "bank",
    "party": "1234567890",
    "footer": 1,
    "columns": {"date": "d", "credit": "a", "debit": "f", "text": "w"},
}


class Mapped(Target):
    """A CSV file or a spreadsheet with its mapping, both of which a person writes."""

    name = "mapping"
    refusals = (StatementError,)
    memory = (1 << 20, 100)
    steps = (40_000, 200)
    _rows = (
        ("n", "a", "f", "d", "t", "w"),
        ("1", "12.50", "0.08", "2026-03-02", "12:00:00", "pay"),
        ("2", "2.50", "", "2026-03-02", "13:00:00", "back"),
        ("sum", "2", "10.00"),
    )

    def make(self, dice: Random) -> bytes:
        mapping = json.loads(json.dumps((_ACQUIRER, _BANK)[dice.below(2)]))
        rows = [list(row) for row in self._rows]
        for _ in range(dice.below(4)):
            self._change(dice, mapping)
        for _ in range(dice.below(4)):
            row = rows[dice.below(len(rows))]
            row[dice.below(len(row))] = _VALUES[dice.below(len(_VALUES))]
        text = json.dumps(mapping).encode()
        if not dice.below(4):
            text = damage(dice, text, text)
        file = _sheet(rows) if not dice.below(6) else "\n".join(map(",".join, rows)).encode()
        if not dice.below(4):
            file = _damaged_sheet(dice, file) if file[:2] == b"PK" else damage(dice, file, file)
        return text + b"\n---\n" + file

    @staticmethod
    def _change(dice: Random, mapping: dict[str, Any]) -> None:
        inside = mapping
        if dice.below(2):
            tables = [key for key, value in mapping.items() if isinstance(value, dict)]
            inside = mapping[tables[dice.below(len(tables))]] if tables else mapping
        keys = [*inside, "datetime", "decimal", "thousands", "minor", "zone", "delimiter", "date"]
        values: tuple[Any, ...] = (
            *_VALUES[:20],
            0,
            1,
            -1,
            99,
            True,
            None,
            [],
            {},
            "%",
            "%Y%",
            ",",
        )
        inside[keys[dice.below(len(keys))]] = values[dice.below(len(values))]

    def read(self, data: bytes) -> tuple[Known, ...]:
        mapping, _, file = data.partition(b"\n---\n")
        return _read(file, mapping.decode("utf-8", "replace") or "?")

    def check(self, data: bytes, found: Any) -> bytes:
        return _checked(found)


def _read(data: bytes, mapping: str = "") -> tuple[Known, ...]:
    try:
        return layouts.read(data, mapping)
    except StatementError as error:
        text = str(error)
        assert _CLEAR not in text, "a card number on the screen"
        assert text.isprintable(), "what a screen acts on"
        raise


def _checked(found: tuple[Known, ...]) -> bytes:
    assert found, "nothing is no statement"
    said = []
    for statement in found:
        assert statement.rows.schema == COLUMNS[statement.kind]
        rows = statement.rows.to_pylist()
        amounts = [amount for row in rows if (amount := _moved(statement.kind, row)) is not None]
        assert (len(amounts), sum(amounts)) == (statement.captured_count, statement.captured_minor)
        assert statement.first_day <= statement.last_day
        for row in rows:
            assert statement.first_day <= row["day"] <= statement.last_day, "a day outside"
            _check_row(row)
        said.append(b"%d %d" % (len(rows), statement.captured_minor))
    return b" ".join(said)


def _moved(kind: str, row: dict[str, Any]) -> int | None:
    """What a row moved, None when it moves nothing."""
    if kind in ("bank", "payouts"):
        return int(row["amount_minor" if kind == "bank" else "net_minor"])
    if row["status"] not in ("CAPTURED", "APPROVED") or row["txn"] in (*HOLDS, "FEE"):
        return None
    assert row["amount_minor"] >= 0, "the type says which way"
    return -row["amount_minor"] if row["txn"] in GIVES_BACK else int(row["amount_minor"])


def _check_row(row: dict[str, Any]) -> None:
    for name, value in row.items():
        if isinstance(value, str):
            assert value.isprintable(), f"{name} is what a screen acts on"
            assert name not in _ASCII or value.isascii(), f"a foreign digit in {name}"
            assert name in _FREE or not cards.within(value), f"a card number in {name}"


def _with_totals(text: str) -> str:
    """The last line as it should be, where the rows can be added up."""
    lines = text.split("\n")
    host = lines[0].startswith("#pingzhang-host")
    kind, amount, status = (8, 11, 12) if host else (4, 6, 5)
    rows = [line.split(",") for line in lines[2:-2]]
    signed = [
        (-1 if row[kind] in GIVES_BACK else 1) * int(row[amount])
        for row in rows
        if len(row) > 12
        and row[status] in ("CAPTURED", "APPROVED")
        and row[amount].isdigit()
        and len(row[amount]) < 19
    ]
    lines[-2:] = [f"#totals,{len(rows)},{len(signed)},{sum(signed)}", ""]
    return "\n".join(lines)


def _sheet(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        # A spreadsheet holds no control characters.
        page.append([re.sub(r"[\x00-\x1f]", "", value)[:300] for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _damaged_sheet(dice: Random, data: bytes) -> bytes:
    """A spreadsheet with one of its parts damaged, packed with the right checksum."""
    if dice.below(2):
        return damage(dice, data, data)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = names[dice.below(len(names))]
        for name in names:
            part = old.read(name)
            new.writestr(name, damage(dice, part, part) if name == chosen else part)
    return out.getvalue()
