"""A terminal with a second serial port: whatever the cable does, the other port does too."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.chip import DEVICE
from boards.virtual.serialport import Line
from boards.virtual.shop import WAIT
from companion import link
from companion.link import LinkError, SyncResult
from protocol import config as configuration
from protocol import messages, seal
from tests.bench.sync_journal import fill
from tests.companion.sealed import config

RECORDS = 300
SETTINGS = config()


def _nothing() -> None:
    pass


class Sink:
    """What was stored; ``during`` is called once, in the middle of a session."""

    def __init__(self) -> None:
        self.items: list[bytes | None] = []
        self.rates: set[int] = set()
        self.during: Callable[[], object] = _nothing

    def next_seq(self, device_id: str) -> int:
        return len(self.items) + 1

    def seal_before(self, device_id: str, seq: int) -> bytes:
        before = self.items[seq - 2] if seq > 1 else None
        return before[-seal.SEAL_LENGTH :] if before else b""

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        assert first_seq == self.next_seq(device_id)
        self.items.extend(payloads)
        during, self.during = self.during, _nothing
        during()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The flash of a terminal that was provisioned over its second port, with some trade on it."""
    with VirtualBoard(tmp_path_factory.mktemp("first"), uart=True, line=Line()) as board:
        board.install()
        board.power_on()
        board.wait_screen("NOT PROVISIONED", WAIT)
        with closing(link.open_transport(board.uart)) as transport:
            assert link.provision(transport, configuration.encode(SETTINGS)) == "pz-test-1"
        board.wait_screen("TEST SHOP", WAIT)
        assert board.serial_tail == ""
        board.power_off()
        journal = board.flash["journal"]
        key = SETTINGS["seal_key"]
        assert isinstance(key, bytes)
        assert fill(journal.path, key, "pz-test-1", RECORDS) >= RECORDS
        return journal.image(), board.flash["vault"].image()


@pytest.fixture
def board(tmp_path: Path, journal: tuple[bytes, bytes]) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path, uart=True, line=Line()) as made:
        made.install()
        made.flash["journal"].load(journal[0])
        made.flash["vault"].load(journal[1])
        made.power_on()
        made.wait_screen("TEST SHOP", WAIT)
        yield made


def sync(port: str, sink: Sink, baud: int) -> SyncResult:
    key = SETTINGS["sync_key"]
    assert isinstance(key, bytes)
    with closing(link.open_transport(port)) as transport:
        return link.sync(transport, lambda device_id: key, sink, baud=baud)


@pytest.mark.parametrize("baud", [921600, 0])
def test_a_sync_over_it_then_mpremote_gets_the_other_port(board: VirtualBoard, baud: int) -> None:
    sink = Sink()
    sink.during = lambda: sink.rates.add(board.uart_rate)
    done = sync(board.uart, sink, baud)
    assert done.records == len(sink.items) >= RECORDS and done.gaps == 0
    assert sink.rates == {baud or 115200}
    assert (board.uart_rate, board.serial_rate) == (115200, 115200)
    again = sync(board.uart, sink, baud)
    assert again.records == 0
    assert board.serial_tail == "" and board.uart_dropped == 0

    with closing(link.open_transport(board.uart)) as transport:
        link.escape(transport)
    board.wait_serial(">>> ")
    command = [sys.executable, "-m", "mpremote", "connect", board.pty, "resume", "eval", "6 * 7"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=WAIT)
    assert said.stdout.strip() == "42", said.stderr


@pytest.mark.parametrize("first", ["uart", "pty"])
def test_one_session_at_a_time_over_both_ports(board: VirtualBoard, first: str) -> None:
    ports = [board.uart, board.pty]
    if first == "pty":
        ports.reverse()
    holder, other = Sink(), Sink()
    refused: list[str] = []

    def knock() -> None:
        with pytest.raises(LinkError) as error:
            sync(ports[1], other, 0)
        refused.append(error.value.code)

    holder.during = knock
    assert sync(ports[0], holder, 0).records >= RECORDS
    assert refused == [messages.BUSY] and other.items == []
    sync(ports[1], other, 0)
    assert other.items[: len(holder.items)] == holder.items


def test_rubbish_on_it_leaves_the_terminal_as_it_is(board: VirtualBoard) -> None:
    with closing(link.open_transport(board.uart)) as transport:
        transport.write(random.Random(1).randbytes(20_000))
    sink = Sink()
    assert sync(board.pty, sink, 0).records >= RECORDS
    assert sync(board.uart, sink, 0).records == 0


def test_a_board_module_that_knows_nothing_of_it_works(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path, uart=True) as board:
        board.install()
        source = (DEVICE / "board.py").read_text()
        (board.fs / "board.py").write_text(source.replace("def sync_uart", "def _forgotten"))
        board.power_on()
        board.wait_screen("NOT PROVISIONED", WAIT)
        with closing(link.open_transport(board.pty)) as transport:
            link.provision(transport, configuration.encode(SETTINGS))
        board.wait_screen("TEST SHOP", WAIT)
        with (
            closing(link.open_transport(board.uart)) as transport,
            pytest.raises(LinkError, match="no terminal answered"),
        ):
            link.escape(transport, timeout=0.2)
