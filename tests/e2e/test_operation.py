"""What the person at the counter can see and do besides trade, and what becomes of a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boards.virtual.shop import WAIT, Shop, card

# Instead of the board's own module: the same, with a panel that fails where a test wants it.
BOARD = """
with open("/_virtual/board.py") as file:
    exec(file.read())
_made = Panel


def Panel():
    panel = _made()
    show = panel.show

    def watched(lines):
        show(lines)
        if {when!r} in lines:
            {what}

    panel.show = watched
    return panel
"""


def menu(shop: Shop, *keys: str, page: str = "1 Health") -> None:
    """Press keys on the second page of the menu."""
    board = shop.board
    board.press("ENTER")
    board.wait_screen("9 Settle", WAIT)
    board.press("CLEAR")
    board.wait_screen(page, WAIT)
    for key in keys:
        board.press(key)


def home(shop: Shop) -> list[str]:
    shop.board.press("CANCEL")
    return shop.board.wait_screen("Enter amount", WAIT)


def settle(shop: Shop) -> None:
    shop.board.press("ENTER")
    shop.board.wait_screen("9 Settle", WAIT)
    shop.board.press("9")
    shop.board.wait_screen("SETTLED", WAIT)
    home(shop)


def log(shop: Shop) -> list[str]:
    said = json.loads(shop.companion("log", "--port", shop.board.pty, "--json"))
    return [row["text"] for row in said["lines"]]


def test_a_journal_that_fills_warns_before_it_is_full_and_a_reset_waits_for_the_companion(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path, journal_bytes=6 * 4096) as shop:
        shop.provision()
        board = shop.board
        seen = ["READY"]
        while shop.sell(1234, card(1)) == "APPROVED":
            status = home(shop)[-1]
            if status != seen[-1]:
                seen.append(status)
        assert "Journal full: sync" in board.screen
        warned = [status for status in seen if status.endswith("FREE")]
        urgent = [status for status in seen if status.endswith("SYNC NOW")]
        assert seen == ["READY", *warned, *urgent]
        free = [int(status.split()[1].rstrip("%:")) for status in warned + urgent]
        assert free == sorted(free, reverse=True)
        # A sale takes three slots or four of these 155.
        assert 16 <= free[0] < 20 and 5 <= free[len(warned) - 1] < 9 and free[-1] < 3
        left = home(shop)[-1].split()[1].rstrip("%:")
        # Health says the same, a page at a time.
        menu(shop, "1")
        titles = ["JOURNAL", "SYNC", "NETWORK", "TIME", "TERMINAL"]
        pages = []
        for title in titles:
            pages.append(board.wait_screen(title, WAIT))
            board.press("ENTER")
        board.wait_screen("Enter amount", WAIT)
        assert [page[0] for page in pages] == titles
        assert pages[0][1].startswith("Used ") and pages[0][1].endswith(" of 155")
        assert pages[0][2] == f"Free {left}%"
        assert "Wi-Fi connected" in pages[2] and "127.0.0.1" in pages[2]
        assert "2026-11-20" in pages[3] and pages[3][4].startswith("Start 1: PWRON")
        # Nothing may be open, and all of it must be with the companion.
        menu(shop, "9")
        assert "Settle the batch" in board.wait_screen("NOT POSSIBLE", WAIT)
        home(shop)
        # With the companion having it, only settling makes room: the first screen says so.
        shop.companion("sync", "--port", board.pty)
        board.wait_screen(lambda lines: lines[-1].endswith("%: SETTLE"), WAIT)
        settle(shop)
        menu(shop, "9")
        left = board.wait_screen("NOT POSSIBLE", WAIT)[2]
        assert left.endswith(" not synced") and int(left.split()[0]) > 1
        home(shop)
        shop.companion("sync", "--port", board.pty)
        # Nobody has to press a key to see it.
        board.wait_screen("READY", WAIT)
        # A wrong word changes nothing.
        menu(shop, "9")
        board.wait_screen("FACTORY RESET", WAIT)
        board.type("73737")
        board.press("ENTER")
        board.wait_screen("Enter amount", WAIT)
        # The power goes in the middle of erasing the journal.
        menu(shop, "9")
        board.wait_screen("FACTORY RESET", WAIT)
        board.cut_at_erase(3, "torn", partition="journal")
        board.type("73738")
        board.press("ENTER")
        board.wait_cut(WAIT)
        board.power_on()
        board.wait_screen("NOT PROVISIONED", WAIT)
        assert set(board.flash["journal"].image()) == {0xFF}
        assert set(board.flash["vault"].image()) == {0xFF}
        # It is another terminal now, in the old one's place.
        shop.provision(1000, 100, "--replace", "--utc-offset", "540")
        assert shop.sell(500, card(1)) == "APPROVED"
        assert " 11-20 10:" in board.wait_printed("+09:00", WAIT)
        lines = log(shop)
        begun = lines.index("factory reset: begun")
        assert lines[begun + 1 : begun + 4] == [
            "start: HARD, firmware 0.1.0",
            "start: PWRON, firmware 0.1.0",
            "factory reset: done",
        ]


def test_a_terminal_that_lost_its_time_over_new_year_comes_back_in_the_new_one(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path, start="2026-12-31T23:59:00+08:00") as shop:
        shop.provision()
        assert shop.sell(500, card(1)) == "APPROVED"
        home(shop)  # its slip is out
        shop.board.power_cycle()
        shop.board.wait_screen("Enter amount", WAIT)
        # The host's clock goes on by a minute for each sale, and says no year.
        assert shop.sell(600, card(2)) == "APPROVED"
        shop.board.wait_printed(" 01-01 00:0", WAIT)
        home(shop)
        menu(shop, "1", "ENTER", "ENTER", "ENTER")
        assert "2027-01-01" in shop.board.wait_screen("TIME", WAIT)


def test_training_reaches_no_host_writes_no_record_and_ends_with_the_power(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        board = shop.board
        home_screen = list(board.screen)
        menu(shop, "2")
        board.wait_screen("*** TRAINING ***", WAIT)
        asked = len(shop.host.events)
        journal, vault = board.flash["journal"], board.flash["vault"]
        before = journal.counts, vault.image()
        shop.key_in(500)
        board.insert_card(card(2))
        assert "APPROVED" in board.wait_screen("APPROVED", WAIT)
        board.wait_printed("*** TRAINING 培训 ***", WAIT)
        # Not one operation on the journal's flash, not one message, and no key was changed.
        assert (journal.counts, vault.image()) == before
        assert len(shop.host.events) == asked
        board.power_cycle()
        board.wait_screen(lambda lines: lines == home_screen, WAIT)
        assert shop.sell(500, card(2)) == "APPROVED"
        home(shop)
        printed = len(board.printed)
        menu(shop, "2")
        board.wait_screen(lambda lines: "*** TRAINING ***" in lines and "Enter amount" in lines)
        menu(shop, "2", page="2 End of training")
        board.wait_screen(lambda lines: lines == home_screen, WAIT)
        assert len(board.printed) == printed


def test_a_crash_is_logged_and_restarted_and_the_third_in_a_row_leaves_safe_mode(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        board = shop.board
        board.power_off()
        fault = BOARD.format(when="Enter amount", what='raise RuntimeError("6222001234567890")')
        (board.fs / "board.py").write_text(fault)
        board.power_on()
        board.wait_screen("SAFE MODE", WAIT)
        (board.fs / "board.py").unlink()
        board.power_cycle()
        board.wait_screen("Enter amount", WAIT)
        assert shop.sell(500, card(2)) == "APPROVED"
        lines = log(shop)
        assert lines.count("crash: RuntimeError") == 3
        assert lines.count("safe mode: 3 starts in a row ended at once") == 1
        # The last line of a traceback is the error's own text, and this one had digits.
        assert lines.count("(withheld)") == 3 and not any("6222" in line for line in lines)
        starts = [line for line in lines if line.startswith("start: ")]
        causes = [line.split()[1] for line in starts]
        assert causes == ["PWRON,", "PWRON,", "HARD,", "HARD,", "HARD,", "PWRON,"]


@pytest.mark.thorough
def test_a_loop_that_hangs_is_restarted_by_the_watchdog_and_maintenance_is_without_one(
    tmp_path: Path,
) -> None:
    with Shop(tmp_path, watchdog_ms=3000) as shop:
        shop.provision(1000, 100, "--confirm-above", "100")
        board = shop.board
        board.power_off()
        fault = BOARD.format(when="LARGE AMOUNT", what="import time; time.sleep(3600)")
        (board.fs / "board.py").write_text(fault)
        board.power_on()
        board.wait_screen("Enter amount", WAIT)
        board.type("500")
        board.press("ENTER")
        board.wait_screen("CHARGE", WAIT)
        board.press("ENTER")
        board.wait_screen("LARGE AMOUNT", WAIT)
        board.wait_screen("Enter amount", WAIT)
        assert "the watchdog bit: the loop hung" in log(shop)
        shop.escape()
        # Longer than the watchdog would wait.
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mpremote", "connect", board.pty),
                *("exec", "import time; time.sleep(4); print('alive')", "soft-reset", "reset"),
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0 and "alive" in done.stdout, done.stderr
        board.wait_screen("Enter amount", WAIT)
        assert shop.companion("sync", "--port", board.pty)
