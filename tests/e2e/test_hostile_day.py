"""A host, a reader and a flash that misbehave: the terminal stays up, and its books stay right."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boards.virtual.flash import FlashError
from boards.virtual.shop import MERCHANT_NAME, WAIT, Host, Shop, card


class Babbler:
    """Takes the host's place: is silent until ``after`` connections are there, and then says
    ``words`` without end on the first of them, as long as the terminal keeps it."""

    def __init__(self, port: int, words: bytes, after: int) -> None:
        self._words = words
        self._after = after
        self._socket = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._serve, name="babbler")
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.ExitStack() as stack:
            silent = []
            while True:
                try:
                    silent.append(stack.enter_context(self._socket.accept()[0]))
                except OSError:
                    return
                if len(silent) == self._after:
                    silent[0].recv(2048)  # the request
                    with contextlib.suppress(OSError):
                        while True:
                            silent[0].sendall(self._words)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(WAIT)


@contextlib.contextmanager
def babble(shop: Shop, words: bytes, after: int) -> Iterator[None]:
    shop.host.close()
    babbler = Babbler(shop.host.port, words, after)
    try:
        yield
    finally:
        babbler.close()
        shop.host = Host(shop.directory, [], shop.host.port)


def ends(shop: Shop, kind: str) -> list[dict[str, Any]]:
    shop.companion("sync", "--port", shop.board.pty)
    rows = json.loads(shop.companion("journal", "list", "--json"))
    return [row["record"] for row in rows if row["kind"] == kind]


def test_a_host_that_never_stops_talking_does_not_fill_the_heap(tmp_path: Path) -> None:
    one_byte_messages = b"\0\1\x60" * 300
    endless_message = b"\3\0" + b"x" * 900
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        # As the answer, and late, on the line that lingers while the reversal goes out on another.
        for amount, words, after in (
            (2000, one_byte_messages, 1),
            (2001, endless_message, 1),
            (2002, b"\0\0", 1),
            (2003, one_byte_messages, 2),
        ):
            with babble(shop, words, after):
                shop.key_in(amount)
                shop.board.insert_card(card(2))
                shop.board.wait_screen("No sale until it is", WAIT)
            assert shop.wait_end() in ("NOT CHARGED", "OPEN CASE")
        assert shop.sell(3000, card(1)) == "APPROVED"
        assert [end["amount_minor"] for end in ends(shop, "OUTCOME")] == [1000, 3000]
        assert len(ends(shop, "REVERSAL_END")) == 4


def test_a_track_that_is_no_track_is_refused_and_the_next_card_is_sold_to(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        for track2 in ("no track", "=", card(2)["pan"] + "=3012201"):
            shop.key_in(1000)
            shop.board.insert_card({**card(1), "track2": track2})
            assert shop.wait_end() == "NOT POSSIBLE"
        assert shop.sell(1000, {**card(1), "track2": card(1)["pan"] + "=3012201"}) == "APPROVED"
        assert len(ends(shop, "ARMED")) == 1


def test_cases_stop_the_selling_until_a_sync_has_taken_them(tmp_path: Path) -> None:
    faults = [{"mti": mti, "do": "drop_answer", "times": 15} for mti in ("0400",)]
    faults += [{"mti": "0200", "amount_minor": 2000, "do": "drop_answer", "times": 9}]
    with Shop(tmp_path, faults) as shop:
        shop.provision(response_ms=200, reversal_wait_ms=20)
        for _ in range(5):
            assert shop.sell(2000, card(2)) == "OPEN CASE"
        assert shop.sell(1000, card(1)) == "NOT POSSIBLE"
        assert "Open cases: sync" in shop.board.screen
        assert [end["result"] for end in ends(shop, "REVERSAL_END")] == [3] * 5
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.companion("journal", "verify")


def test_a_journal_that_cannot_be_read_at_the_start_sells_nothing_and_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        shop.board.press("CLEAR")  # taken when the slip is recorded
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        shop.board.power_off()

        def broken(address: int, length: int) -> None:
            raise FlashError("the flash does not answer")

        with monkeypatch.context() as patch:
            patch.setattr(shop.board.flash["journal"], "check", broken)
            shop.board.power_on()
            shop.board.wait_screen("OUT OF SERVICE", WAIT)
            shop.escape()  # the port is served
            shop.board.wait_screen("MAINTENANCE", WAIT)
        shop.board.power_cycle()
        shop.board.wait_screen(MERCHANT_NAME, WAIT)
        assert shop.sell(2000, card(1)) == "APPROVED"
