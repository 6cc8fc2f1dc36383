"""A terminal that died in a sale: its flash goes to the companion, and later it comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boards.virtual.shop import Shop, card

pytestmark = pytest.mark.thorough


def reconciled(shop: Shop) -> dict[str, Any]:
    shop.companion("import", str(shop.host_day()))
    found: dict[str, Any] = json.loads(shop.companion("reconcile", "--json"))
    return found


def test_the_books_are_squared_from_the_flash_of_a_dead_terminal(tmp_path: Path) -> None:
    faults = [{"mti": "0200", "amount_minor": 3000, "do": "hold_answer"}]
    with Shop(tmp_path, faults) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.companion("sync", "--port", shop.board.pty)
        assert shop.sell(2000, card(2)) == "APPROVED"
        shop.key_in(3000)
        shop.board.insert_card(card(3))
        shop.host.wait(lambda event: event["event"] == "fault")
        shop.board.power_off()

        flash = str(tmp_path / "board" / "journal.flash")
        seen = json.loads(shop.companion("journal", "read", flash, "--load", "--json"))
        assert seen["findings"] == [] and seen["loaded"] > 0
        assert [row["kind"] for row in seen["records"]][-1] == "ARMED"
        assert seen["unsure_seq"] == seen["next_seq"] - 1
        shop.companion("journal", "verify")
        result = reconciled(shop)
        assert result["holds"] and result["counts"] == {"MATCHED": 2, "REVERSAL_STUCK": 1}
        (found,) = result["breaks"]
        assert (found["amount_minor"], found["provisional"]) == (3000, True)

        assert shop.restart().startswith("NOT CHARGED")
        shop.companion("sync", "--port", shop.board.pty)
        shop.companion("journal", "verify")
        result = reconciled(shop)
        assert result["holds"] and result["breaks"] == []
        assert result["counts"] == {"MATCHED": 2, "REVERSED": 1}
        again = json.loads(shop.companion("journal", "read", flash, "--load", "--json"))
        assert again["findings"] == [] and again["loaded"] == 0
