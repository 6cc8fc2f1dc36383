"""`companion watch` against terminals' sync servers: real sockets, real ptys, real processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from companion.cli.watch import Lines, _table
from companion.store import Store, terminals
from companion.watch.places import Places, named_ports
from companion.watch.watcher import LOOK_S, Event, Row, Watcher
from protocol import config, messages
from tests.companion.terminal_rig import PYTHON, ROOT, WAIT, TerminalProcess, settings
from tests.companion.watching import Watching

Start = Callable[..., TerminalProcess]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that knows PZ000001 to PZ000003."""
    with Store.open(tmp_path / "store", create=True) as opened:
        for number in (1, 2, 3):
            terminals.offer(opened, configured(number), replace=False)
    return tmp_path / "store"


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[TerminalProcess] = []

    def begin(number: int, serial: bool = False, **options: Any) -> TerminalProcess:
        options.setdefault("config", config.encode(configured(number)).hex())
        running.append(TerminalProcess(PYTHON, serial, **options))
        return running[-1]

    yield begin
    for process in running:
        process.close()


def configured(number: int) -> dict[str, Any]:
    names = {"device_id": f"PZ00000{number}", "terminal_no": f"1000000{number}"}
    return {**settings(), **names}


def stored(store: Path, number: int) -> int:
    """How many records of a terminal are in the store."""
    with Store.open(store) as opened, opened.read() as connection:
        terminal = terminals.find(connection, f"PZ00000{number}")
    assert terminal is not None
    return terminal.next_seq - 1


def test_several_terminals_sync_while_another_place_is_silent(store: Path, start: Start) -> None:
    first, second = start(1, records=30), start(2, serial=True, records=20)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Watching(store, *_ports(_url(silent), first.url, second.url)) as watching,
    ):
        failed = watching.wait(lambda event: event["event"] == "failed")
        synced = [e for e in watching.events[:failed] if e["event"] == "synced"]
        assert {e["port"]: e["records"] for e in synced} == {first.url: 30, second.url: 20}
        assert {e["device_id"] for e in synced} == {"PZ000001", "PZ000002"}
        failure = watching.events[failed]
        assert failure["port"] == _url(silent) and failure["code"] == "LOST"
        assert failure["reason"].startswith("no terminal answered")
    assert watching.code == 0
    assert [event["event"] for event in watching.events[-2:]] == ["stopped", "ended"]
    assert (stored(store, 1), stored(store, 2)) == (30, 20)


def test_a_port_is_synced_each_time_it_appears_and_while_it_stays(
    store: Path, start: Start, tmp_path: Path
) -> None:
    terminal = start(1, serial=True, records=30)
    port = tmp_path / "tty0"
    with Watching(store, "--port", tmp_path / "tty*", "--every", "1") as watching:
        watching.wait_for("watching", "")
        port.symlink_to(terminal.url)
        watching.wait_for("appeared", str(port))
        assert watching.wait_for("synced", str(port))["records"] == 30
        again = watching.wait(lambda e: e["event"] == "synced" and e["records"] == 0)
        port.unlink()
        watching.wait_for("vanished", str(port), again)
        back = len(watching.events)
        port.symlink_to(terminal.url)
        watching.wait_for("appeared", str(port), back)
        assert watching.wait_for("synced", str(port), back)["next_seq"] == 31
    assert watching.code == 0


def test_who_refuses_is_shown_with_the_reason_and_tried_less_and_less(
    store: Path, start: Start
) -> None:
    stranger = configured(9)
    unknown = start(9, records=3)
    blank = start(0, config="", serial=True)
    other_key = start(2, config=config.encode({**configured(2), "sync_key": bytes(32)}).hex())
    with Watching(store, *_ports(unknown.url, blank.url, other_key.url)) as watching:
        failures = {
            terminal: watching.wait_for("failed", terminal.url)
            for terminal in (unknown, blank, other_key)
        }
        assert failures[unknown]["code"] == "UNKNOWN"
        assert str(stranger["device_id"]) in failures[unknown]["reason"]
        assert failures[blank]["code"] == messages.NOT_PROVISIONED
        assert failures[other_key]["code"] == messages.BAD_AUTH
        number = watching.events.index(failures[unknown])
        later = watching.wait_for("failed", unknown.url, number + 1)
        assert later["again_s"] == 2 * failures[unknown]["again_s"]


def test_two_watches_on_one_terminal_do_not_harm_each_other(store: Path, start: Start) -> None:
    terminal = start(1, records=500)
    arguments = ("--port", terminal.url, "--every", "1")
    with Watching(store, *arguments) as one, Watching(store, *arguments) as other:
        for watching in (one, other):
            watching.wait(lambda event: event["event"] == "synced" and event["next_seq"] == 501)
    records = [e["records"] for w in (one, other) for e in w.events if e["event"] == "synced"]
    assert sum(records) == 500
    assert stored(store, 1) == 500


class Stall:
    """A way to a terminal on which nothing more comes from it once the companion has given it new
    credit: the companion has stored some records then, and the terminal has more."""

    CREDIT = 3  # the companion's third flight, after HELLO and PULL

    def __init__(self, terminal: str, stalled: Callable[[], None]) -> None:
        self._terminal = ("127.0.0.1", int(terminal.rpartition(":")[2]))
        self._stalled = stalled
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = _url(self._server)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with (
            self._server,
            self._server.accept()[0] as near,
            socket.create_connection(self._terminal) as far,
        ):
            flights = 0
            while True:
                for end in select.select([near, far], [], [], WAIT)[0]:
                    try:
                        data = end.recv(4096)
                    except ConnectionResetError:
                        return  # who closes without having read everything resets
                    if not data:
                        return
                    if end is near:
                        far.sendall(data)
                        flights += 1
                        if flights == self.CREDIT:
                            self._stalled()
                    elif flights < self.CREDIT:
                        near.sendall(data)

    def join(self) -> None:
        self._thread.join(WAIT)
        assert not self._thread.is_alive()


def test_the_end_of_the_watch_frees_a_terminal_in_the_middle_of_a_sync(
    store: Path, start: Start
) -> None:
    terminal = start(1, records=500)
    with Store.open(store) as opened:
        stall = Stall(terminal.url, lambda: watcher.stop())
        watcher = Watcher(opened, Places(opened, [stall.url], None), 60, lambda event: None)
        watcher.run()
        assert stall.url not in [thread.name for thread in threading.enumerate()]
        stall.join()
    assert 0 < stored(store, 1) < 500
    done = _companion("sync", "--port", terminal.url, "--store", str(store))
    assert done.returncode == 0, done.stderr
    assert stored(store, 1) == 500


class _Counted(Places):
    """Counts how often it is asked."""

    asked = 0

    def find(self, *arguments: Any) -> dict[str, str]:
        self.asked += 1
        return super().find(*arguments)


def test_a_watch_with_nothing_to_do_sleeps(store: Path) -> None:
    failures: list[Event] = []
    turns: list[list[Row]] = []
    with Store.open(store) as opened, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        places = _Counted(opened, [_url(nobody)], None)

        def tell(event: Event) -> None:
            if event.name == "failed":
                failures.append(event)
                if len(failures) == 2:
                    watcher.stop()

        watcher = Watcher(opened, places, 60, tell, turns.append)
        began = time.monotonic()
        watcher.run()
        took = time.monotonic() - began
    assert failures[0].fields["again_s"] == 2 <= took
    # A turn for each look, for each sync that begins and for each that ends.
    assert places.asked <= took / LOOK_S + 1
    assert len(turns) <= places.asked + 4


@pytest.mark.parametrize("option", ["--clock", "--no-clock"])
def test_the_terminals_clocks_are_set_unless_they_are_to_be_left(
    store: Path, start: Start, option: str
) -> None:
    terminal = start(1, records=3)  # this one has no clock, and says so
    with Watching(store, "--port", terminal.url, option) as watching:
        refused = watching.wait_for("synced", terminal.url)["refused"]
    assert [kind for kind, _ in refused] == ([messages.PUSH_TIME] if option == "--clock" else [])


def test_a_fault_in_a_sync_that_nobody_foresaw_is_not_kept_quiet(
    store: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = start(1, records=3)

    def broken() -> None:
        raise ZeroDivisionError

    with Store.open(store) as opened:
        monkeypatch.setattr(opened, "read", broken)
        watcher = Watcher(opened, Places(opened, [terminal.url], None), 60, lambda event: None)
        with pytest.raises(ZeroDivisionError):
            watcher.run()


def test_a_link_to_a_port_that_is_gone_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "tty1").symlink_to(tmp_path / "nothing")
    (tmp_path / "tty2").touch()
    patterns = [str(tmp_path / "tty*"), "tls://10.0.0.1:8584", str(tmp_path / "other")]
    assert named_ports(patterns) == {str(tmp_path / "tty2"), "tls://10.0.0.1:8584"}


def test_a_line_that_says_nothing_new_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    view = Lines()
    for text in ("is there", "nothing listens there", "nothing listens there", "is gone"):
        view.tell(Event("failed", "/dev/ttyACM0", text, {}))
    said = [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert said == [
        "/dev/ttyACM0: is there",
        "/dev/ttyACM0: nothing listens there",
        "/dev/ttyACM0: is gone",
    ]


def test_the_table_shows_what_each_place_does() -> None:
    rows = [
        Row("/dev/ttyACM1", trouble="[no] terminal answered", due_at=0.0),
        Row("/dev/ttyACM0", "pz-1", records=12, synced_at="now", due_at=0.0),
        Row("/dev/ttyACM2", progress=(120, 4000)),
        Row("/dev/ttyACM3", "pz-3", warning="the seal does not match", due_at=0.0),
    ]
    out = StringIO()
    Console(file=out, width=100).print(_table(rows))
    lines = [line for line in out.getvalue().splitlines() if "ttyACM" in line]
    for line, words in zip(
        lines,
        (
            ("pz-1", "synced", "12"),
            ("[no] terminal answered",),
            ("syncing 120/4000",),
            ("synced; the seal does not match",),
        ),
        strict=True,
    ):
        assert all(word in line for word in words)


def test_on_a_screen_the_table_is_live_and_ctrl_c_ends_it_in_order(
    store: Path, start: Start
) -> None:
    terminal = start(1, records=30)
    master, slave = os.openpty()
    seen = b""
    with subprocess.Popen(
        [sys.executable, "-m", "companion", "watch", "--port", terminal.url, "--store", store],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
        stdout=slave,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(slave)
        with contextlib.suppress(OSError):  # when the other end is closed
            while b"synced" not in seen:
                seen += os.read(master, 4096)
            process.send_signal(signal.SIGINT)
            while True:
                seen += os.read(master, 4096)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(master)
    assert process.returncode == 0
    assert b"30 new records" in seen and b"stopped" in seen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--every", "0"), "0 is not in the range"),
        (("--interface", "198.51.100.7"), "198.51.100.7: no network interface has this address"),
    ],
)
def test_wrong_usage_is_one_line(store: Path, arguments: Sequence[str], message: str) -> None:
    done = _companion("watch", "--store", str(store), *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert message in done.stderr and done.stderr.count("\n") == 1


def _companion(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "companion", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def _url(listening: socket.socket) -> str:
    return f"tcp://127.0.0.1:{listening.getsockname()[1]}"


def _ports(*urls: str) -> list[str]:
    return [word for url in urls for word in ("--port", url)]
