"""Causes of payouts, fees and statements that went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import func, select

from companion.cases import grouping
from companion.cases.clues import Clue, Row, Scene, amount, noted, number, sides
from companion.facts.schema import as_date, day_number
from companion.reconcile import codes
from companion.reconcile.words import money
from companion.store.schema import statements

_AFTER_CHANGE = 15
_PAYOUTS = (
    codes.PAYOUT_MISSING,
    codes.PAYOUT_LATE,
    codes.PAYOUT_SHORT,
    codes.PAYOUT_OVER,
    codes.PAYOUT_OLD_ACCOUNT,
    codes.PAYOUT_WRONG_ACCOUNT,
    codes.PAYOUT_RETURNED,
)
# What banks write when they send money back.
_STATE_WORDS = (
    "FROZEN",
    "CLOSED",
    "INVALID",
    "NAME",
    "DORMANT",
    "BLOCKED",
    "AC01",
    "AC04",
    "AC06",
)
_STATE_SIGNS = ("冻结", "销户", "户名", "账号", "账户", "止付", "不符")


def clues(where: Scene, item: Row) -> Iterator[Clue]:
    """What settlement, accounts and the calendar say about a break."""
    code = str(item["code"])
    if code in _PAYOUTS:
        yield from _changed(where, item)
        yield from _of_payout(where, item, code)
    elif code == codes.FEE_DIFFERS:
        yield from _fee(where, item)
    elif code == codes.STATEMENT_MISSING:
        yield from _statement(where, item)


def _changed(where: Scene, item: Row) -> Iterator[Clue]:
    said = noted(item)
    day = _day(said, "pay_day") or _number_of(str(item["business_date"] or ""))
    for one in where.account_changes:
        if (one.merchant_no, one.channel) != (item["merchant_no"], item["channel"]):
            continue
        if day and 0 <= day - one.valid_from <= _AFTER_CHANGE:
            values = {"channel": one.channel, "day": as_date(one.valid_from).isoformat()}
            yield Clue("account_changed", 88, "change", dict(values))


def _of_payout(where: Scene, item: Row, code: str) -> Iterator[Clue]:
    _, _, bank, payout = sides(item)
    said = noted(item)
    account = bank.get("account") or payout.get("account")
    wrong = {
        codes.PAYOUT_OLD_ACCOUNT: "account_old",
        codes.PAYOUT_WRONG_ACCOUNT: "account_unknown",
    }
    if code in wrong:
        named = {"account": account}
        yield (
            Clue(wrong[code], 85, "account", named)
            if account
            else Clue(wrong[code], 50, "by_code")
        )
    if code == codes.PAYOUT_RETURNED:
        returned = bank.get("text") if bank.get("kind") == "RETURN" else ""
        why = str(payout.get("reason") or returned or "")
        known = any(word in why.upper() for word in _STATE_WORDS)
        known = known or any(sign in why for sign in _STATE_SIGNS)
        if why:
            yield Clue("account_state", 90 if known else 70, "said", {"what": why})
        else:
            yield Clue("account_state", 50, "by_code")
    if code in (codes.PAYOUT_MISSING, codes.PAYOUT_LATE):
        yield from _late(where, item, said)
    if code == codes.PAYOUT_SHORT:
        values = {"amount": money(number(item, "amount_minor"))}
        yield Clue("deducted", 55, "difference", dict(values))
    if code == codes.PAYOUT_OVER:
        for one in where.others:
            same = one["channel"] == item["channel"]
            short = one["code"] in (codes.PAYOUT_MISSING, codes.PAYOUT_SHORT)
            if same and short and one["amount_minor"] == item["amount_minor"]:
                yield Clue("paid_together", 85, "other_break", _named(one))
        yield Clue("paid_together", 30, "by_code")


def _late(where: Scene, item: Row, said: dict[str, str]) -> Iterator[Clue]:
    if where.case.kind == grouping.STATEMENT:
        for one in where.found:
            if one["code"] == codes.STATEMENT_MISSING:
                yield Clue("statement_absent", 92, "other_break", _named(one))
    _, _, bank, _ = sides(item)
    first = _number_of(str(item["business_date"] or ""))
    last = number(bank, "day") or _day(said, "late_day")
    if first and last:
        free = where.free_days(first, last)
        if free:
            yield Clue("holiday", 60, "free_days", {"days": ", ".join(free)})
    yield Clue("clearing", 40, "by_code")


def _fee(where: Scene, item: Row) -> Iterator[Clue]:
    _, row, _, _ = sides(item)
    said = noted(item)
    if number(item, "amount_minor") == 1:
        yield Clue("rounding", 85, "difference", {"amount": money(1)})
    if not said.get("fee", "").lstrip("-").isdigit():
        yield Clue("other_rate", 50, "by_code")
        return
    values = {
        "fee": money(int(said["fee"])),
        "amount": amount(row),
        "expected": money(int(said.get("expected") or 0)),
        "count": len(where.found),
    }
    yield Clue("other_rate", 80, "rate", dict(values))


def _statement(where: Scene, item: Row) -> Iterator[Clue]:
    said = noted(item)
    parts = str(item["row_key"]).split("|")
    leg = said.get("leg") or "".join(parts[2:3])
    query = select(func.max(statements.c.last_day)).where(
        statements.c.kind == leg, statements.c.party == parts[0]
    )
    newest = where.connection.execute(query).scalar()
    if newest is None:
        yield Clue("not_delivered", 60, "none_yet")
    else:
        values = {"day": as_date(newest).isoformat()}
        yield Clue("not_delivered", 70, "newest", dict(values))


def _day(said: dict[str, str], name: str) -> int:
    text = said.get(name, "")
    return int(text) if text.isdigit() else 0


def _number_of(day: str) -> int:
    return day_number(date.fromisoformat(day)) if day else 0


def _named(one: Row) -> dict[str, object]:
    return {"code": one["code"], "amount": money(number(one, "amount_minor")), "id": one["id"]}
