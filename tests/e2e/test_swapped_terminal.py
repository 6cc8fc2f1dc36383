"""W26: a terminal dies in a sale; another board takes its place and squares what was open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.shop import MERCHANT_NAME, WAIT, Shop, card

pytestmark = pytest.mark.thorough

FAULTS = [{"mti": "0200", "amount_minor": 3000, "do": "hold_answer"}]
OPEN = "OLD TERMINAL: 1 OPEN"


def reconciled(shop: Shop) -> dict[str, Any]:
    shop.companion("import", str(shop.host_day()))
    found: dict[str, Any] = json.loads(shop.companion("reconcile", "--json"))
    return found


def die_in_a_sale(shop: Shop) -> None:
    """The host takes a sale of 30.00 and the terminal never hears of it again."""
    shop.key_in(3000)
    shop.board.insert_card(card(3))
    shop.host.wait(lambda event: event["event"] == "fault")
    shop.board.power_off()
    flash = str(shop.directory / "board" / "journal.flash")
    shop.companion("journal", "read", flash, "--load")
    shop.board.close()


def swap(shop: Shop) -> None:
    shop.board = VirtualBoard(shop.directory / "another")
    shop.board.install()
    shop.board.power_on()
    shop.provision(1000, 100, "--replace")


def home(shop: Shop) -> str:
    """The last line of the first screen."""
    shop.board.press("CLEAR")
    return shop.board.wait_screen(MERCHANT_NAME, WAIT)[-1]


def test_w26_the_card_comes_back_at_the_terminal_that_took_over(tmp_path: Path) -> None:
    with Shop(tmp_path, FAULTS) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        die_in_a_sale(shop)
        assert reconciled(shop)["counts"] == {"MATCHED": 1, "REVERSAL_STUCK": 1}

        swap(shop)
        shop.board.wait_screen(OPEN, WAIT)
        assert shop.sell(2000, card(2)) == "APPROVED"  # another card changes nothing
        assert home(shop) == OPEN
        shop.companion("sync", "--port", shop.board.pty)  # and neither does a sync
        shop.board.power_cycle()
        shop.board.wait_screen(OPEN, WAIT)

        since = len(shop.host.events)
        shop.key_in(3000)
        shop.board.insert_card(card(3))
        shop.board.wait_screen("APPROVED", WAIT)
        assert home(shop) == "READY"
        shop.host.wait(lambda row: row["event"] == "answer" and row["mti"] == "0210", since)
        asked = [row["mti"] for row in shop.host.events[since:] if row["event"] == "answer"]
        assert asked[-2:] == ["0410", "0210"] and asked.count("0410") == 1

        shop.companion("sync", "--port", shop.board.pty)
        shop.companion("journal", "verify")
        result = reconciled(shop)
        assert result["holds"] and result["breaks"] == []
        assert result["counts"] == {"MATCHED": 3, "REVERSED": 1}
