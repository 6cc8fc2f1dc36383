"""What one call of a sync or a flash image brings, taken into the store record by record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Update, delete, insert, select, update

from companion.store import findings, terminals
from companion.store.chain import SealKeys
from companion.store.errors import StoreError
from companion.store.findings import Finding
from companion.store.records import (
    decoded,
    generation,
    has_clear_pan,
    payloads,
    seal_of,
    shown,
    uncovered,
)
from companion.store.schema import gaps, images, records
from companion.store.schema import terminals as terminals_table
from companion.store.store import utc_now
from protocol import seal


@dataclass(frozen=True)
class ImageRecords:
    """What a flash image of a terminal holds; the records in order, at least one.

    ``first_seq`` and ``next_seq`` are those of a terminal that starts on it. ``gaps`` are
    (first_seq, last_seq, reason). ``unsure_seq`` is the newest record's number when a restart may
    find it torn and give its number to another one, else None.
    """

    sha256: str
    name: str
    first_seq: int
    next_seq: int
    records: Sequence[tuple[int, bytes]]
    gaps: Sequence[tuple[int, int, str]]
    unsure_seq: int | None


class Differs(StoreError):
    """A record is not the stored one of the same number."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(
            f"{finding.device_id}: record {finding.first_seq} {finding.problem}; nothing was "
            "changed, see companion journal verify"
        )
        self.finding = finding


def update_of(device_id: str) -> Update:
    """An UPDATE of this terminal's row."""
    return update(terminals_table).where(terminals_table.c.device_id == device_id)


def unsure(connection: Connection, device_id: str) -> set[int]:
    """The records of images that a restart of the terminal may have dropped."""
    query = select(images.c.unsure_seq).where(
        images.c.device_id == device_id, images.c.unsure_seq.is_not(None)
    )
    return set(connection.execute(query).scalars())


class Intake:
    """Records first_seq..end - 1 of one terminal, within one transaction."""

    def __init__(
        self,
        connection: Connection,
        device_id: str,
        first_seq: int,
        end: int,
        image: ImageRecords | None = None,
    ) -> None:
        terminal = terminals.find(connection, device_id)
        if terminal is None:
            raise StoreError(f"{device_id}: this store has no such terminal")
        self.terminal = terminal
        self.now = utc_now()
        self.broken_seals: list[int] = []
        self.replaced: list[int] = []
        self._connection = connection
        self._image = image
        self._keys = SealKeys(
            terminals.seal_keys(connection, terminal),
            generation(connection, device_id, first_seq),
        )
        self._new: dict[int, dict[str, object]] = {}
        self._unsure = unsure(connection, device_id)
        self._had_gaps = next(self._gaps(first_seq, end), None) is not None
        # What is stored, of these, the one before and the one after; grows as they are taken.
        self._stored = payloads(connection, device_id, first_seq - 1, end + 1)

    def take(self, seq: int, payload: bytes) -> None:
        """Store a record unless it is stored."""
        before = self._stored.get(seq)
        sure = self._image is None or seq != self._image.unsure_seq
        if before is not None and before != payload:
            if not sure or seq not in self._unsure:
                raise Differs(self._difference(seq, before, payload))
            self._drop(seq)
        if sure and seq in self._unsure:
            self._settle(seq)
        if before != payload:
            self._add(seq, payload)

    def _difference(self, seq: int, stored: bytes, payload: bytes) -> Finding:
        evidence: dict[str, object] = {
            "stored": stored.hex(),
            "payload": shown(payload),
            "image": self._image.sha256 if self._image else None,
        }
        problem = "from the terminal differs from the stored one"
        if self._image:
            problem = "from the image differs from the stored one"
        device_id = self.terminal.device_id
        return Finding(device_id, findings.ALTERED, seq, seq, problem, evidence)

    def _drop(self, seq: int) -> None:
        """Take back the newest record of an image: the terminal never had it."""
        mine = records.c.device_id == self.terminal.device_id
        self._connection.execute(delete(records).where(mine, records.c.seq == seq))
        self.replaced.append(seq)

    def _settle(self, seq: int) -> None:
        mine = images.c.device_id == self.terminal.device_id
        self._connection.execute(
            update(images).where(mine, images.c.unsure_seq == seq).values(unsure_seq=None)
        )

    def _add(self, seq: int, payload: bytes) -> None:
        content = decoded(payload)
        if content is not None and has_clear_pan(content):
            self.gap(seq, seq, "held a clear card number: not stored")
            return
        seal_ok = self._seal_ok(seq, payload)
        if seal_ok is False:
            self.broken_seals.append(seq)
        if self._had_gaps:
            self._fill_gap(seq)
        self._stored[seq] = payload
        self._new[seq] = {
            "device_id": self.terminal.device_id,
            "seq": seq,
            "payload": payload,
            "kind": content["kind"] if content else None,
            "seal_ok": seal_ok,
            "received_at": self.now,
            "image": self._image.sha256 if self._image else None,
        }

    def _seal_ok(self, seq: int, payload: bytes) -> bool | None:
        """Whether the seal holds; None after a gap, where the seal before it is not known."""
        if seq == terminals.FIRST_SEQ:
            before = seal.first(self.terminal.seal_key, self.terminal.device_id)
        elif seq - 1 in self._stored:
            before = seal_of(self._stored[seq - 1])
        else:
            return None
        return self._keys.sealed(before, payload) == seal_of(payload)

    def finish(self, end: int) -> int:
        """Write what is new, and that everything below ``end`` is had; returns the new records."""
        device_id = self.terminal.device_id
        if self._image:
            self._keep_image(self._image)
        if self._new:
            self._connection.execute(insert(records), list(self._new.values()))
        for seq in self._new:
            # A record that stood after a gap until now.
            if seq + 1 in self._stored and seq + 1 not in self._new:
                after = (records.c.device_id == device_id) & (records.c.seq == seq + 1)
                ok = self._seal_ok(seq + 1, self._stored[seq + 1])
                self._connection.execute(
                    update(records).where(after, records.c.seal_ok.is_(None)).values(seal_ok=ok)
                )
        next_seq = max(self.terminal.next_seq, end)
        self._connection.execute(update_of(device_id).values(next_seq=next_seq))
        terminals.confirm(self._connection, device_id)
        return len(self._new)

    def _keep_image(self, image: ImageRecords) -> None:
        known = select(images.c.sha256).where(images.c.sha256 == image.sha256)
        if self._connection.execute(known).first() is None:
            self._connection.execute(
                insert(images).values(
                    sha256=image.sha256,
                    device_id=self.terminal.device_id,
                    name=image.name,
                    first_seq=image.first_seq,
                    next_seq=image.next_seq,
                    unsure_seq=image.unsure_seq if image.unsure_seq in self._new else None,
                    loaded_at=self.now,
                )
            )

    # Gaps

    def _gaps(self, first: int, last: int) -> Iterator[tuple[int, int, str, str]]:
        """The known gaps that overlap first..last, the last one first; no two overlap."""
        query = (
            select(gaps)
            .where(gaps.c.device_id == self.terminal.device_id, gaps.c.first_seq <= last)
            .order_by(gaps.c.first_seq.desc())
        )
        with self._connection.execute(query) as rows:
            for row in rows:
                if row.last_seq < first:
                    return
                yield row.first_seq, row.last_seq, row.reason, row.noticed_at

    def gap(self, first: int, last: int, reason: str) -> None:
        """Note that first..last cannot be had, as far as they are not stored or noted already."""
        if first > last:
            return
        numbers = range(first, last + 1)
        few, many = (
            (numbers, self._stored)
            if len(numbers) < len(self._stored)
            else (self._stored, numbers)
        )
        had = [(seq, seq) for seq in few if seq in many]
        noted = [(low, high) for low, high, _, _ in self._gaps(first, last)]
        for low, high in list(uncovered(first, last, [*had, *noted])):
            self._add_gap(low, high, reason)

    def _add_gap(self, first: int, last: int, reason: str) -> None:
        """Store a gap; one that only continues the gap before it makes that one longer."""
        extended = self._connection.execute(
            update(gaps)
            .where(
                gaps.c.device_id == self.terminal.device_id,
                gaps.c.last_seq == first - 1,
                gaps.c.reason == reason,
            )
            .values(last_seq=last)
        )
        if extended.rowcount == 0:
            self._insert_gap(first, last, reason, self.now)

    def _insert_gap(self, first: int, last: int, reason: str, noticed_at: str) -> None:
        self._connection.execute(
            insert(gaps).values(
                device_id=self.terminal.device_id,
                first_seq=first,
                last_seq=last,
                reason=reason,
                noticed_at=noticed_at,
            )
        )

    def _fill_gap(self, seq: int) -> None:
        """Leave a number out of the gap that it was in: its record came after all."""
        for first, last, reason, noticed_at in list(self._gaps(seq, seq)):
            mine = gaps.c.device_id == self.terminal.device_id
            self._connection.execute(delete(gaps).where(mine, gaps.c.first_seq == first))
            for low, high in uncovered(first, last, [(seq, seq)]):
                self._insert_gap(low, high, reason, noticed_at)
