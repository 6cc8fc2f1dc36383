"""A connection to a terminal inside mutual TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl

from companion.link.certificates import device_of
from companion.link.transport import LinkError, TcpTransport

# A terminal has memory for one TLS peer at a time: the next one waits, at most as long as a silent
# peer is borne.
HANDSHAKE_TIMEOUT = 12.0
_PARTING = 1.0
_REFUSED = "the terminal refuses this companion's certificate"


class TlsTransport(TcpTransport):
    """Open, and proved to be a terminal of this authority, when constructed.

    ``device_id``: which one it must be; "" for any. ``peer`` is the one that it is.
    """

    def __init__(
        self, name: str, host: str, port: int, context: ssl.SSLContext, device_id: str = ""
    ) -> None:
        self._context = context
        self._wanted = device_id
        super().__init__(name, host, port)

    def _connect(self) -> None:
        super()._connect()
        secure = self._context.wrap_socket(self._socket, do_handshake_on_connect=False)
        secure.settimeout(HANDSHAKE_TIMEOUT)
        try:
            secure.do_handshake()
        except OSError as error:
            _part(secure)
            raise LinkError(f"{self.name}: {_why_not(error)}", "TLS") from None
        self._socket = secure
        self._heard = True
        self.peer = device_of(secure.getpeercert(binary_form=True) or b"")
        if self._wanted not in ("", self.peer):
            self.close()
            raise LinkError(
                f"{self.name}: the terminal there is {self.peer}, not {self._wanted}", "TLS"
            )


def _part(secure: ssl.SSLSocket) -> None:
    """Close so that the terminal hears the alert: with bytes unread the connection is reset, which
    may overtake it."""
    with socket.socket(fileno=secure.detach()) as plain, contextlib.suppress(OSError):
        plain.settimeout(_PARTING)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass


def _why_not(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            "its certificate is not of this store's authority: another merchant's or store's "
            f"terminal, or somebody in between ({error.verify_message})"
        )
    if isinstance(error, TimeoutError):
        return (
            f"no TLS within {HANDSHAKE_TIMEOUT:g} s"
            " (is another companion at it, or is it no terminal?)"
        )
    if isinstance(error, ssl.SSLError):
        reason = str(error.reason or error)
        if "ALERT" in reason:
            return f"{_REFUSED} ({reason})"
        return f"no TLS there ({reason})"
    return f"the terminal ended the connection before TLS was agreed ({error})"
