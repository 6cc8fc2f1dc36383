"""A break in words: what happened, which way the money went, and who has to act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from companion.reconcile import codes, fold
from companion.store.breaks import Break

SHOP = "shop"
ACQUIRER = "acquirer"

_MATCHES = {
    codes.MATCHED: "both sides now agree: approved here, captured there, the same amount",
    codes.DECLINED: "both sides now agree: declined, nothing captured",
    codes.REVERSED: "both sides now agree: reversed, nothing captured",
    codes.HEALED: "the host has not captured it: nobody was charged",
    codes.WAITING: "waiting for the host's file of that day",
}
# Why one closes that is about a journal and not about a pair.
_WHOLE = {
    codes.JOURNAL_GAP: "the records are there now and their seals hold",
    codes.JOURNAL_ALTERED: "the records carry their seals now",
    codes.JOURNAL_ROLLBACK: "the records stand on those before them now",
    codes.BATCH_UNSETTLED: "the host has settled the batch since",
    codes.BATCH_TOTALS: "the batch's transactions add up to its totals now",
}


def money(minor: int) -> str:
    """Minor units as a person reads them: 123456 -> 1,234.56."""
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 100)
    return f"{sign}{whole:,}.{part:02d}"


def closing(code: str, verdict: str | None) -> str:
    """Why a break closed, from the verdict that its transaction has now."""
    if code in _WHOLE:
        return _WHOLE[code]
    if verdict is None:
        return "no file or journal has this transaction any more"
    return _MATCHES.get(verdict, f"it is now {verdict}")


def pair_break(row: Mapping[str, object], gap_terminals: set[str]) -> Break:
    """The Break of a row of rules.pairs whose verdict is one."""
    code = str(row["verdict"])
    reason, actor = _reason(code, row, gap_terminals)
    remarks = row["t_remarks"]
    if remarks:
        reason += f" ({remarks})"
    effect = _number(row["effect_minor"])
    day = row["business_date"]
    return Break(
        code=code,
        row_key=str(row["row_key"]),
        merchant_no=str(row["merchant_no"]),
        terminal_no=str(row["terminal_no"]),
        business_date=day.isoformat() if isinstance(day, date) else None,
        # A row of the host that nothing was charged for has no effect, but still an amount.
        amount_minor=abs(effect) or _number(row["h_amount_minor"]),
        effect_minor=effect,
        provisional=bool(row["provisional"]),
        reason=reason,
        actor=actor,
        evidence={
            "terminal": _part(row, "t_", ("covered", "business_date")),
            "host": _part(row, "h_", ("business_date",)),
        },
    )


def gap_break(row: Mapping[str, object]) -> Break:
    """The Break of a row of the gap facts: no money of its own, but what hides behind it."""
    code = str(row["code"])
    first, last = _number(row["first_seq"]), _number(row["last_seq"])
    what = f"record {first}" if first == last else f"records {first} to {last}"
    return Break(
        code=code,
        row_key=f"{row['device_id']}|{first}",
        merchant_no=str(row["merchant_no"]),
        terminal_no=str(row["terminal_no"]),
        business_date=None,
        amount_minor=0,
        effect_minor=0,
        provisional=False,
        reason=f"journal of {row['device_id']}, {what}: {row['problem']}",
        actor=ACQUIRER if code == codes.BATCH_UNSETTLED else SHOP,
        evidence={**row, "evidence": json.loads(str(row["evidence"]))},
    )


def _reason(code: str, row: Mapping[str, object], gap_terminals: set[str]) -> tuple[str, str]:
    here, there = money(_number(row["t_amount_minor"])), money(_number(row["h_amount_minor"]))
    if code == codes.HOST_ONLY:
        return _host_only(row, there, gap_terminals)
    if code == codes.TERMINAL_ONLY:
        if not row["t_covered"]:
            return (
                f"the terminal approved {here}; the host's file of that day is not imported yet",
                SHOP,
            )
        return f"the terminal approved {here}; the host's file does not have it", ACQUIRER
    if code == codes.NOT_CAPTURED:
        status = str(row["h_status"]).lower()
        return f"the terminal approved {here}; the host has it as {status}", ACQUIRER
    if code == codes.AMOUNT_MISMATCH:
        return f"the terminal displayed {here}; the host captured {there}", ACQUIRER
    if code == codes.DECLINED_BUT_CAPTURED:
        return (
            f"the terminal was told {row['t_code']}, declined; the host captured {there}",
            ACQUIRER,
        )
    if code == codes.REVERSED_BUT_SETTLED:
        return (
            f"the host answered {row['t_reversal_code'] or 'nothing'} to the reversal and "
            f"captured {there} all the same",
            ACQUIRER,
        )
    return _stuck(row, there)


def _host_only(row: Mapping[str, object], amount: str, gap_terminals: set[str]) -> tuple[str, str]:
    if row["h_status"] != "CAPTURED":
        status = str(row["h_status"]).lower()
        return f"the host has {amount} as {status}; no synced terminal knows of it", SHOP
    if row["terminal_no"] in gap_terminals:
        return f"the host captured {amount}; the terminal's journal has a gap", SHOP
    return f"the host captured {amount}; no synced terminal knows of it: sync first", SHOP


def _stuck(row: Mapping[str, object], amount: str) -> tuple[str, str]:
    if row["t_status"] == fold.SUSPENDED:
        tries = row["t_reversal_attempts"]
        return f"the reversal was suspended after {tries} tries; the host captured {amount}", (
            ACQUIRER
        )
    if row["t_status"] == fold.NEEDS_RECON:
        return (
            f"the host's answer {row['t_code']} left it undecided; the host captured {amount}",
            ACQUIRER,
        )
    return (
        f"unfinished when the terminal was last synced; the host captured {amount}: sync again",
        SHOP,
    )


def _part(
    row: Mapping[str, object], prefix: str, without: tuple[str, ...]
) -> dict[str, object] | None:
    source = row["t_device_id"] if prefix == "t_" else row["h_file"]
    if source is None:
        return None
    names = [name for name in row if name.startswith(prefix)]
    part = {name[len(prefix) :]: row[name] for name in names}
    return {
        name: value if isinstance(value, (int, str)) or value is None else str(value)
        for name, value in part.items()
        if name not in without
    }


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
