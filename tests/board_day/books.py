"""The books after the day: terminal, host and panel laid side by side, transaction by transaction.

Shares nothing with the companion's reconciliation: records are folded here, in one page, and the
host's ledger is read as it stands. What reconciliation finds must be exactly what is found here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from companion.acquirer.ledger import Ledger
from companion.acquirer.records import APPROVED, SETTLED, Transaction
from protocol import record
from tests.board_day import plan
from tests.board_day.cashier import Attempt
from tests.board_day.tape import Slip

Row = dict[str, Any]
Key = tuple[str, str]

_KINDS = {
    record.SALE: plan.SALE,
    record.VOID: plan.VOID,
    record.REFUND: plan.REFUND,
    record.PREAUTH: plan.PREAUTH,
    record.PREAUTH_CANCEL: plan.CANCEL,
    record.COMPLETION: plan.COMPLETION,
    record.COMPLETION_NOTICE: plan.NOTICE,
    record.COMPLETION_VOID: plan.COMPLETION_VOID,
}
_OUTCOMES = {record.APPROVED: APPROVED, record.DECLINED: "DECLINED", record.NEEDS_RECON: "CASE"}
_REVERSED = {
    record.REV_OK: "REVERSED",
    record.REV_ABSENT: "ABSENT",
    record.REV_SUSPENDED: "CASE",
}
# What the host does on purpose that makes its answer differ from its books.
_LIES = ("capture_after_reversal", "refuse_reversal")


@dataclass
class Entry:
    """One ARMED of the journal and how it ended, "" when it has no end."""

    kind: str
    amount_minor: int
    end: str = ""
    ended_minor: int = 0
    approvals: int = 0


@dataclass
class Verdict:
    """What the comparison found. ``wrong`` must be empty."""

    entries: dict[Key, Entry]
    hosts: int
    agreed: int = 0
    cases: list[str] = field(default_factory=list)
    differences: dict[Key, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def ends(self) -> dict[str, Counter[str]]:
        """Ends by type."""
        found: dict[str, Counter[str]] = {}
        for entry in self.entries.values():
            found.setdefault(entry.kind, Counter())[entry.end] += 1
        return found


def fold(rows: list[Row]) -> dict[Key, Entry]:
    """The journal's transactions by batch and STAN."""
    entries: dict[Key, Entry] = {}
    for row in rows:
        rec = row["record"]
        if row["kind"] == "ARMED":
            key = _key(rec)
            if key in entries:
                raise ValueError(f"{key} was armed twice")
            entries[key] = Entry(_KINDS[rec["txn"]], rec["displayed_minor"])
        elif row["kind"] == "OUTCOME":
            entry = entries[_key(rec)]
            entry.end = _OUTCOMES[rec["result"]]
            entry.ended_minor = rec["amount_minor"]
            entry.approvals += entry.end == APPROVED
        elif row["kind"] == "REVERSAL_END":
            entries[_key(rec)].end = _REVERSED[rec["result"]]
    return entries


def compare(rows: list[Row], ledger: Ledger, events: list[Row]) -> Verdict:
    """Terminal and host, transaction by transaction."""
    entries = fold(rows)
    hosts: dict[Key, Transaction] = {}
    for one in ledger.transactions():
        hosts[one.batch, one.stan] = one
    found = Verdict(entries, len(hosts))
    lied = {
        (str(event["batch"]), str(event["stan"]))
        for event in events
        if event["event"] == "fault" and event["do"] in _LIES
    }
    for key in sorted({*entries, *hosts}):
        entry, host = entries.get(key), hosts.get(key)
        if entry is None:
            found.wrong.append(f"{key}: at the host {host}, not in the journal")
            continue
        said = f"{key} {entry.kind} {entry.amount_minor}: terminal {entry.end or 'OPEN'}, host "
        said += f"{host.type} {host.status} {host.amount_minor}" if host else "has nothing"
        moved = host is not None and host.status == APPROVED
        agree = moved == (entry.end == APPROVED)
        if host and (host.type, host.asked_minor) != (entry.kind, entry.amount_minor):
            found.wrong.append(said)
        if moved and entry.end == APPROVED and host and host.amount_minor != entry.ended_minor:
            agree = False
        if not entry.end or entry.approvals > 1:
            found.wrong.append(said)
        if entry.end == "CASE":
            found.cases.append(said)
        if agree:
            found.agreed += 1
            continue
        found.differences[key] = said
        if entry.end != "CASE" and key not in lied:
            found.wrong.append(said)
    found.wrong += [f"the host's entries of {one} do not add up" for one in ledger.unbalanced()]
    return found


def batches(rows: list[Row], ledger: Ledger, terminal_no: str) -> list[str]:
    """Batches that the terminal closed and the host did not settle, or the other way round."""
    closed = {
        f"{row['record']['batch']:06d}"
        for row in rows
        if row["kind"] == "BATCH" and row["record"]["phase"] == record.CLOSED
    }
    wrong = []
    for batch in sorted({one.batch for one in ledger.transactions()} | closed):
        at_host = ledger.batch(terminal_no, batch)
        settled = at_host is not None and at_host.state in SETTLED
        if not settled or batch not in closed:
            wrong.append(f"batch {batch}: closed {batch in closed}, at the host {at_host}")
    return wrong


def panel(attempts: list[Attempt], slips: list[Slip], entries: dict[Key, Entry]) -> list[str]:
    """Where the panel or the paper told another story than the journal."""
    wrong = []
    by_amount: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries.values():
        by_amount.setdefault((entry.kind, entry.amount_minor), []).append(entry)
    last = {(one.action.kind, one.action.amount_minor): one for one in attempts}
    for attempt in attempts:
        action = attempt.action
        if attempt is not last[action.kind, action.amount_minor]:
            continue  # refused, and done again behind a sync: the cashier's last try counts
        found = by_amount.get((action.kind, action.amount_minor), [])
        ends = [entry.end for entry in found]
        shown = last_shown(attempt)
        what = (
            f"{action.number} {action.kind} {action.amount_minor}: shown {shown}, journal {ends}"
        )
        if shown and not any(end in _SHOWN[shown] for end in ends or [""]):
            wrong.append(what)
        if not shown and ends and not attempt.cut:
            wrong.append(what)
        if "APPROVED" in _all_shown(attempt) and APPROVED not in ends:
            wrong.append(what + ", but APPROVED was seen")
    wrong += [f"nobody asked for {unknown}" for unknown in by_amount.keys() - last.keys()]
    printed = {(slip.batch, slip.stan): slip for slip in slips}
    for key, entry in entries.items():
        slip = printed.pop(key, None)
        if (entry.end == APPROVED) != (slip is not None):
            wrong.append(f"{key} {entry.end}: slip {slip}")
        elif slip and slip.amount.replace(".", "").lstrip("0") != str(entry.ended_minor):
            wrong.append(f"{key} {entry.ended_minor}: slip {slip}")
    wrong += [f"a slip of nothing: {slip}" for slip in printed.values()]
    return wrong


_SHOWN = {
    "APPROVED": (APPROVED,),
    "DECLINED": ("DECLINED",),
    "NOT CHARGED": ("REVERSED", "ABSENT"),
    "NOT DONE": ("REVERSED",),
    "OPEN CASE": ("CASE", "REVERSED", "ABSENT"),  # settling may still have reversed it
    "NO CONNECTION": ("",),
    "NOT POSSIBLE": ("",),
}


def _all_shown(attempt: Attempt) -> list[str]:
    found = []
    for screen in attempt.screens:
        for name in _SHOWN:
            if screen[0].startswith(name):
                found.append(name)
    return found


def last_shown(attempt: Attempt) -> str:
    """The last end that the panel showed, "" for none, as after a cut before ARMED."""
    return (_all_shown(attempt) or [""])[-1]


def _key(rec: Row) -> Key:
    return f"{rec['batch']:06d}", f"{rec['stan']:06d}"
