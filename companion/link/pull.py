"""Bring a terminal's new records into a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from companion.link.conversation import Conversation, printable
from companion.link.transport import LinkError, Transport
from protocol import messages
from protocol.companion_session import MAX_MISSING, CompanionSession, Identity

DEFAULT_TIMEOUT = 2.0
# The highest rate to ask a terminal's own serial port for; USB-UART bridges carry it.
MAX_BAUD = 921600
# With fewer records than this to pull, changing the rate takes longer than it saves.
_WORTH_A_RATE = 64
# Records that are missing at the terminal are stored as gaps, so many in one call.
_MISSING_AT_ONCE = 256
# Another store may have synced the terminal for years while this one did not. What a session does
# not tell as missing is passed over.
_MAX_BEHIND = 1 << 20


class UnknownTerminal(LinkError):
    """The terminal at the other end is not in the store: there is no key for it."""

    def __init__(self, device_id: str) -> None:
        super().__init__(
            f"terminal {printable(device_id)} was not provisioned by this store", "UNKNOWN"
        )


class OtherHistory(LinkError):
    """The terminal's journal is not the one that the store has: it was rolled back, swapped or
    lost. Proved with the terminal's key; ``stored`` is the first record that the store lacks."""

    def __init__(self, reason: LinkError, identity: Identity, stored: int) -> None:
        super().__init__(str(reason), reason.code)
        self.identity = identity
        self.stored = stored


Push = tuple[int, bytes]
# What to give a terminal, or a function that says so when the terminal is known and synced.
Pushes = Sequence[Push] | Callable[[Identity], Sequence[Push]]
# Hears of each push, kind and data, as soon as the terminal has answered: "", or why it refuses.
Answered = Callable[[int, bytes, str], None]


def _nobody(kind: int, data: bytes, why_not: str) -> None:
    pass


class Sink(Protocol):
    """Where records go."""

    def next_seq(self, device_id: str) -> int:
        """The first record that is not stored yet; 1 for a terminal without records."""

    def seal_before(self, device_id: str, seq: int) -> bytes:
        """The seal of stored record ``seq`` - 1; b"" when there is none or it is a gap."""

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        """Store consecutive records (None is a gap, and so is what is passed over); they are
        durable when it returns."""


@dataclass(frozen=True)
class SyncResult:
    """What one sync did. ``records`` counts records that arrived whole, ``gaps`` those that are
    damaged or gone; ``bytes`` are record bytes. ``released``: the terminal may recycle below.
    ``pushed`` are kinds, ``refused`` kinds with the terminal's reason; a terminal that speaks
    ``version`` 1 takes none. ``room`` of the ``slots`` of its journal are free afterwards; both 0
    before version 3."""

    device_id: str
    firmware: str
    records: int
    gaps: int
    bytes: int
    next_seq: int
    released: int
    version: int = messages.VERSION
    pushed: tuple[int, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    room: int = 0
    slots: int = 0


class _Pull:
    def __init__(
        self,
        keys: Callable[[str], bytes],
        sink: Sink,
        progress: Callable[[int, int], None] | None,
        pushes: Pushes,
        baud: int,
        peer: str,
        on_answer: Answered,
    ) -> None:
        self._peer = peer
        self._keys = keys
        self._sink = sink
        self._progress = progress
        self._pushes = pushes
        self._waiting: list[Push] | None = None
        self._answered: list[Push] = []  # not to be sent again in the next session
        self._on_answer = on_answer
        self._baud = baud
        self._rate = 0
        self._achieved_before = 0
        self._behind = 0  # records that are missing and passed over
        self.from_seq = 0
        self._start = -1
        self._end = 0
        self.identity: Identity | None = None
        self.records = 0
        self.gaps = 0
        self.bytes = 0
        self.pushed: list[int] = []
        self.refused: list[tuple[int, str]] = []

    def act(self, session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if effect[0] == "identified":
            return self._identified(session, effect[1])
        if effect[0] == "missing":
            self._missing(effect[1], effect[2])
            return []
        if effect[0] == "ready":
            return self._next_push(session)
        if effect[0] in ("pushed", "refused"):
            self._answer(effect)
            return []
        self._store(effect[1], effect[2])
        return session.stored()

    def _identified(self, session: CompanionSession, identity: Identity) -> list[tuple[Any, ...]]:
        device_id = identity.device_id
        if not device_id:
            raise LinkError("the terminal has no configuration yet", messages.NOT_PROVISIONED)
        if self.identity is not None and self.identity.device_id != device_id:
            raise LinkError("another terminal answered in the middle of the sync", "LOST")
        if self._peer not in ("", device_id):
            raise LinkError(
                f"the terminal with the certificate of {printable(self._peer)} calls itself "
                f"{printable(device_id)}",
                "TLS",
            )
        key = self._keys(device_id)
        from_seq = self._sink.next_seq(device_id)
        self._behind = 0
        if MAX_MISSING < identity.first_seq - from_seq < _MAX_BEHIND:
            self._behind = identity.first_seq - MAX_MISSING - from_seq
            from_seq += self._behind
        self.identity = identity
        self.from_seq = from_seq
        self._end = identity.next_seq
        self._waiting = None
        if self._start < 0:
            self._start = from_seq
        last = self._sink.seal_before(device_id, from_seq)
        return session.authenticate(key, from_seq, last, self._choose_rate(identity))

    def _choose_rate(self, identity: Identity) -> int:
        """The rate to pull at; 0 when it stays as it is."""
        if self._rate and self.achieved() == self._achieved_before:
            self._baud = 0  # the last session brought nothing at it
        self._achieved_before = self.achieved()
        rate = min(self._baud, identity.max_baud)
        few = identity.next_seq - self.from_seq < _WORTH_A_RATE
        self._rate = 0 if few or rate <= messages.BASE_BAUD else rate
        return self._rate

    def _next_push(self, session: CompanionSession) -> list[tuple[Any, ...]]:
        if self._waiting is None:
            assert self.identity is not None
            every = self._pushes(self.identity) if callable(self._pushes) else self._pushes
            self._waiting = [push for push in every if push not in self._answered]
        if not self._waiting:
            return session.finish()
        return session.push(*self._waiting[0])

    def _answer(self, effect: tuple[Any, ...]) -> None:
        assert self._waiting
        kind, data = push = self._waiting.pop(0)
        self._answered.append(push)
        why_not = ""
        if effect[0] == "refused":
            why_not = printable(effect[2]) or "no reason given"
            self.refused.append((kind, why_not))
        else:
            self.pushed.append(kind)
        self._on_answer(kind, data, why_not)

    def _missing(self, first: int, end: int) -> None:
        self.gaps += self._behind
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
        return self.records + self.gaps + len(self._answered)

    def history(self, error: LinkError) -> OtherHistory | None:
        """The error as one about the terminal's history, None when it is another one."""
        identity = self.identity
        if identity is None:
            return None
        lost = error.code == messages.BAD_RANGE and identity.next_seq < self.from_seq
        if lost or error.code == messages.BAD_HISTORY:
            return OtherHistory(error, identity, self.from_seq)
        return None


def sync(
    transport: Transport,
    keys: Callable[[str], bytes],
    sink: Sink,
    progress: Callable[[int, int], None] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    pushes: Pushes = (),
    baud: int = MAX_BAUD,
    answered: Answered = _nobody,
) -> SyncResult:
    """Pull what the store does not have, give the terminal the pushes (kind, data), then let it
    release what is stored.

    ``keys(device_id)`` gives the terminal's sync key or raises UnknownTerminal.
    ``progress(done, total)`` counts records. ``baud`` is the highest rate to ask a serial port
    for, 0: stay at that of the port. Raises OtherHistory, LinkError; what was stored before
    stays, and the next sync continues after it.
    """
    pull = _Pull(keys, sink, progress, pushes, baud, transport.peer, answered)
    try:
        last = Conversation(transport, timeout).run(pull.act, pull.achieved)
    except LinkError as error:
        raise pull.history(error) or error from None
    assert pull.identity is not None
    return SyncResult(
        device_id=pull.identity.device_id,
        firmware=printable(pull.identity.firmware),
        records=pull.records,
        gaps=pull.gaps,
        bytes=pull.bytes,
        next_seq=last[1],
        released=last[2],
        version=pull.identity.version,
        pushed=tuple(pull.pushed),
        refused=tuple(pull.refused),
        room=pull.identity.room,
        slots=pull.identity.slots,
    )
