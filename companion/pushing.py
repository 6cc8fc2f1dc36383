"""What every sync gives a terminal: the time, how its cases ended, a changed configuration."""

from __future__ import annotations

import time
from collections.abc import Callable

from companion import link
from companion.opening import new_identity
from companion.store import Store, changes, terminals, verdicts
from companion.store.verdicts import Verdict
from protocol import cbor, messages, record

# A terminal's clock is right when it is off by no more seconds than this.
_RIGHT_S = 2


class Pushing:
    """The pushes of one sync, and their bookkeeping.

    ``clock`` gives Unix seconds; None leaves the terminal's clock alone.
    """

    def __init__(self, store: Store, clock: Callable[[], float] | None = time.time) -> None:
        self._store = store
        self._clock = clock
        self._met = 0.0
        self._device_id = ""
        self._told: dict[bytes, list[Verdict]] = {}
        self._keys = b""

    def meet(self, device_id: str) -> None:
        """The terminal has just said who it is and what time it has."""
        self._device_id = device_id
        self._met = self._clock() if self._clock else 0.0

    def __call__(self, identity: link.Identity) -> list[link.Push]:
        """What to give this terminal now; the configuration last, for it leads to a restart."""
        pushes = []
        if self._clock and abs(int(self._met) - identity.wall) > _RIGHT_S:
            pushes.append((messages.PUSH_TIME, cbor.dumps(int(self._clock()))))
        with self._store.read() as connection:
            (terminal,) = terminals.chosen(connection, identity.device_id)
            decided = verdicts.waiting(connection, terminal.merchant_no, terminal.terminal_no)
            config = changes.data_of(connection, identity.device_id)
            keys = terminals.new_keys(connection, terminal)
        for start in range(0, len(decided), record.MAX_VERDICTS):
            some = decided[start : start + record.MAX_VERDICTS]
            data = cbor.dumps([verdict.row() for verdict in some])
            self._told[data] = some
            pushes.append((messages.PUSH_VERDICTS, data))
        if config:
            pushes.append((messages.PUSH_CONFIG, config))
        elif keys:
            pushes.append((messages.PUSH_IDENTITY, new_identity(self._store, terminal)))
            self._keys = cbor.dumps([["seal_key", keys[0]], ["sync_key", keys[1]]])
            pushes.append((messages.PUSH_CONFIG, self._keys))
        return pushes

    def unconfirmed(self) -> dict[str, bytes]:
        """The sync key that the terminal has if it took new ones and the answer was lost."""
        with self._store.read() as connection:
            terminal = terminals.find(connection, self._device_id)
            keys = terminals.new_keys(connection, terminal) if terminal else None
        return {self._device_id: keys[1]} if keys else {}

    def confirm(self) -> None:
        """The terminal has the new keys."""
        with self._store.write() as connection:
            terminals.confirm_rotation(connection, self._device_id)

    def answered(self, kind: int, data: bytes, why_not: str) -> None:
        """The terminal has taken a push, or says why not: then the next sync brings it again."""
        if why_not:
            return
        with self._store.write() as connection:
            if kind == messages.PUSH_VERDICTS:
                verdicts.given(connection, self._told[data])
            elif kind == messages.PUSH_CONFIG and data == self._keys:
                terminals.confirm_rotation(connection, self._device_id)
            elif kind == messages.PUSH_CONFIG:
                changes.taken(connection, self._device_id, data)
