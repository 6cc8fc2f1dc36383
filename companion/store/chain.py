"""A terminal's seal chain, walked record by record."""

from __future__ import annotations

from companion.store.records import expected_seal, seal_of
from companion.store.terminals import FIRST_SEQ
from protocol import seal


class Chain:
    """Checks the seals of records that are given in the order of their numbers.

    It begins before record 1, or after another one: `after(seq, payload)`.
    """

    def __init__(self, seal_key: bytes, device_id: str) -> None:
        self._mac = seal.Hmac(seal_key)
        self._before = [seal.first(seal_key, device_id)]
        self._expected = FIRST_SEQ

    def after(self, seq: int, payload: bytes) -> None:
        """Go on after this record, which is not checked."""
        self._before = [seal_of(payload)]
        self._expected = seq + 1

    def holds(self, seq: int, payload: bytes) -> bool | None:
        """Whether the record carries its seal; None when the one before it was not given."""
        if seq != self._expected:
            self._before = []
        own = seal_of(payload)
        should = [expected_seal(self._mac, value, payload) for value in self._before]
        found = own in should if should else None
        # After a bad seal either half may be the changed one, so the next record may stand on
        # the seal as stored or as it ought to be: one change is then one finding.
        self._before = [own] if own in should else [own, *should[:1]]
        self._expected = seq + 1
        return found
