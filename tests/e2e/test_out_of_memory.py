"""A sale in which the memory runs out: the terminal restarts, and its journal says what to do.

Nothing about money is in RAM only: what was armed is reversed, what was approved stays and its
slip is offered. The journal itself without memory: tests/journal/test_device_memory.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from boards.virtual.shop import MERCHANT_NAME, WAIT, Shop, card, is_end

# What a board does, with one difference: when the panel is told what the file names, the next
# allocation finds no memory, once.
_MAIN = """
import board
import os

real = board.Outputs._emit

def emit(panel, message):
    real(panel, message)
    try:
        with open("when") as file:
            when = file.read()
    except OSError:
        return
    if when in str(message):
        os.remove("when")
        bytearray(1 << 30)

board.Outputs._emit = emit

from terminal import start

start.run(board)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.provision()
        shop.board.power_off()
        (shop.board.fs / "main.py").write_text(_MAIN)
        shop.board.power_on()
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        assert shop.sell(100, card(9)) == "APPROVED"
        yield shop


@pytest.mark.parametrize(
    ("minor", "when", "ends", "sent"),
    [
        (201, "Connecting", MERCHANT_NAME, []),
        (202, "Processing", "NOT CHARGED", ["04"]),
        (203, "APPROVED", "APPROVED", ["02"]),
        (204, "AUTH  ", "APPROVED", ["02"]),
    ],
)
def test_no_sale_is_lost_or_doubled(
    shop: Shop, minor: int, when: str, ends: str, sent: list[str]
) -> None:
    """Before ARMED, after it, after the outcome, and while the slip prints."""
    shop.key_in(minor)
    since = len(shop.host.events)
    printed = len(shop.board.printed)
    (shop.board.fs / "when").write_text(when)
    shop.board.insert_card(card(minor))
    shop.board.wait_screen(lambda lines: "Program error" in lines, WAIT)
    end = shop.board.wait_screen(
        lambda lines: lines[0] == MERCHANT_NAME or (is_end(lines) and lines[1] == _shown(minor)),
        WAIT,
    )
    if ends == "APPROVED":
        end = shop.board.wait_screen(lambda lines: "Receipt not printed" in lines, WAIT)
        shop.board.press("ENTER")
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        assert "CNY 2.0" in "".join(shop.board.printed[printed:])
    assert end[0] == ends
    for kind in sent:
        _wait_answer(shop, kind, since)
    answers = [event for event in shop.host.events[since:] if event["event"] == "answer"]
    assert [event["mti"][:2] for event in answers if event["mti"][:2] in ("02", "04")] == sent
    assert shop.sell(minor + 1000, card(1)) == "APPROVED"
    shop.board.press("CLEAR")
    shop.board.wait_screen(MERCHANT_NAME, WAIT)
    # Three crashes in a row without a power cycle would be safe mode.
    shop.board.power_cycle()
    shop.board.wait_screen(MERCHANT_NAME, WAIT)


def _shown(minor: int) -> str:
    return f"CNY {minor // 100}.{minor % 100:02d}"


def _wait_answer(shop: Shop, kind: str, since: int) -> None:
    """A terminal may have an answer before the host has told of it."""
    shop.host.wait(lambda event: event["event"] == "answer" and event["mti"][:2] == kind, since)
