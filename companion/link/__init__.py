"""The link to a terminal: open a port, provision, pull records."""

from companion.link.certificates import Authority
from companion.link.inspect import inspect
from companion.link.log import read_log
from companion.link.opening import open_transport
from companion.link.provision import await_repl, escape, provision
from companion.link.pull import (
    DEFAULT_TIMEOUT,
    OtherHistory,
    Push,
    Pushes,
    Sink,
    SyncResult,
    UnknownTerminal,
    sync,
)
from companion.link.transport import LinkError, Transport
from protocol.companion_session import Identity

__all__ = [
    "DEFAULT_TIMEOUT",
    "Authority",
    "Identity",
    "LinkError",
    "OtherHistory",
    "Push",
    "Pushes",
    "Sink",
    "SyncResult",
    "Transport",
    "UnknownTerminal",
    "await_repl",
    "escape",
    "inspect",
    "open_transport",
    "provision",
    "read_log",
    "sync",
]
