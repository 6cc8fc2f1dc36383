"""The TCP side of the host: frames in, what the front says is due out.

``Desk.handle`` returns only after its commit and runs without a pause in between, so no answer
can leave before what it says is durable. Whatever a peer sends, the host stays up: a message
that can't be answered costs one line and its connection, no more.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from dataclasses import dataclass

from companion.acquirer import wire
from companion.acquirer.desk import Desk
from companion.acquirer.events import Event, Listener
from companion.acquirer.faults import FaultScript
from companion.acquirer.front import Due, Front, Sending
from companion.acquirer.wire import MessageError


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
        self._front = Front(desk, script, tell)
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
            while (data := await self._read(reader)) is not None and not writer.is_closing():
                self._carry_out(self._front.receive(data, writer))
                if not writer.is_closing():
                    await asyncio.wait_for(writer.drain(), self._limits.message_s)
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

    def _carry_out(self, due: list[Due]) -> None:
        """In order, each at its time; what is due at once has been written when this returns."""
        for item in due:
            if item.delay_ms:
                self._spawn(self._later(item))
            elif isinstance(item, Sending):
                self._write(item)

    async def _later(self, item: Due) -> None:
        await asyncio.sleep(item.delay_ms / 1000)
        if isinstance(item, Sending):
            self._write(item)
        else:
            self._carry_out(self._front.arrive(item))

    def _write(self, sending: Sending) -> None:
        writer: asyncio.StreamWriter = sending.line
        if writer.is_closing():
            self._front.lost(sending)
            return
        writer.write(sending.data)
        self._front.sent(sending)
        if sending.reset:
            _reset(writer)
        elif sending.close:
            writer.close()

    def _lost(self, error: str) -> None:
        event: Event = {"event": "connection_lost", "error": error}
        self._tell(event)


async def _rest(reader: asyncio.StreamReader, first: bytes) -> bytes | None:
    if not first:
        return None
    length = wire.read_length(first + await reader.readexactly(wire.LENGTH_BYTES - 1))
    return await reader.readexactly(length)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a TCP reset instead of an orderly end."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
