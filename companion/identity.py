"""Give a terminal its identity for TLS, over a connection that is trusted already: the cable."""

from __future__ import annotations

import time

from companion import link
from companion.opening import new_identity
from companion.store import Store, terminals
from companion.syncing import sync_terminal
from protocol import messages
from protocol.companion_session import LOST

# A terminal that has just been provisioned is busy, or hears nothing, until it has mounted its
# journal.
START_TIMEOUT = 20.0
_AGAIN_S = 0.2


def give_identity(
    store: Store,
    transport: link.Transport,
    device_id: str,
    timeout: float = link.DEFAULT_TIMEOUT,
) -> str:
    """Make a certificate for this terminal and push it; the sync that carries it is an ordinary
    one. Returns "", or why the terminal does not take it. Raises LinkError, StoreError."""
    with store.read() as connection:
        (terminal,) = terminals.chosen(connection, device_id)
    push = (messages.PUSH_IDENTITY, new_identity(store, terminal))

    def only_to_it(identity: link.Identity) -> list[link.Push]:
        if identity.device_id != device_id:
            raise link.LinkError(f"{transport.name}: this is {identity.device_id}", "UNKNOWN")
        return [push]

    until = time.monotonic() + START_TIMEOUT
    while True:
        try:
            done = sync_terminal(store, transport, pushes=only_to_it, timeout=timeout).done
            break
        except link.LinkError as error:
            if error.code not in (messages.BUSY, LOST) or time.monotonic() > until:
                raise
        time.sleep(_AGAIN_S)
    if messages.PUSH_IDENTITY in done.pushed:
        return ""
    return done.refused[0][1] if done.refused else "its firmware is too old for it"
