"""What a sync brings to a terminal: the time, a changed configuration, and how cases ended."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from boards.virtual.shop import MERCHANT_NAME, MERCHANT_NO, TERMINAL_NO, WAIT, Host, Shop, card
from companion.store import Store, verdicts
from companion.store.verdicts import Verdict
from protocol import messages, record


def sync(shop: Shop, *options: str) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(
        shop.companion("sync", "--port", shop.board.pty, "--json", *options)
    )
    return done


def records(shop: Shop, kind: str) -> list[dict[str, Any]]:
    rows = json.loads(shop.companion("journal", "list", "--json"))
    return [row["record"] for row in rows if row["kind"] == kind]


def test_a_sync_sets_the_clock_once_and_then_costs_nothing(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        sync(shop)
        # On the shop's own day the host has set the clock; the laptop knows better.
        told = shop._run("sync", "--port", shop.board.pty, "--store", str(shop.store))
        assert "given to the terminal: the time" in told
        assert shop.sell(2000, card(2)) == "APPROVED"
        told = shop._run("sync", "--port", shop.board.pty, "--store", str(shop.store))
        assert "given" not in told
        walls = [armed["wall"] for armed in records(shop, "ARMED")]
        assert walls[0] < walls[1] and abs(walls[1] - time.time()) < 60
        (note,) = (note for note in records(shop, "NOTE") if note["code"] == "CLOCK_SET")
        assert note["detail"].startswith("by ")
        again = sync(shop)
        assert (again["records"], again["pushed"], again["refused"]) == (0, [], [])


def test_a_changed_configuration_is_used_after_a_restart_of_its_own(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        device = sync(shop)["device_id"]
        wanted = ("--merchant-name", "Other shop", "--confirm-above", "500")
        said = json.loads(shop.companion("configure", device, *wanted, "--json"))
        assert said["waiting"] == {"merchant_name": "Other shop", "confirm_minor": 500}
        assert sync(shop)["pushed"] == [messages.PUSH_CONFIG]
        shop.board.press("CANCEL")  # so that nobody seems to read the result
        shop.board.wait_screen("Other shop", WAIT)
        assert [boot["cause"] for boot in records_after(shop, "BOOT")] == ["PWRON", "HARD"]
        shop.board.type("900")
        shop.board.press("ENTER")
        shop.board.press("ENTER")
        shop.board.wait_screen("LARGE AMOUNT", WAIT)
        shop.board.press("CANCEL")
        again = sync(shop)
        assert (again["pushed"], again["refused"]) == ([], [])
        assert "nothing waits" in shop.companion("configure", device)
        notes = [note["detail"] for note in records(shop, "NOTE") if note["code"] == "CONFIGURED"]
        assert notes == ["confirm_minor,merchant_name"]


def records_after(shop: Shop, kind: str) -> list[dict[str, Any]]:
    sync(shop)
    return records(shop, kind)


def test_a_verdict_is_shown_and_stays_in_the_menu(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        sync(shop)
        text = "CNY 10.00 comes with the next payout"
        with Store.open(shop.store) as store, store.write() as connection:
            verdict = Verdict(MERCHANT_NO, TERMINAL_NO, 1, 77, record.REFUND_DUE, text)
            verdicts.decide(connection, [verdict])
        assert sync(shop)["pushed"] == [messages.PUSH_VERDICTS]
        lines = shop.board.wait_screen("REFUND THE CUSTOMER", WAIT)
        assert lines[1] == "#77  BATCH 1" and "".join(lines[3:5]) == text
        assert sync(shop)["pushed"] == []
        shop.board.press("CANCEL")
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        shop.board.press("ENTER")
        shop.board.press("00")
        shop.board.wait_screen("REFUND THE CUSTOMER", WAIT)
        (kept,) = records_after(shop, "VERDICT")
        assert (kept["stan"], kept["text"]) == (77, text)


def test_the_reversal_of_an_unfinished_sale_goes_to_the_hosts_new_address(tmp_path: Path) -> None:
    held = {"mti": "0200", "amount_minor": 2000, "do": "hold_answer"}
    with Shop(tmp_path, [held]) as shop:
        shop.provision(1500, 1000)
        assert shop.sell(1000, card(1)) == "APPROVED"
        device = sync(shop)["device_id"]
        shop.key_in(2000)
        shop.board.insert_card(card(2))
        shop.host.wait(lambda event: event["event"] == "fault")
        shop.host.close()
        shop.board.wait_screen("UNFINISHED SALE", WAIT)
        shop.host = Host(tmp_path, [])
        shop.companion("configure", device, "--host-port", str(shop.host.port))
        assert sync(shop)["pushed"] == [messages.PUSH_CONFIG]
        assert shop.wait_end() == "NOT CHARGED"
        shop.host.wait(lambda event: event.get("mti") == "0400")
        (reversal,) = (event for event in shop.host.events if event.get("mti") == "0400")
        assert reversal["event"] == "request"
