"""Read a terminal's records and leave everything as it is: evidence of another history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from companion.link.conversation import Conversation
from companion.link.pull import DEFAULT_TIMEOUT
from companion.link.transport import LinkError, Transport
from protocol import messages
from protocol.companion_session import CompanionSession, Identity


def inspect(
    transport: Transport,
    keys: Callable[[str], bytes],
    first_seq: int,
    take: Callable[[int, Sequence[bytes | None]], None],
    timeout: float = DEFAULT_TIMEOUT,
) -> Identity:
    """Read the terminal's records from ``first_seq`` on, as far as it has them, and acknowledge
    none. Returns what it said of itself.

    ``take(seq, payloads)`` gets consecutive records, None for a damaged one, each once. ``keys``
    as for sync. Raises LinkError.
    """
    met: list[Identity] = []
    reached = first_seq

    def act(session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        nonlocal reached
        if effect[0] == "identified":
            identity: Identity = effect[1]
            met.append(identity)
            if identity.version < 2:
                # Its sessions acknowledge what they have pulled.
                text = f"{transport.name}: a terminal of version 1 cannot be inspected"
                raise LinkError(text, messages.BAD_VERSION)
            first = max(identity.first_seq, min(reached, identity.next_seq))
            return session.authenticate(keys(identity.device_id), first)
        if effect[0] == "ready":
            return session.leave()
        take(effect[1], effect[2])
        reached = effect[1] + len(effect[2])
        return session.stored()

    Conversation(transport, timeout).run(act, lambda: reached)
    return met[-1]
