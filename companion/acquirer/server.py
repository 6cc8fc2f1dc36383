"""The TCP side of the host: frames in, answers out, faults carried out.

``Desk.handle`` returns only after its commit and runs without a pause in between, so no answer
can leave before what it says is durable. Whatever a peer sends, the host stays up: a message
that can't be answered costs one line and its connection, no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass

from companion.acquirer import faults, rules, wire
from companion.acquirer.desk import Answer, Desk
from companion.acquirer.events import Event, Listener, about
from companion.acquirer.faults import Fault, FaultScript
from companion.acquirer.ledger import LedgerError
from companion.acquirer.wire import Message, MessageError


@dataclass(frozen=True)
class Limits:
    connections: int = 256
    idle_s: float = 300.0  # between messages
    message_s: float = 10.0  # from a message's first byte to its last, and for an answer


class HostServer:
    """One listening host."""

    def __init__(
        self, desk: Desk, script: FaultScript, tell: Listener, limits: Limits | None = None
    ) -> None:
        self._desk = desk
        self._script = script
        self._tell = tell
        self._limits = limits or Limits()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port (of interest when 0 was asked for). OSError if it can't."""
        self._server = await asyncio.start_server(self._accept, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, drop what is delayed, close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= self._limits.connections:
            self._tell({"event": "rejected", "error": "too many connections"})
            writer.close()
            return
        self._connections += 1
        self._spawn(self._serve(reader, writer))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (data := await self._read(reader)) is not None:
                await self._take(data, writer)
        except MessageError as error:
            self._tell({"event": "rejected", "error": str(error)})
        except asyncio.IncompleteReadError as error:
            self._lost(f"ended {len(error.partial)} bytes into a part of {error.expected}")
        except asyncio.TimeoutError:
            self._lost("timed out")
        except OSError as error:
            self._lost(error.strerror or type(error).__name__)
        finally:
            self._connections -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> bytes | None:
        """The next message without its length, None when the peer closed between messages."""
        first = await asyncio.wait_for(reader.read(1), self._limits.idle_s)
        return await asyncio.wait_for(_rest(reader, first), self._limits.message_s)

    async def _take(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            request = wire.decode(data)
        except MessageError as error:
            if error.partial is None or not rules.is_request(error.partial.mti):
                raise
            answer = self._desk.refuse_malformed(error.partial)
            self._tell({"event": "rejected", "error": str(error)})
            await self._send(error.partial, answer, writer)
            return
        if not rules.is_request(request.mti):
            raise MessageError(f"MTI {request.mti} is not a request")
        fault = self._script.take(request)
        self._tell(about("request", request))
        if fault is not None and fault.do == faults.DROP_REQUEST:
            self._strike(request, fault)
            self._tell(about("dropped", request, what="request"))
        elif fault is not None and fault.do == faults.DELAY_REQUEST:
            self._strike(request, fault)
            self._spawn(self._process_late(request, fault, writer))
        else:
            await self._process(request, fault, writer)

    async def _process_late(
        self, request: Message, fault: Fault, writer: asyncio.StreamWriter
    ) -> None:
        await asyncio.sleep(fault.ms / 1000)
        await self._process(request, fault, writer)

    async def _process(
        self, request: Message, fault: Fault | None, writer: asyncio.StreamWriter
    ) -> None:
        try:
            answer = self._desk.handle(request, fault)
        except LedgerError as error:
            # Nothing is booked, so nothing may be said: to the terminal the outcome is unknown.
            self._tell(about("ledger_failed", request, error=str(error)))
            writer.close()
            return
        if fault is not None and fault.do != faults.DELAY_REQUEST:
            self._strike(request, fault, f39=answer.f39)
        if fault is not None and fault.do == faults.HOLD_ANSWER:
            return
        if fault is not None and fault.do == faults.DROP_ANSWER:
            self._tell(about("dropped", request, what="answer", f39=answer.f39))
        elif fault is not None and fault.do == faults.DELAY_ANSWER:
            self._spawn(self._send_late(request, answer, fault, writer))
        else:
            await self._send(request, answer, writer)

    async def _send_late(
        self, request: Message, answer: Answer, fault: Fault, writer: asyncio.StreamWriter
    ) -> None:
        await asyncio.sleep(fault.ms / 1000)
        await self._send(request, answer, writer)

    async def _send(self, request: Message, answer: Answer, writer: asyncio.StreamWriter) -> None:
        try:
            if writer.is_closing():
                raise ConnectionResetError
            writer.write(wire.frame(answer.data))
            await asyncio.wait_for(writer.drain(), self._limits.message_s)
        except (ConnectionError, asyncio.TimeoutError):
            lost = "the connection was gone"
            self._tell(about("dropped", request, what="answer", f39=answer.f39, error=lost))
            writer.close()
            return
        event = about("answer", request, f39=answer.f39, rrn=answer.rrn)
        self._tell(event | {"mti": answer.mti, "batch": answer.batch})

    def _strike(self, request: Message, fault: Fault, **more: str) -> None:
        self._tell(about("fault", request, do=fault.do, line=fault.line, **more))

    def _lost(self, error: str) -> None:
        event: Event = {"event": "connection_lost", "error": error}
        self._tell(event)


async def _rest(reader: asyncio.StreamReader, first: bytes) -> bytes | None:
    if not first:
        return None
    length = wire.read_length(first + await reader.readexactly(wire.LENGTH_BYTES - 1))
    return await reader.readexactly(length)
