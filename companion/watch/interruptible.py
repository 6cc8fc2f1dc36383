"""A transport whose waiting ends when the watch does."""

from __future__ import annotations

import threading
import time

from companion.link import Transport

_SLICE_S = 0.2


class Interrupted(Exception):
    """The watch ends, and with it the sync that was going on."""


class Interruptible:
    """``inner``, but a read raises Interrupted once ``ended`` is set; the session then says BYE,
    so that the terminal is free at once."""

    def __init__(self, inner: Transport, ended: threading.Event) -> None:
        self._inner = inner
        self._ended = ended
        self.name = inner.name
        self.write = inner.write
        self.discard_input = inner.discard_input
        self.reopen = inner.reopen
        self.set_baud = inner.set_baud
        self.close = inner.close

    @property
    def peer(self) -> str:
        return self._inner.peer

    def read(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        while True:
            if self._ended.is_set():
                raise Interrupted
            left = max(0.0, deadline - time.monotonic())
            data = self._inner.read(min(left, _SLICE_S))
            if data or left <= _SLICE_S:
                return data
