"""Causes that the acquirer's rows and its statements speak for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from companion.cases import grouping
from companion.cases.clues import Clue, Row, Scene, amount, clock, noted, number, sides, told
from companion.facts.schema import day_number
from companion.reconcile import codes
from companion.reconcile.words import money

# A transaction so many seconds before midnight may be of the next day's statement.
_CUT_OFF_S = 45 * 60
_DAY_S = 86400
_ZONE_S = 8 * 3600
_LOOSE = 3

_OF_CODE = {
    codes.HOST_ONLY: ("host_alone", 40),
    codes.TERMINAL_ONLY: ("file_incomplete", 50),
    codes.SELF_SWIPE: ("own_card", 90),
    codes.PREAUTH_EXPIRED: ("forgotten", 60),
    codes.COMPLETION_DUPLICATE: ("completed_twice", 60),
    codes.PREAUTH_NOT_RELEASED: ("not_processed", 50),
    codes.VOID_NOT_APPLIED: ("not_processed", 50),
    codes.BATCH_UNSETTLED: ("batch", 70),
    codes.BATCH_TOTALS_DIFFER: ("batch", 70),
    codes.REVERSAL_STUCK: ("no_answer", 20),
    codes.DECLINED_BUT_CAPTURED: ("answer_differs", 50),
    codes.AMOUNT_MISMATCH: ("answer_differs", 40),
    codes.PREAUTH_OVER: ("answer_differs", 30),
    codes.PREAUTH_UNDER: ("answer_differs", 30),
    codes.NOT_CAPTURED: ("answer_differs", 40),
    codes.DUPLICATE_CHARGE: ("paid_again", 40),
    codes.REFUND_UNKNOWN: ("no_answer", 30),
}


def clues(where: Scene, item: Row) -> Iterator[Clue]:
    """What the acquirer's side says about a break."""
    row, other, _, _ = sides(item)
    code = str(item["code"])
    if item["match_pass"] == _LOOSE:
        values = {"here": amount(row), "there": amount(other)}
        yield Clue("loose_match", 72, "amounts", dict(values))
    if code in (codes.TERMINAL_ONLY, codes.VOID_NOT_APPLIED, codes.PREAUTH_NOT_RELEASED):
        yield from _absent(where, item, row, other)
    if code == codes.NOT_CAPTURED and other:
        yield from _undone(other)
    if code == codes.REVERSED_BUT_SETTLED:
        yield from _reversed(row)
    if code == codes.DECLINED_BUT_CAPTURED:
        what = f"F39 {row.get('code') or '?'}"
        yield Clue("answer_differs", 70, "terminal_says", {"what": what})
    if code == codes.DUPLICATE_CHARGE:
        yield from _twice(item, other)
    if code in (codes.PREAUTH_OVER, codes.COMPLETION_DUPLICATE):
        said = noted(item)
        if said.get("hold", "").isdigit() and said.get("done", "").isdigit():
            values = {"hold": money(int(said["hold"])), "done": money(int(said["done"]))}
            yield Clue("completed_more", 80, "held", dict(values))
    if code in _OF_CODE and where.case.kind in (grouping.SINGLE, grouping.ABSENT, grouping.LINE):
        cause, weight = _OF_CODE[code]
        yield Clue(cause, weight, "by_code")
    elif code in _OF_CODE and where.case.kind == grouping.SELF:
        yield Clue("own_card", 90, "terminal_says", {"what": str(row.get("card") or "?")})


def _absent(where: Scene, item: Row, row: Row, other: Row) -> Iterator[Clue]:
    if other:
        status = str(other.get("status"))
        known = {"DECLINED": "declined_there", "REVERSED": "reversed_there"}
        yield Clue(
            known.get(status, "not_processed"),
            75,
            "row",
            told(other, f"{status}, F39 {other.get('f39') or '?'}"),
        )
        return
    same = [one for one in where.found if one["business_date"] == item["business_date"]]
    if len(same) > 1:
        values = {"count": len(same), "day": item["business_date"]}
        yield Clue("file_incomplete", 78, "missing", dict(values))
    at = number(row, "host_at") or number(row, "at")
    if at and _DAY_S - (at + _ZONE_S) % _DAY_S <= _CUT_OFF_S:
        yield Clue("cut_off", 80, "made_at", {"at": clock(at)})
    for one in where.others:
        batch = one["code"] in (codes.BATCH_UNSETTLED, codes.BATCH_TOTALS_DIFFER)
        if batch and one["terminal_no"] == item["terminal_no"]:
            yield Clue("batch", 75, "other_break", _named(one))
    day = str(item["business_date"] or "")
    if day:
        free = where.free_days(_number(day), _number(day))
        if free:
            yield Clue("holiday", 45, "free_days", {"days": ", ".join(free)})


def _undone(other: Row) -> Iterator[Clue]:
    what = f"{other.get('status')}, F39 {other.get('f39') or '?'}"
    if other.get("status") == "DECLINED":
        yield Clue("declined_there", 80, "row", told(other, what))
    elif other.get("reversal_f39"):
        what += f", reversal answered {other['reversal_f39']}"
        yield Clue("reversed_there", 90, "row", told(other, what))
    else:
        yield Clue("reversed_there", 75, "row", told(other, what))


def _reversed(row: Row) -> Iterator[Clue]:
    code = str(row.get("reversal_code") or "")
    tries = row.get("reversal_attempts") or 0
    what = f"reversal answered {code or 'nothing'}, {tries} attempts"
    if code == "00":
        yield Clue("reversal_not_booked", 90, "terminal_says", {"what": what})
    elif code in ("25", "12"):
        yield Clue("overtaken", 85, "terminal_says", {"what": what})
    else:
        yield Clue("no_answer", 70, "terminal_says", {"what": what})


def _twice(item: Row, other: Row) -> Iterator[Clue]:
    twin = noted(item).get("twin", "")
    same_key = str(item["row_key"]).split("|")[-1] not in ("0", "")
    if other and ((twin and twin == other.get("rrn")) or same_key):
        yield Clue("sent_twice", 85, "row", told(other, f"RRN {other.get('rrn') or '?'}"))
    elif other:
        yield Clue("paid_again", 60, "row", told(other, f"RRN {other.get('rrn') or '?'}"))


def _named(one: Row) -> dict[str, object]:
    return {"code": one["code"], "amount": money(number(one, "amount_minor")), "id": one["id"]}


def _number(day: str) -> int:
    return day_number(date.fromisoformat(day))
