"""Where a sync or a flash image puts what it brings: durable, sealed, each record once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType

from sqlalchemy import select

from companion.store import findings, terminals
from companion.store.intake import Differs, ImageRecords, Intake, unsure, update_of
from companion.store.lock import locked
from companion.store.records import seal_of, uncovered
from companion.store.schema import records
from companion.store.store import Store


class RecordSink:
    """The sink of one sync; as a context it holds the locks of the terminals that it met."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks = ExitStack()
        self._held: set[str] = set()
        # Sequence numbers stored with a seal that does not match.
        self.broken_seals: list[int] = []
        # Those of records that an image brought and the terminal has given to other ones.
        self.replaced: list[int] = []

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
        """The first sequence number that a sync asks for; 1 for a terminal without records.

        The first one not stored; or the newest stored one, once more, when only an image brought
        it and the terminal may have dropped it since (see `load`).
        """
        with self._store.read() as connection:
            terminal = terminals.find(connection, device_id)
            doubtful = unsure(connection, device_id)
        if terminal is None:
            return terminals.FIRST_SEQ
        newest = terminal.next_seq - 1
        return newest if newest in doubtful else terminal.next_seq

    def seal_before(self, device_id: str, seq: int) -> bytes:
        """The seal of stored record ``seq`` - 1; b"" when there is none or it is a gap."""
        mine = (records.c.device_id == device_id) & (records.c.seq == seq - 1)
        with self._store.read() as connection:
            payload = connection.execute(select(records.c.payload).where(mine)).scalar()
        return seal_of(payload) if payload else b""

    def store(self, device_id: str, first_seq: int, payloads: Sequence[bytes | None]) -> None:
        """Store records first_seq, first_seq + 1, ...; None stands for one that cannot be had.

        Durable when it returns. What is stored already is left as it is; a record that differs
        from the stored one of the same number raises StoreError, and nothing of the call is kept
        but the finding.
        """
        end = first_seq + len(payloads)
        with self._noting(), self._store.write() as connection:
            intake = Intake(connection, device_id, first_seq, end)
            intake.gap(intake.terminal.next_seq, first_seq - 1, "not sent by the terminal")
            whole = {seq: payload for seq, payload in enumerate(payloads, first_seq) if payload}
            for seq, payload in whole.items():
                intake.take(seq, payload)
            for low, high in uncovered(first_seq, end - 1, [(seq, seq) for seq in whole]):
                intake.gap(low, high, "damaged or gone at the terminal")
            intake.finish(end)
            connection.execute(update_of(device_id).values(last_sync_at=intake.now))
        self._note(intake)

    def load(self, device_id: str, image: ImageRecords) -> int:
        """Store what a flash image holds, in one transaction; returns how many records were new.

        As with `store`, nothing changes that is stored, and what differs is a finding. The newest
        record may be one that the power was cut in; a terminal that comes back to life may then
        find it torn and give its number to another. So while it is unsure the next sync asks for
        that number again, and what the terminal says counts. For the same reason numbers after
        it, of which nothing is known, are noted as a gap but do not count as had.
        """
        with self._noting(), self._store.write() as connection:
            last = max([image.next_seq, *(gap[1] for gap in image.gaps)])
            intake = Intake(connection, device_id, image.first_seq, last + 1, image)
            intake.gap(
                intake.terminal.next_seq, image.first_seq - 1, "recycled before the image was read"
            )
            for seq, payload in image.records:
                intake.take(seq, payload)
            for gap in image.gaps:
                intake.gap(*gap)
            new = intake.finish(image.records[-1][0] + 1)
        self._note(intake)
        return new

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Keep the finding of a record that differs, which undoes the transaction within."""
        try:
            yield
        except Differs as error:
            with self._store.write() as connection:
                findings.note(connection, error.finding)
            raise

    def _note(self, intake: Intake) -> None:
        self.broken_seals += intake.broken_seals
        self.replaced += intake.replaced
