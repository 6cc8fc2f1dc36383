"""The way to a terminal, with the certificates of a store."""

from __future__ import annotations

import ssl

from companion import link
from companion.store import Store, terminals


def open_terminal(store: Store, port: str) -> link.Transport:
    """Open a serial port, ``tls://[DEVICE@]HOST:PORT`` or ``tcp://HOST:PORT``; LinkError."""

    def contexts(device_id: str) -> ssl.SSLContext:
        return _authority(store, port, device_id).context()

    return link.open_transport(port, contexts)


def new_identity(store: Store, terminal: terminals.Terminal) -> bytes:
    """A certificate and key for a terminal, the data of an IDENTITY push; its merchant's authority
    is made when there is none."""
    authority = link.Authority.of(store.authorities, terminal.merchant_no)
    authority.make(terminal.merchant_no)
    return authority.identity(terminal.device_id)


def _authority(store: Store, port: str, device_id: str) -> link.Authority:
    """Whose certificates to show, and to ask for."""
    if device_id:
        with store.read() as connection:
            terminal = terminals.find(connection, device_id)
        if terminal is None:
            raise link.UnknownTerminal(device_id)
        every = [link.Authority.of(store.authorities, terminal.merchant_no)]
    else:
        every = link.Authority.every(store.authorities)
    if not every or not every[0].exists:
        raise link.LinkError(
            f"{port}: this store has no certificates for it; companion provision makes them, "
            "and companion rotate for a terminal that is there already",
            "TLS",
        )
    if len(every) > 1:
        raise link.LinkError(
            f"{port}: this store has several merchants; tls://DEVICE@HOST:PORT names the terminal",
            "TLS",
        )
    return every[0]
