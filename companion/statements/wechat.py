"""WeChat Pay's bill of a day (type ALL), in the form for merchants of today and of before 2018.

UTF-8 text: a line of column names, one line a payment or refund with a backtick before each value
(a comma inside a value is no separator then), a line with the names of the totals, a line of
totals. Amounts are yuan, fees have up to five decimals. Columns are found by their names.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import currencies, rows
from companion.statements.cards import Watch
from companion.statements.columns import CHINA_S, Columns, decimal, units, written
from companion.statements.options import Options
from companion.statements.source import Block, Lines, Source
from companion.statements.statement import ACQUIRER, Statement, StatementError

NAME = "wechat-bill"
EXPECTED = "a first line '交易时间,公众账号ID,商户号,…' (the bill of type ALL)"
CHANNEL = "wechat"

# What is needed, under its names now and before.
_AMOUNT = ("应结订单金额", "总金额")
_SUB_MERCHANT = ("特约商户号", "子商户号")
_NEEDED = (
    *("交易时间", "商户号", "设备号", "微信订单号", "交易状态", "货币种类"),
    *("微信退款单号", "退款金额", "退款状态", "手续费"),
)
# Values that are numbers by which others know a transaction or a customer.
_REFERENCES = ("微信订单号", "商户订单号", "微信退款单号", "商户退款单号", "用户标识")
_CHECKED = ("应结订单金额", "总金额", "退款金额", "手续费", "订单金额", "申请退款金额")
# Names of totals, and the column that each is the sum of.
_TOTALS = {
    "应结订单总金额": "应结订单金额",
    "总交易额": "总金额",
    "退款总金额": "退款金额",
    "总退款金额": "退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
_COUNT = "总交易单数"
_PLACES = 5
_SEPARATOR = "\x1f"
_MONEY = decimal(_PLACES, signed=True)


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    return head.removeprefix(b"\xef\xbb\xbf").startswith("交易时间,公众账号ID,商户号,".encode())


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole bill; raises StatementError with the line at the first thing wrong."""
    lines = Lines(source)
    names = lines.first().split(",")
    _check_names(names)
    values, labels = lines.last(), lines.last()
    if not labels.startswith(_COUNT):
        raise StatementError(
            f"line {lines.behind()}: no totals ('{_COUNT},…') before the last line; it was cut "
            "short"
        )
    found = rows.Collected(ACQUIRER)
    sums = dict.fromkeys((name for name in _CHECKED if name in names), 0)
    watch = Watch()
    try:
        for block in lines.blocks():
            columns = _columns(block, names, watch)
            for name in sums:
                sums[name] += pc.sum(columns.amounts(name, _PLACES), min_count=0).as_py()
            found.add(_batch(columns, options))
        table = found.table()
    finally:
        found.close()
    watch.check()
    _check_totals(lines.behind() + 1, labels, values, table.num_rows, sums)
    if not table.num_rows:
        raise StatementError("line 2: a bill without a payment does not say its day")
    return rows.statements(NAME, ACQUIRER, options.channel or CHANNEL, table)


def _check_names(names: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    for pair in (_AMOUNT, _SUB_MERCHANT):
        if not any(name in names for name in pair):
            missing.append(pair[0])
    if missing:
        raise StatementError(
            f"line 1: the columns {', '.join(missing)} are missing; the bill of type ALL has them"
        )
    if len(set(names)) != len(names):
        raise StatementError("line 1: a column is there twice")


def _columns(block: Block, names: list[str], watch: Watch) -> Columns:
    separator = _SEPARATOR.encode()
    if separator in block.data:
        raise StatementError(f"line {block.line}: a control character near here")
    # A quotation mark is part of a value here.
    data = block.data.replace(b",`", separator)
    if (b"\n" + data).count(b"\n`") != data.count(b"\n"):
        lines = enumerate(data.split(b"\n"), block.line)
        line = next(number for number, text in lines if not text.startswith(b"`"))
        raise StatementError(f"line {line}: no backtick before the first value")
    data = data.replace(b"\n`", b"\n").removeprefix(b"`")
    columns = Columns.read(Block(block.line, data), names, _SEPARATOR, quotes=False)
    for name in names:
        if name in _REFERENCES:
            watch.count(name, columns[name], columns.line_of)
        else:
            watch.look(name, columns[name], columns.line_of)
    columns.check(
        {
            "交易时间": r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}",
            "商户号": r"\d{1,15}",
            _sub_merchant(columns): r"\d{0,15}",
            "微信订单号": r"\d{1,32}",
            "微信退款单号": r"\d{0,32}",
            "交易状态": "SUCCESS|REFUND|REVOKED",
            "退款状态": "SUCCESS|PROCESSING|FAIL|CHANGE|",
            "设备号": r"[0-9A-Za-z\x{4e00}-\x{9fff} ._-]{0,32}",
            **dict.fromkeys((name for name in _CHECKED if name in names), _MONEY),
        }
    )
    return columns


def _batch(columns: Columns, options: Options) -> pa.RecordBatch:
    names = columns.values
    sub = columns[_sub_merchant(columns)]
    own = pc.is_in(sub, pa.array(["", "0"]))
    paid = pc.equal(columns["交易状态"], "SUCCESS")
    amount = next(name for name in _AMOUNT if name in names)
    # Yuan with more than two decimals would be a part of a fen.
    for name in (amount, "退款金额"):
        columns.check({name: decimal(2, signed=True) + "0*"})
    charged, back = _fen(columns, amount), pc.abs(_fen(columns, "退款金额"))
    columns.refuse(amount, pc.greater_equal(charged, 0), "an amount")
    nothing = pc.equal(back, 0)
    columns.refuse("退款金额", pc.or_(pc.invert(paid), nothing), "0 in the row of a payment")
    # A revoked payment goes back as a whole, whether or not its row says so.
    revoked = pc.equal(columns["交易状态"], "REVOKED")
    moved = pc.if_else(pc.or_(paid, pc.and_(revoked, nothing)), charged, back)
    failed = pc.is_in(columns["退款状态"], pa.array(["FAIL", "CHANGE"]))
    refund = pc.if_else(
        pc.is_in(columns["微信退款单号"], pa.array(["", "0"])),
        columns["微信订单号"],
        columns["微信退款单号"],
    )
    return rows.shaped(
        ACQUIRER,
        columns.rows,
        {
            "merchant_no": options.party or pc.if_else(own, columns["商户号"], sub),
            "terminal_no": columns["设备号"],
            "channel": options.channel or CHANNEL,
            "day": columns.days("交易时间"),
            "at": columns.instants("交易时间", CHINA_S),
            "txn": columns.mapped("交易状态", _TYPES.get, "a known state"),
            "status": pc.if_else(
                pc.and_(pc.invert(paid), failed), pa.scalar("DECLINED"), pa.scalar("CAPTURED")
            ),
            "amount_minor": moved,
            "fee_minor": _rounded(columns.amounts("手续费", _PLACES)),
            "currency": columns.mapped("货币种类", currencies.number_of, "a known currency"),
            "rrn": pc.if_else(paid, columns["微信订单号"], refund),
            "orig_rrn": pc.if_else(paid, "", columns["微信订单号"]),
            "line": rows.lines(columns),
        },
    )


def _sub_merchant(columns: Columns) -> str:
    return next(name for name in _SUB_MERCHANT if name in columns.values)


_TYPES = {"SUCCESS": "SALE", "REFUND": "REFUND", "REVOKED": "VOID"}
_FEN = 10 ** (_PLACES - 2)


def _fen(columns: Columns, name: str) -> pa.Array:
    return pc.divide(columns.amounts(name, _PLACES), _FEN)


def _rounded(amounts: pa.Array) -> pa.Array:
    """To whole fen, half away from zero."""
    sign = pc.if_else(pc.less(amounts, 0), -1, 1)
    return pc.multiply(pc.divide(pc.add(pc.abs(amounts), _FEN // 2), _FEN), sign)


def _check_totals(line: int, labels: str, values: str, count: int, sums: dict[str, int]) -> None:
    names = labels.split(",")
    stated = [value.removeprefix("`") for value in values.split(",")]
    if len(names) != len(stated) or not re.fullmatch(r"\d{1,12}", stated[0], re.ASCII):
        raise StatementError(f"line {line}: not the totals {_COUNT},…")
    if int(stated[0]) != count:
        raise StatementError(
            f"line {line}: the totals say {stated[0]} rows, the lines above have {count}"
        )
    checked = set()
    for name, value in zip(names[1:], stated[1:], strict=True):
        column = _TOTALS.get(name)
        if column is None or column not in sums:
            continue
        if not re.fullmatch(_MONEY, value, re.ASCII):
            raise StatementError(f"line {line}: {name} is no amount")
        checked.add(column)
        if units(pa.array([value]), _PLACES)[0].as_py() != sums[column]:
            raise StatementError(
                f"line {line}: {name} is {value}, the lines above have "
                f"{written(sums[column], _PLACES)}"
            )
    if not checked >= {"退款金额", "手续费"} or not checked & set(_AMOUNT):
        raise StatementError(f"line {line - 1}: not all of the totals are there")
