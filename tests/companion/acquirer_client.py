"""A terminal for the host's tests: packs its bytes by hand, with no ISO 8583 codec."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from companion.acquirer import dialects, keys, wire
from companion.acquirer.clock import HostClock, scripted
from companion.acquirer.desk import Desk
from companion.acquirer.events import Event
from companion.acquirer.faults import FaultScript, parse
from companion.acquirer.inprocess import InProcessHost, Sending
from companion.acquirer.ledger import Ledger
from companion.acquirer.server import HostServer, Limits
from companion.acquirer.terminals import TEST_TERMINAL, Terminal

PAN = "6222001234560005"
MASKED = "622200******0005"
TRACK2 = PAN + "D30122010000012300000"
PREFIX = bytes.fromhex("6000010000603100310000")
DAY = "2026-03-02"
START = "2026-03-02T09:00:00+08:00"
PATIENCE_S = 60.0

# MTI, F3, F25, F60.1 of each transaction, from the dialect's table.
SHAPES = {
    "sale": ("0200", "000000", "00", "22"),
    "void": ("0200", "200000", "00", "23"),
    "refund": ("0220", "200000", "00", "25"),
    "preauth": ("0100", "030000", "06", "10"),
    "preauth_cancel": ("0100", "200000", "06", "11"),
    "completion": ("0200", "000000", "06", "20"),
    "completion_void": ("0200", "200000", "06", "21"),
    "completion_notice": ("0220", "", "06", "24"),
    "balance": ("0200", "310000", "00", "01"),
}

Fields = dict[int, bytes]


def bcd(digits: str) -> bytes:
    """Packed BCD, right-padded with a 0 digit."""
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def ll(digits: str) -> bytes:
    return bytes.fromhex(f"{len(digits):02d}") + bcd(digits)


def lll(digits: str) -> bytes:
    return bytes.fromhex(f"{len(digits):04d}") + bcd(digits)


def pack(mti: str, fields: Fields, mac_key: bytes | None = None) -> bytes:
    """TPDU, header, MTI, bitmap, fields; with a key, field 64 over MTI to the last field."""
    bits = sum(1 << (64 - number) for number in fields) | (mac_key is not None)
    body = bcd(mti) + bits.to_bytes(8, "big") + b"".join(fields[key] for key in sorted(fields))
    return PREFIX + body + (keys.cup_ecb(mac_key, body) if mac_key is not None else b"")


@dataclass
class Till:
    """One terminal's side: identity, batch and keys, and how its requests look."""

    terminal: Terminal = TEST_TERMINAL
    batch: str = "000000"
    mac_key: bytes = bytes(8)
    stan: int = 0
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def common(self, stan: str, f60: str) -> Fields:
        return {
            11: bcd(stan),
            41: self.terminal.terminal_no.encode(),
            42: self.terminal.merchant_no.encode(),
            60: lll(f60),
        }

    def sign_in_request(self) -> bytes:
        self.stan += 1
        fields = self.common(f"{self.stan:06d}", f"00{self.batch}003")
        return pack("0800", fields | {63: bytes.fromhex("0003") + b"001"})

    def sale_fields(self, amount_minor: int, stan: int | None = None) -> Fields:
        if stan is None:
            self.stan += 1
            stan = self.stan
        return self.common(f"{stan:06d}", f"22{self.batch}000") | {
            2: ll(PAN),
            3: bcd("000000"),
            4: bcd(f"{amount_minor:012d}"),
            14: bcd("3012"),
            22: bytes.fromhex("0210"),
            25: bcd("00"),
            35: ll(TRACK2),
            49: b"156",
        }

    def sale_request(self, amount_minor: int, stan: int | None = None) -> bytes:
        return pack("0200", self.sale_fields(amount_minor, stan), self.mac_key)

    def reversal_fields(
        self, amount_minor: int, stan: int, batch: str | None = None, reason: bytes = b"98"
    ) -> Fields:
        batch = batch or self.batch
        fields = self.sale_fields(amount_minor, stan)
        del fields[35]
        return fields | {
            39: reason,
            60: lll(f"22{batch}000"),
            61: lll(f"{batch}{stan:06d}"),
        }

    def reversal_request(
        self, amount_minor: int, stan: int, batch: str | None = None, reason: bytes = b"98"
    ) -> bytes:
        fields = self.reversal_fields(amount_minor, stan, batch, reason)
        return pack("0400", fields, self.mac_key)

    def shaped_fields(
        self,
        name: str,
        amount_minor: int | None,
        stan: int | None = None,
        /,
        *,
        original: str = "",
        rrn: str = "",
        auth: str = "",
        pan: str = PAN,
    ) -> Fields:
        """The fields of any transaction; ``original`` is F61."""
        _, processing, condition, message_type = SHAPES[name]
        fields = self.sale_fields(amount_minor or 0, stan)
        del fields[35]
        changes: Fields = {
            2: ll(pan),
            3: bcd(processing),
            25: bcd(condition),
            37: rrn.encode(),
            38: auth.encode(),
            60: lll(f"{message_type}{self.batch}000"),
            61: lll(original) if original else b"",
        }
        fields |= changes
        if amount_minor is None:
            del fields[4]
        return {number: value for number, value in fields.items() if value}

    def request(
        self, name: str, amount_minor: int | None, stan: int | None = None, /, **more: str
    ) -> bytes:
        fields = self.shaped_fields(name, amount_minor, stan, **more)
        return pack(SHAPES[name][0], fields, self.mac_key)

    def undo(self, name: str, amount_minor: int, stan: int, mti: str = "0400") -> bytes:
        """A reversal of any transaction, for no answer."""
        fields = self.shaped_fields(name, amount_minor, stan)
        named = {39: b"98", 61: lll(f"{self.batch}{stan:06d}")}
        return pack(mti, fields | named, self.mac_key)

    def settlement_request(self, f48: str, stan: int | None = None) -> bytes:
        return self.closing("0500", "201", f48, stan)

    def closing(self, mti: str, code: str, f48: str, stan: int | None = None) -> bytes:
        """0500 or 0320: totals, details, or the end of them."""
        if stan is None:
            self.stan += 1
            stan = self.stan
        fields = self.common(f"{stan:06d}", f"00{self.batch}{code}")
        return pack(mti, fields | {48: lll(f48), 49: b"156"}, self.mac_key)

    def signed_in(self, answer: wire.Message) -> None:
        """Take batch and keys from the answer to a sign-in."""
        self.batch = answer.batch
        self.mac_key = keys.unwrap(self.terminal.tmk, bytes.fromhex(answer.get(62))).mac

    async def open(self, port: int) -> None:
        await self.close()
        self.connection = await asyncio.open_connection("127.0.0.1", port)

    async def close(self) -> None:
        if self.connection is not None:
            self.connection[1].close()
            with suppress(ConnectionError):
                await self.connection[1].wait_closed()
            self.connection = None

    def send(self, message: bytes) -> None:
        assert self.connection is not None
        self.connection[1].write(wire.frame(message))

    async def receive(self) -> wire.Message | None:
        """The next answer, decoded; None when the host closed the connection."""
        assert self.connection is not None
        reader = self.connection[0]
        try:
            length = await asyncio.wait_for(reader.readexactly(2), PATIENCE_S)
            data = await asyncio.wait_for(
                reader.readexactly(int.from_bytes(length, "big")), PATIENCE_S
            )
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return wire.decode(data)

    async def ask(self, message: bytes) -> wire.Message | None:
        self.send(message)
        return await self.receive()

    async def code(self, message: bytes) -> str:
        answer = await self.ask(message)
        return answer.get(39) if answer is not None else "closed"

    async def sign_in(self) -> wire.Message:
        answer = await self.ask(self.sign_in_request())
        assert answer is not None
        assert answer.get(39) == "00"
        self.signed_in(answer)
        return answer

    def verifies(self, answer: wire.Message) -> bool:
        return keys.cup_ecb(self.mac_key, answer.mac_data) == bytes.fromhex(answer.get(64))


class Counter(Till):
    """A till at a host in the same process, in virtual time, signed in."""

    def __init__(self, script: str = "", host: InProcessHost | None = None) -> None:
        super().__init__()
        self.host = host or InProcessHost(random.Random(1), script=parse(script))
        self.signed_in(self.put(self.sign_in_request()))

    def put(self, message: bytes) -> wire.Message:
        """The one answer that comes at once."""
        (due,) = self.host.receive(message)
        assert isinstance(due, Sending)
        return wire.decode(due.data[2:])

    def f39(self, message: bytes) -> str:
        return self.put(message).get(39)

    def booked(self, stan: int | None = None) -> str:
        """The ledger's status of a STAN, the last one if none is given."""
        wanted = f"{self.stan if stan is None else stan:06d}"
        found = [row.status for row in self.host.ledger.transactions() if row.stan == wanted]
        return found[-1] if found else "absent"

    def moved(self, day: str = DAY) -> int:
        """What the customers paid on a day, after checking that the books balance."""
        totals = self.host.ledger.totals(day)
        assert self.host.ledger.unbalanced() == []
        assert totals.customer_debit_minor == totals.merchant_credit_minor
        return totals.customer_debit_minor


def f48(debit_minor: int, debits: int, credit_minor: int = 0, credits: int = 0) -> str:
    """F48 of a settlement request."""
    domestic = f"{debit_minor:012d}{debits:03d}{credit_minor:012d}{credits:03d}0"
    return domestic + "0" * 31


@dataclass
class RunningHost:
    """A real host on loopback with a real ledger file, in the test's event loop."""

    path: Path
    script: str | FaultScript = ""
    clock: HostClock = field(default_factory=lambda: scripted(START))
    terminals: tuple[Terminal, ...] = (TEST_TERMINAL,)
    limits: Limits = field(default_factory=Limits)
    dialect: str = dialects.UNIONPAY_POS
    busy_s: float = 5.0
    events: list[Event] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> RunningHost:
        self.ledger = Ledger(self.path, busy_s=self.busy_s)
        known = {terminal.terminal_no: terminal for terminal in self.terminals}
        faults = parse(self.script) if isinstance(self.script, str) else self.script
        self._changed = asyncio.Event()
        self._tills: list[Till] = []
        dialect, policy = dialects.make(self.dialect)
        desk = Desk(self.ledger, known, self.clock, policy, dialect=dialect)
        self._server = HostServer(desk, faults, self._heard, self.limits)
        self.port = await self._server.start("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        for till in self._tills:
            await till.close()
        await self._server.stop()
        self.ledger.close()

    def _heard(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    async def till(self, terminal: Terminal = TEST_TERMINAL, *, sign_in: bool = True) -> Till:
        till = Till(terminal)
        self._tills.append(till)
        await till.open(self.port)
        if sign_in:
            await till.sign_in()
        return till

    async def until(self, event: str, **values: object) -> Event:
        """The first event of that name with those values, waited for if it is still to come."""
        while True:
            for heard in self.events:
                if heard["event"] == event and values.items() <= heard.items():
                    return heard
            await self.news()

    async def news(self) -> None:
        """Wait for the next event."""
        self._changed.clear()
        await asyncio.wait_for(self._changed.wait(), PATIENCE_S)

    def status(self, till: Till, stan: int, batch: str | None = None) -> str:
        wanted = (till.terminal.terminal_no, batch or till.batch, f"{stan:06d}")
        for row in self.ledger.transactions():
            if (row.terminal_no, row.batch, row.stan) == wanted:
                return row.status
        return "absent"


class HostProcess:
    """`companion host` as a process of its own."""

    def __init__(self, ledger: Path, *more: str) -> None:
        command = [sys.executable, "-c", "from companion.cli.host import host; host()"]
        options = ["--listen", "127.0.0.1:0", "--ledger", str(ledger), "--json", *more]
        self.process = subprocess.Popen(
            command + options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.output: list[str] = []
        self._lines: Queue[str | None] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = int(self.until("listening")["port"])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def until(self, event: str) -> dict[str, Any]:
        while True:
            line = self._lines.get(timeout=PATIENCE_S)
            if line is None:
                raise AssertionError(f"the host ended before it said {event}: {self.output}")
            self.output.append(line)
            heard: dict[str, Any] = json.loads(line)
            if heard["event"] == event:
                return heard

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def terminate(self) -> tuple[int, str]:
        """SIGTERM; the exit code and everything on standard error."""
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()


@contextmanager
def host_process(ledger: Path, *more: str) -> Iterator[HostProcess]:
    host = HostProcess(ledger, *more)
    try:
        yield host
    finally:
        if host.process.poll() is None:
            host.kill()
        for stream in (host.process.stdout, host.process.stderr):
            if stream is not None:
                stream.close()
