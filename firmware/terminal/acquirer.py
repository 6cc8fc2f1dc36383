"""The line to the acquirer: one TCP connection for each online step.

Each connection has a number, and what it brings goes to ``post`` as engine events. A connection
that timed out may linger, so that a late answer is seen; the engine decides what it means.
"""

import asyncio
import errno
import select

from protocol.iso8583 import wire

# The longest message of the dialect; a length prefix above it ends the connection.
MAX_MESSAGE = 1024
# One request, one answer, and a few repeats of it: a host that says more is hung up on.
_MAX_ANSWERS = 4
_CONNECT_MS = 5000


class AcquirerLine:
    """Connections by number. ``post(event)`` queues an engine event."""

    def __init__(self, config: dict, linger_ms: int, post) -> None:
        self._config = config
        self._linger_ms = linger_ms
        self._post = post
        self._streams: dict = {}
        self._tasks: dict = {}
        self._lingering = 0
        self.answers = 0  # messages that came from a host, since the start
        self.trouble = ""  # why the newest connection failed, until a host answers

    def connect(self, link: int, host: int) -> None:
        """Start connecting to the primary (0) or the backup; ``connected`` or ``connect_failed``
        follows."""
        names = ("backup_host", "backup_port") if host else ("host", "port")
        address = [self._config[name] for name in names]
        self._tasks[link] = asyncio.create_task(self._run(link, *address))

    def send(self, link: int, data: bytes) -> None:
        """Hand one framed message to the connection; a broken one shows as ``closed``."""
        asyncio.create_task(self._send(link, data))

    async def _send(self, link: int, data: bytes) -> None:
        stream = self._streams.get(link)
        if stream is None:
            return
        try:
            stream.write(data)
            await stream.drain()
        except OSError as error:
            self._post(("closed", link, "write: %s" % error))

    def linger(self, link: int) -> None:
        """Keep listening for a late answer for a while; only the newest such line is kept."""
        if self._lingering and self._lingering != link:
            self.hang_up(self._lingering)
        self._lingering = link
        asyncio.create_task(self._end_linger(link))

    async def _end_linger(self, link: int) -> None:
        await asyncio.sleep_ms(self._linger_ms)
        self.hang_up(link)

    def hang_up(self, link: int) -> None:
        """Close a connection; harmless when it is gone."""
        task = self._tasks.pop(link, None)
        stream = self._streams.pop(link, None)
        if self._lingering == link:
            self._lingering = 0
        if stream:
            # MicroPython's close() does nothing by itself: the socket goes with wait_closed().
            asyncio.create_task(stream.wait_closed())
        if task and task is not asyncio.current_task():
            task.cancel()

    async def _run(self, link: int, host: str, port: int) -> None:
        try:
            opening = asyncio.open_connection(host, port)
            # On MicroPython reader and writer are one stream.
            pair: tuple = await asyncio.wait_for_ms(opening, _CONNECT_MS)
            stream = pair[0]
            _refuse_broken(stream.s)
        except Exception as error:
            # A MemoryError too: the engine waits for one event or the other.
            self._tasks.pop(link, None)
            self.trouble = "connect: %s" % _say(error)
            self._post(("connect_failed", link, self.trouble))
            return
        self._streams[link] = stream
        self._post(("connected", link))
        try:
            why = await self._receive(link, stream)
        except Exception as error:
            why = "read: %s" % error
        self._post(("closed", link, why))

    async def _receive(self, link: int, reader) -> str:
        """Post what comes, until the end; returns why it ended."""
        unwrapper = wire.Unwrapper(MAX_MESSAGE)
        answers = 0
        while True:
            data = await reader.read(256)
            if not data:
                return "closed by the host"
            for message in unwrapper.feed(data):
                answers += 1
                self.answers += 1
                self.trouble = ""
                if answers > _MAX_ANSWERS:
                    return "the host does not stop talking"
                self._post(("received", link, message))


def _refuse_broken(sock) -> None:
    """MicroPython's open_connection also returns when the connection was refused: without this
    look a sale would be armed and reversed on a line that never was. Raises OSError."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    for row in poll.poll(0):
        if row[1] & (select.POLLERR | select.POLLHUP):
            sock.close()
            raise OSError(errno.ECONNREFUSED)


def _say(error) -> str:
    return str(error) or "no answer"
