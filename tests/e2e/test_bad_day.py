"""What goes wrong without a power cut: networks, ports, flash, two companions, maintenance."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from boards.virtual.shop import MERCHANT_NAME, WAIT, Host, Shop, card, held_port


def records(shop: Shop) -> list[dict[str, Any]]:
    shop.companion("sync", "--port", shop.board.pty)
    listed: list[dict[str, Any]] = json.loads(shop.companion("journal", "list", "--json"))
    return listed


def test_without_a_host_nothing_is_armed_and_selling_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.host.close()
        assert shop.sell(2000, card(1)) == "NO CONNECTION"
        shop.host = Host(tmp_path, [], shop.host.port)
        assert shop.sell(3000, card(1)) == "APPROVED"
        kinds = [row["kind"] for row in records(shop)]
        assert kinds.count("ARMED") == 2
        assert "REVERSAL" not in kinds


def test_a_host_that_goes_away_during_a_reversal_is_found_again(tmp_path: Path) -> None:
    faults = [{"mti": "0200", "amount_minor": 2000, "do": "hold_answer"}]
    with Shop(tmp_path, faults) as shop:
        shop.provision(response_ms=1500)
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.key_in(2000)
        shop.board.insert_card(card(2))
        shop.host.wait(lambda event: event["event"] == "fault")
        shop.host.close()
        shop.board.wait_screen("No sale until it is", WAIT)
        shop.host = Host(tmp_path, [], shop.host.port)
        assert shop.wait_end() == "NOT CHARGED"
        ends = [row["record"] for row in records(shop) if row["kind"] == "REVERSAL_END"]
        assert [end["result"] for end in ends] == [1]


def test_the_terminal_sells_while_the_companion_syncs(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        for amount in range(100, 140):
            assert shop.sell(amount, card(3)) == "APPROVED"
        sync = subprocess.Popen(
            [
                *(sys.executable, "-m", "companion", "sync"),
                *("--port", f"tls://127.0.0.1:{shop.sync_port}", "--store", str(shop.store)),
            ]
        )
        amount = 200
        while sync.poll() is None:
            assert shop.sell(amount, card(3)) == "APPROVED"
            amount += 1
        assert sync.returncode == 0
        armed = [row for row in records(shop) if row["kind"] == "ARMED"]
        assert len(armed) == 40 + amount - 200


def test_a_late_answer_of_the_last_sale_is_in_the_first_sync_of_the_evening(
    tmp_path: Path,
) -> None:
    faults = [{"mti": "0200", "amount_minor": 2000, "do": "delay_answer", "ms": 2500}]
    with Shop(tmp_path, faults) as shop:
        shop.provision(response_ms=1000)
        assert shop.sell(2000, card(1)) == "NOT CHARGED"
        shop.wait_late_answers()
        assert records(shop)[-1]["kind"] == "LATE"
        assert '"records": 0' in shop.companion("sync", "--port", shop.board.pty, "--json")


def test_ports_that_are_not_there_and_strangers_are_one_clear_line(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        said = shop.companion("sync", "--port", "/dev/ttyNOTHERE", code=2)
        assert said.startswith("companion: ") and said.count("\n") == 1 and "ttyNOTHERE" in said
        with held_port() as nobody:
            port = f"tls://127.0.0.1:{nobody.getsockname()[1]}"
            said = shop.companion("sync", "--port", port, code=2)
        assert said.startswith("companion: ") and said.count("\n") == 1
        other = shop.store
        shop.store = tmp_path / "another"
        said = shop.companion("sync", "--port", shop.board.pty, code=2)
        assert said.startswith("companion: ") and said.count("\n") == 1
        shop.store = other
        assert shop.sell(1000, card(1)) == "APPROVED"
        assert [row["kind"] for row in records(shop)][-1] == "RECEIPT"


def test_a_provisioned_terminal_refuses_another_identity(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.store = tmp_path / "another"
        said = shop.companion("provision", "--port", shop.board.pty, code=2)
        assert "already" in said
        shop.store = tmp_path / "store"
        assert [row["kind"] for row in records(shop)][-1] == "RECEIPT"


def test_a_destroyed_journal_takes_the_terminal_out_of_service_and_is_not_formatted(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.board.power_off()
        image = next((tmp_path / "board").rglob("journal*"))
        size = image.stat().st_size
        image.write_bytes(b"\xa5" * size)
        shop.board.close()
        board = type(shop.board)(tmp_path / "board")
        shop.board = board
        board.power_on()
        assert board.wait_screen("OUT OF SERVICE", WAIT)
        board.press("1")
        board.power_off()
        assert image.read_bytes() == b"\xa5" * size


def test_mpremote_gets_in_after_the_escape_and_a_reset_sells_again(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.escape()
        shop.board.wait_screen("MAINTENANCE", WAIT)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mpremote", "connect", shop.board.pty),
                *("exec", "import board; print('board', board.NAME)"),
                *("soft-reset", "reset"),
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        assert "board virtual" in done.stdout
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        assert shop.sell(2000, card(1)) == "APPROVED"


def test_a_full_journal_refuses_sales_until_it_is_settled_and_synced(tmp_path: Path) -> None:
    with Shop(tmp_path, journal_bytes=6 * 4096) as shop:
        shop.provision()
        sold = 0
        while shop.sell(1000 + sold, card(1)) == "APPROVED":
            sold += 1
        assert "Journal full: sync" in shop.board.screen
        # What is left is for settling: the batch's records go only when it is closed and synced.
        shop.board.press("CLEAR")
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        shop.companion("sync", "--port", f"tls://127.0.0.1:{shop.sync_port}")
        assert shop.sell(1000, card(1)) == "NOT POSSIBLE"
        shop.board.press("CLEAR")
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        shop.board.press("ENTER")
        shop.board.wait_screen("9 Settle", WAIT)
        shop.board.press("9")
        shop.board.wait_screen("SETTLED", WAIT)
        armed = [row for row in records(shop) if row["kind"] == "ARMED"]
        assert len(armed) == sold
        shop.board.power_cycle()
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        assert shop.sell(5000, card(1)) == "APPROVED"
        shop.companion("journal", "verify")


def test_a_sale_is_three_programs_of_one_page_and_no_erase(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        # So few that no sector ends and no checkpoint is due: both are work of idle time.
        for amount in range(2000, 2007):
            cost = shop.flash_of_a_sale(amount, card(2))
            assert (cost.programs, cost.pages, cost.erases) == (3, 3, 0)
            assert 0 < cost.bytes_programmed <= 3 * 128
            assert cost.reprogrammed == 0


def test_a_sale_stays_within_the_heap_of_an_esp32(tmp_path: Path) -> None:
    """The board has the heap of an ESP32 and no more; a day of sales and a sync fit in it."""
    with Shop(tmp_path) as shop:
        shop.provision()
        for amount in range(100, 130):
            assert shop.sell(amount, card(amount)) == "APPROVED"
        assert len(records(shop)) >= 90
        assert "MemoryError" not in shop.board.serial_tail
