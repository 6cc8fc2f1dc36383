"""Bring a terminal a new image, piece by piece; it decides whether and when to start it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from companion.link.conversation import Conversation, printable
from companion.link.pull import DEFAULT_TIMEOUT, MAX_BAUD
from companion.link.transport import LinkError, Transport
from protocol import cbor, messages
from protocol.companion_session import CompanionSession, Identity

# terminal/update.py.
BEGIN, DATA, END = 0, 1, 2
PIECE = 1536
# The end reads the whole slot back: some seconds.
_SLOW = 30.0
# What a terminal refuses for now: somebody is at it, or a sale is not finished.
_LATER = ("under way", "comes first", "is due")
_WAIT_S = 1.0
# It says at which byte to go on, when it was restarted or lost something.
_AT = "at "
_MOST_RETURNS = 20


class _Bringing:
    def __init__(
        self,
        image: bytes,
        keys: Callable[[str], bytes],
        progress: Callable[[int, int], None],
        patience: int,
        signature: bytes,
    ) -> None:
        self._image = image
        self._signature = signature
        self._keys = keys
        self._progress = progress
        self._patience = patience
        self._returns = 0
        self._begun = False
        self.at = 0
        self.taken = 0  # pushes
        self.done = False
        self.identity: Identity | None = None

    def act(self, session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if effect[0] == "identified":
            return self._identified(session, effect[1])
        if effect[0] == "pushed":
            self._taken()
        elif effect[0] == "refused":
            self._refused(printable(str(effect[2])))
        elif effect[0] == "ready":
            return session.leave() if self.done else session.push(*self._next())
        return []

    def _identified(self, session: CompanionSession, identity: Identity) -> list[tuple[Any, ...]]:
        if not identity.device_id:
            raise LinkError("the terminal has no configuration yet", messages.NOT_PROVISIONED)
        if identity.version < 2:
            raise LinkError("its firmware takes no update over the line", messages.BAD_VERSION)
        self.identity = identity
        self._begun = False
        rate = min(MAX_BAUD, identity.max_baud)
        return session.authenticate(
            self._keys(identity.device_id),
            identity.next_seq,
            rate=rate if rate > messages.BASE_BAUD else 0,
        )

    @property
    def ending(self) -> bool:
        """Whether all of it is there and the terminal looks at it."""
        return self._begun and self.at == len(self._image) and not self.done

    def _next(self) -> tuple[int, bytes]:
        image = self._image
        if not self._begun:
            message: list[object] = [BEGIN, len(image), hashlib.sha256(image).digest()]
        elif self.at < len(image):
            message = [DATA, self.at, image[self.at : self.at + PIECE]]
        else:
            message = [END, self._signature] if self._signature else [END]
        return messages.PUSH_UPDATE, cbor.dumps(message)

    def _taken(self) -> None:
        self.taken += 1
        if not self._begun:
            self._begun = True
        elif self.at < len(self._image):
            self.at = min(self.at + PIECE, len(self._image))
            self._progress(self.at, len(self._image))
        else:
            self.done = True

    def _refused(self, why: str) -> None:
        if any(word in why for word in _LATER) and self._patience:
            self._patience -= 1
            time.sleep(_WAIT_S)
        elif why.startswith(_AT) and why[len(_AT) :].isdecimal() and self._returns < _MOST_RETURNS:
            self._returns += 1
            self.at = min(int(why[len(_AT) :]), len(self._image))
        else:
            raise LinkError(f"the terminal does not take it: {why}", messages.REFUSED)


def update(
    transport: Transport,
    image: bytes,
    keys: Callable[[str], bytes],
    progress: Callable[[int, int], None] = lambda done, total: None,
    patience: int = 600,
    timeout: float = DEFAULT_TIMEOUT,
    signature: bytes = b"",
) -> Identity:
    """Give the terminal this image; returns what it said of itself before.

    ``signature``: the publisher's, for a terminal that asks for one. It goes on where a lost
    session stopped. ``patience``: so often it asks again, a second apart,
    while a transaction is under way. Raises LinkError.
    """
    conversation = Conversation(transport, timeout)
    bringing = _Bringing(image, keys, progress, patience, signature)

    def act(session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        effects = bringing.act(session, effect)
        conversation.timeout = max(timeout, _SLOW) if bringing.ending else timeout
        return effects

    conversation.run(act, lambda: bringing.taken)
    assert bringing.identity is not None
    return bringing.identity
