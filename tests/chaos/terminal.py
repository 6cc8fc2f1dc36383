"""A terminal in this process: the firmware's journal on a simulated flash, its sync server, and a
line to it that breaks at a chosen byte. No threads and no waiting, so a seed repeats a run."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from companion.link import LinkError
from protocol import messages, record
from terminal.journal import Journal
from terminal.ledger import Ledger
from terminal.sync import SyncServer
from tests.companion import sealed
from tests.journal.nor import Nor

# An answer is there at once or never.
TIMEOUT = 0.0
_NEVER = 1 << 62


class Terminal:
    """``written`` is what it has ever stored durably: number -> payload."""

    def __init__(
        self,
        seed: int,
        sectors: int = 8,
        device_id: str = "pz-test-1",
        terminal_no: str = sealed.TERMINAL,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config = sealed.config(device_id, terminal_no)
        self.device_id = str(self.config["device_id"])
        self.rng = random.Random(seed)
        self.nor = Nor(sectors)
        self.written: dict[int, bytes] = {}
        self._owns_loop = loop is None
        self.loop = loop or asyncio.new_event_loop()
        self.ledger: Ledger
        self.server: SyncServer
        self._stan = 0
        self._port: _End | None = None
        Journal(self.nor).format()
        self.restart()

    def restart(self) -> None:
        """Power on: mount the flash as it is; whoever was connected is not any more."""
        if self._port is not None:
            self._port.end()
        journal = Journal(self.nor)
        journal.mount()
        key = self.config["seal_key"]
        assert isinstance(key, bytes)
        self.ledger = Ledger(journal, key, self.device_id)
        self.server = SyncServer(
            self.config,
            self.ledger,
            lambda data: False,
            lambda: None,
            "0.2.0",
            lambda: self.rng.randbytes(messages.NONCE_LENGTH),
        )
        self.server.silence_s = 3600
        self._port = _End(self, serial=True)

    def sell(self, count: int) -> int:
        """Store up to so many sales, as long as there is room; returns how many records."""
        before = len(self.written)
        for _ in range(count):
            while self.ledger.idle():
                pass
            if self.ledger.room() < 12:
                break
            self._stan = self._stan % 999999 + 1
            for rec in sale(self._stan, self.rng.randrange(1, 100000)):
                seq = self.ledger.append(rec)
                payload = self.ledger.read(seq)
                assert payload is not None
                self.written[seq] = payload
        return len(self.written) - before

    def plug(self, cut: int = _NEVER, serial: bool = True, unheard: int = 0) -> Line:
        """A new line to it: its serial port, or a TCP connection. It does not hear the first
        ``unheard`` writes."""
        assert self._port is not None
        end = self._port if serial else _End(self, serial=False)
        return Line(end, cut, serial, unheard)

    def close(self) -> None:
        """Power off."""
        assert self._port is not None
        self._port.end()
        if self._owns_loop:
            self.loop.close()


def sale(stan: int, amount: int) -> list[dict[str, Any]]:
    """The records of one approved sale."""
    of: dict[str, Any] = {"wall": 1_790_000_000 + stan, "stan": stan, "batch": 1}
    armed = {
        **of,
        "kind": record.ARMED,
        "txn": record.SALE,
        "amount_minor": amount,
        "displayed_minor": amount,
        "entry": "021",
        "pan": sealed.CARD,
        "token": b"tokentok",
        "card": bytes(16),
        "card_key": 1,
        "orig_batch": 0,
        "orig_stan": 0,
        "orig_date": "",
        "orig_rrn": "",
        "orig_auth": "",
        "chip": b"",
        "host": 0,
    }
    outcome = {
        **of,
        "kind": record.OUTCOME,
        "result": record.APPROVED,
        "code": "00",
        "rrn": f"{stan:012d}",
        "auth": "000001",
        "host_time": "0302091500",
        "amount_minor": amount,
    }
    return [armed, outcome, {**of, "kind": record.RECEIPT, "copy": 1}]


class _End:
    """The terminal's reader and writer of one stream, with the server at work on it."""

    def __init__(self, terminal: Terminal, serial: bool) -> None:
        self.sent = bytearray()
        self.ended = False
        self._loop = terminal.loop
        self._inbox = bytearray()
        self._fed = asyncio.Event()
        self._hungry = asyncio.Event()
        self._task = self._loop.create_task(terminal.server.serve_stream(self, self, serial))
        self._task.add_done_callback(lambda _: self._hungry.set())

    def feed(self, data: bytes) -> None:
        """Give it these bytes and let it work until it wants more."""
        self._inbox += data
        self._run()

    def end(self) -> None:
        """The peer is gone, and the stream says so."""
        self.ended = True
        self._run()

    def _run(self) -> None:
        self._hungry.clear()
        self._fed.set()
        self._loop.run_until_complete(self._hungry.wait())
        if self._task.done():
            self.ended = True
            self._task.result()

    async def read(self, limit: int) -> bytes:
        while not self._inbox:
            if self.ended:
                return b""
            self._fed.clear()
            self._hungry.set()
            await self._fed.wait()
        data = bytes(self._inbox[:limit])
        del self._inbox[:limit]
        return data

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        pass


class Line:
    """The companion's side; nothing gets through any more after ``cut`` bytes, both ways counted.

    A TCP connection then ends on both sides; on a serial line nobody sees it.
    """

    name = "line"
    peer = ""

    def __init__(self, end: _End, cut: int, serial: bool, unheard: int) -> None:
        self.carried = 0
        self.unheard = unheard
        self._end = end
        self._cut = cut
        self._serial = serial
        end.sent.clear()

    @property
    def broken(self) -> bool:
        return self.carried >= self._cut

    def _through(self, data: bytes) -> bytes:
        data = data[: max(0, self._cut - self.carried)]
        self.carried += len(data)
        return data

    def read(self, timeout: float) -> bytes:
        data = self._through(bytes(self._end.sent))
        self._end.sent.clear()
        if not data and not self._serial and (self.broken or self._end.ended):
            self.close()
            raise LinkError(f"{self.name}: the connection broke")
        return data

    def write(self, data: bytes) -> None:
        if self._end.ended:
            raise LinkError(f"{self.name}: the connection broke")
        if self.unheard:
            self.unheard -= 1
        else:
            self._end.feed(self._through(data))

    def discard_input(self) -> None:
        self._end.sent.clear()

    def reopen(self) -> None:
        raise LinkError(f"{self.name}: the connection broke")

    def set_baud(self, rate: int) -> None:
        raise AssertionError("this port has one rate")

    def close(self) -> None:
        if not self._serial and not self._end.ended:
            self._end.end()
