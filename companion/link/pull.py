"""Bring a terminal's new records into a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from companion.link.conversation import Conversation, printable
from companion.link.transport import LinkError, Transport
from protocol import messages
from protocol.companion_session import CompanionSession, Identity

DEFAULT_TIMEOUT = 2.0
# Records that are missing at the terminal are stored as gaps, so many in one call.
_MISSING_AT_ONCE = 256


class UnknownTerminal(LinkError):
    """The terminal at the other end is not in the store: there is no key for it."""

    def __init__(self, device_id: str) -> None:
        super().__init__(
            f"terminal {printable(device_id)} was not provisioned by this store", "UNKNOWN"
        )


class Sink(Protocol):
    """Where records go."""

    def next_seq(self, device_id: str) -> int:
        """The first record that is not stored yet; 1 for a terminal without records."""

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        """Store consecutive records (None is a gap); they are durable when it returns."""


@dataclass(frozen=True)
class SyncResult:
    """What one sync did. ``records`` counts records that arrived whole, ``gaps`` those that are
    damaged or gone; ``bytes`` are record bytes. ``released``: the terminal may recycle below."""

    device_id: str
    firmware: str
    records: int
    gaps: int
    bytes: int
    next_seq: int
    released: int


class _Pull:
    def __init__(
        self,
        keys: Callable[[str], bytes],
        sink: Sink,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._keys = keys
        self._sink = sink
        self._progress = progress
        self._start = -1
        self._end = 0
        self.identity: Identity | None = None
        self.records = 0
        self.gaps = 0
        self.bytes = 0

    def act(self, session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if effect[0] == "identified":
            return self._identified(session, effect[1])
        if effect[0] == "missing":
            self._missing(effect[1], effect[2])
            return []
        self._store(effect[1], effect[2])
        return session.stored()

    def _identified(self, session: CompanionSession, identity: Identity) -> list[tuple[Any, ...]]:
        device_id = identity.device_id
        if not device_id:
            raise LinkError("the terminal has no configuration yet", messages.NOT_PROVISIONED)
        if self.identity is not None and self.identity.device_id != device_id:
            raise LinkError("another terminal answered in the middle of the sync", "LOST")
        key = self._keys(device_id)
        from_seq = self._sink.next_seq(device_id)
        self.identity = identity
        self._end = identity.next_seq
        if self._start < 0:
            self._start = from_seq
        return session.authenticate(key, from_seq)

    def _missing(self, first: int, end: int) -> None:
        for seq in range(first, end, _MISSING_AT_ONCE):
            self._store(seq, [None] * min(_MISSING_AT_ONCE, end - seq))

    def _store(self, first: int, payloads: Sequence[bytes | None]) -> None:
        assert self.identity is not None
        self._sink.store(self.identity.device_id, first, payloads)
        whole = [payload for payload in payloads if payload is not None]
        self.records += len(whole)
        self.gaps += len(payloads) - len(whole)
        self.bytes += sum(len(payload) for payload in whole)
        if self._progress is not None:
            self._progress(first + len(payloads) - self._start, self._end - self._start)

    def achieved(self) -> int:
        return self.records + self.gaps


def sync(
    transport: Transport,
    keys: Callable[[str], bytes],
    sink: Sink,
    progress: Callable[[int, int], None] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> SyncResult:
    """Pull what the store does not have, then let the terminal release it.

    ``keys(device_id)`` gives the terminal's sync key or raises UnknownTerminal.
    ``progress(done, total)`` counts records. Raises LinkError; what was stored before stays, and
    the next sync continues after it.
    """
    pull = _Pull(keys, sink, progress)
    last = Conversation(transport, timeout).run(pull.act, pull.achieved)
    assert pull.identity is not None
    return SyncResult(
        device_id=pull.identity.device_id,
        firmware=printable(pull.identity.firmware),
        records=pull.records,
        gaps=pull.gaps,
        bytes=pull.bytes,
        next_seq=last[1],
        released=last[2],
    )
