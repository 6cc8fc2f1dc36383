"""Where a sync puts what it pulls: durable, sealed, each record once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from sqlalchemy import Connection, insert, select, update

from companion.store import terminals
from companion.store.errors import StoreError
from companion.store.lock import locked
from companion.store.records import decoded, expected_seal, has_clear_pan, seal_of
from companion.store.schema import gaps, records
from companion.store.schema import terminals as terminals_table
from companion.store.store import Store, utc_now
from protocol import seal


class RecordSink:
    """The sink of one sync; as a context it holds the locks of the terminals that it met."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks = ExitStack()
        self._held: set[str] = set()
        # Sequence numbers stored with a seal that does not match.
        self.broken_seals: list[int] = []

    def __enter__(self) -> RecordSink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._locks.close()

    def begin(self, device_id: str) -> terminals.Terminal | None:
        """Lock this terminal for the rest of the context; None when the store has no keys for it.

        Raises StoreBusy when another sync of the same terminal is going on.
        """
        with self._store.read() as connection:
            terminal = terminals.find(connection, device_id)
        if terminal is not None and device_id not in self._held:
            busy = f"{device_id}: another sync of this terminal is going on with this store"
            self._locks.enter_context(locked(self._store.lock_path(device_id), busy))
            self._held.add(device_id)
        return terminal

    def next_seq(self, device_id: str) -> int:
        """The first sequence number that is not stored yet; 1 for a terminal without records."""
        with self._store.read() as connection:
            terminal = terminals.find(connection, device_id)
        return terminal.next_seq if terminal else terminals.FIRST_SEQ

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        """Store records first_seq, first_seq + 1, ...; None stands for one that cannot be had.

        Durable when it returns. What is stored already is left as it is; a record that differs
        from the stored one of the same number raises StoreError and nothing of the call is kept.
        """
        with self._store.write() as connection:
            terminal = terminals.find(connection, device_id)
            if terminal is None:
                raise StoreError(f"{device_id}: this store has no such terminal")
            frame = _Frame(connection, terminal, first_seq, payloads)
            frame.store()
            terminals.confirm(connection, device_id)
        self.broken_seals += frame.broken_seals


class _Frame:
    """Consecutive records within one transaction."""

    def __init__(
        self,
        connection: Connection,
        terminal: terminals.Terminal,
        first_seq: int,
        payloads: Sequence[bytes | None],
    ) -> None:
        self._connection = connection
        self._terminal = terminal
        self._first = first_seq
        self._end = first_seq + len(payloads)
        self._payloads = payloads
        self._mac = seal.Hmac(terminal.seal_key)
        self._now = utc_now()
        self._new: list[dict[str, object]] = []
        self.broken_seals: list[int] = []
        rows = connection.execute(
            select(records.c.seq, records.c.payload).where(
                records.c.device_id == terminal.device_id,
                records.c.seq >= first_seq - 1,
                records.c.seq < self._end,
            )
        )
        # What is stored, of these and of the one before them; grows as they are taken.
        self._stored: dict[int, bytes] = {row.seq: row.payload for row in rows}

    def store(self) -> None:
        """Store what is new and move the terminal's high-water mark."""
        if self._first > self._terminal.next_seq:
            self._gap(self._terminal.next_seq, self._first - 1, "not sent by the terminal")
        for seq, payload in enumerate(self._payloads, self._first):
            if payload is not None:
                self._take(seq, payload)
            elif seq not in self._stored:
                self._gap(seq, seq, "damaged or gone at the terminal")
        if self._new:
            self._connection.execute(insert(records), self._new)
        self._connection.execute(
            update(terminals_table)
            .where(terminals_table.c.device_id == self._terminal.device_id)
            .values(next_seq=max(self._terminal.next_seq, self._end), last_sync_at=self._now)
        )

    def _take(self, seq: int, payload: bytes) -> None:
        if seq in self._stored:
            if self._stored[seq] != payload:
                raise StoreError(
                    f"{self._terminal.device_id}: record {seq} from the terminal differs from "
                    "the stored one; nothing was changed"
                )
            return
        content = decoded(payload)
        if content is not None and has_clear_pan(content):
            self._gap(seq, seq, "held a clear card number: not stored")
            return
        seal_ok = self._seal_ok(seq, payload)
        if seal_ok is False:
            self.broken_seals.append(seq)
        self._stored[seq] = payload
        self._new.append(
            {
                "device_id": self._terminal.device_id,
                "seq": seq,
                "payload": payload,
                "kind": content["kind"] if content else None,
                "seal_ok": seal_ok,
                "received_at": self._now,
            }
        )

    def _seal_ok(self, seq: int, payload: bytes) -> bool | None:
        """Whether the seal holds; None after a gap, where the seal before it is not known."""
        if seq == terminals.FIRST_SEQ:
            before = seal.first(self._terminal.seal_key, self._terminal.device_id)
        elif seq - 1 in self._stored:
            before = seal_of(self._stored[seq - 1])
        else:
            return None
        return expected_seal(self._mac, before, payload) == seal_of(payload)

    def _gap(self, first: int, last: int, reason: str) -> None:
        """Store a gap; one that only continues the gap before it makes that one longer."""
        mine = gaps.c.device_id == self._terminal.device_id
        covered = select(gaps.c.first_seq).where(
            mine, gaps.c.first_seq <= first, gaps.c.last_seq >= last
        )
        if self._connection.execute(covered).first() is not None:
            return
        extended = self._connection.execute(
            update(gaps)
            .where(mine, gaps.c.last_seq == first - 1, gaps.c.reason == reason)
            .values(last_seq=last)
        )
        if extended.rowcount == 0:
            self._connection.execute(
                insert(gaps).values(
                    device_id=self._terminal.device_id,
                    first_seq=first,
                    last_seq=last,
                    reason=reason,
                    noticed_at=self._now,
                )
            )
