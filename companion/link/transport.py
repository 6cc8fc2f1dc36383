"""The two ways to a terminal: a serial port (or pty) and TCP."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
from typing import Protocol
from urllib.parse import urlsplit

import serial

from companion.errors import CompanionError

CONNECT_TIMEOUT = 5.0
WRITE_TIMEOUT = 5.0
BAUD = 115200


class LinkError(CompanionError):
    """Talking to a terminal failed; the message is one sentence for a person.

    ``code`` is an ERROR code of the protocol, LOST (no answer) or PORT (no way to the terminal).
    """

    def __init__(self, message: str, code: str = "PORT") -> None:
        super().__init__(message)
        self.code = code


class Transport(Protocol):
    """A byte stream to one terminal."""

    @property
    def name(self) -> str:
        """What the user called it."""

    def read(self, timeout: float) -> bytes:
        """What arrives within ``timeout`` seconds, b"" when nothing does; LinkError at the end."""

    def write(self, data: bytes) -> None:
        """Send all of the bytes; LinkError when they cannot be sent."""

    def discard_input(self) -> None:
        """Forget what has arrived and was not read."""

    def close(self) -> None:
        """Close the port; twice does no harm."""


class TcpTransport:
    """A TCP connection, open when constructed."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        try:
            self._socket = socket.create_connection((host, port), CONNECT_TIMEOUT)
        except ConnectionRefusedError:
            raise LinkError(f"{name}: nothing listens there (connection refused)") from None
        except TimeoutError:
            raise LinkError(f"{name}: no answer within {CONNECT_TIMEOUT:g} s") from None
        except socket.gaierror:
            raise LinkError(f"{name}: the host name {host} is unknown") from None
        except OSError as error:
            raise LinkError(f"{name}: {error.strerror or error}") from None
        self._socket.settimeout(WRITE_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout: float) -> bytes:
        try:
            if not select.select([self._socket], [], [], timeout)[0]:
                return b""
            data = self._socket.recv(65536)
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.name}: the connection broke ({error})") from None
        if not data:
            raise LinkError(f"{self.name}: the terminal closed the connection")
        return data

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkError(f"{self.name}: the connection broke ({error})") from None

    def discard_input(self) -> None:
        while select.select([self._socket], [], [], 0)[0]:
            self.read(0)

    def close(self) -> None:
        self._socket.close()


def _why_not_open(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "there is no such port"
    if error.errno == errno.EACCES:
        return "no permission to open the port (is the user in the group that owns it?)"
    if error.errno in (errno.EAGAIN, errno.EBUSY):
        return "the port is in use by another program"
    if error.errno in (errno.ENOTTY, errno.EINVAL) or "configure port" in str(error):
        return "not a serial port"
    return str(error.strerror or error)


class SerialTransport:
    """A serial port, open and ours alone when constructed."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._port = serial.Serial(
                name, BAUD, timeout=0, write_timeout=WRITE_TIMEOUT, exclusive=True
            )
        except OSError as error:
            raise LinkError(f"{name}: {_why_not_open(error)}") from None

    def read(self, timeout: float) -> bytes:
        try:
            self._port.timeout = timeout
            first = self._port.read(1)
            if not first:
                return b""
            self._port.timeout = 0
            return bytes(first + self._port.read(self._port.in_waiting))
        except (OSError, TypeError) as error:
            # pyserial trips over its own None when the port is gone while it reads.
            raise LinkError(f"{self.name}: the port went away ({error})") from None

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise LinkError(f"{self.name}: the terminal does not read its port") from None
        except OSError as error:
            raise LinkError(f"{self.name}: the port went away ({error})") from None

    def discard_input(self) -> None:
        with contextlib.suppress(OSError):
            self._port.reset_input_buffer()

    def close(self) -> None:
        self._port.close()


def open_transport(url: str) -> Transport:
    """Open a serial device path or ``tcp://host:port``; LinkError when it can't be opened."""
    if "://" not in url:
        return SerialTransport(url)
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme != "tcp" or not host or not port or parts.path not in ("", "/"):
        raise LinkError(f"{url}: a terminal is a serial port or tcp://host:port")
    return TcpTransport(url, host, port)
