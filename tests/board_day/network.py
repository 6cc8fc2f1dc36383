"""The line between terminal and host, with faults: refuses, or breaks off at any byte.

A proxy on the loopback. A fault is for the next connection alone, but for ``refused``, which
lasts until it is mended.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from boards.virtual.service import Service

_RESET = struct.pack("ii", 1, 0)


class Network:
    """Listens on ``port`` and carries bytes to ``host_port`` and back."""

    def __init__(self, host_port: int) -> None:
        self._host_port = host_port
        self._service = Service("network")
        self._server: asyncio.Server | None = None
        self._fault = ("", 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self.struck = 0
        self.port = self._service.run(self._listen(0))

    def trouble(self, what: str, after_bytes: int) -> None:
        """``refused``; or ``cut_up``, ``cut_down``: the next connection is reset when so many
        bytes have gone to the host, or have come back from it."""
        if what == "refused":
            self.struck += 1
            self._service.run(self._close())
        else:
            self._service.call(self._arm, what, after_bytes)

    def mend(self) -> None:
        """Connections are taken again; a fault that did not strike is forgotten."""
        self._service.call(self._arm, "", 0)
        if self._server is None:
            self._service.run(self._listen(self.port))

    def close(self) -> None:
        self._service.run(self._close())
        self._service.close()

    def _arm(self, what: str, after_bytes: int) -> None:
        self._fault = (what, after_bytes)

    async def _listen(self, port: int) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        (what, after), self._fault = self._fault, ("", 0)
        self.struck += bool(what)
        # A task that ends as cancelled would be complained about by the streams it serves.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far, to_far = await asyncio.open_connection("127.0.0.1", self._host_port)
            up = self._carry(near, to_far, after if what == "cut_up" else None)
            down = self._carry(far, to_near, after if what == "cut_down" else None)
            carrying = [asyncio.ensure_future(up), asyncio.ensure_future(down)]
            await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
            broken = any(task.done() and task.result() for task in carrying)
            for task in carrying:
                task.cancel()
            for writer in (to_near, to_far):
                if broken:
                    line: socket.socket = writer.get_extra_info("socket")
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.close()
        to_near.close()

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, most: int | None
    ) -> bool:
        """Until the end of the source; True when it broke after ``most`` bytes."""
        left = most
        with contextlib.suppress(OSError):
            while left is None or left > 0:
                data = await source.read(4096 if left is None else left)
                if not data:
                    return False
                sink.write(data)
                await sink.drain()
                left = None if left is None else left - len(data)
            return True
        return False
