"""The front panel on a TCP port of the loopback: JSON lines, several clients."""

import asyncio
import contextlib
import json
from collections.abc import Callable

from boards.virtual.cuts import PanelMessage
from boards.virtual.frontpanel import PanelError

MAX_LINE = 1024
_MAX_BACKLOG = 64 * 1024  # bytes; a client that reads slower than this is let go


def encode(message: PanelMessage) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


class PanelServer:
    """``take`` gets each event of a client and raises PanelError for one that cannot be.

    ``greeting`` gives the first message to a client; from then on it gets every output.
    """

    def __init__(
        self, take: Callable[[object], None], greeting: Callable[[], PanelMessage]
    ) -> None:
        self.port = 0
        self._take = take
        self._greeting = greeting
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self, port: int) -> None:
        """Port 0: any free one."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, limit=MAX_LINE, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def broadcast(self, message: PanelMessage) -> None:
        line = encode(message)
        for writer in tuple(self._writers):
            if writer.transport.get_write_buffer_size() > _MAX_BACKLOG:
                writer.transport.abort()
            else:
                writer.write(line)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            writer.write(encode(self._greeting()))
            await self._read_events(reader, writer)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _read_events(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(encode({"error": f"a line is longer than {MAX_LINE} bytes"}))
                return  # where the next line starts is unknown
            if not line:
                return
            try:
                self._take(_parse(line))
            except PanelError as error:
                writer.write(encode({"error": str(error)}))


def _parse(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise PanelError("a line is not JSON") from None
