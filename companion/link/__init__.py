"""The link to a terminal: open a port, provision, pull records."""

from companion.link.provision import escape, provision
from companion.link.pull import Sink, SyncResult, UnknownTerminal, sync
from companion.link.transport import LinkError, Transport, open_transport

__all__ = [
    "LinkError",
    "Sink",
    "SyncResult",
    "Transport",
    "UnknownTerminal",
    "escape",
    "open_transport",
    "provision",
    "sync",
]
