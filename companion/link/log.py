"""Read the log of a terminal: what it noted about itself, for whoever repairs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from companion.link.conversation import Conversation, printable
from companion.link.pull import DEFAULT_TIMEOUT
from companion.link.transport import LinkError, Transport
from protocol import messages
from protocol.companion_session import CompanionSession, Identity

# A terminal's log is 16 KB; one that never ends is none.
_MOST = 1 << 18


def read_log(
    transport: Transport, keys: Callable[[str], bytes], timeout: float = DEFAULT_TIMEOUT
) -> tuple[Identity, list[str]]:
    """Who the terminal is, and the lines of its log, the oldest first; it keeps them.

    Nothing of the journal is read or acknowledged. ``keys`` as for sync. Raises LinkError.
    """
    met: list[Identity] = []
    lines: list[str] = []
    reached = 0

    def act(session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        nonlocal reached
        if effect[0] == "identified":
            identity: Identity = effect[1]
            if not identity.device_id:
                raise LinkError(
                    f"{transport.name}: the terminal has no configuration yet",
                    messages.NOT_PROVISIONED,
                )
            if identity.version < 3:
                text = f"{transport.name}: the terminal's firmware keeps no log"
                raise LinkError(text, messages.BAD_VERSION)
            met.append(identity)
            return session.authenticate(keys(identity.device_id), identity.next_seq)
        if effect[0] == "ready":
            return session.log(reached) if reached >= 0 else session.leave()
        _, following, text = effect
        lines.extend(printable(line) for line in text.split("\n") if line)
        if sum(map(len, lines)) > _MOST:
            raise LinkError(f"{transport.name}: the log has no end", messages.BAD_PROTOCOL)
        # Where nothing more comes from is the end.
        reached = following if text and following > reached else -1
        return []

    Conversation(transport, timeout).run(act, lambda: len(lines))
    return met[-1], lines
