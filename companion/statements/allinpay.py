"""Allinpay's statement of POS transactions, the comma-separated one.

A line of column names, then one line a transaction that succeeded; UTF-8 or GB 18030. Amounts are
yuan. The file states no totals, so none can be checked; every value is.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from companion.statements import currencies, rows
from companion.statements.cards import Watch
from companion.statements.columns import CHINA_S, Columns, decimal
from companion.statements.options import CARD, Options
from companion.statements.source import Lines, Source, encoding_of
from companion.statements.statement import ACQUIRER, HOLDS, Statement, StatementError

NAME = "allinpay-pos"
EXPECTED = "a first line '商户号,门店名称,终端号,交易时间,交易类型,交易批次号,凭证号,…'"

_BEGINNING = ("商户号", "门店名", "终端号", "交易时间", "交易类型", "交易批次号", "凭证号")
_YUAN = decimal(2, signed=True)
COLUMNS = {
    "商户号": r"[0-9A-Za-z]{8,20}",
    "终端号": r"[0-9A-Za-z]{0,20}",
    "交易时间": r"\d{2}:\d{2}:\d{2}",
    "交易类型": r"[^\x00-\x1f]{1,30}",
    "交易批次号": r"\d{0,6}",
    "凭证号": r"\d{0,6}",
    "参考号": r"[0-9A-Za-z]{0,50}",
    # Masked in any way, or not a card at all.
    "卡号": r"\d{0,6}\*+\d{0,4}|",
    "交易金额": _YUAN,
    "手续费": _YUAN + "|",
    "交易日期": r"\d{4}-\d{2}-\d{2}",
}
# The types of card transactions, as UnionPay's terminals name them. What is paid by a wallet has
# other names, which are not verified: such a file needs a mapping.
TYPES = {
    "消费": "SALE",
    "消费撤销": "VOID",
    "退货": "REFUND",
    "预授权": "PREAUTH",
    "预授权撤销": "PREAUTH_CANCEL",
    "预授权完成": "COMPLETION",
    "预授权完成撤销": "COMPLETION_VOID",
}
_REFERENCES = (
    *("商户号", "参考号", "交易单号", "订单号", "原交易单", "对接应用号", "门店编号"),
    "持卡人身份证",
)


def recognises(head: bytes) -> bool:
    """True when the beginning of a file says that it has this layout."""
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    for encoding in ("utf-8", "gb18030"):
        try:
            names = line.decode(encoding).replace("门店名称", "门店名").split(",")
        except UnicodeDecodeError:
            continue
        if tuple(names[: len(_BEGINNING)]) == _BEGINNING:
            return True
    return False


def parse(source: Source, options: Options) -> list[Statement]:
    """Parse a whole file; raises StatementError with the line at the first thing wrong."""
    lines = Lines(source, encoding_of(source))
    names = lines.first().split(",")
    missing = [name for name in COLUMNS if name not in names]
    if missing or len(set(names)) != len(names):
        raise StatementError(f"line 1: the columns {', '.join(missing)} are missing or twice")
    found = rows.Collected(ACQUIRER)
    watch = Watch()
    try:
        for block in lines.blocks():
            columns = Columns.read(block, names)
            for name in names:
                look = watch.count if name in _REFERENCES else watch.look
                look(name, columns[name], columns.line_of)
            columns.check(COLUMNS, hidden=("卡号",))
            found.add(_batch(columns, options))
        table = found.table()
    finally:
        found.close()
    watch.check()
    if not table.num_rows:
        raise StatementError("line 2: a statement without a transaction does not say its day")
    return rows.statements(NAME, ACQUIRER, options.channel or CARD, table)


def _batch(columns: Columns, options: Options) -> pa.RecordBatch:
    txn = columns.mapped("交易类型", TYPES.get, f"one of {', '.join(TYPES)}")
    amount = columns.amounts("交易金额", 2)
    rows.check_sign(columns, "交易金额", txn, amount)
    moments = pc.binary_join_element_wise(columns["交易日期"], columns["交易时间"], " ")
    timed = Columns(columns.line, {"交易时间": moments}, columns.rows)
    stated = pc.not_equal(columns["手续费"], "")
    fees = Columns(
        columns.line, {"手续费": pc.if_else(stated, columns["手续费"], "0")}, columns.rows
    )
    return rows.shaped(
        ACQUIRER,
        columns.rows,
        {
            "merchant_no": columns["商户号"],
            "terminal_no": columns["终端号"],
            "channel": options.channel or CARD,
            "batch": _six(columns["交易批次号"]),
            "stan": _six(columns["凭证号"]),
            "day": columns.days("交易日期"),
            "at": timed.instants("交易时间", CHINA_S),
            "txn": txn,
            "status": pc.if_else(
                pc.is_in(txn, pa.array(HOLDS)), pa.scalar("AUTHORISED"), pa.scalar("CAPTURED")
            ),
            "amount_minor": pc.abs(amount),
            "fee_minor": pc.if_else(
                stated, fees.amounts("手续费", 2), pa.scalar(None, pa.int64())
            ),
            "currency": currencies.CNY,
            "card": columns["卡号"],
            "rrn": columns["参考号"],
            "line": rows.lines(columns),
        },
    )


def _six(numbers: pa.Array) -> pa.Array:
    """Batch and STAN have six digits on terminals; a spreadsheet may have lost the zeros."""
    return pc.if_else(pc.equal(numbers, ""), "", pc.utf8_lpad(numbers, 6, "0"))
