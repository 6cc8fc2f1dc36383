"""What is wrong with a terminal's journal, how full it may be, and whether it is heard of."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import func, select

from companion.alerting.alarm import Alarm, Facts, level
from companion.alerting.rules import JOURNAL_DAMAGE, JOURNAL_FULL, TERMINAL_SILENT
from companion.alerting.sight import DAY_S, Sight, instant
from companion.reconcile import codes
from companion.store import fill, findings, records
from companion.store.schema import breaks
from companion.store.schema import records as rows
from companion.store.terminals import Terminal

# How many of its newest records tell how fast a journal fills.
_NEWEST = 2000
# What a slot of the journal takes of a payload; a record of several parts has a CRC besides
# (firmware/terminal/slot.py).
_SLOT_PAYLOAD = 116
_PARTS_CRC = 4


def damaged(sight: Sight) -> Iterator[Alarm]:
    """Gaps, alterations and rollbacks: as synced, and as reconciled."""
    told = set()
    numbers = {one.device_id: one for one in sight.terminals}
    for device_id, terminal in numbers.items():
        known = [
            (found.code, found.first_seq, found.last_seq)
            for found in findings.of(sight.connection, device_id)
        ]
        known += [
            (codes.JOURNAL_GAP, gap.first_seq, gap.last_seq)
            for gap in records.known_gaps(sight.connection, device_id)
        ]
        for code, first, last in known:
            key = f"{code}|{device_id}|{first}"
            if key not in told and (code, f"{device_id}|{first}") not in sight.decided:
                told.add(key)
                yield _damage(key, code, terminal.merchant_no, terminal.terminal_no, first, last)
    for row in sight.open_breaks(codes.JOURNAL):
        key = f"{row['code']}|{row['row_key']}"
        if key not in told:
            query = select(breaks.c.evidence).where(breaks.c.id == row["id"])
            gap = json.loads(sight.connection.execute(query).scalar_one())
            who = row["merchant_no"], row["terminal_no"]
            yield _damage(key, row["code"], *who, gap["first_seq"], gap["last_seq"])


def _damage(
    key: str, code: str, merchant_no: str, terminal_no: str, first: int, last: int
) -> Alarm:
    facts: Facts = {"code": code, "first": first, "last": last}
    return Alarm(
        *(JOURNAL_DAMAGE, key, "journal.damage", facts, merchant_no, terminal_no),
        rows=last - first + 1,
    )


def silent(sight: Sight) -> Iterator[Alarm]:
    """Terminals in use that were not synced for too long."""
    for one in sight.terminals:
        age = sight.now - _heard(one)
        found = level(age // 3600, sight.number(TERMINAL_SILENT, "hours"))
        if one.state == "provisioned" and found:
            yield Alarm(
                *(TERMINAL_SILENT, one.device_id, "terminal.silent", {"age_s": age}),
                *(one.merchant_no, one.terminal_no),
                level=found,
            )


def filling(sight: Sight) -> Iterator[Alarm]:
    """Journals that are nearly full, or should be by now.

    A terminal says at the end of a sync how full its journal is: what is synced may be written
    over, but not what a restart or an open batch still needs. An older terminal does not say, and
    counts as empty then. What has gathered since is worked out at the pace of the newest records.
    """
    most = sight.number(JOURNAL_FULL, "percent")
    for one in sight.terminals:
        if one.state != "provisioned":
            continue
        age = max(sight.now - _heard(one), 0)
        said = fill.of(sight.connection, one.device_id)
        told = said or fill.Fill(0, sight.number(JOURNAL_FULL, "slots"))
        used = told.used * 100 // told.slots if said else 0
        pace = _pace(sight, one)
        percent = used + pace * age * 100 // (DAY_S * told.slots)
        found = level(percent, most)
        if found:
            facts: Facts = {"percent": min(percent, 100), "slots": pace, "age_s": age}
            phrase = "journal.full"
            if used >= most:
                phrase = "journal.told"
                facts = {"percent": used, "room": told.room, "slots": told.slots, "age_s": age}
            yield Alarm(
                *(JOURNAL_FULL, one.device_id, phrase, facts),
                *(one.merchant_no, one.terminal_no),
                level=found,
            )


def _heard(one: Terminal) -> int:
    return instant(one.last_sync_at or one.created_at)


def _pace(sight: Sight, terminal: Terminal) -> int:
    """How many slots of its journal a terminal fills in a day."""
    first = max(terminal.next_seq - _NEWEST, 1)
    mine = (rows.c.device_id == terminal.device_id) & (rows.c.seq >= first)
    query = select(func.length(rows.c.payload)).where(mine)
    slots = sum(map(_slots, sight.connection.execute(query).scalars()))
    begin, end = (_wall(sight, terminal, seq) for seq in (first, terminal.next_seq - 1))
    # A day at least: of the first hours of a terminal nothing follows.
    return slots * DAY_S // max(end - begin, DAY_S)


def _wall(sight: Sight, terminal: Terminal, seq: int) -> int:
    payload = records.payload_of(sight.connection, terminal.device_id, seq)
    content = records.decoded(payload) if payload else None
    wall = content.get("wall") if content else None
    return wall if isinstance(wall, int) else 0


def _slots(payload: int) -> int:
    if payload <= _SLOT_PAYLOAD:
        return 1
    return -(-(payload + _PARTS_CRC) // _SLOT_PAYLOAD)
