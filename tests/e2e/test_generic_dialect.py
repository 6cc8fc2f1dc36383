"""Answers lost and forged where the acquirer speaks generic ISO 8583:1987 (iso8583_1987)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boards.virtual.shop import BUSINESS_DATE, WAIT, Event, Shop, card
from companion.acquirer.ledger import Ledger

FAULTS: list[Event] = [
    {"mti": "0200", "amount_minor": 2000, "do": "drop_answer"},
    {"mti": "0420", "amount_minor": 2000, "do": "drop_answer"},
    {"mti": "0200", "amount_minor": 2100, "do": "bad_mac"},
    {"mti": "0500", "do": "drop_answer"},
]


def records(shop: Shop, kind: str) -> list[dict[str, Any]]:
    rows = json.loads(shop.companion("journal", "list", "--json"))
    return [row["record"] for row in rows if row["kind"] == kind]


def test_a_day_of_lost_and_forged_answers_is_reversed_by_advices_and_settled(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path, FAULTS, dialect="iso8583_1987") as shop:
        shop.provision()
        for amount, ending in (
            (1000, "APPROVED"),
            (2000, "NOT CHARGED"),
            (2100, "NOT CHARGED"),
            (3000, "APPROVED"),
        ):
            assert shop.sell(amount, card(amount)) == ending
        # An advice, its repeat, and the advice for the forged answer.
        asked = [event["mti"] for event in shop.host.events if event["event"] == "request"]
        assert [mti for mti in asked if mti[1] == "4"] == ["0420", "0421", "0420"]

        shop.board.press("CLEAR")
        shop.board.press("ENTER")
        shop.board.wait_screen("9 Settle", WAIT)
        shop.board.press("9")
        shop.board.wait_screen("SETTLED", 3 * WAIT)
        shop.companion("sync", "--port", shop.board.pty)
        assert [end["amount_minor"] for end in records(shop, "OUTCOME")] == [1000, 3000]
        assert [end["result"] for end in records(shop, "REVERSAL_END")] == [1, 1]

        ledger = Ledger(shop.host.ledger)
        assert [row.status for row in ledger.transactions()] == [
            "APPROVED",
            "REVERSED",
            "REVERSED",
            "APPROVED",
        ]
        assert ledger.totals(BUSINESS_DATE).customer_debit_minor == 4000
        assert ledger.unbalanced() == []
        ledger.close()
