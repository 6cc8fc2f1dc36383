"""The sealed journal: records in, sealed payloads on flash, and back.

A payload is the record's CBOR followed by its 8-byte seal (protocol/seal.py). The chain's head is
the seal of the newest readable record, so nothing but the journal itself has to be kept.
"""

from protocol import record, seal

# Restart looks for the newest CHECKPOINT in growing windows from the end, so that boot time does
# not grow with the journal.
_WINDOWS = (96, 512, 4096)


class Ledger:
    """Appends and reads sealed records. ``journal`` is a mounted terminal.journal.Journal."""

    def __init__(self, journal, seal_key: bytes, device_id: str) -> None:
        self._journal = journal
        self._device_id = device_id
        self._key = seal_key
        self._head = seal.first(seal_key, device_id)
        payload = self._newest()
        if payload is not None:
            self._head = seal.split(payload)[1]

    def _newest(self) -> bytes | None:
        seq = self._journal.next_seq - 1
        while seq >= self._journal.first_seq:
            payload = self._journal.read(seq)
            if payload is not None:
                return payload
            seq -= 1
        return None

    def rekey(self, old_key: bytes, generation: int, wall: int) -> None:
        """Begin a generation of the key: REKEYED, sealed with the old one, goes before what the
        new one seals. Once: at a later start it is there. Raises as append."""
        if not old_key or self._rekeyed(old_key, generation):
            return
        new_key = self._key
        self._key = old_key
        if self._newest() is None:
            self._head = seal.first(old_key, self._device_id)
        # In a full journal the old key goes on; a start after the next sync changes it.
        if self.room() > 0:
            self.append({"kind": record.REKEYED, "wall": wall, "generation": generation})
            self._key = new_key

    def _rekeyed(self, old_key: bytes, generation: int) -> bool:
        """Whether the newest records are of this generation: the first one that shows it says."""
        for seq in range(self.next_seq - 1, self.first_seq - 1, -1):
            rec = self._decode(seq)
            if rec is not None and rec["kind"] == record.REKEYED:
                return rec["generation"] == generation
            for key in (self._key, old_key):
                if self._carries(seq, key):
                    return key is not old_key
        return False

    @property
    def first_seq(self) -> int:
        return self._journal.first_seq

    @property
    def next_seq(self) -> int:
        return self._journal.next_seq

    @property
    def released(self) -> int:
        return self._journal.released

    def room(self) -> int:
        """How many more records fit now; -1 when the flash has failed since the start."""
        return -1 if self._journal.read_only else self._journal.room()

    def append(self, rec: dict) -> int:
        """Seal and store a record; it is durable when this returns its sequence number.

        Raises what Journal.append raises (JournalFull, JournalFault); the head then stays.
        """
        data = record.encode(rec)
        sealed = seal.seal(self._key, self._head, data)
        seq = self._journal.append(data + sealed)
        self._head = sealed
        return seq

    def read(self, seq: int) -> bytes | None:
        """The sealed payload of one retained record, None when it is damaged."""
        return self._journal.read(seq)

    def release(self, seq: int) -> None:
        """Everything below ``seq`` may be recycled."""
        self._journal.release(seq)

    def idle(self) -> bool:
        """One step of housekeeping; True while there is more to do."""
        return self._journal.idle()

    def replay(self, apply, lost) -> None:
        """Call ``apply(seq, record)`` for every record a restart needs, oldest first, and
        ``lost(seq)`` for each damaged one. JournalFault when the flash fails."""
        start = self._start()
        for seq in self._cases(start):
            rec = self.record_at(seq)
            if rec is not None and rec["kind"] in (record.ARMED, record.PENDING):
                apply(seq, rec)
        for seq in range(start, self.next_seq):
            rec = self._decode(seq)
            if rec is None:
                lost(seq)
            else:
                apply(seq, rec)

    def _cases(self, start: int) -> list:
        """The cases that a checkpoint at ``start`` names by their sequence numbers only."""
        first = self.record_at(start)
        if first is None or first["kind"] != record.CHECKPOINT:
            return []
        return [seq for seq in first["suspended"] if seq < start]

    def record_at(self, seq: int, part: bytes = b"") -> dict | None:
        """One decoded record, None when it is damaged, no longer retained, or without ``part`` in
        its bytes: a search reads far more records than it decodes."""
        if seq < self.first_seq or seq >= self.next_seq:
            return None
        return self._decode(seq, part)

    def belongs_to(self) -> bool:
        """Whether the newest record carries this key's seal; True for an empty journal.

        A new identity must not continue another terminal's unsynced journal.
        """
        last = self.next_seq - 1
        if last < self.first_seq:
            return True
        if self._journal.read(last) is None:
            return False
        return self._head_before(last) is None or self._carries(last, self._key)

    def _carries(self, seq: int, key: bytes) -> bool:
        """Whether a record and the one before it are there and show that this key sealed it."""
        payload = self._journal.read(seq)
        before = self._head_before(seq)
        if payload is None or before is None:
            return False
        data, sealed = seal.split(payload)
        return seal.seal(key, before, data) == sealed

    def _head_before(self, seq: int) -> bytes | None:
        if seq == self.first_seq:
            return None
        payload = self._journal.read(seq - 1)
        return None if payload is None else seal.split(payload)[1]

    def _start(self) -> int:
        """The newest checkpoint's sequence number, or the oldest retained one."""
        upper = self.next_seq
        for window in _WINDOWS:
            lower = max(self.first_seq, self.next_seq - window)
            found = 0
            # Upwards, as the journal finds the next record at once and the one before by a search.
            for seq in range(lower, upper):
                if self._is_checkpoint(seq):
                    found = seq
            if found:
                return found
            upper = lower
            if lower == self.first_seq:
                break
        return self.first_seq

    def _is_checkpoint(self, seq: int) -> bool:
        payload = self._journal.read(seq)
        # Behind the head of an array of less than 24 comes the kind: most need no decoding.
        if payload is None or payload[1] != record.CHECKPOINT:
            return False
        rec = self._decode(seq)
        return rec is not None and rec["kind"] == record.CHECKPOINT

    def _decode(self, seq: int, part: bytes = b"") -> dict | None:
        payload = self._journal.read(seq)
        if payload is None or part not in payload:
            return None
        try:
            return record.decode(seal.split(payload)[0])
        except ValueError:
            # A slot whose CRC holds but whose bytes are no record: counted as a gap, and the
            # companion sees the raw payload.
            return None
