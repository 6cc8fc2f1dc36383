"""A terminal's sync server in this process: over TCP, or on a cable whose ends have baud rates."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Coroutine
from typing import Any

from protocol import messages
from terminal.sync import SyncServer
from tests.companion.plain import listen
from tests.companion.terminal_rig import WAIT, payload, settings


class Ledger:
    """Records 1..count of terminal_rig, and what was released of them."""

    def __init__(self, count: int) -> None:
        self.first_seq = 1
        self.next_seq = count + 1
        self.released = 1
        self.releases: list[int] = []

    def read(self, seq: int) -> bytes | None:
        return payload(seq)

    def release(self, seq: int) -> None:
        self.releases.append(seq)
        self.released = seq


class Cable:
    """A serial line as a Transport. What is sent at one rate and read at another is noise, and so
    is everything above the rate that the cable carries."""

    peer = ""

    def __init__(self, carries: int, max_baud: int) -> None:
        self.name = "cable"
        self.peer = ""
        self.carries = carries
        self.rate = messages.BASE_BAUD
        self.rates: list[int] = []
        self.writes: list[bytes] = []
        self.unplugged = False
        self.lost: tuple[int, ...] = ()  # which writes do not reach the terminal, from 0
        self.terminal = TerminalEnd(self, max_baud)
        self._arrived: queue.Queue[tuple[bytes, int]] = queue.Queue()

    def arrive(self, data: bytes, rate: int) -> None:
        self._arrived.put((data, rate))

    def read(self, timeout: float) -> bytes:
        try:
            data, rate = self._arrived.get(timeout=timeout)
        except queue.Empty:
            return b""
        return self.heard(data, rate, self.rate)

    def heard(self, data: bytes, sent: int, read: int) -> bytes:
        good = sent == read and read <= self.carries
        return data if good else bytes([0x55]) * len(data)

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        if not self.unplugged and len(self.writes) - 1 not in self.lost:
            self.terminal.arrive(data, self.rate)

    def discard_input(self) -> None:
        self._arrived = queue.Queue()

    def reopen(self) -> None:
        pass

    def set_baud(self, rate: int) -> None:
        self.rate = rate
        self.rates.append(rate)

    def close(self) -> None:
        pass


class TerminalEnd:
    """The reader and writer of the terminal's port."""

    def __init__(self, cable: Cable, max_baud: int) -> None:
        self.max_baud = max_baud
        self.rate = messages.BASE_BAUD
        self.rates: list[int] = []
        self._cable = cable
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        self._rest = b""

    def arrive(self, data: bytes, rate: int) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, (data, rate))

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def read(self, limit: int) -> bytes:
        if not self._rest:
            data, rate = await self._arrived.get()
            self._rest = self._cable.heard(data, rate, self.rate)
        data, self._rest = self._rest[:limit], self._rest[limit:]
        return data

    def write(self, data: bytes) -> None:
        self._cable.arrive(bytes(data), self.rate)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def set_baud(self, rate: int) -> None:
        self.rate = rate
        self.rates.append(rate)


class Served:
    """A sync server on an event loop in a thread; close it."""

    def __init__(self, count: int, server: type[SyncServer] = SyncServer, **options: Any) -> None:
        self.ledger = Ledger(count)
        nonces = iter(range(1 << 30))
        self.server = server(
            settings(),
            self.ledger,
            lambda data: False,
            lambda: None,
            "0.1.0",
            lambda: next(nonces).to_bytes(16, "big"),
            **options,
        )
        self.server.raised_s = 0.5  # type: ignore[assignment]  # twice as impatient
        self._tasks: list[asyncio.Task[None]] = []
        self._listening: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT)

    def on_cable(self, carries: int = 921600, max_baud: int = 921600) -> Cable:
        """A new cable to the server."""

        async def plug() -> Cable:
            cable = Cable(carries, max_baud)
            end = cable.terminal
            end.begin(self._loop)
            self._tasks.append(asyncio.create_task(self.server.serve_stream(end, end, True)))
            return cable

        cable = self.do(plug())
        assert isinstance(cable, Cable)
        return cable

    def on_tcp(self) -> str:
        """The server's address."""
        listening = self.do(listen(self.server, 0))
        self._listening.append(listening)
        port = listening.sockets[0].getsockname()[1]
        return f"tcp://127.0.0.1:{port}"

    def wait_idle(self) -> None:
        """Return when no session holds the terminal."""

        async def idle() -> None:
            while self.server.busy:
                await asyncio.sleep(0)

        self.do(idle())

    def close(self) -> None:
        self.wait_idle()

        async def end() -> None:
            for listening in self._listening:
                listening.close()
            for task in self._tasks:
                # wait_for may swallow a cancellation that meets its result (CPython 3.11).
                while not task.done():
                    task.cancel()
                    await asyncio.sleep(0)

        self.do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
