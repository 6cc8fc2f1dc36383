"""The acquirer host, in this process: it belongs to the rig, and no cut ever reaches it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.acquirer import clock, faults
from companion.acquirer.desk import Desk
from companion.acquirer.events import Event
from companion.acquirer.ledger import Ledger
from companion.acquirer.server import HostServer
from companion.acquirer.terminals import TEST_TERMINAL

_OPENING = "2026-11-20T00:30:00+08:00"


@dataclass(frozen=True)
class Booked:
    """A sale in the host's books."""

    batch: int
    stan: int
    asked_minor: int
    amount_minor: int
    status: str


class Host:
    """Listens until ``close``. ``on_request`` is called with each request, before it is decided:
    what is booked then is booked whatever happens to the terminal."""

    def __init__(
        self,
        directory: Path,
        script: Sequence[dict[str, Any]],
        on_request: Callable[[Event], None],
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.path = directory / "host.sqlite"
        self.requests = 0
        self._faults = faults.parse("".join(json.dumps(fault) + "\n" for fault in script))
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

    def sales(self, amount_minor: int) -> list[Booked]:
        """What the host has booked of a sale, known by its amount."""
        return self._read(" WHERE asked_minor = ?", amount_minor)

    def every_sale(self) -> list[Booked]:
        return self._read("")

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

    def _read(self, where: str, *values: int) -> list[Booked]:
        rows = self._books.execute(
            "SELECT batch, stan, asked_minor, amount_minor, status FROM transactions"
            f"{where} ORDER BY id",
            values,
        )
        return [Booked(int(row[0]), int(row[1]), *row[2:]) for row in rows]

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
            start = clock.scripted(_OPENING)
            server = HostServer(Desk(ledger, known, start), self._faults, self._tell)
            self._port.append(await server.start(self._address, port))
            self._up.set()
            await self._ended.wait()
            await server.stop()
        finally:
            ledger.close()

    def _tell(self, event: Event) -> None:
        if event["event"] == "request":
            self.requests += 1
            self._on_request(event)
