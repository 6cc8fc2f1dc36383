"""The acquirer host, in this process: it belongs to the rig, and no cut ever reaches it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from companion.acquirer import clock, faults, kinds
from companion.acquirer.desk import Desk
from companion.acquirer.events import Event
from companion.acquirer.ledger import Ledger
from companion.acquirer.records import SETTLED
from companion.acquirer.server import HostServer
from companion.acquirer.terminals import TEST_TERMINAL
from companion.acquirer.wire import Message

_OPENING = "2026-11-20T09:00:00+08:00"


@dataclass(frozen=True)
class Booked:
    """A transaction in the host's books. ``date``: the host's, MMDD."""

    type: str
    batch: int
    stan: int
    asked_minor: int
    amount_minor: int
    status: str
    rrn: str = ""
    auth: str = ""
    date: str = ""


_BOOKED = (
    "SELECT type, batch, stan, asked_minor, amount_minor, status, rrn, auth,"
    " substr(business_date, 6, 2) || substr(business_date, 9, 2) FROM transactions t"
)
# What stands, was followed by nothing that stands, and is of a batch that still trades; or not.
_STANDS = (
    " WHERE status = 'APPROVED' AND NOT EXISTS (SELECT 1 FROM transactions f"
    " WHERE f.original_id = t.id AND f.status = 'APPROVED')"
)
_CLOSED = "batch IN (SELECT batch FROM batches)"


class _Days:
    """The host's clock: a minute for each transaction, and the next day when it is told."""

    def __init__(self) -> None:
        self.number = 0
        self._first = clock.scripted(_OPENING)

    def now(self, booked_since: Callable[[datetime], int]) -> datetime:
        assert self._first.start
        start = self._first.start + timedelta(days=self.number)
        return clock.HostClock(start).now(booked_since)


class _Script(faults.FaultScript):
    """Faults that are others from cycle to cycle."""

    current = faults.FaultScript()

    def take(self, request: Message) -> faults.Fault | None:
        return self.current.take(request)


class Host:
    """Listens until ``close``. ``on_request`` is called with each request, before it is decided:
    what is booked then is booked whatever happens to the terminal."""

    def __init__(
        self,
        directory: Path,
        on_request: Callable[[Event], None],
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.path = directory / "host.sqlite"
        self._days = _Days()
        self._script = _Script()
        self._on_request = on_request
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._port: list[int] = []
        self._failure: BaseException | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port,), name="acquirer host")
        self._thread.start()
        self._up.wait()
        if self._failure:
            self._thread.join()
            raise self._failure
        self.port = self._port[0]
        self._books = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)

    def go_wrong(self, script: Sequence[dict[str, Any]]) -> None:
        """From now on these faults (companion/acquirer/faults.py), and none of before."""

        now = faults.parse("".join(json.dumps(fault) + "\n" for fault in script))

        async def replace() -> None:
            self._script.current = now

        asyncio.run_coroutine_threadsafe(replace(), self._loop).result()

    def next_day(self) -> None:
        """It is a day later: what was sold before can be refunded."""
        self._days.number += 1

    # -- its books ------------------------------------------------------------------------------

    def booked(self, type: str, amount_minor: int) -> list[Booked]:
        """All of this type and amount: it is one transaction, or several tries of it."""
        return self._read(" WHERE type = ? AND asked_minor = ?", type, amount_minor)

    def every_one(self) -> list[Booked]:
        return self._read("")

    def originals(self, type: str) -> list[Booked]:
        """What a transaction of this type can go back to, the newest first."""
        before = kinds.KINDS[type].originals
        where = f"{_STANDS} AND type IN ({', '.join('?' * len(before))})"
        if type in (kinds.VOID, kinds.COMPLETION_VOID):
            where += f" AND NOT {_CLOSED}"
        elif type == kinds.REFUND:
            where += f" AND {_CLOSED}"  # a day went by
        return self._read(where, *before)[::-1]

    def open_batch(self) -> int | None:
        """The batch that the terminal was given, while it is not being settled."""
        rows = self._books.execute(f"SELECT batch FROM sessions WHERE NOT {_CLOSED}").fetchall()
        return int(rows[0][0]) if rows else None

    def is_settled(self, batch: int) -> bool:
        """Whether the batch is closed here, totals agreed or details uploaded."""
        rows = self._books.execute("SELECT batch, state FROM batches").fetchall()
        return any(int(number) == batch and state in SETTLED for number, state in rows)

    def of_batch(self, batch: int) -> list[Booked]:
        return [one for one in self.every_one() if one.batch == batch]

    def unbalanced(self) -> int:
        """How many transactions have debits that are not their credits."""
        ledger = Ledger(self.path, create=False)
        try:
            return len(ledger.unbalanced())
        finally:
            ledger.close()

    def close(self) -> None:
        self._books.close()
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _read(self, where: str, *values: str | int) -> list[Booked]:
        rows = self._books.execute(f"{_BOOKED}{where} ORDER BY id", values)
        return [Booked(row[0], int(row[1]), int(row[2]), *row[3:]) for row in rows]

    # -- its thread -----------------------------------------------------------------------------

    def _run(self, port: int) -> None:
        try:
            self._loop.run_until_complete(self._serve(port))
        except BaseException as error:
            self._failure = error
        finally:
            self._up.set()
            self._loop.close()

    async def _serve(self, port: int) -> None:
        ledger = Ledger(self.path)
        try:
            known = {TEST_TERMINAL.terminal_no: TEST_TERMINAL}
            server = HostServer(Desk(ledger, known, self._days), self._script, self._tell)
            self._port.append(await server.start(self._address, port))
            self._up.set()
            await self._ended.wait()
            await server.stop()
        finally:
            ledger.close()

    def _tell(self, event: Event) -> None:
        if event["event"] == "request":
            self._on_request(event)
