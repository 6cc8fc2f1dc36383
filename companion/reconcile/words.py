"""A break in words: what happened, which way the money went, and who has to act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from companion.facts.schema import as_date, day_number
from companion.reconcile import codes, problems
from companion.reconcile.phrases import CHINESE, ENGLISH, PHRASES, phrase
from companion.reconcile.telling import (
    ACQUIRER,
    BANK,
    SHOP,
    TELLERS,
    Row,
    Told,
    money,
    notes,
    number,
)
from companion.store.breaks import Break

__all__ = [
    "ACQUIRER",
    "BANK",
    "SHOP",
    "break_of",
    "closing",
    "describe",
    "gap_break",
    "money",
    "notes",
    "said",
]

_LOW_CONFIDENCE = 3


def describe(
    row: Row,
    t: Row | None = None,
    a: Row | None = None,
    b: Row | None = None,
    p: Row | None = None,
    lost: bool = False,
    language: str = ENGLISH,
) -> tuple[str, str]:
    """Why a row of BREAKS is one, and who has to act.

    ``t``, ``a``, ``b``, ``p`` are its rows of terminal, acquirer, bank and announced payouts, None
    where it has none; ``lost``: the terminal's journal has a gap.
    """
    noted = notes(str(row["note"]))
    case = Told(row, t, a, b, p, lost or "gap" in noted, language, noted)
    reason, actor, more = TELLERS[case.code](case)
    if case.row["match_pass"] == _LOW_CONFIDENCE:
        more = [*more, case.say("by_amount")]
    if t and t["remarks"]:
        more = [*more, str(t["remarks"])]
    if not more:
        return reason, actor
    inside = ("；" if language == CHINESE else "; ").join(more)
    return (f"{reason}（{inside}）" if language == CHINESE else f"{reason} ({inside})"), actor


def said(item: Row, language: str = ENGLISH) -> str:
    """The reason of a stored break once more, in a language."""
    evidence = item["evidence"]
    assert isinstance(evidence, Mapping)
    code = str(item["code"])
    if code in codes.OF_JOURNAL:
        return _of_journal(evidence, language)
    legs = [evidence.get(name) for name in ("terminal", "acquirer", "bank", "payout")]
    day = item.get("business_date")
    row = {**item, "day": None}
    if code not in TELLERS or "host" in evidence:
        return str(item["reason"])  # of an earlier version
    t, a, b, p = (leg if isinstance(leg, Mapping) else None for leg in legs)
    reason, _ = describe({**row, "day": _day_number(day)}, t, a, b, p, language=language)
    return reason


def break_of(
    row: Row, t: Row | None, a: Row | None, b: Row | None, p: Row | None, lost: bool = False
) -> Break:
    """The Break of a row of BREAKS that the rules found, with the rows that it rests on."""
    reason, actor = describe(row, t, a, b, p, lost)
    note = str(row["note"])
    if lost:
        note = f"{note};gap=1" if note else "gap=1"
    day = row["day"]
    return Break(
        code=str(row["code"]),
        row_key=str(row["row_key"]),
        merchant_no=str(row["merchant_no"]),
        terminal_no=str(row["terminal_no"]),
        business_date=as_date(day).isoformat() if isinstance(day, int) else None,
        amount_minor=number(row["amount_minor"]),
        effect_minor=number(row["effect_minor"]),
        provisional=bool(row["provisional"]),
        reason=reason,
        actor=actor,
        evidence={
            "terminal": dict(t) if t else None,
            "acquirer": dict(a) if a else None,
            "bank": dict(b) if b else None,
            "payout": dict(p) if p else None,
        },
        channel=str(row["channel"]),
        owed_minor=number(row["owed_minor"]),
        match_pass=number(row["match_pass"]),
        note=note,
    )


def gap_break(row: Row) -> Break:
    """The Break of a row of the gap facts: no money of its own, but what hides behind it."""
    code = str(row["code"])
    evidence = {**row, "evidence": json.loads(str(row["evidence"]))}
    return Break(
        code=code,
        row_key=f"{row['device_id']}|{row['first_seq']}",
        merchant_no=str(row["merchant_no"]),
        terminal_no=str(row["terminal_no"]),
        business_date=None,
        amount_minor=0,
        effect_minor=0,
        provisional=False,
        reason=_of_journal(evidence, ENGLISH),
        actor=ACQUIRER if code == codes.BATCH_UNSETTLED else SHOP,
        evidence=evidence,
    )


def closing(code: str, verdict: str | None, language: str = ENGLISH) -> str:
    """Why a break closed, from the verdict that its transaction has now."""
    family = code.split("_")[0]
    if f"closed.{code}" in PHRASES:  # it is not about the verdict on a pair
        return phrase(f"closed.{code}", language)
    if f"closed.{family}" in PHRASES and (verdict is None or family != "PREAUTH"):
        return phrase(f"closed.{family}", language)
    if verdict is None:
        return phrase("closed.gone", language)
    if f"closed.{verdict}" in PHRASES:
        return phrase(f"closed.{verdict}", language)
    return phrase("closed.other", language, {"verdict": verdict})


def _of_journal(evidence: Row, language: str) -> str:
    first, last = number(evidence["first_seq"]), number(evidence["last_seq"])
    which = phrase(
        "record" if first == last else "records", language, {"first": first, "last": last}
    )
    values = {"device": evidence["device_id"], "records": which}
    values["problem"] = problems.said(str(evidence["problem"]), language)
    return phrase("journal", language, values)


def _day_number(text: object) -> int | None:
    return day_number(date.fromisoformat(text)) if isinstance(text, str) else None
