"""Every transaction of the menu and a settlement, on the real runtime against the real host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boards.virtual.shop import DIALECT, WAIT, Event, Shop, card

FAULTS: list[Event] = [
    {"mti": "0220", "amount_minor": 303, "do": "drop_answer"},
    {"mti": "0500", "do": "drop_answer", "times": 1},
]


@pytest.fixture(params=[DIALECT])
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with Shop(tmp_path, FAULTS, dialect=request.param) as made:
        made.provision()
        yield made


def home(shop: Shop) -> None:
    """The first screen; a terminal that answers a key has printed its slip."""
    if shop.board.screen[0] != "Corner shop":
        shop.board.press("CLEAR")
        shop.board.wait_screen("Corner shop", WAIT)


def slip(shop: Shop, name: str) -> str:
    """The newest printed value behind a name."""
    home(shop)
    return [line for line in shop.board.printed if line.startswith(name + " ")][-1].split()[-1]


def keys(shop: Shop, text: str) -> None:
    """Type and confirm one prompt."""
    for key in text:
        shop.board.press(key)
    shop.board.press("ENTER")


def menu(shop: Shop, digit: str) -> None:
    home(shop)
    shop.board.press("ENTER")
    shop.board.wait_screen("9 Settle", WAIT)
    shop.board.press(digit)


def confirm(shop: Shop, number: int) -> str:
    shop.board.wait_screen("ENTER = yes", WAIT)
    shop.board.press("ENTER")
    shop.board.wait_screen("Insert or tap card", WAIT)
    shop.board.insert_card(card(number))
    return shop.wait_end()


def records(shop: Shop) -> list[dict[str, Any]]:
    shop.companion("sync", "--port", f"tls://127.0.0.1:{shop.sync_port}")
    found: list[dict[str, Any]] = json.loads(shop.companion("journal", "list", "--json"))
    return found


@pytest.mark.parametrize("shop", [DIALECT, "iso8583_1987"], indirect=True)
def test_a_day_of_every_transaction_is_settled_balanced(shop: Shop) -> None:
    assert shop.sell(1000, card(1)) == "APPROVED"
    stan = slip(shop, "STAN")
    menu(shop, "1")
    keys(shop, stan.lstrip("0"))
    assert confirm(shop, 1) == "APPROVED"

    assert shop.sell(2000, card(2)) == "APPROVED"
    menu(shop, "3")
    keys(shop, "5000")
    assert confirm(shop, 3) == "APPROVED"
    auth, date = slip(shop, "AUTH"), slip_date(shop)
    menu(shop, "5")
    for text in (auth, date, "4000"):
        keys(shop, text)
    assert confirm(shop, 3) == "APPROVED"
    stan = slip(shop, "STAN")
    menu(shop, "7")
    keys(shop, stan.lstrip("0"))
    assert confirm(shop, 3) == "APPROVED"

    menu(shop, "3")
    keys(shop, "6000")
    assert confirm(shop, 4) == "APPROVED"
    auth, date = slip(shop, "AUTH"), slip_date(shop)
    menu(shop, "4")
    for text in (auth, date, "6000"):
        keys(shop, text)
    assert confirm(shop, 4) == "APPROVED"

    menu(shop, "8")
    shop.board.wait_screen("Insert or tap card", WAIT)
    shop.board.insert_card(card(5))
    shop.board.wait_screen("BALANCE", WAIT)

    menu(shop, "9")
    shop.board.wait_screen("SETTLED", 3 * WAIT)
    phases = [row["record"]["phase"] for row in records(shop) if row["kind"] == "BATCH"]
    assert phases == [1, 2, 3, 7]
    assert shop.sell(700, card(6)) == "APPROVED"


def slip_date(shop: Shop) -> str:
    """MMDD of the newest slip."""
    home(shop)
    line = [line for line in shop.board.printed if line.startswith("TIME ")][-1]
    return line.split()[1].replace("-", "")


def test_a_refund_that_nobody_answered_is_a_case_and_cannot_be_keyed_again(shop: Shop) -> None:
    assert shop.sell(1000, card(1)) == "APPROVED"
    rrn, date = slip(shop, "RRN"), slip_date(shop)
    for ending in ("OPEN CASE", "NOT POSSIBLE"):
        menu(shop, "2")
        for text in (rrn, date, "303"):
            keys(shop, text)
        assert confirm(shop, 1) == ending
    shop.board.power_cycle()
    shop.board.wait_screen("Corner shop", WAIT)
    ends = [row["record"] for row in records(shop) if row["kind"] == "OUTCOME"]
    assert [row["result"] for row in ends] == [1, 3]


def test_an_unbalanced_batch_is_uploaded_through_a_power_cut(tmp_path: Path) -> None:
    faults: list[Event] = [
        {"mti": "0500", "do": "unbalanced"},
        {"mti": "0320", "do": "hold_answer", "times": 1},
    ]
    with Shop(tmp_path, faults) as shop:
        shop.provision()
        for number in range(10):
            assert shop.sell(100 + number, card(number)) == "APPROVED"
        since = len(shop.host.events)
        menu(shop, "9")
        shop.host.wait(lambda e: e["event"] == "fault" and e["mti"] == "0320", since)
        shop.board.power_off()
        shop.board.power_on()
        shop.board.wait_screen("SETTLED", 3 * WAIT)
        rows = [row["record"] for row in records(shop) if row["kind"] == "BATCH"]
        assert [row["phase"] for row in rows] == [1, 2, 4, 5, 5, 5, 6, 7]
        assert shop.sell(700, card(6)) == "APPROVED"
