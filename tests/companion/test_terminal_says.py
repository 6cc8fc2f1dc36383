"""What a terminal tells of itself besides its records: its log, and how full its journal is."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from companion import link
from companion.alerting import phrases, rules
from companion.alerting.checks import check
from companion.store import Store, fill
from protocol import messages
from terminal.sync import SyncServer
from tests.companion.plain import listen
from tests.companion.sealed import Device
from tests.companion.test_alert_rules import BEGIN, heard, limits
from tests.companion.test_cli import Ledger, fine, refused

LINES = [f"{1795311000 + number} line {number}" for number in range(90)]


@dataclass
class Served:
    """A terminal's own sync server over TCP, with a device's journal behind it."""

    device: Device
    server: Any
    url: str


@pytest.fixture
def served() -> Iterator[Served]:
    device = Device()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    loop = asyncio.new_event_loop()
    server: Any = SyncServer(
        device.config, Ledger(device), lambda data: False, lambda: None, "0.1.0", lambda: b"n" * 16
    )
    listening = loop.run_until_complete(listen(server, port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield Served(device, server, f"tcp://127.0.0.1:{port}")
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()

    async def ended() -> None:
        listening.close()
        await listening.wait_closed()
        await asyncio.gather(*tasks, return_exceptions=True)

    loop.run_until_complete(ended())
    loop.close()


@pytest.fixture
def store(tmp_path: Path, served: Served) -> Path:
    with Store.open(tmp_path / "store", create=True) as opened:
        served.device.offer(opened)
    return tmp_path / "store"


def by_five(lines: list[str]) -> Any:
    """A log that gives five lines at a time, as terminal.log.Log.read does."""

    def read(number: int, most: int) -> tuple[int, str]:
        some = lines[number : number + 5]
        return number + len(some), "\n".join(some)

    return read


def test_the_log_is_read_to_its_end_and_no_record_is_touched(served: Served, store: Path) -> None:
    served.device.sale(1, 100, "approved")
    served.server.log = by_five(["+3 start: PWRON", *LINES])
    text = fine("log", "--port", served.url, "--store", store).stdout.splitlines()
    assert text[0] == "pz-test-1: 91 lines"
    assert text[1].split(None, 2) == ["+3", "s", "start: PWRON"]
    assert text[2] == "2026-11-22 09:30:00  line 0"
    said = json.loads(fine("log", "--port", served.url, "--json", "--store", store).stdout)
    assert [row["text"] for row in said["lines"][1:]] == [f"line {number}" for number in range(90)]
    assert said["lines"][0] == {"time": 3, "text": "start: PWRON", "since_start": True}
    assert served.server.ledger.released == 1
    # And a sync afterwards finds everything.
    assert "2 new records" in fine("sync", "--port", served.url, "--store", store).stdout


def test_what_a_hostile_terminal_logs_is_bounded_and_cannot_act_on_a_screen(
    served: Served, store: Path
) -> None:
    served.server.log = by_five(["1 \x1b[2J gone", "no time", "99999999999999999999 late"])
    text = fine("log", "--port", served.url, "--store", store).stdout
    assert "\x1b" not in text and "?[2J gone" in text
    served.server.log = lambda number, most: (number + 1, "1 " + "x" * 400)
    assert "the log has no end" in refused("log", "--port", served.url, "--store", store)
    served.server.log = lambda number, most: (number, "1 again")
    assert "1 lines" in fine("log", "--port", served.url, "--store", store).stdout


def test_a_terminal_of_an_older_version_has_no_log(
    served: Served, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "VERSION", 2)
    assert "keeps no log" in refused("log", "--port", served.url, "--store", store)


def test_how_full_the_journal_is_after_a_sync_is_kept_and_told(
    served: Served, store: Path
) -> None:
    served.device.sale(1, 100, "approved")
    rooms = [600, 2000]
    served.server.fill = lambda: (rooms.pop(0) if len(rooms) > 1 else rooms[0], 3937)
    said = json.loads(
        fine("sync", "--port", served.url, "--no-clock", "--json", "--store", store).stdout
    )
    # Not what it was before the records were released.
    assert (said["room"], said["slots"]) == (2000, 3937)
    with Store.open(store) as opened:
        with opened.read() as connection:
            assert fill.of(connection, "pz-test-1") == fill.Fill(2000, 3937)
        heard(opened, BEGIN)
        # 1937 of 3937 are 49 %.
        assert alarms(opened, BEGIN) == []
        limits(opened, rules.JOURNAL_FULL, percent=49)
        (told,) = alarms(opened, BEGIN)
        assert "10000001: 49 % of its journal is in use after the last sync" in told
        assert "2000 of 3937 slots are free (as it says itself" in told
        # What has gathered since is an estimate, from there on.
        limits(opened, rules.JOURNAL_FULL, percent=60)
        assert alarms(opened, BEGIN + 86400) == []
        (guessed,) = alarms(opened, BEGIN + 300 * 86400)
        assert "about 64 % of its journal is in use: 2 slots a day" in guessed


def alarms(store: Store, now: int) -> list[str]:
    return [
        phrases.said(alarm)
        for alarm in check(store, now).alarms
        if alarm.rule == rules.JOURNAL_FULL
    ]


def test_the_repl_is_there_when_its_prompt_is() -> None:
    class Port:
        def __init__(self, *data: bytes) -> None:
            self.data = list(data)

        def read(self, timeout: float) -> bytes:
            return self.data.pop(0) if self.data else b""

    transport: Any = Port(b"ets Jun  8\r\n", b"MicroPython\r\n>", b">> ")
    assert link.await_repl(transport, 60)
    transport = Port(b"ets Jun  8\r\n>")
    assert not link.await_repl(transport, 0.01)
