"""The money rules alone, folded over days on an engine, for rows that tests make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from companion.facts import schema
from companion.facts.manifest import as_table
from companion.rules import payouts, relations
from companion.rules.engines import Engine

Row = dict[str, Any]

ENGINES = ("duckdb", "sqlite")
MERCHANT = "898000000000001"
ACCOUNT = "622200****0001"
DAY = pa.schema([("day", pa.int64())])
# What a step hands to the next one, and the name it has there.
_CARRIED = {
    "groups": ("groups_out", relations.GROUPS),
    "bank": ("carry_bank", schema.BANK),
    "payouts": ("carry_payouts", schema.PAYOUTS),
}


def table(columns: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table; what a row does not have is "" or 0."""
    plain = {one.name: 0 if pa.types.is_integer(one.type) else "" for one in columns}
    return as_table(columns, [{**plain, **row} for row in rows])


@dataclass
class Facts:
    """Rows of every leg and reference, as dicts with the columns that matter."""

    acquirer: list[Row] = field(default_factory=list)
    bank: list[Row] = field(default_factory=list)
    payouts: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    due: list[Row] = field(default_factory=list)
    pay_due: list[Row] = field(default_factory=list)
    # The last day that the bank's statements tell of; None: all days are told.
    bank_until: int | None = None

    def charge(self, day: int, amount: int, **more: Any) -> None:
        row = {
            "merchant_no": MERCHANT,
            "channel": "card",
            "currency": "156",
            "day": day,
            "txn": "SALE",
            "status": "CAPTURED",
            "amount_minor": amount,
            "fee_minor": None,
        }
        self._add(self.acquirer, {**row, **more})

    def credit(self, day: int, amount: int, **more: Any) -> None:
        row = {
            "account": ACCOUNT,
            "channel": "card",
            "currency": "156",
            "day": day,
            "amount_minor": amount,
            "kind": "CREDIT" if amount > 0 else "DEBIT",
        }
        self._add(self.bank, {**row, **more})

    def announce(self, day: int, settle_day: int, net: int, **more: Any) -> None:
        row = {
            "merchant_no": MERCHANT,
            "channel": "card",
            "currency": "156",
            "day": day,
            "settle_day": settle_day,
            "net_minor": net,
            "account": ACCOUNT,
            "status": "SENT",
        }
        self._add(self.payouts, {**row, **more})

    def account(self, account: str = ACCOUNT, **more: Any) -> None:
        row = {
            "merchant_no": MERCHANT,
            "channel": "card",
            "account": account,
            "valid_from": 0,
            "valid_to": schema.FAR,
        }
        self.accounts.append({**row, **more})

    def timetable(self, channel: str, days: range, pay: int = 1, late: int = 2) -> None:
        """Payouts `pay` and `late` days after the settlement, every day a business day."""
        for day in days:
            self.due.append(
                {"channel": channel, "day": day, "grace_day": day + 1, "settle_day": day}
            )
            self.pay_due.append(
                {
                    "channel": channel,
                    "settle_day": day,
                    "pay_day": day + pay,
                    "late_day": day + late,
                }
            )

    def _add(self, rows: list[Row], row: Row) -> None:
        rows.append({"id": len(rows) + 1, **row})


@dataclass(frozen=True)
class Result:
    """What the fold found: breaks of all steps and the state, and the debts of each."""

    breaks: list[Row]
    debts: list[Row]
    # Ids of the bank's and the announced rows at hand where each break was told.
    missing_evidence: list[Row]

    @property
    def told(self) -> list[tuple[str, str, int, int]]:
        return sorted(
            (one["code"], one["row_key"], one["amount_minor"], one["owed_minor"])
            for one in self.breaks
        )

    @property
    def unexplained(self) -> int:
        """What the second equation does not account for."""
        owed: int = sum(one["owed_minor"] for one in self.breaks)
        net: int = sum(one["net_minor"] for one in self.debts)
        got: int = sum(one["received_minor"] + one["awaited_minor"] for one in self.debts)
        return net - got - owed


def fold(engine: Engine, facts: Facts, as_of: int) -> Result:
    """One step for each day that has rows, then the state."""
    for name in ("accounts", "due", "pay_due"):
        engine.put(name, table(schema.REFERENCE[name], getattr(facts, name)))
    carried = {name: columns.empty_table() for name, (_, columns) in _CARRIED.items()}
    result = Result([], [], [])
    days = {row["day"] for rows in (facts.acquirer, facts.bank, facts.payouts) for row in rows}
    for day in sorted(day for day in days if day <= as_of):
        engine.put("step", pa.table({"day": [day]}, schema=DAY))
        engine.put("acquirer", table(schema.ACQUIRER, _of(facts.acquirer, day)))
        engine.put("groups", carried["groups"])
        for name in ("bank", "payouts"):
            new = table(schema.LEGS[name], _of(getattr(facts, name), day))
            engine.put(name, pa.concat_tables([new, carried[name]]))
        _make(engine, payouts.STEP)
        carried = {
            name: engine.rows(relations.table(out, columns))
            for name, (out, columns) in _CARRIED.items()
        }
        _collect(engine, result, "bank", "payouts")
    engine.put("today", pa.table({"day": [as_of]}, schema=DAY))
    until = as_of if facts.bank_until is None else facts.bank_until
    here = [{"leg": "bank", "party": one["account"], "day": until} for one in facts.accounts]
    engine.put("coverage", table(schema.COVERAGE, here))
    engine.put("groups", carried["groups"])
    engine.put("carry_bank", carried["bank"])
    engine.put("carry_payouts", carried["payouts"])
    _make(engine, payouts.STATE)
    _collect(engine, result, "carry_bank", "carry_payouts")
    return result


def _of(rows: Sequence[Row], day: int) -> list[Row]:
    return [row for row in rows if row["day"] == day]


def _make(engine: Engine, tables: Sequence[tuple[str, Any]]) -> None:
    for name, expression in tables:
        engine.make(name, expression)


def _collect(engine: Engine, result: Result, bank: str, announced: str) -> None:
    found = engine.rows(relations.table("payout_breaks", relations.BREAKS)).to_pylist()
    result.breaks.extend(found)
    result.debts.extend(engine.rows(relations.table("debts", relations.DEBTS)).to_pylist())
    for leg, given, column in (("bank", bank, "b_id"), ("payouts", announced, "p_id")):
        here = set(engine.rows(relations.table(given, schema.LEGS[leg]))["id"].to_pylist())
        result.missing_evidence.extend(
            one for one in found if one[column] is not None and one[column] not in here
        )
