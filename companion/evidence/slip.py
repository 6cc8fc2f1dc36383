"""A transaction's slip, printed again from its journal records.

In the form in which the terminal prints it in English (lines of at most 32 columns, of which a
Chinese character takes two), written without the firmware's code; the tests hold the two against
each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from companion.evidence import show
from companion.evidence.dossier import Record, number, text
from protocol import record

WIDTH = 32
MARK = "*** REPRINT FROM JOURNAL ***"
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
    record.REV_OK: "REVERSED, NOT DONE",
    record.REV_ABSENT: "THE HOST KNOWS NOTHING OF IT",
    record.REV_SUSPENDED: "NOT CONFIRMED: OPEN CASE",
}


@dataclass(frozen=True)
class Shop:
    """What stands at the head of every slip."""

    merchant_name: str
    merchant_no: str
    terminal_no: str


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
        MARK,
        f"MERCHANT {shop.merchant_no}",
        f"TERMINAL {shop.terminal_no}",
    ]


def _cut(name: str) -> str:
    """What of a name has room in a line."""
    ends = accumulate(1 if char <= "~" else 2 for char in name)
    return name[: sum(end <= WIDTH for end in ends)]


def _body(armed: Record) -> list[str]:
    content = armed.content
    return [
        f"CARD     {text(content, 'pan')}",
        f"BATCH    {number(content, 'batch'):06d}",
        f"STAN     {number(content, 'stan'):06d}",
    ]


def _approved(shop: Shop, armed: Record, outcome: Record) -> list[str]:
    asked, said = armed.content, outcome.content
    rows = _head(shop, " ".join(_title(number(asked, "txn")))) + _body(armed)
    if number(asked, "orig_stan"):
        rows.append(f"ORIGINAL {number(asked, 'orig_stan'):06d}")
    for label, name in (("ORIG RRN ", "orig_rrn"), ("ORIG AUTH ", "orig_auth")):
        if text(asked, name):
            rows.append(label + text(asked, name))
    host_time = text(said, "host_time")
    rows += [
        f"RRN      {text(said, 'rrn')}",
        f"AUTH     {text(said, 'auth')}",
        f"TIME     {show.host_time(host_time) if len(host_time) == 10 else ''}",
        f"AMOUNT   {_money(number(said, 'amount_minor'))}",
    ]
    if number(said, "amount_minor") != number(asked, "amount_minor"):
        rows.append(f"PART OF  {_money(number(asked, 'amount_minor'))}")
    return [*rows, _RULE]


def _reversal(shop: Shop, armed: Record, end: Record) -> list[str]:
    content = armed.content
    txn = number(content, "txn")
    rows = _head(shop, "REVERSAL 冲正") + _body(armed)
    if txn != record.SALE:
        rows.append(f"OF       {_title(txn)[0]}")
    rows.append(f"AMOUNT   {_money(number(content, 'amount_minor'))}")
    return [*rows, _ENDS.get(number(end.content, "result"), ""), _RULE]


def _title(txn: int) -> tuple[str, str]:
    return _TITLES.get(txn, (f"TXN {txn}", ""))


def _money(minor: int) -> str:
    # The terminal's slip has no thousands separators.
    return f"CNY {minor // 100}.{minor % 100:02d}"
