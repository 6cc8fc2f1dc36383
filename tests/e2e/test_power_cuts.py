"""Power cuts in every failure window, on the real runtime: host ledger against terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from boards.virtual.shop import BUSINESS_DATE, WAIT, Cut, Event, Shop, card
from companion.acquirer.ledger import Ledger
from tests import scan
from tests.card_data import inside


@dataclass(frozen=True)
class Window:
    """A cut, what the panel must say after it, and what host and terminal must agree on."""

    name: str
    amount_minor: int
    cut: Cut
    screen: str
    host: str | None
    terminal: str | None
    faults: tuple[Event, ...] = field(default=())


def _fault(mti: str, amount_minor: int, do: str) -> Event:
    return {"mti": mti, "amount_minor": amount_minor, "do": do}


WINDOWS = [
    Window("arming_torn", 1001, Cut("", program=1, phase="torn"), "Corner shop", None, None),
    Window("arming_before", 1002, Cut("", program=1), "Corner shop", None, None),
    Window(
        "armed_not_sent",
        1003,
        Cut("", program=1, phase="after"),
        "NOT CHARGED",
        None,
        "REVERSED",
    ),
    Window(
        "sent_not_answered",
        1004,
        Cut("", held="0200"),
        "NOT CHARGED",
        "REVERSED",
        "REVERSED",
        (_fault("0200", 1004, "hold_answer"),),
    ),
    Window(
        "answered_not_durable", 1005, Cut("", program=2), "NOT CHARGED", "REVERSED", "REVERSED"
    ),
    Window(
        "answer_torn",
        1006,
        Cut("", program=2, phase="torn"),
        "NOT CHARGED",
        "REVERSED",
        "REVERSED",
    ),
    Window(
        "durable_not_shown",
        1007,
        Cut("", program=2, phase="after"),
        "APPROVED",
        "APPROVED",
        "APPROVED",
    ),
    Window("receipt_first_line", 1008, Cut("", printed=1), "APPROVED", "APPROVED", "APPROVED"),
    Window("receipt_middle", 1009, Cut("", printed=7), "APPROVED", "APPROVED", "APPROVED"),
    Window("receipt_not_recorded", 1010, Cut("", program=3), "APPROVED", "APPROVED", "APPROVED"),
    Window(
        "reversal_sent",
        1011,
        Cut("", held="0400"),
        "NOT CHARGED",
        "REVERSED",
        "REVERSED",
        (_fault("0200", 1011, "drop_answer"), _fault("0400", 1011, "hold_answer")),
    ),
    Window(
        # 1 ARMED, 2 the note that no answer came, 3 the decision to reverse.
        "reversal_not_decided",
        1012,
        Cut("", program=3),
        "NOT CHARGED",
        "REVERSED",
        "REVERSED",
        (_fault("0200", 1012, "drop_answer"),),
    ),
    Window(
        # 4 is the record of the first 0400, 5 its end.
        "reversal_answered_not_durable",
        1013,
        Cut("", program=5),
        "NOT CHARGED",
        "REVERSED",
        "REVERSED",
        (_fault("0200", 1013, "drop_answer"),),
    ),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    faults = [fault for window in WINDOWS for fault in window.faults]
    with Shop(tmp_path_factory.mktemp("shop"), faults) as made:
        made.provision()
        assert made.sell(999, card(1)) == "APPROVED"  # signs in
        yield made


_ENDS = ("OUTCOME", "REVERSAL_END")


def host_status(shop: Shop, amount_minor: int) -> str | None:
    ledger = Ledger(shop.host.ledger, create=False)
    try:
        rows = ledger.transactions(BUSINESS_DATE)
        assert not ledger.unbalanced()
    finally:
        ledger.close()
    found = [row for row in rows if row.amount_minor == amount_minor]
    assert len(found) <= 1
    return found[0].status if found else None


def terminal_status(shop: Shop, amount_minor: int) -> str | None:
    """How the journal says the sale of this amount ended: its only end record, or None."""
    shop.companion("sync", "--port", f"tls://127.0.0.1:{shop.sync_port}")
    rows: list[dict[str, Any]] = json.loads(shop.companion("journal", "list", "--json"))
    armed = [row for row in rows if row["record"].get("displayed_minor") == amount_minor]
    if not armed:
        return None
    assert len(armed) == 1
    stan = armed[0]["record"]["stan"]
    ends = [
        (row["kind"], row["record"]["result"])
        for row in rows
        if row["kind"] in _ENDS and row["record"]["stan"] == stan
    ]
    assert len(ends) == 1  # invariant 3: exactly one end
    return "APPROVED" if ends[0] == ("OUTCOME", 1) else "REVERSED"


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_a_cut_leaves_host_and_terminal_agreed(shop: Shop, window: Window) -> None:
    printed = len(shop.board.printed)
    assert shop.sell(window.amount_minor, card(7), window.cut).startswith(window.screen)
    if window.terminal != "APPROVED":
        # Nobody has seen an approval that a restart does not know.
        assert shop.seen_last and shop.seen_last[0] != "APPROVED"
    assert host_status(shop, window.amount_minor) == window.host
    assert terminal_status(shop, window.amount_minor) == window.terminal
    if window.screen == "APPROVED":
        assert "*** DUPLICATE ***" in shop.board.printed[printed:]
    # The terminal sells on.
    assert shop.sell(window.amount_minor + 50000, card(8)) == "APPROVED"


@pytest.mark.parametrize(
    ("partition", "operation", "number"),
    [("journal", "erase", 60), ("journal", "program", 1)]
    + [("vault", "program", number) for number in range(1, 6)],
)
def test_a_cut_during_provisioning_is_made_good_by_provisioning_again(
    tmp_path: Path, partition: str, operation: str, number: int
) -> None:
    with Shop(tmp_path) as shop:
        shop.board.wait_screen("NOT PROVISIONED", WAIT)
        arm = shop.board.cut_at_program if operation == "program" else shop.board.cut_at_erase
        arm(number, "torn", partition)
        first = shop.provisioning()
        shop.board.wait_cut(WAIT)
        first.kill()
        first.communicate()
        shop.board.power_on()
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.companion("sync", "--port", shop.board.pty)
        shop.companion("journal", "verify")


def test_after_all_the_cuts_the_books_are_square(shop: Shop) -> None:
    shop.companion("sync", "--port", shop.board.pty)
    shop.companion("journal", "verify")  # exits with 1 when a gap or a seal is wrong
    shop.companion("import", str(shop.host_day()))
    result = json.loads(shop.companion("reconcile", "--json"))
    assert result["breaks"] == []
    assert result["holds"]


def test_no_card_data_is_in_flash_store_or_ledger(shop: Shop) -> None:
    assert scan.scan([shop.directory]) == []
    assert inside("\n".join(shop.board.printed).encode()) == []
