"""Causes that a terminal's journal speaks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from companion.cases import grouping
from companion.cases.clues import Clue, Row, Scene, amount, clock, evidence_of, number, sides
from companion.cases.journals import records_between
from companion.reconcile import codes, fold
from companion.reconcile.words import money
from companion.store import terminals
from protocol import record

# Records before and behind a transaction that are looked at, and seconds.
_AROUND = 60
_LINE_S = 15 * 60
_SLOW_S = 20
# How many others without an answer make a line that was down.
_FEW = 2

_NO_ANSWER = ("NO_ANSWER", "LINE_CLOSED", "NO_LINE", "CONNECT")
# What a NOTE within a transaction speaks for.
_NOTES = {
    "NO_ANSWER": ("no_answer", 80),
    "LINE_CLOSED": ("no_answer", 80),
    "NO_LINE": ("line_down", 80),
    "BAD_ANSWER": ("bad_answer", 80),
    "MISMATCH": ("bad_answer", 80),
    "UNKNOWN": ("host_code", 80),
    "BAD_MAC": ("bad_mac", 85),
    "CHIP_REFUSED": ("chip_refused", 85),
    "REVERSAL_REFUSED": ("reversal_refused", 88),
    "DAY_PASSED": ("gave_up", 60),
    "NO_CARD_KEY": ("gave_up", 80),
}
_REASONS = {"98": "no_answer", "68": "no_answer", "A0": "bad_mac", "96": "restarted"}

_CORRECTS = {record.VOID: "VOID", record.REFUND: "REFUND", record.COMPLETION_VOID: "VOID"}

# Breaks in which it matters how the transaction went at the terminal.
_OF_THE_WAY = (
    codes.REVERSAL_STUCK,
    codes.REVERSED_BUT_SETTLED,
    codes.DECLINED_BUT_CAPTURED,
    codes.REFUND_UNKNOWN,
    codes.VOID_NOT_APPLIED,
    codes.PREAUTH_NOT_RELEASED,
    codes.NOT_CAPTURED,
    codes.TERMINAL_ONLY,
    codes.DUPLICATE_CHARGE,
    codes.AMOUNT_MISMATCH,
    codes.PREAUTH_OVER,
    codes.PREAUTH_UNDER,
)


def clues(where: Scene, item: Row) -> Iterator[Clue]:
    """What the journals say about a break."""
    row, other, _, _ = sides(item)
    code = item["code"]
    if code in codes.JOURNAL:
        yield from _of_journal(where, item)
    if code == codes.CLOCK_SKEW:
        yield from _of_clock(where, item)
    if where.case.kind == grouping.JOURNAL and code not in codes.JOURNAL:
        yield from _lost(where)
    if where.case.kind in (grouping.UNSYNCED, grouping.UNKNOWN):
        yield from _not_here(where, item)
    if row and code in _OF_THE_WAY:
        yield from _of_fields(row, other)
        if row.get("device_id"):
            yield from _of_records(where, row)


def _of_fields(row: Row, other: Row) -> Iterator[Clue]:
    for remark in str(row.get("remarks") or "").split("; "):
        if "displayed" in remark:
            yield Clue("display_sent", 95, "terminal_says", {"what": remark})
        if "taken over" in remark:
            yield Clue("replaced", 45, "terminal_says", {"what": remark})
    here, there = number(row, "amount_minor"), number(other, "amount_minor")
    if here and there and max(here, there) in (min(here, there) * 10, min(here, there) * 100):
        values = {"here": amount(row), "there": amount(other)}
        yield Clue("decimal_place", 85, "amounts", dict(values))
    if str(row.get("entry") or "").startswith("01"):
        yield Clue("typed", 40, "terminal_says", {"what": f"F22 {row['entry']}"})
    if row.get("code") == "10":
        yield Clue("partial", 60, "terminal_says", {"what": "F39 10"})


def _of_records(where: Scene, row: Row) -> Iterator[Clue]:
    device = str(row["device_id"])
    first, last = number(row, "first_seq"), number(row, "last_seq")
    near = records_between(where.connection, device, first - _AROUND, last + _AROUND)
    same = [
        (seq, one)
        for seq, one in near
        if first <= seq <= last and (one.get("stan"), one.get("batch")) == _number_of(row)
    ]
    ended = [seq for seq, one in same if one["kind"] == record.OUTCOME]
    done = min(ended, default=last + (_AROUND if row.get("status") == fold.PENDING else 0))
    reasoned = False
    for seq, one in near:
        values = {"seq": seq, "device": device}
        if one["kind"] == record.BOOT and first < seq <= done:
            what = f"BOOT, cause {one['cause'] or '?'}"
            yield Clue("restarted", 92, "record", {**values, "what": what})
        elif one["kind"] == record.NOTE and first < seq <= last and one["code"] in _NOTES:
            cause, weight = _NOTES[str(one["code"])]
            what = f"NOTE {one['code']} {one['detail']}".strip()
            reasoned = True
            yield Clue(cause, weight, "record", {**values, "what": what})
    for seq, one in same:
        values = {"seq": seq, "device": device}
        if one["kind"] == record.LATE:
            what = f"LATE, F39 {one['code']}"
            yield Clue("late_answer", 85, "record", {**values, "what": what})
        if one["kind"] == record.REVERSAL and not reasoned and one["attempt"] == 0:
            reason = str(one["reason"])
            if reason in _REASONS:
                what = f"REVERSAL, reason {reason}"
                yield Clue(_REASONS[reason], 75, "record", {**values, "what": what})
        if one["kind"] == record.OUTCOME and one["result"] == record.NEEDS_RECON:
            what = f"OUTCOME, F39 {one['code']}"
            yield Clue("host_code", 85, "record", {**values, "what": what})
    yield from _slow(same, device)
    yield from _line(near, row, device)
    yield from _same_card(near, row, device)


def _slow(same: list[tuple[int, Row]], device: str) -> Iterator[Clue]:
    armed = [(seq, number(one, "wall")) for seq, one in same if one["kind"] == record.ARMED]
    ended = [(seq, number(one, "wall")) for seq, one in same if one["kind"] == record.OUTCOME]
    if not armed or not ended or not armed[0][1] or not ended[0][1]:
        return
    seconds = ended[0][1] - armed[0][1]
    if seconds >= _SLOW_S:
        values = {"seconds": seconds, "device": device, "first": armed[0][0], "last": ended[0][0]}
        yield Clue("slow_host", 50, "took", dict(values))


def _line(near: list[tuple[int, Row]], row: Row, device: str) -> Iterator[Clue]:
    at = number(row, "at")
    first, last = number(row, "first_seq"), number(row, "last_seq")
    silent = [
        seq
        for seq, one in near
        if one["kind"] == record.NOTE
        and one["code"] in _NO_ANSWER
        and not first <= seq <= last
        and at
        and abs(number(one, "wall") - at) <= _LINE_S
    ]
    if len(silent) >= _FEW:
        values = {"count": len(silent), "device": device, "minutes": _LINE_S // 60}
        yield Clue("line_down", 82, "others", dict(values))


def _same_card(near: list[tuple[int, Row]], row: Row, device: str) -> Iterator[Clue]:
    """What was done on the same card at about that time: corrections, and the sale once more."""
    first, last = number(row, "first_seq"), number(row, "last_seq")
    for seq, one in near:
        if one["kind"] != record.ARMED or first <= seq <= last:
            continue
        token = one["token"]
        same = isinstance(token, bytes) and token.hex() == row.get("token")
        if not same or abs(number(one, "wall") - number(row, "at")) > _LINE_S:
            continue
        values = {"seq": seq, "device": device, "what": money(number(one, "displayed_minor"))}
        if one["txn"] in _CORRECTS:
            what = f"{_CORRECTS[number(one, 'txn')]} {values['what']}"
            yield Clue("corrected", 65, "record", {**values, "what": what})
        elif one["txn"] == record.SALE and one["displayed_minor"] == row.get("amount_minor"):
            yield Clue("paid_again", 74, "record", {**values, "what": f"SALE {values['what']}"})


def _of_journal(where: Scene, item: Row) -> Iterator[Clue]:
    evidence = evidence_of(item)
    device = str(evidence["device_id"])
    first, last = number(evidence, "first_seq"), number(evidence, "last_seq")
    what = str(evidence["problem"])
    cause = "flash" if item["code"] == codes.JOURNAL_GAP else "exchanged"
    said = {"seq": first, "device": device, "what": what}
    yield Clue(cause, 60 if cause == "flash" else 85, "record", dict(said))
    for seq, one in records_between(where.connection, device, last + 1, last + 3):
        if one["kind"] == record.BOOT:
            boot = f"BOOT, cause {one['cause'] or '?'}"
            yield Clue("restarted", 70, "record", {"seq": seq, "device": device, "what": boot})
        if one["kind"] == record.NOTE and one["code"] in ("JOURNAL_ALARM", "RECORD_LOST"):
            alarm = f"NOTE {one['code']} {one['detail']}".strip()
            yield Clue("flash", 85, "record", {"seq": seq, "device": device, "what": alarm})


def _of_clock(where: Scene, item: Row) -> Iterator[Clue]:
    day = str(item["business_date"] or "")
    found = False
    for terminal in terminals.every(where.connection):
        if (terminal.merchant_no, terminal.terminal_no) != (
            item["merchant_no"],
            item["terminal_no"],
        ):
            continue
        newest = terminal.next_seq
        near = records_between(where.connection, terminal.device_id, newest - 2000, newest)
        for seq, one in near:
            wall = number(one, "wall")
            set_again = one["kind"] == record.NOTE and one["code"] == "CLOCK_SET"
            if set_again and wall and abs(_days(clock(wall)[:10], day)) <= 1:
                found = True
                what = f"NOTE CLOCK_SET {one['detail']}"
                values = {"seq": seq, "device": terminal.device_id, "what": what}
                yield Clue("clock_lost", 85, "record", dict(values))
    if not found:
        yield Clue("clock_drift", 50, "by_code")


def _lost(where: Scene) -> Iterator[Clue]:
    for item in where.found:
        evidence = evidence_of(item)
        if item["code"] == codes.JOURNAL_GAP:
            names = {"first": "first_seq", "last": "last_seq", "device": "device_id"}
            values: dict[str, object] = {name: evidence[key] for name, key in names.items()}
            yield Clue("journal_lost", 90, "lost", values)
        elif item["code"] in codes.JOURNAL:
            values = {"seq": evidence["first_seq"], "device": evidence["device_id"]}
            yield Clue("exchanged", 88, "record", {**values, "what": evidence["problem"]})


def _not_here(where: Scene, item: Row) -> Iterator[Clue]:
    mine = [
        terminal
        for terminal in terminals.every(where.connection)
        if (terminal.merchant_no, terminal.terminal_no)
        == (item["merchant_no"], item["terminal_no"])
    ]
    if not mine and sides(item)[0]:
        yield Clue("not_synced", 60, "by_code")  # another maker's, known by its export
        return
    if not mine:
        yield Clue("unknown_terminal", 90, "never_known", {"terminal": item["terminal_no"]})
        return
    for terminal in mine:
        last = terminal.next_seq
        walls = [
            number(one, "wall")
            for _, one in records_between(where.connection, terminal.device_id, last - 20, last)
        ]
        if any(walls):
            yield Clue("not_synced", 90, "last_known", {"at": clock(max(walls))})
        if terminal.state == "retired":
            what = f"{terminal.device_id} was replaced"
            yield Clue("replaced", 60, "terminal_says", {"what": what})


def _number_of(row: Row) -> tuple[int, int]:
    stan, batch = str(row.get("stan") or ""), str(row.get("batch") or "")
    return (int(stan), int(batch)) if stan.isdigit() and batch.isdigit() else (-1, -1)


def _days(one: str, other: str) -> int:
    return (date.fromisoformat(one) - date.fromisoformat(other)).days if other else 99
