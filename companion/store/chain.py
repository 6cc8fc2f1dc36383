"""A terminal's seal chain, walked record by record."""

from __future__ import annotations

from collections.abc import Sequence

from companion.store.records import decoded, expected_seal, seal_of
from companion.store.terminals import FIRST_SEQ
from protocol import record, seal


class SealKeys:
    """A terminal's seal keys by generation. One before a REKEYED never seals what comes after it;
    a later one may be in use already, where the REKEYED is lost."""

    def __init__(self, keys: Sequence[bytes], generation: int = 0) -> None:
        self._macs = [seal.Hmac(key) for key in keys]
        self._at = min(generation, len(keys) - 1)

    def sealed(self, before: bytes, payload: bytes) -> bytes:
        """The seal that a payload ought to carry after the seal `before`."""
        own = seal_of(payload)
        for mac in self._macs[self._at :]:
            if expected_seal(mac, before, payload) == own:
                return own
        return expected_seal(self._macs[self._at], before, payload)

    def passed(self, payload: bytes) -> None:
        """A record holds: if it is a REKEYED, a new generation begins."""
        if payload[1] == record.REKEYED:
            content = decoded(payload) or {}
            generation = content.get("generation")
            if isinstance(generation, int) and generation < len(self._macs):
                self._at = max(self._at, generation)


class Chain:
    """Checks the seals of records that are given in the order of their numbers.

    It begins before record 1, or after another one: `after(seq, payload)`.
    """

    def __init__(self, keys: Sequence[bytes], device_id: str) -> None:
        self._keys = SealKeys(keys)
        self._expected = FIRST_SEQ
        # What the next record's seal may stand on.
        self._before = [seal.first(keys[0], device_id)]
        # The number and the seal of the record before that one, or before a run of bad ones.
        self._earlier: tuple[int, bytes] | None = None
        self._bad = False
        # The number of the record that the one given last stands on, None when that is unknown.
        self.stands_on: int | None = None
        # The seal that the one given last should have, b"" when that is unknown.
        self.expected = b""

    def after(self, seq: int, payload: bytes) -> None:
        """Go on after this record, which is not checked."""
        self._before = [seal_of(payload)]
        self._earlier = None
        self._bad = False
        self._expected = seq + 1

    def holds(self, seq: int, payload: bytes) -> bool | None:
        """Whether the record carries its seal; None when the one before it was not given.

        A record behind bad ones holds when it stands on the last good one: they were inserted.
        """
        if seq != self._expected:
            self._before = []
        self._expected = seq + 1
        own = seal_of(payload)
        should = [self._sealed(before, payload) for before in self._before]
        self.expected = should[0] if should else b""
        self.stands_on = seq - 1 if own in should else None
        if should and own not in should:
            return self._elsewhere(seq, payload, own, should[0])
        self._earlier = (seq - 1, self._before[should.index(own)]) if should else None
        self._before = [own]
        self._bad = False
        self._keys.passed(payload)
        return True if should else None

    def _elsewhere(self, seq: int, payload: bytes, own: bytes, should: bytes) -> bool:
        """A record that does not stand on the one before it; whether it holds all the same."""
        earlier = self._earlier
        if earlier is not None and own == self._sealed(earlier[1], payload):
            self.stands_on = earlier[0]
            if self._bad:
                self._before = [own]
                self._bad = False
                self._keys.passed(payload)
                return True
        if not self._bad:
            self._earlier = seq - 1, self._before[0]
        # Either half of it may be the changed one, so the next record may stand on the seal as
        # stored or as it ought to be: one change is then one finding.
        self._before = [own, should]
        self._bad = True
        return False

    def _sealed(self, before: bytes, payload: bytes) -> bytes:
        return self._keys.sealed(before, payload)
