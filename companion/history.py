"""A terminal whose journal is not the one in the store: what it has instead, kept as evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from companion import link
from companion.store import Store, findings, records
from companion.store.findings import Finding

# Records of the terminal that are kept with a finding.
_KEPT = 32


def keep(
    store: Store,
    transport: link.Transport,
    keys: Callable[[str], bytes],
    error: link.OtherHistory,
    timeout: float = link.DEFAULT_TIMEOUT,
) -> Finding:
    """Look at the terminal's records, and keep what they prove before this returns.

    A terminal that is met again is not read again. When it cannot be read, the finding
    is what it said in the sync.
    """
    device_id = error.identity.device_id
    before = _known(store, error)
    if before is not None:
        finding = before
    else:
        other = _Comparison(store, device_id)
        try:
            link.inspect(transport, keys, 0, other.take, timeout)
        except _Enough:
            pass
        except link.LinkError as reason:
            other.evidence["unread"] = str(reason)
        finding = other.finding(error)
    with store.write() as connection:
        findings.note(connection, finding)
    return finding


def _known(store: Store, error: link.OtherHistory) -> Finding | None:
    """The finding of an earlier sync, when the terminal has only gone on since."""
    with store.read() as connection:
        for finding in findings.of(connection, error.identity.device_id):
            then = finding.evidence.get("terminal")
            if not isinstance(then, dict) or then["stored_next_seq"] != error.stored:
                continue
            if then["next_seq"] <= error.identity.next_seq:
                return finding
    return None


class _Enough(Exception):
    """As many records as a finding keeps."""


class _Comparison:
    """The terminal's records beside the stored ones; of memory it takes that of a finding."""

    def __init__(self, store: Store, device_id: str) -> None:
        self.evidence: dict[str, object] = {}
        self._store = store
        self._device_id = device_id
        self._other: list[tuple[int, str]] = []

    def take(self, first: int, payloads: Sequence[bytes | None]) -> None:
        """Look at the terminal's records first, first + 1, ..."""
        with self._store.read() as connection:
            stored = records.payloads(connection, self._device_id, first, first + len(payloads))
        for seq, payload in enumerate(payloads, first):
            if payload is None or stored.get(seq) == payload:
                continue
            if seq in stored or self._other:
                self._other.append((seq, records.shown(payload)))
            if len(self._other) == _KEPT:
                raise _Enough

    def finding(self, error: link.OtherHistory) -> Finding:
        """What it comes to."""
        identity, last = error.identity, error.stored - 1
        if self._other:
            first = self._other[0][0]
            problem = f"the terminal has another record {first} than the store"
        elif identity.next_seq < error.stored:
            first = identity.next_seq
            problem = "the terminal no longer has them"
        else:
            first, problem = last, str(error)
        with self._store.read() as connection:
            stored = records.payload_of(connection, self._device_id, first)
        evidence = {
            **self.evidence,
            "terminal": {
                "first_seq": identity.first_seq,
                "next_seq": identity.next_seq,
                "stored_next_seq": error.stored,
                "clock": identity.wall,
            },
            "said": str(error),
            "stored": stored.hex() if stored else None,
            "at_terminal": self._other,
        }
        problem += ": its journal was rolled back, swapped or lost"
        return Finding(self._device_id, findings.ROLLBACK, first, last, problem, evidence)
