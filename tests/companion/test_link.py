"""companion.link against the terminal's sync server: real sockets, a real pty."""

from __future__ import annotations

import socket
from binascii import hexlify
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from companion.link import (
    LinkError,
    SyncResult,
    Transport,
    UnknownTerminal,
    escape,
    open_transport,
    provision,
    sync,
)
from protocol import config, frame, messages
from tests.companion.terminal_rig import (
    CONFIG,
    DEVICE,
    MICROPYTHON,
    PYTHON,
    WAIT,
    Spoiled,
    Store,
    TerminalProcess,
    keys,
    payload,
    settings,
)

BOTH = pytest.mark.parametrize(
    "interpreter", [PYTHON, MICROPYTHON], ids=["cpython", "micropython"]
)
Start = Callable[..., TerminalProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[TerminalProcess] = []

    def begin(interpreter: list[str], serial: bool = False, **options: Any) -> TerminalProcess:
        running.append(TerminalProcess(interpreter, serial, **options))
        return running[-1]

    yield begin
    for process in running:
        process.close()


def pull(url: str, store: Store, **more: Any) -> SyncResult:
    transport = open_transport(url)
    try:
        return sync(transport, keys, store, **more)
    finally:
        transport.close()


@BOTH
@pytest.mark.parametrize("serial", [False, True], ids=["tcp", "pty"])
def test_records_arrive_once_and_a_second_sync_moves_none(
    start: Start, interpreter: list[str], serial: bool
) -> None:
    terminal = start(interpreter, serial, records=400, damaged=[17])
    store = Store()
    steps: list[tuple[int, int]] = []
    result = pull(terminal.url, store, progress=lambda done, total: steps.append((done, total)))
    expected = [None if seq == 17 else payload(seq) for seq in range(1, 401)]
    assert store.items == expected
    size = sum(len(item) for item in expected if item)
    assert result == SyncResult(DEVICE, "0.1.0", 399, 1, size, 401, 401)
    assert steps[-1] == (400, 400)
    words = terminal.said().split()
    assert words[:2] == ["released", "401"]
    # Selling had its turn after every record.
    assert int(words[3]) == 1
    calls = store.calls
    again = pull(terminal.url, store)
    assert (again.records, again.gaps, again.next_seq) == (0, 0, 401)
    assert store.calls == calls


@BOTH
def test_provisioning_over_the_pty_then_syncing(start: Start, interpreter: list[str]) -> None:
    terminal = start(interpreter, serial=True, config="", records=3)
    transport = open_transport(terminal.url)
    with pytest.raises(LinkError, match="no configuration") as failure:
        sync(transport, keys, Store())
    assert failure.value.code == messages.NOT_PROVISIONED
    assert provision(transport, CONFIG) == DEVICE
    assert terminal.said() == "provisioned " + hexlify(CONFIG).decode()
    # The same configuration again is the answer to a lost answer.
    assert provision(transport, CONFIG) == DEVICE
    other = config.encode({**settings(), "device_id": "PZ000002"})
    with pytest.raises(LinkError, match="PZ000001 already") as failure:
        provision(transport, other)
    assert failure.value.code == messages.ALREADY_PROVISIONED
    store = Store()
    assert sync(transport, keys, store).records == 3
    transport.close()


@BOTH
def test_escape_reaches_the_firmware(start: Start, interpreter: list[str]) -> None:
    terminal = start(interpreter, serial=True, records=3)
    transport = open_transport(terminal.url)
    escape(transport)
    assert terminal.said() == "escape"
    transport.close()


def test_escape_over_the_network_is_refused(start: Start) -> None:
    transport = open_transport(start(MICROPYTHON).url)
    with pytest.raises(LinkError, match="serial port only"):
        escape(transport)
    transport.close()


def greet(transport: Transport) -> messages.Proofs:
    """Say HELLO; the proofs of the session."""
    hello = messages.build(messages.HELLO, messages.VERSION, bytes(16))
    transport.write(frame.encode(hello))
    return messages.Proofs(keys(DEVICE), hello, hear(transport))


def hear(transport: Transport) -> bytes:
    """The next message from the terminal."""
    decoder = frame.Decoder(frame.MAX_TO_COMPANION)
    while True:
        for message in decoder.feed(transport.read(WAIT)):
            assert isinstance(message, bytes)
            return message


def prove(transport: Transport) -> None:
    """Say HELLO and AUTH: from then on the session holds the terminal."""
    proofs = greet(transport)
    transport.write(frame.encode(messages.build(messages.AUTH, proofs.companion())))
    assert hear(transport) == messages.build(messages.PROOF, proofs.terminal())


@BOTH
def test_a_second_sync_at_the_same_time_is_refused(start: Start, interpreter: list[str]) -> None:
    terminal = start(interpreter, records=3)
    first = open_transport(terminal.url)
    prove(first)
    with pytest.raises(LinkError, match="another sync is running") as failure:
        pull(terminal.url, Store())
    assert failure.value.code == messages.BUSY
    first.write(frame.encode(messages.build(messages.BYE)))
    closed = frame.encode(messages.build(messages.CLOSED))
    assert first.read(WAIT) == closed
    with pytest.raises(LinkError, match="closed"):
        first.read(WAIT)
    assert pull(terminal.url, Store()).records == 3
    first.close()


@BOTH
def test_a_peer_without_the_key_keeps_nobody_out(start: Start, interpreter: list[str]) -> None:
    terminal = start(interpreter, records=3)
    first = open_transport(terminal.url)
    greet(first)
    assert pull(terminal.url, Store()).records == 3
    first.close()


@BOTH
def test_a_silent_peer_is_dropped_and_frees_the_terminal(
    start: Start, interpreter: list[str]
) -> None:
    terminal = start(interpreter, records=3, silence_s=1)
    silent = open_transport(terminal.url)
    prove(silent)
    with pytest.raises(LinkError, match="closed the connection"):
        silent.read(WAIT)
    silent.close()
    assert pull(terminal.url, Store()).records == 3


@BOTH
def test_a_companion_that_died_without_reading_is_replaced(
    start: Start, interpreter: list[str]
) -> None:
    terminal = start(interpreter, serial=True, records=400, silence_s=1)
    transport = open_transport(terminal.url)
    prove(transport)
    transport.write(frame.encode(messages.build(messages.PULL, 1, messages.MAX_WINDOW, b"")))
    # 16 KB are on their way, more than a pty holds, and nobody reads them.
    transport.close()
    store = Store()
    assert pull(terminal.url, store).next_seq == 401
    assert store.items == [payload(seq) for seq in range(1, 401)]


@BOTH
def test_garbage_does_not_stop_the_server(start: Start, interpreter: list[str]) -> None:
    terminal = start(interpreter, records=3)
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 20, b"\xff" * 5000):
        peer = open_transport(terminal.url)
        peer.write(garbage)
        peer.close()
    assert pull(terminal.url, Store()).records == 3


def test_a_wrong_key_is_one_clear_error(start: Start) -> None:
    store = Store()
    transport = open_transport(start(MICROPYTHON, records=3).url)
    with pytest.raises(LinkError, match="key is not this terminal's") as failure:
        sync(transport, lambda device_id: bytes(32), store)
    assert failure.value.code == messages.BAD_AUTH
    assert store.items == []
    transport.close()


def test_a_terminal_of_another_store_is_named(start: Start) -> None:
    other = config.encode({**settings(), "device_id": "PZ000099"})
    with pytest.raises(UnknownTerminal, match="PZ000099"):
        pull(start(MICROPYTHON, records=3, config=other.hex()).url, Store())


def test_a_journal_fault_is_reported_and_the_next_session_still_works(start: Start) -> None:
    terminal = start(MICROPYTHON, serial=True, records=30, fault_at=20)
    for _ in range(2):
        with pytest.raises(LinkError, match="flash read failed") as failure:
            pull(terminal.url, Store())
        assert failure.value.code == messages.FAULT


def test_a_configuration_that_cannot_be_stored_is_reported(start: Start) -> None:
    transport = open_transport(start(MICROPYTHON, serial=True, config="", refuse=True).url)
    with pytest.raises(LinkError, match="could not be stored"):
        provision(transport, CONFIG)
    transport.close()


def test_a_terminal_that_dies_during_a_sync_continues_where_it_was(start: Start) -> None:
    terminal = start(MICROPYTHON, serial=True, records=300, die_at=250)
    store = Store()
    with pytest.raises(LinkError, match="stopped answering") as failure:
        pull(terminal.url, store, timeout=0.3)
    assert failure.value.code == "LOST"
    assert 0 < len(store.items) < 250
    terminal.stop()
    terminal.start(config=CONFIG.hex(), records=300)
    pull(terminal.url, store)
    assert store.items == [payload(seq) for seq in range(1, 301)]


def test_a_noisy_line_slows_a_sync_down_and_loses_nothing(start: Start) -> None:
    terminal = start(MICROPYTHON, serial=True, records=300)
    store = Store()
    transport = Spoiled(open_transport(terminal.url), 4000)
    result = sync(transport, keys, store, timeout=0.5)
    assert transport.spoiled > 2
    assert result.next_seq == 301
    assert store.items == [payload(seq) for seq in range(1, 301)]
    transport.close()


def test_a_line_that_never_carries_a_frame_is_given_up(start: Start) -> None:
    transport = Spoiled(open_transport(start(MICROPYTHON, serial=True, records=3).url), 5)
    with pytest.raises(LinkError, match="no terminal answered") as failure:
        sync(transport, keys, Store(), timeout=0.1)
    assert failure.value.code == "LOST"
    transport.close()


def test_a_store_that_fails_leaves_the_terminal_unreleased(start: Start) -> None:
    terminal = start(MICROPYTHON, records=300)

    class FullDisk(Store):
        def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
            if first_seq > 100:
                raise OSError("no space left on device")
            super().store(device_id, first_seq, payloads)

    store = FullDisk()
    transport = open_transport(terminal.url)
    with pytest.raises(OSError, match="no space"):
        sync(transport, keys, store)
    with pytest.raises(LinkError, match=r"closed|broke"):
        while True:
            transport.read(WAIT)
    transport.close()
    healthy = Store()
    healthy.items = store.items
    assert pull(terminal.url, healthy).released == 301
    assert terminal.said().startswith("released 301 ")


def test_ports_that_cannot_be_opened_are_one_clear_error(tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = probe.getsockname()[1]
    for url, reason in (
        (str(tmp_path / "ttyUSB9"), "no such port"),
        (str(plain), "not a serial port"),
        (f"tcp://127.0.0.1:{closed}", "nothing listens"),
        ("tcp://127.0.0.1", "tls://host:port"),
        ("tcp://127.0.0.1:99999", "tls://host:port"),
        ("http://127.0.0.1:80", "tls://host:port"),
        ("tls://[::1:8584", "tls://host:port"),
    ):
        with pytest.raises(LinkError, match=reason) as failure:
            open_transport(url)
        assert str(failure.value).startswith(url)
        assert failure.value.code == "PORT"


def test_a_port_in_use_is_said_to_be(start: Start) -> None:
    terminal = start(MICROPYTHON, serial=True, records=3)
    first = open_transport(terminal.url)
    with pytest.raises(LinkError, match="in use by another program"):
        open_transport(terminal.url)
    first.close()
