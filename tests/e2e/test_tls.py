"""The network side of a whole terminal: who gets in, who is kept out, and what is left of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boards.virtual.shop import Shop, card
from companion.link import Authority


def test_a_terminal_serves_its_merchants_companion_and_keeps_a_record_of_others(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        port = f"127.0.0.1:{shop.sync_port}"
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.companion("sync", "--port", f"tls://{port}")

        own = shop.store
        shop.store = tmp_path / "stranger"
        stranger = Authority.of(shop.store / "authorities", "104110070110001")
        stranger.make("104110070110001")
        (own / "store.sqlite").rename(shop.store / "store.sqlite")
        said = shop.companion("sync", "--port", f"tls://{port}", code=2)
        assert "not of this store's authority" in said and said.count("\n") == 1
        (shop.store / "store.sqlite").rename(own / "store.sqlite")
        shop.store = own

        said = shop.companion("sync", "--port", f"tcp://{port}", code=2)
        assert said.startswith("companion: ") and said.count("\n") == 1
        assert f"is it at tls://{port}?" in said
        assert shop.sell(2000, card(1)) == "APPROVED"
        told = json.loads(shop.companion("sync", "--port", f"tls://{port}", "--json"))
        # The second one within the minute is only counted.
        assert told["refusals"] == ["127.0.0.1: SSL_FATAL_ALERT_MESSAGE"]
        notes = [
            row["record"]
            for row in json.loads(shop.companion("journal", "list", "--json"))
            if row["kind"] == "NOTE"
        ]
        assert [note["code"] for note in notes] == ["REFUSED"]

        shop.board.power_off()
        shop.restart()
        shop.companion("sync", "--port", f"tls://{port}")
        shop.companion("journal", "verify")


def test_new_keys_come_with_a_sync_and_the_journal_is_proved_across_the_change(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        port = f"tls://127.0.0.1:{shop.sync_port}"
        assert shop.sell(1000, card(1)) == "APPROVED"
        (device,) = {row["device_id"] for row in synced(shop, port)}
        for generation in (1, 2):
            shop.companion("rotate", device)
            told = json.loads(shop.companion("sync", "--port", port, "--json"))
            assert told["refused"] == [] and {1, 4} <= set(told["pushed"])
            shop.board.power_off()
            shop.restart()
            assert shop.sell(2000 + generation, card(1)) == "APPROVED"
            kinds = [row["kind"] for row in synced(shop, port)]
            assert kinds.count("REKEYED") == generation
            shop.companion("journal", "verify")


def synced(shop: Shop, port: str) -> list[dict[str, Any]]:
    """Every record there is, after a sync."""
    shop.companion("sync", "--port", port)
    rows: list[dict[str, Any]] = json.loads(shop.companion("journal", "list", "--json"))
    return rows
