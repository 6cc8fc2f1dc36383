"""A store with cases whose papers can be made: a sealed journal, real files, breaks with rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import insert

from companion.facts.schema import ACQUIRER, BANK, PAYOUTS, TERMINAL, day_number
from companion.reconcile import words
from companion.statements.importing import import_file
from companion.store import Store, breaks
from companion.store.breaks import Break
from companion.store.schema import case_breaks, cases
from protocol import record
from tests.companion.sealed import CARD, DAY, MERCHANT, DayFile, Device
from tests.companion.sealed import TERMINAL as TERMINAL_NO

DAY_NUMBER = day_number(date.fromisoformat(DAY))
AT = 1772442000
_EMPTY = {"string": "", "int64": 0}

Row = dict[str, object]


def _row(schema: object, **values: object) -> Row:
    row = {one.name: _EMPTY[str(one.type)] for one in schema}  # type: ignore[attr-defined]
    assert set(values) <= set(row), set(values) - set(row)
    return {**row, "currency": "156", "day": DAY_NUMBER, **values}


@dataclass
class World:
    """Fill `device` and `file`, then `save`; after that `found` and `case`."""

    store: Store
    device: Device = field(default_factory=Device)
    file: DayFile = field(default_factory=DayFile)
    sha256: str = ""

    def save(self, folder: Path) -> None:
        """The journal and the file are in the store."""
        self.device.offer(self.store)
        self.device.sync(self.store)
        imported = import_file(self.store, self.file.write(folder / "ACQ20260302.csv"))
        self.sha256 = imported.original.sha256

    def ours(self, stan: int, amount: int, first: int, last: int, **more: object) -> Row:
        """A row of the terminal's leg, of these records."""
        values: Row = {
            "merchant_no": MERCHANT,
            "terminal_no": TERMINAL_NO,
            "channel": "card",
            "batch": "000001",
            "stan": f"{stan:06d}",
            "at": AT + first,
            "txn": "SALE",
            "status": "APPROVED",
            "amount_minor": amount,
            "sent_minor": amount,
            "card": CARD,
            "entry": "021",
            "code": "00",
            "rrn": f"{stan:012d}",
            "auth": "000001",
            "device_id": self.device.device_id,
            "first_seq": first,
            "last_seq": last,
        }
        return _row(TERMINAL, **{**values, **more})

    def theirs(self, stan: int, amount: int, line: int, **more: object) -> Row:
        """A row of the acquirer's leg, from this line of the file."""
        values: Row = {
            "merchant_no": MERCHANT,
            "terminal_no": TERMINAL_NO,
            "channel": "card",
            "batch": "000001",
            "stan": f"{stan:06d}",
            "at": AT + line,
            "txn": "SALE",
            "status": "CAPTURED",
            "amount_minor": amount,
            "card": CARD,
            "rrn": f"{stan:012d}",
            "auth": "000001",
            "f39": "00",
            "settle_day": DAY_NUMBER,
            "file": self.sha256,
            "line": line,
        }
        return _row(ACQUIRER, **{**values, **more})

    def bank(self, amount: int, **more: object) -> Row:
        """A booking of the merchant's bank, from the same file for want of another."""
        return _row(
            BANK,
            **{
                "account": "622200******0013",
                "channel": "card",
                "amount_minor": amount,
                "kind": "CREDIT",
                "text": "POS 结算",
                "file": self.sha256,
                "line": 2,
                **more,
            },
        )

    def payout(self, net: int, **more: object) -> Row:
        """A payout as the acquirer announces it."""
        return _row(
            PAYOUTS,
            **{
                "merchant_no": MERCHANT,
                "channel": "card",
                "ref": "S20260302",
                "settle_day": DAY_NUMBER,
                "net_minor": net,
                "account": "622200******0013",
                "status": "SENT",
                "file": self.sha256,
                "line": 1,
                **more,
            },
        )

    def found(
        self,
        code: str,
        stan: int,
        amount: int,
        t: Row | None = None,
        a: Row | None = None,
        b: Row | None = None,
        p: Row | None = None,
        **more: object,
    ) -> Break:
        """A break as the rules give it."""
        row: Row = {
            "code": code,
            "row_key": f"{MERCHANT}|{TERMINAL_NO}|000001|{stan:06d}|1",
            "merchant_no": MERCHANT,
            "terminal_no": TERMINAL_NO,
            "channel": "card",
            "day": DAY_NUMBER,
            "amount_minor": amount,
            "effect_minor": amount,
            "owed_minor": 0,
            "provisional": 0,
            "match_pass": 1,
            "note": "",
            **more,
        }
        return words.break_of(row, t, a, b, p)

    def gap(self, code: str, first: int, last: int, problem: str) -> Break:
        """A break of the journal."""
        return words.gap_break(
            {
                "code": code,
                "merchant_no": MERCHANT,
                "terminal_no": TERMINAL_NO,
                "device_id": self.device.device_id,
                "first_seq": first,
                "last_seq": last,
                "problem": problem,
                "evidence": json.dumps({"expected_seal": "00" * 8}),
            }
        )

    def case(self, name: str, found: list[Break], due: str | None = "2026-03-10") -> str:
        """One case of these breaks; its id."""
        breaks.record_run(self.store, "test", found, {}, {})
        first = found[0]
        with self.store.write() as connection:
            connection.execute(
                insert(cases).values(
                    id=name,
                    kind="test",
                    key=name,
                    code=first.code,
                    merchant_no=first.merchant_no,
                    terminal_no=first.terminal_no,
                    channel=first.channel,
                    first_day=first.business_date,
                    state="open",
                    touched=False,
                    actor=first.actor,
                    due=due,
                )
            )
            connection.execute(
                insert(case_breaks),
                [
                    {
                        "break_id": item.id,
                        "case_id": name,
                        "amount_minor": item.amount_minor,
                        "effect_minor": item.effect_minor,
                        "owed_minor": item.owed_minor,
                        "found": True,
                    }
                    for item in found
                ],
            )
        return name


def reversed_sale(store: Store, folder: Path) -> tuple[World, str]:
    """One sale that the terminal reversed and the host captured all the same."""
    world = World(store)
    world.device.sign_in("0302091500")
    first = world.device.armed(7, 125000)
    world.device.add(record.BOOT, boot=2, cause="power", firmware="0.1.0")
    world.device.reversal(7)
    last = world.device.reversal_end(7, record.REV_OK)
    world.device.sale(8, 4200, "approved")
    world.file.add(7, 125000).add(8, 4200)
    world.save(folder)
    t = world.ours(
        7,
        125000,
        first,
        last,
        status="REVERSED",
        code="",
        rrn="",
        auth="",
        reversal_reason="98",
        reversal_attempts=3,
        reversal_code="00",
    )
    found = world.found("REVERSED_BUT_SETTLED", 7, 125000, t, world.theirs(7, 125000, 3))
    return world, world.case("5ca1ab1e0001", [found])
