"""The journal that survives any power cut: a ring of write-once slots on a raw partition.

Format: slot.py. Ring and recycling: ring.py. What a mount decides: recovery.py. All of it in
prose, with the reasons: JOURNAL.md.

An append is one program call and its read-back; it never erases once idle() has said False. A
number (``seq``) is given out once, when append() returns, and neither repeats nor goes back. That
of a record the power was cut in is given to the next record unless the torn one reads good at the
restart: then it is made certain before mount() returns, and counts. Nobody has seen either.
"""

from terminal.ring import AHEAD, Ring
from terminal.slot import MAX_PAYLOAD, JournalFault, JournalFull, SlotFlash, slots_for

__all__ = ["MAX_PAYLOAD", "Journal", "JournalFault", "JournalFull", "slots_for"]

# Tuples made beforehand: without memory, making one in the except clause would fail there.
_FAILED = (JournalFault, MemoryError)
_REFUSED = (JournalFault, JournalFull)


class Journal:
    """Append-only records on a block device with the protocol of esp32.Partition."""

    def __init__(self, partition) -> None:
        self._flash = SlotFlash(partition)
        self._ring = Ring(self._flash)
        # Why nothing can be appended: "" when it can; else a row of recovery.py, NOT_MOUNTED, or
        # APPEND_FAILED (until the next mount).
        self.alarm = "NOT_MOUNTED"
        self.read_only = True

    @property
    def first_seq(self) -> int:
        """The oldest retained record; next_seq when there is none."""
        return self._ring.first_seq

    @property
    def next_seq(self) -> int:
        """The number the next record will get."""
        return self._ring.next_seq

    @property
    def released(self) -> int:
        """Everything below may be recycled at any time."""
        return self._ring.released

    def format(self) -> None:
        """Erase everything. Only ever by provisioning, and again when it was cut; then mount().

        Raises JournalFault when a sector does not erase.
        """
        self.read_only, self.alarm = True, "NOT_MOUNTED"
        ring, flash = self._ring, self._flash
        ring.reset()
        for sector in range(ring.count):
            if not flash.erase(sector):
                raise JournalFault("sector %d does not erase" % sector)
        for epoch in range(ring.count, ring.count + min(AHEAD + 1, ring.count)):
            if not flash.write_header(epoch, 1, 1, max(epoch - 1, ring.count), ring.count):
                raise JournalFault("sector %d takes no header" % (epoch % ring.count))

    def mount(self) -> dict:
        """Find the records and make the newest certain; see recovery.py for what can come out.

        The report: ``rows`` (names of the rows that applied), ``alarm`` (the gravest of them, or
        ""), ``read_only``, ``first_seq``, ``next_seq``, ``released``.
        """
        self.read_only, self.alarm = True, "NOT_MOUNTED"
        # Here: what it takes of a board's heap is free again when its caller unloads it (late.py).
        from terminal import recovery

        rows = recovery.recover(self._ring)
        self.alarm = ""
        for row in recovery.ALARMS:
            if row in rows:
                self.alarm = row
                break
        self.read_only = self.alarm in recovery.READ_ONLY
        return {
            "rows": rows,
            "alarm": self.alarm,
            "read_only": self.read_only,
            "first_seq": self.first_seq,
            "next_seq": self.next_seq,
            "released": self.released,
        }

    def append(self, payload: bytes) -> int:
        """Store 1..MAX_PAYLOAD bytes; durable and read back when it returns the number.

        Raises JournalFull (nothing was written; sync and release) or JournalFault (the flash does
        not take it; the journal is then read-only until the next mount, which will find the
        record wholly or not at all). A MemoryError has the same effect as a fault.
        """
        if not 0 < len(payload) <= MAX_PAYLOAD:
            raise ValueError("a payload has 1..%d bytes, not %d" % (MAX_PAYLOAD, len(payload)))
        self._writable()
        ring = self._ring
        self._affirm()
        seq = ring.next_seq
        try:
            ring.append(payload)
        except _FAILED:
            self._fail()
            raise
        return seq

    def read(self, seq: int) -> bytes | None:
        """One retained record; None when it is damaged. JournalFault when the flash fails."""
        if not self.first_seq <= seq < self.next_seq:
            raise ValueError(
                "record %d is not in %d..%d" % (seq, self.first_seq, self.next_seq - 1)
            )
        return self._ring.read(seq)

    def scan(self, first: int):
        """Yield (seq, payload or None) of everything retained from ``first`` on, in order."""
        seq = max(first, self.first_seq)
        while seq < self.next_seq:
            yield seq, self._ring.read(seq)
            # What a release and an idle() recycled meanwhile is passed over.
            seq = max(seq + 1, self.first_seq)

    def room(self) -> int:
        """How many slots there are for records now, as far as released sectors still erase.

        A record takes slots_for(its length). After idle() has said False the first 62 (31 in a
        ring of 4 sectors) come without an erase, or all when there are fewer. A transaction's
        worst case includes two slots for each restart.
        """
        if self.read_only or self._ring.due:
            return 0
        return self._ring.room()

    def slots(self) -> int:
        """How many slots for records there are in all; one sector stays in reserve."""
        return self._ring.most()

    def ahead(self) -> int:
        """How many slots can be written before the next erase."""
        return 0 if self.read_only else self._ring.ahead()

    def idle(self) -> bool:
        """Make at most one sector ready (one erase); True while there is more to do."""
        if self.read_only:
            return False
        ring = self._ring
        if ring.top > ring.head + 2 * AHEAD:
            return False  # so many that do not erase: it is the flash, and may work again
        # The sector behind the head may hold the only mark of what is released: it is left.
        ahead = min(AHEAD, ring.count - 2)
        try:
            if ring.ready() >= ahead or not ring.prepare():
                return False
            self._affirm()
        except _REFUSED:
            return False
        return ring.ready() < ahead

    def release(self, seq: int) -> None:
        """Let everything below ``seq`` be recycled; what is already released stays so.

        One program call when it moves, so never on a sale's path. A restart remembers it, unless
        the ring is so full that neither a slot nor a sector is left for it: then say it again.
        """
        self._writable()
        ring = self._ring
        if seq > ring.next_seq:
            raise ValueError("release of %d, but the next is %d" % (seq, ring.next_seq))
        if seq <= ring.released:
            return
        before = ring.released
        ring.set_released(seq)
        try:
            self._affirm()
            self._write(ring.mark())
        except JournalFull:
            pass
        except MemoryError:
            # Nothing of it is on flash: to say it again must not look like saying it twice.
            ring.set_released(before)
            raise

    def _writable(self) -> None:
        if self.read_only:
            raise JournalFault("the journal is read-only: " + self.alarm)

    def _affirm(self) -> None:
        """Make up for what a full ring had no slot for at boot."""
        due = self._ring.due
        if due:
            self._write(due)
            self._ring.due = None
            self.alarm = ""

    def _write(self, what: tuple) -> None:
        try:
            self._ring.write(what)
        except _FAILED:
            self._fail()
            raise

    def _fail(self) -> None:
        """What was begun may be on flash or not: only a mount can tell."""
        self.read_only, self.alarm = True, "APPEND_FAILED"
