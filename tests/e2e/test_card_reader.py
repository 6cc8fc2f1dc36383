"""A terminal with an external card reader at its UART: nothing but the reader gives it cards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.reader import HOW, VirtualReader, decode, encode
from boards.virtual.shop import WAIT, Shop, card
from protocol import cbor, frame


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("shop"), reader=True) as made:
        made.provision()
        yield made


@pytest.fixture
def reader(shop: Shop) -> Iterator[VirtualReader]:
    with VirtualReader(shop.board.uart) as made:
        yield made


def ask_for_card(board: VirtualBoard, digits: str) -> None:
    for key in (*digits, "ENTER", "ENTER"):
        board.press(key)
    board.wait_screen("Insert or tap card", WAIT)


def test_a_tapped_test_card_pays_and_the_screens_say_that_it_is_one(
    shop: Shop, reader: VirtualReader
) -> None:
    board = shop.board
    ask_for_card(board, "1234")
    assert reader.tap(5) == 1234
    board.wait_screen("APPROVED", WAIT)
    assert reader.wait_said("approved") == ("00", b"")
    assert "TEST CARD" in board.screen[0]
    board.press("CANCEL")
    board.wait_screen("Enter amount", WAIT)
    assert "TEST CARD" not in " ".join(board.screen)
    assert any(f"******{card(5)['pan'][-4:]}" in row for row in board.printed)


def test_an_encrypted_card_is_refused_and_nothing_is_charged(
    shop: Shop, reader: VirtualReader
) -> None:
    board = shop.board
    ask_for_card(board, "100")
    reader.tap_sealed()
    board.wait_screen("Encrypted card data", WAIT)
    assert "TEST CARD" not in " ".join(board.screen)
    assert reader.wait_said(HOW[0]) == ("", b"")


@pytest.mark.parametrize(
    ("accepts", "ends", "said"), [(True, "APPROVED", HOW[1]), (False, "NOT CHARGED", HOW[0])]
)
def test_a_chip_has_the_last_word_on_what_the_issuer_told_it(
    shop: Shop, reader: VirtualReader, accepts: bool, ends: str, said: str
) -> None:
    board = shop.board
    ask_for_card(board, "200")
    reader.tap(6, chip=True, icc=b"\x9f\x26\x08" + bytes(8))
    board.wait_screen("Do not remove card", WAIT)
    code, icc = reader.wait_said(HOW[3])
    assert (code, icc[:2], icc[-2:]) == ("00", b"\x91\x0a", b"00")
    reader.last_word(accepts)
    board.wait_screen(ends, WAIT)
    reader.wait_said(said)


def test_the_front_panel_gives_no_cards_to_such_a_board(shop: Shop, reader: VirtualReader) -> None:
    board = shop.board
    ask_for_card(board, "300")
    board.insert_card(card(7))
    board.press("CANCEL")
    board.wait_screen("Enter amount", WAIT)


def test_the_command_taps_a_card(shop: Shop) -> None:
    board = shop.board
    ask_for_card(board, "400")
    done = subprocess.run(
        [sys.executable, "-m", "boards.virtual.reader", "--port", board.uart],
        input="tap 8\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["approved 00", "taken"]
    board.wait_screen("APPROVED", WAIT)


@pytest.mark.thorough
def test_the_self_test_asks_the_reader_for_a_card(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path, reader=True) as board, VirtualReader(board.uart) as reader:
        board.install()
        board.power_on()
        board.wait_screen("NOT PROVISIONED", WAIT)
        process = subprocess.Popen(
            [sys.executable, "-m", "companion", "selftest", "--port", board.pty],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        board.wait_screen("Press ENTER", WAIT)
        board.press("ENTER")
        board.wait_screen("Hold a card", WAIT)
        assert reader.tap(1) == 0
        told, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 0, told
        assert "reader: a card" in told and "drivers: no fault" in told
        reader.wait_said(HOW[0])


def test_both_ends_write_the_same_frames() -> None:
    for message in (
        [1, 1, "Reader"],
        [2, 255, "051", "4912", "", "", bytes(8), b"", bytes(range(256)), b"\0" * 255, True],
        [130, 0],
        [2, 7, b"\1" * 253, b"\1" * 254, b"\1" * 255],
    ):
        assert encode(message) == frame.encode(cbor.dumps(message))
        assert decode(encode(message)[1:-1]) == message


def test_a_reader_without_a_terminal_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "boards.virtual.reader", "--port", str(tmp_path / "none")],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("reader: ") and "Traceback" not in done.stderr
