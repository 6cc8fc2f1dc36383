"""The ways to a terminal: a serial port (or pty), TLS (tls.py), and TCP."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import time
from typing import Protocol

import serial

from companion.errors import CompanionError
from protocol import messages

CONNECT_TIMEOUT = 5.0
WRITE_TIMEOUT = 5.0
# The terminal changes its rate after its last byte has left; what comes sooner it cannot read.
SETTLE = 0.01


class LinkError(CompanionError):
    """Talking to a terminal failed; the message is one sentence for a person.

    ``code`` is an ERROR code of the protocol, LOST (no answer), PORT (no way to the terminal) or
    TLS (one end does not trust the other, or the terminal is not the one that was meant).
    """

    def __init__(self, message: str, code: str = "PORT") -> None:
        super().__init__(message)
        self.code = code


class Transport(Protocol):
    """A byte stream to one terminal."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def peer(self) -> str:
        """The device id that its certificate proves, "" where there is none."""

    def read(self, timeout: float) -> bytes:
        """What arrives within ``timeout`` seconds, b"" when nothing does; LinkError at the end."""

    def write(self, data: bytes) -> None:
        """Send all of the bytes; LinkError when they cannot be sent."""

    def discard_input(self) -> None:
        """Forget what has arrived and was not read."""

    def reopen(self) -> None:
        """Begin anew with a terminal that has ended the connection; LinkError when it can't."""

    def set_baud(self, rate: int) -> None:
        """Change a serial port's rate when all that was written has left."""

    def close(self) -> None:
        """Close the port; twice does no harm."""


class TcpTransport:
    """A TCP connection, open when constructed."""

    peer = ""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        self._address = host, port
        self._heard = False
        self._connect()

    def _connect(self) -> None:
        name = self.name
        try:
            self._socket = socket.create_connection(self._address, CONNECT_TIMEOUT)
        except ConnectionRefusedError:
            raise LinkError(f"{name}: nothing listens there (connection refused)") from None
        except TimeoutError:
            raise LinkError(f"{name}: no answer within {CONNECT_TIMEOUT:g} s") from None
        except socket.gaierror:
            host = self._address[0]
            raise LinkError(f"{name}: the host name {host} is unknown") from None
        except OSError as error:
            raise LinkError(f"{name}: {error.strerror or error}") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout: float) -> bytes:
        try:
            self._socket.settimeout(timeout)
            data = self._socket.recv(65536)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return b""
        except OSError as error:
            raise self._broken(f"the connection broke ({error})") from None
        if not data:
            raise self._broken("the terminal closed the connection")
        self._heard = True
        return data

    def write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(WRITE_TIMEOUT)
            self._socket.sendall(data)
        except OSError as error:
            raise self._broken(f"the connection broke ({error})") from None

    def _broken(self, why: str) -> LinkError:
        # A terminal that speaks TLS ends what does not begin with a handshake without a word.
        unheard = "" if self._heard else f" (is it at tls://{self.name.rpartition('/')[2]}?)"
        return LinkError(f"{self.name}: {why}{unheard}")

    def discard_input(self) -> None:
        while self.read(0):
            pass

    def reopen(self) -> None:
        self._socket.close()
        self._connect()

    def set_baud(self, rate: int) -> None:
        raise LinkError(f"{self.name}: a connection has no baud rate")

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

    peer = ""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._port = serial.Serial(
                name, messages.BASE_BAUD, timeout=0, write_timeout=WRITE_TIMEOUT, exclusive=True
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

    def reopen(self) -> None:
        pass  # a port stays open whatever the terminal does

    def set_baud(self, rate: int) -> None:
        try:
            self._port.flush()
            self._port.baudrate = rate
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.name}: cannot go to {rate} baud ({error})") from None
        time.sleep(SETTLE)

    def close(self) -> None:
        self._port.close()
