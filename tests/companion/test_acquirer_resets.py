"""The connection is reset at every byte of every message, in both directions.

A real host on a real socket, the terminal's own codec on the other end. A request that did not
arrive whole moves nothing; one that did is booked once, however little of its answer got back;
and what the terminal sends next (a reversal, the same message again) squares the books.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from companion.acquirer import faults
from companion.acquirer.dialects import ISO8583_1987, UNIONPAY_POS
from companion.acquirer.faults import Fault, FaultScript
from companion.acquirer.records import BALANCED, ENDED, UNBALANCED
from companion.acquirer.terminals import TEST_TERMINAL
from companion.acquirer.wire import Message
from protocol.iso8583 import codec, messages, settlement, wire
from protocol.iso8583.keys import unwrap_key_block
from tests.companion.acquirer_client import DAY, PAN, PATIENCE_S, TRACK2, RunningHost
from tests.companion.terminal_codec import SALE, TPDU, WHO, load_profile

AMOUNT = 700


class NextFault(FaultScript):
    """Strikes the next request of an MTI, once."""

    def __init__(self) -> None:
        super().__init__()
        self.armed: Fault | None = None

    def take(self, request: Message) -> Fault | None:
        fault, self.armed = self.armed, None
        return fault


@dataclass(frozen=True)
class Sent:
    """A request as it goes out, with what its answer is compared with."""

    mti: str
    fields: dict[int, str | bytes]
    frame: bytes


class Terminal:
    """Requests by the terminal's codec, each on a connection of its own."""

    def __init__(self, host: RunningHost, script: NextFault, dialect: str) -> None:
        self.host = host
        self.script = script
        self.profile = load_profile(dialect)
        self.reason = self.profile.reasons["no_response"]
        self.stan = 0
        self.key: bytes | None = None
        self.batch = "000000"

    async def sign_in(self) -> None:
        self.key = None
        signed = await self.answered(self.build("sign_in", batch=0))
        lengths = self.profile.mac_key_lengths
        self.key = unwrap_key_block(TEST_TERMINAL.tmk, signed.blob(62), lengths)[1]
        self.batch = messages.split(self.profile, 60, signed.text(60))["batch"]

    def build(self, name: str, **values: object) -> Sent:
        if "stan" not in values:
            self.stan += 1
        known = {"stan": self.stan, "batch": self.batch, **WHO, **values}
        mti, fields = messages.build(self.profile, name, known)
        return Sent(
            mti, fields, wire.wrap(codec.encode(self.profile, mti, fields, TPDU, self.key))
        )

    def sale(self) -> Sent:
        return self.build("sale", **{**SALE, "amount_minor": AMOUNT, "track2": TRACK2})

    def reversal(self) -> Sent:
        """Of the newest sale."""
        values = {**SALE, "amount_minor": AMOUNT, "of": "sale", "reason": self.reason}
        return self.build("reversal", **{**values, "stan": self.stan})

    def settlement(self) -> Sent:
        return self.build("settlement", totals=settlement.totals(AMOUNT, 1, 0, 0))

    async def put(self, sent: Sent, do: str = "", after: int = 0) -> bytes:
        """Send; what comes back until the line breaks or a whole answer is there."""
        self.script.armed = Fault(1, do, bytes=after) if do else None
        with await self._connected() as line:
            loop, back = asyncio.get_running_loop(), b""
            await loop.sock_sendall(line, sent.frame)
            while do or not self._whole(back):
                try:
                    data = await asyncio.wait_for(loop.sock_recv(line, 4096), PATIENCE_S)
                except ConnectionResetError:
                    break
                assert data, "the host closed the connection in good order"
                back += data
        return back

    async def cut(self, sent: Sent, after: int) -> None:
        """Send so many bytes and reset the connection; returns when the host has noticed."""
        lost = sum(event["event"] == "connection_lost" for event in self.host.events)
        with await self._connected() as line:
            await asyncio.get_running_loop().sock_sendall(line, sent.frame[:after])
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        while sum(event["event"] == "connection_lost" for event in self.host.events) == lost:
            await self.host.news()

    async def answered(self, sent: Sent) -> codec.Message:
        """The whole, authentic answer to a request that nothing happens to."""
        answer = self.read(sent, await self.put(sent))
        assert answer is not None
        return answer

    def read(self, sent: Sent, back: bytes) -> codec.Message | None:
        """The answer in what came back, None when it is not whole."""
        if not self._whole(back):
            return None
        answer = codec.decode(self.profile, back[2:])
        assert messages.match(self.profile, sent.fields, sent.mti, answer) is None
        approved = answer.text(39) == "00" and self.key is not None
        assert not approved or codec.verify_mac(self.profile, answer, self.key or b"")
        return answer

    def _whole(self, back: bytes) -> bool:
        return len(wire.Unwrapper(self.profile.max_message).feed(back)) == 1

    async def _connected(self) -> socket.socket:
        line = socket.socket()
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self.host.port))
        return line

    def status(self) -> str:
        """The ledger's word on the newest sale."""
        rows = [row for row in self.host.ledger.transactions() if row.batch == self.batch]
        return {row.stan: row.status for row in rows}.get(f"{self.stan:06d}", "absent")


Scene = Callable[[Terminal], Awaitable[int]]


def play(dialect: str, path: Path, scene: Scene) -> None:
    """``scene`` returns how many sales stand at its end."""

    async def run() -> None:
        script = NextFault()
        async with RunningHost(path / "host.sqlite", script, dialect=dialect) as host:
            terminal = Terminal(host, script, dialect)
            await terminal.sign_in()
            standing = await scene(terminal)
            totals = host.ledger.totals(DAY)
            assert totals.captured_count == standing
            assert totals.customer_debit_minor == standing * AMOUNT
            assert totals.merchant_credit_minor == standing * AMOUNT
            assert host.ledger.unbalanced() == []

    asyncio.run(run())


async def _sign_in(terminal: Terminal) -> int:
    def sign_in() -> Sent:
        terminal.key, key = None, terminal.key  # it carries no MAC
        request = terminal.build("sign_in", batch=0)
        terminal.key = key
        return request

    async def keys_are(good: bool) -> None:
        code = (await terminal.answered(terminal.sale())).text(39)
        assert code == ("00" if good else {UNIONPAY_POS: "A0"}.get(terminal.profile.name, "63"))

    request = sign_in()
    length = len(request.frame)
    for after in range(length):
        assert await terminal.put(request, faults.RESET_REQUEST, after) == b""
        await terminal.cut(request, after)
        await keys_are(good=True)
    assert await terminal.put(request, faults.RESET_REQUEST, length) == b""
    await keys_are(good=False)
    whole = len(await terminal.put(request))
    for after in range(whole):
        await terminal.sign_in()
        back = await terminal.put(sign_in(), faults.RESET_ANSWER, after)
        assert len(back) == after
        await keys_are(good=False)
    await terminal.sign_in()
    await keys_are(good=True)
    return length + 1


async def _sale(terminal: Terminal) -> int:
    length = len(terminal.sale().frame)
    for after in range(length + 1):
        assert await terminal.put(terminal.sale(), faults.RESET_REQUEST, after) == b""
        arrived = after == length
        assert terminal.status() == ("APPROVED" if arrived else "absent")
        undone = await terminal.answered(terminal.reversal())
        assert undone.text(39) == ("00" if arrived else "25")
        assert terminal.status() == ("REVERSED" if arrived else "absent")
    for after in range(length):
        await terminal.cut(terminal.sale(), after)
        assert terminal.status() == "absent"
    length = len(await terminal.put(terminal.sale()))
    for after in range(length + 1):
        sale = terminal.sale()
        back = await terminal.put(sale, faults.RESET_ANSWER, after)
        assert (len(back), terminal.status()) == (after, "APPROVED")
        assert (terminal.read(sale, back) is not None) == (after == length)
        if after < length:
            assert (await terminal.answered(terminal.reversal())).text(39) == "00"
            assert terminal.status() == "REVERSED"
    return 2


async def _reversal(terminal: Terminal) -> int:
    await terminal.answered(terminal.sale())
    request = terminal.reversal()
    length = len(request.frame)
    for after in range(length):
        assert await terminal.put(request, faults.RESET_REQUEST, after) == b""
        assert terminal.status() == "APPROVED"
        await terminal.cut(request, after)
        assert terminal.status() == "APPROVED"
    assert await terminal.put(request, faults.RESET_REQUEST, length) == b""
    length = len(await terminal.put(request))
    for after in range(length + 1):
        await terminal.answered(terminal.sale())
        request = terminal.reversal()
        back = await terminal.put(request, faults.RESET_ANSWER, after)
        assert (len(back), terminal.status()) == (after, "REVERSED")
        assert (terminal.read(request, back) is not None) == (after == length)
        assert (await terminal.answered(request)).text(39) == "00"
        assert terminal.status() == "REVERSED"
    return 0


async def _settlement(terminal: Terminal) -> int:
    def settled() -> str:
        batch = terminal.host.ledger.batch(TEST_TERMINAL.terminal_no, terminal.batch)
        return batch.state if batch else "open"

    async def again(request: Sent) -> None:
        """The frozen totals once more, then the next batch."""
        answer = await terminal.answered(request)
        assert answer.text(39) == "00"
        assert settlement.reply(answer.text(48)) == settlement.BALANCED
        assert settled() == BALANCED
        await terminal.sign_in()

    await terminal.answered(terminal.sale())
    request = terminal.settlement()
    length = len(request.frame)
    for after in range(length):
        assert await terminal.put(request, faults.RESET_REQUEST, after) == b""
        assert settled() == "open"
        await terminal.cut(request, after)
        assert settled() == "open"
    assert await terminal.put(request, faults.RESET_REQUEST, length) == b""
    assert settled() == BALANCED
    await again(request)
    await terminal.answered(terminal.sale())
    request = terminal.settlement()
    length = len(await terminal.put(request))
    await again(request)
    for after in range(length + 1):
        await terminal.answered(terminal.sale())
        request = terminal.settlement()
        back = await terminal.put(request, faults.RESET_ANSWER, after)
        assert (len(back), settled()) == (after, BALANCED)
        assert (terminal.read(request, back) is not None) == (after == length)
        await again(request)
    return length + 3


async def _upload(terminal: Terminal) -> int:
    def stored() -> tuple[str, int]:
        who = TEST_TERMINAL.terminal_no, terminal.batch
        batch, details = terminal.host.ledger.batch(*who), terminal.host.ledger.details(*who)
        return batch.state if batch else "open", len(details)

    await terminal.answered(terminal.sale())
    await terminal.answered(terminal.build("settlement", totals=settlement.totals(1, 1, 0, 0)))
    masked = f"{PAN[:6]}******{PAN[-4:]}"
    details = settlement.details([(0, terminal.stan - 1, masked, AMOUNT)])
    for name, totals, before, behind in (
        ("batch_upload", details, (UNBALANCED, 0), (UNBALANCED, 1)),
        ("batch_end", settlement.end_count(1), (UNBALANCED, 1), (ENDED, 1)),
    ):
        request = terminal.build(name, totals=totals)
        for after in range(len(request.frame)):
            assert await terminal.put(request, faults.RESET_REQUEST, after) == b""
            await terminal.cut(request, after)
            assert stored() == before
        assert await terminal.put(request, faults.RESET_REQUEST, len(request.frame)) == b""
        assert stored() == behind
        for after in range(len(await terminal.put(request)) + 1):
            back = await terminal.put(request, faults.RESET_ANSWER, after)
            assert (len(back), stored()) == (after, behind)
        assert (await terminal.answered(request)).text(39) == "00"
    return 1


SCENES: dict[str, Scene] = {
    "sign-in": _sign_in,
    "sale": _sale,
    "reversal": _reversal,
    "settlement": _settlement,
    "upload": _upload,
}


@pytest.mark.parametrize("dialect", [UNIONPAY_POS, ISO8583_1987])
@pytest.mark.parametrize("name", SCENES)
def test_a_reset_at_any_byte_leaves_books_that_the_next_message_squares(
    name: str, dialect: str, tmp_path: Path
) -> None:
    play(dialect, tmp_path, SCENES[name])
