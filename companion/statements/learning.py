"""A draft of a mapping file, from what is seen in a file that no layout knows.

Names of columns that are usual are filled in, and shown with what they hold; what a word means is
never guessed: it is left open, and a mapping with open places is refused.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from companion.statements import cards, sheets
from companion.statements.mapping import OPEN
from companion.statements.source import Lines, Source, encoding_of
from companion.statements.statement import ACQUIRER, BANK, StatementError

_LOOKED_AT = 2000  # rows
_SAMPLES = 3
_WORDS = 20
_DELIMITERS = ",|\t;\x1f"
# Names of columns as acquirers and banks write them, without blanks, dots, brackets and case.
_USUAL = {
    "merchant_no": ("商户号", "商户编号", "商户代码", "merchantno", "merchantid", "mid"),
    "terminal_no": ("终端号", "终端编号", "terminalno", "terminalid", "tid"),
    "batch": ("批次号", "交易批次号", "batch", "batchno", "batchnumber"),
    "stan": ("凭证号", "流水号", "系统跟踪号", "终端流水号", "trace", "traceno", "stan"),
    "rrn": ("参考号", "检索参考号", "系统参考号", "交易参考号", "rrn", "referenceno"),
    "auth": ("授权号", "授权码", "auth", "authcode", "approvalcode"),
    "card": ("卡号", "交易卡号", "card", "cardno", "pan"),
    "type": ("交易类型", "交易名称", "type", "transactiontype"),
    "status": ("交易状态", "状态", "status"),
    "amount": ("交易金额", "金额", "发生额", "amount", "transactionamount"),
    "fee": ("手续费", "商户手续费", "fee", "commission"),
    "date": ("交易日期", "日期", "记账日期", "清算日期", "date", "bookingdate"),
    "time": ("交易时间", "时间", "time"),
    "datetime": ("交易日期时间", "datetime", "timestamp"),
    "settle_date": ("结算日期", "settlementdate"),
    "account": ("账号", "本方账号", "account", "accountno", "iban"),
    "credit": ("收入", "贷方发生额", "贷方金额", "credit", "deposits"),
    "debit": ("支出", "借方发生额", "借方金额", "debit", "withdrawals"),
    "balance": ("余额", "账户余额", "balance"),
    "direction": ("借贷标志", "收支", "借贷", "direction", "dc"),
    "text": ("摘要", "附言", "用途", "description", "text", "memo"),
    "ref": ("交易流水号", "凭证编号", "reference", "ref"),
    "currency": ("币种", "货币种类", "currency"),
}
_BANK_ONLY = ("account", "credit", "debit", "balance", "direction", "text", "ref")
_CARD_ONLY = ("merchant_no", "terminal_no", "batch", "stan", "card", "type", "rrn", "auth")
_DATES = (
    (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
    (r"\d{8}", "%Y%m%d"),
    (r"\d{4}/\d\d?/\d\d?", "%Y/%m/%d"),
    (r"\d\d\.\d\d\.\d{4}", "%d.%m.%Y"),
)
_TIMES = ((r"\d\d:\d\d:\d\d", "%H:%M:%S"), (r"\d{6}", "%H%M%S"), (r"\d\d:\d\d", "%H:%M"))


@dataclass(frozen=True)
class Column:
    """What was seen in a column; samples have no clear card numbers."""

    name: str
    samples: list[str]
    different: int
    # The column of the facts that its name suggests, "" for none.
    suggested: str


@dataclass(frozen=True)
class Seen:
    """What was seen in a file."""

    encoding: str
    delimiter: str
    header: int
    rows: int
    columns: list[Column]
    values: dict[str, list[str]]


def look(path: Path) -> Seen:
    """Look at the beginning of a file; nothing of it is kept."""
    with Source(path) as source:
        if sheets.is_sheet(source.head):
            table = [row for _, row in islice(sheets.rows(source), _LOOKED_AT)]
            return _seen(table, "utf-8", ",")
        encoding = encoding_of(source)
        lines = Lines(source, encoding)
        text: list[str] = []
        while len(text) < _LOOKED_AT and not lines.ended():
            text.append(lines.first())
    if not any(text):
        raise StatementError(f"{path}: nothing in it to learn from")
    delimiter = max(_DELIMITERS, key=lambda one: _regular(text, one))
    return _seen([_split(line, delimiter) for line in text], encoding, delimiter)


def _regular(lines: list[str], delimiter: str) -> int:
    """How many values there are in the lines that have as many as most."""
    counts = [len(_split(line, delimiter)) for line in lines]
    usual = max(set(counts), key=counts.count)
    return usual * counts.count(usual) if usual > 1 else 0


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _seen(table: list[list[str]], encoding: str, delimiter: str) -> Seen:
    if not table:
        raise StatementError("nothing in it to learn from")
    widths = [len(row) for row in table]
    width = max(set(widths), key=widths.count)
    if width < 2:
        raise StatementError("no columns in it: neither a spreadsheet nor text with separators")
    header = next(
        (
            at + 1
            for at, row in enumerate(table[:20])
            if len(row) == width and not any(re.fullmatch(r"[`'\s]*[\d.,:-]+", one) for one in row)
        ),
        0,
    )
    names = [one.strip() for one in table[header - 1]] if header else []
    names = names or [str(at + 1) for at in range(width)]
    rows = [row for row in table[header:] if len(row) == width]
    columns, values = [], {}
    taken: set[str] = set()
    for at, name in enumerate(names):
        found = list(dict.fromkeys(row[at].strip(" `'\t") for row in rows if row[at].strip()))
        suggested = _suggested(name) if header else ""
        suggested = "" if suggested in taken else suggested
        taken.add(suggested)
        samples = [cards.masked(one)[:40] for one in found[:_SAMPLES]]
        columns.append(Column(name, samples, len(found), suggested))
        values[name] = [cards.masked(one)[:60] for one in found[: _WORDS + 1]]
    return Seen(encoding, delimiter, header, len(rows), columns, values)


def _suggested(name: str) -> str:
    plain = re.sub(r"[\s._()（）/-]|\(?元\)?$", "", name).lower()
    return next((fact for fact, usual in _USUAL.items() if plain in usual), "")


def draft(seen: Seen, name: str) -> str:
    """The text of a mapping to be finished by a person, as TOML."""
    found = {one.suggested: one for one in seen.columns if one.suggested}
    bank = sum(one in found for one in _BANK_ONLY) > sum(one in found for one in _CARD_ONLY)
    kind = BANK if bank else ACQUIRER
    other = _CARD_ONLY if bank else _BANK_ONLY
    own = {fact: column for fact, column in found.items() if fact not in other}
    lines = [
        f"# Seen: {seen.rows} rows of {len(seen.columns)} columns, {seen.encoding}. Columns:",
        *(_comment(column) for column in seen.columns),
        f"# Finish it: put an answer wherever there is {_text(OPEN)}, and check the rest.",
        f"name = {_text(name)}",
        f"kind = {_text(kind)}  # acquirer, payouts, bank or terminal",
        *([] if bank else ['channel = "card"']),
        f"encoding = {_text(seen.encoding)}",
        f"delimiter = {_text(seen.delimiter)}",
        f"header = {seen.header}  # the line with the names of the columns",
        "footer = 0  # lines at the end that are no rows",
    ]
    for fact, formats in (("date", _DATES), ("time", _TIMES)):
        if fact in own:
            lines.append(f"{fact} = {_text(_written(own[fact].samples, formats))}")
    if not ({"account", "merchant_no"} & own.keys()):
        lines.append(f"party = {_text(OPEN)}  # the {'account' if bank else 'merchant number'}")
    lines += ["", "[columns]"]
    needed = ("date",) if bank else ("date", "amount")
    lines += [f"{fact} = {_text(column.name)}" for fact, column in own.items()]
    lines += [f"{fact} = {_text(OPEN)}" for fact in needed if fact not in own]
    for fact, table in (("type", "types"), ("status", "status"), ("direction", "directions")):
        if fact in own:
            words = seen.values[own[fact].name][:_WORDS]
            lines += ["", f"[{table}]", *(f"{_text(word)} = {_text(OPEN)}" for word in words)]
    return "\n".join(lines) + "\n"


def _comment(column: Column) -> str:
    samples = ", ".join(_text(one) for one in column.samples)
    return f"#   {_text(column.name)}: {column.different} different, as {samples or 'nothing'}"


def _written(samples: list[str], formats: tuple[tuple[str, str], ...]) -> str:
    for pattern, how in formats:
        if samples and all(re.fullmatch(pattern, one, re.ASCII) for one in samples):
            return how
    return OPEN


def _text(value: str) -> str:
    """A TOML string: as JSON writes it, with what a screen could act on escaped."""
    plain = json.dumps(value, ensure_ascii=False)
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in plain)
