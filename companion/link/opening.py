"""What a user calls a terminal's port, and the transport that it means."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from companion.link.tls import TlsTransport
from companion.link.transport import LinkError, SerialTransport, TcpTransport, Transport

_LOCAL = ".local"
# The companion's end of TLS for the terminal with a device id, or for any terminal ("").
Contexts = Callable[[str], ssl.SSLContext]


def open_transport(url: str, contexts: Contexts | None = None) -> Transport:
    """Open a serial device path, ``tls://[device@]host:port`` or ``tcp://host:port``.

    ``contexts`` is for TLS. A host ``pz-....local``, a terminal's mDNS name, names the device too.
    LinkError when it can't be opened.
    """
    if "://" not in url:
        return SerialTransport(url)
    refused = LinkError(f"{url}: a terminal is a serial port or tls://host:port")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refused from None
    known = parts.scheme == "tcp" or (parts.scheme == "tls" and contexts is not None)
    if not known or not host or not port or parts.path not in ("", "/"):
        raise refused
    if parts.scheme == "tcp" or contexts is None:
        return TcpTransport(url, host, port)
    local = host[: -len(_LOCAL)] if host.startswith("pz-") and host.endswith(_LOCAL) else ""
    device_id = parts.username or local
    return TlsTransport(url, host, port, contexts(device_id), device_id)
