"""The front panel: keys, cards, screens and paper, in the process and over the socket."""

import json
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pytest

from boards.virtual.board import TIMEOUT, BoardError, VirtualBoard
from boards.virtual.frontpanel import PanelError
from tests.boards.conftest import Boot

ECHO = """
import asyncio, board, json
panel = board.Panel()
async def main():
    panel.show(["ready"])
    count = 0
    while True:
        event = await panel.event()
        count += 1
        panel.print_line(json.dumps(event))
        panel.beep(count)
        panel.show(["event %d" % count, list(event)[0]])
asyncio.run(main())
"""

CARD = {"pan": "6222000000000005", "expiry": "3012", "entry": "021"}


class Client:
    """A front panel somewhere else, over the socket."""

    def __init__(self, board: VirtualBoard) -> None:
        self.socket = socket.create_connection(("127.0.0.1", board.panel_port), timeout=TIMEOUT)
        self.lines = self.socket.makefile()
        self.first = self.receive()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lines.close()
        self.socket.close()

    def send(self, line: bytes) -> None:
        self.socket.sendall(line + b"\n")

    def receive(self) -> Any:
        line = self.lines.readline()
        return json.loads(line) if line else None


@pytest.fixture
def echo(boot: Boot) -> Iterator[VirtualBoard]:
    board = boot(ECHO)
    board.wait_screen("ready")
    yield board


def test_keys_and_cards_arrive_in_order(echo: VirtualBoard) -> None:
    echo.type("10")
    echo.press("ENTER")
    echo.insert_card(CARD)
    assert echo.wait_screen("event 4") == ["event 4", "card"]
    events = [json.loads(line) for line in echo.printed]
    assert events == [{"key": "1"}, {"key": "0"}, {"key": "ENTER"}, {"card": CARD}]
    assert echo.beeps == 1 + 2 + 3 + 4


def test_a_screen_that_was_replaced_at_once_is_seen(boot: Boot) -> None:
    board = boot(
        "import board\n"
        "panel = board.Panel()\n"
        "for n in range(20):\n"
        "    panel.show(['screen %d' % n])\n"
        "panel.print_line('end of it')\n"
    )
    board.wait_printed("end of it")
    assert board.wait_screen("screen 3") == ["screen 3"]
    assert board.wait_screen(lambda screen: screen[0] > "screen 4") == ["screen 5"]
    assert board.screen == ["screen 19"]


def test_an_old_screen_does_not_answer_a_new_key(boot: Boot) -> None:
    board = boot(
        "import asyncio, board\n"
        "panel = board.Panel()\n"
        "async def main():\n"
        "    paid = 0\n"
        "    while True:\n"
        "        panel.show(['ready', str(paid)])\n"
        "        await panel.event()\n"
        "        paid += 1\n"
        "asyncio.run(main())\n"
    )
    for paid in range(5):
        assert board.wait_screen("ready") == ["ready", str(paid)]
        board.press("1")


def test_the_device_panel_refuses_what_does_not_fit(boot: Boot) -> None:
    board = boot(
        "import board\n"
        "panel = board.Panel()\n"
        "for screen in (['x'] * 9, ['x' * 22], ['中' * 11 + 'x']):\n"
        "    try:\n"
        "        panel.show(screen)\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
        "try:\n"
        "    panel.print_line('x' * 3000)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
        "panel.show(['x' * 21] * 7 + ['中' * 10])\n"
    )
    assert board.wait_screen("x") == ["x" * 21] * 7 + ["中" * 10]
    refusals = ("9 lines on a display of 8", "22 half columns in a line of 21", "23 half columns")
    for refusal in (*refusals, "refused 3013 bytes"):
        board.wait_serial(refusal)
    assert board.printed == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"key": ""}, "key is not a string of 1 to 12"),
        ({"key": 1}, "key is not a string"),
        ({"card": {"pan": "6222000000000005"}}, "card has no expiry"),
        ({"card": {**CARD, "pan": "12x4567890123"}}, "card: pan is not digits"),
        ({"card": {**CARD, "pan": "1" * 20}}, "card: pan is not a string of 12 to 19"),
        ({"card": {**CARD, "cvv": "123"}}, "card has an unknown field 'cvv'"),
        ({"card": []}, "card is not an object"),
        ({"key": "1", "card": CARD}, 'expected {"key": "..."} or {"card": {...}}'),
        ([1], 'expected {"key": "..."}'),
    ],
)
def test_a_bad_event_gets_one_clear_error_and_hurts_nobody(
    echo: VirtualBoard, event: object, message: str
) -> None:
    with Client(echo) as client, Client(echo) as other:
        client.send(json.dumps(event).encode())
        assert message in client.receive()["error"]
        client.send(b'{"key": "5"}')
        assert client.receive() == {"print": '{"key": "5"}'}
        assert other.receive() == {"print": '{"key": "5"}'}


@pytest.mark.parametrize("line", [b"{key", b"\xff\xfe", b"[" * 900, b"", b"NaN"])
def test_bad_json_gets_one_clear_error_and_hurts_nobody(echo: VirtualBoard, line: bytes) -> None:
    with Client(echo) as client, Client(echo) as other:
        client.send(line)
        assert set(client.receive()) == {"error"}
        client.send(b'{"key": "5"}')
        assert client.receive() == {"print": '{"key": "5"}'}
        assert other.receive() == {"print": '{"key": "5"}'}


def test_a_line_without_end_is_cut_off_with_one_error(echo: VirtualBoard) -> None:
    with Client(echo) as client:
        client.send(b"x" * 5000)
        assert client.receive() == {"error": "a line is longer than 1024 bytes"}
    echo.press("1")
    echo.wait_screen("event 1")


def test_several_clients_see_the_same_and_one_may_leave(echo: VirtualBoard) -> None:
    with Client(echo) as stays:
        with Client(echo) as leaves:
            assert stays.first == leaves.first == {"screen": ["ready"]}
            leaves.send(json.dumps({"card": CARD}).encode())
            expected = [{"print": json.dumps({"card": CARD})}, {"beep": 1}]
            assert [json_line(stays), json_line(stays)] == expected
            assert stays.receive() == {"screen": ["event 1", "card"]}
        echo.power_cycle()
        assert stays.receive() == {"screen": ["ready"]}
        stays.send(b'{"key": "1"}')
        assert stays.receive() == {"print": '{"key": "1"}'}


def json_line(client: Client) -> Any:
    """A message whose printed JSON has sorted keys: dicts have no order on the device."""
    message = client.receive()
    if "print" in message:
        message["print"] = json.dumps(json.loads(message["print"]))
        message = {"print": json.dumps({"card": {k: CARD[k] for k in CARD}})}
    return message


def test_a_client_that_does_not_read_does_not_stop_the_board(boot: Boot) -> None:
    board = boot(
        "import asyncio, board\n"
        "panel = board.Panel()\n"
        "async def main():\n"
        "    panel.show(['ready'])\n"
        "    await panel.event()\n"
        "    for n in range(3000):\n"
        "        panel.print_line('x' * 1500)\n"
        "    panel.show(['done'])\n"
        "asyncio.run(main())\n"
    )
    board.wait_screen("ready")
    with Client(board):
        board.press("1")
        board.wait_screen("done")


def test_keys_without_power_are_refused(board: VirtualBoard) -> None:
    with pytest.raises(BoardError, match="the power is off"):
        board.press("1")
    with Client(board) as client:
        client.send(b'{"key": "1"}')
        assert client.receive() == {"error": "the power is off: nobody takes the key or card"}


def test_firmware_that_never_reads_its_keys_is_an_error_not_a_hang(boot: Boot) -> None:
    board = boot("import time\nprint('UP')\nwhile True:\n    time.sleep(1)\n")
    board.wait_serial("UP")
    with pytest.raises(BoardError, match="does not read its keys"):
        for _ in range(100_000):
            board.press("1")


def test_events_before_a_cut_do_not_reach_the_next_run(echo: VirtualBoard) -> None:
    echo.cut_on_panel(lambda message: "print" in message)
    echo.type("123")
    echo.wait_cut()
    echo.power_on()
    echo.wait_screen("ready")
    echo.press("9")
    echo.wait_screen("event 1")
    assert echo.printed == ['{"key": "9"}']


def test_in_process_events_are_checked_too(echo: VirtualBoard) -> None:
    with pytest.raises(PanelError, match="card has no expiry"):
        echo.insert_card({"pan": "6222000000000005"})


def test_two_boards_do_not_hear_each_other(echo: VirtualBoard) -> None:
    with VirtualBoard(echo.directory.parent / "other") as other:
        (other.fs / "main.py").write_text(ECHO)
        other.power_on()
        other.wait_screen("ready")
        assert other.pty != echo.pty and other.panel_port != echo.panel_port
        other.press("1")
        other.wait_screen("event 1")
        assert echo.printed == [] and other.printed == ['{"key": "1"}']
