"""A transaction's slip, printed again from its journal records.

In the form in which the terminal prints it (lines of at most 32 columns, of which a Chinese
character takes two), in the language and the time zone that it is set to now, written without the
firmware's code; the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import accumulate

from companion.evidence import show
from companion.evidence.dossier import Record, number, text
from protocol import record

WIDTH = 32
# As the configuration counts languages.
ENGLISH, CHINESE = 0, 1
MARKS = ("*** REPRINT FROM JOURNAL ***", "*** 据流水重印 ***")
_MONEY = ("CNY ", "￥")
_LABEL = 9
# Of the times that a host gives; a slip in another zone names it.
HOST_MIN = 480
# For a day of a host that nobody knows the year of: one with and one without 29 February.
_LEAP, _OTHER = 2028, 2026
_RULE = "-" * WIDTH

_TITLES = {
    record.SALE: ("SALE", "消费"),
    record.VOID: ("VOID", "撤销"),
    record.REFUND: ("REFUND", "退货"),
    record.PREAUTH: ("PRE-AUTH", "预授权"),
    record.PREAUTH_CANCEL: ("PRE-AUTH CANCEL", "预授权撤销"),
    record.COMPLETION: ("COMPLETION", "预授权完成"),
    record.COMPLETION_NOTICE: ("COMPLETION NOTICE", "预授权完成通知"),
    record.COMPLETION_VOID: ("COMPLETION VOID", "预授权完成撤销"),
}
_ENDS = {
    record.REV_OK: ("REVERSED, NOT DONE", "已冲正,交易未成功"),
    record.REV_ABSENT: ("THE HOST KNOWS NOTHING OF IT", "主机无此交易"),
    record.REV_SUSPENDED: ("NOT CONFIRMED: OPEN CASE", "未确认: 待查案件"),
}
_LABELS = {
    "MERCHANT": "商户号",
    "TERMINAL": "终端号",
    "CARD": "卡号",
    "BATCH": "批次号",
    "STAN": "凭证号",
    "ORIGINAL": "原凭证号",
    "ORIG RRN": "原参考号",
    "ORIG AUTH": "原授权码",
    "RRN": "参考号",
    "AUTH": "授权码",
    "TIME": "时间",
    "AMOUNT": "金额",
    "PART OF": "申请金额",
    "OF": "原交易",
}


@dataclass(frozen=True)
class Shop:
    """What stands at the head of every slip."""

    merchant_name: str
    merchant_no: str
    terminal_no: str
    language: int = ENGLISH
    utc_offset_min: int = HOST_MIN


def reprint(shop: Shop, records: Sequence[Record]) -> list[str]:
    """The lines of the slip that these records of one transaction gave; none if they gave none.

    A decline prints nothing, nor does a transaction without an end.
    """
    armed = _last(records, record.ARMED)
    end = _last(records, record.REVERSAL_END)
    outcome = _last(records, record.OUTCOME)
    if armed is None:
        return []
    if end is not None:
        rows = _reversal(shop, armed, end)
    elif outcome is not None and number(outcome.content, "result") == record.APPROVED:
        rows = _approved(shop, armed, outcome)
    else:
        return []
    return [*rows, *_source(records)]


def _last(records: Sequence[Record], kind: int) -> Record | None:
    return next((one for one in reversed(records) if one.content["kind"] == kind), None)


def _source(records: Sequence[Record]) -> list[str]:
    """Where it is from, in the place of the paper's end."""
    numbers = f"{records[0].seq}-{records[-1].seq}"
    return [f"{records[0].device_id} RECORDS {numbers}"[:WIDTH]]


def _head(shop: Shop, title: str) -> list[str]:
    return [
        _cut(shop.merchant_name),
        _RULE,
        title,
        MARKS[shop.language],
        _row(shop, "MERCHANT", shop.merchant_no),
        _row(shop, "TERMINAL", shop.terminal_no),
    ]


def _row(shop: Shop, label: str, value: str) -> str:
    said = _LABELS[label] if shop.language == CHINESE else label
    return said + " " * max(1, _LABEL - sum(_columns(said))) + value


def _columns(words: str) -> list[int]:
    """Of each character."""
    return [1 if char <= "~" else 2 for char in words]


def _cut(name: str) -> str:
    """What of a name has room in a line."""
    return name[: sum(end <= WIDTH for end in accumulate(_columns(name)))]


def _body(shop: Shop, armed: Record) -> list[str]:
    content = armed.content
    return [
        _row(shop, "CARD", text(content, "pan")),
        _row(shop, "BATCH", f"{number(content, 'batch'):06d}"),
        _row(shop, "STAN", f"{number(content, 'stan'):06d}"),
    ]


def _approved(shop: Shop, armed: Record, outcome: Record) -> list[str]:
    asked, said = armed.content, outcome.content
    rows = _head(shop, " ".join(_title(number(asked, "txn")))) + _body(shop, armed)
    if number(asked, "orig_stan"):
        rows.append(_row(shop, "ORIGINAL", f"{number(asked, 'orig_stan'):06d}"))
    for label, name in (("ORIG RRN", "orig_rrn"), ("ORIG AUTH", "orig_auth")):
        if text(asked, name):
            rows.append(_row(shop, label, text(asked, name)))
    rows += [
        _row(shop, "RRN", text(said, "rrn")),
        _row(shop, "AUTH", text(said, "auth")),
        _row(shop, "TIME", _time(shop, text(said, "host_time"), number(said, "wall"))),
        _row(shop, "AMOUNT", _money(shop, number(said, "amount_minor"))),
    ]
    if number(said, "amount_minor") != number(asked, "amount_minor"):
        rows.append(_row(shop, "PART OF", _money(shop, number(asked, "amount_minor"))))
    return [*rows, _RULE]


def _time(shop: Shop, host_time: str, wall: int) -> str:
    """A host's MMDDhhmmss, which has no year, in the terminal's zone."""
    if len(host_time) != 10:
        return ""
    offset = shop.utc_offset_min
    if offset == HOST_MIN:
        return show.host_time(host_time)
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    year = datetime.fromtimestamp(wall, timezone.utc).year if wall else _OTHER
    if host_time.startswith("0229"):
        year = _LEAP
    try:
        there = datetime.strptime(f"{year}{host_time}", "%Y%m%d%H%M%S")
    except ValueError:
        return f"{show.host_time(host_time)} {zone}"
    there += timedelta(minutes=offset - HOST_MIN)
    return f"{there:%m-%d %H:%M:%S} {zone}"


def _reversal(shop: Shop, armed: Record, end: Record) -> list[str]:
    content = armed.content
    txn = number(content, "txn")
    rows = _head(shop, "REVERSAL 冲正") + _body(shop, armed)
    if txn != record.SALE:
        rows.append(_row(shop, "OF", _title(txn)[shop.language]))
    rows.append(_row(shop, "AMOUNT", _money(shop, number(content, "amount_minor"))))
    ended = _ENDS.get(number(end.content, "result"), ("", ""))
    return [*rows, ended[shop.language], _RULE]


def _title(txn: int) -> tuple[str, str]:
    return _TITLES.get(txn, (f"TXN {txn}", ""))


def _money(shop: Shop, minor: int) -> str:
    # The terminal's slip has no thousands separators.
    return f"{_MONEY[shop.language]}{minor // 100}.{minor % 100:02d}"
