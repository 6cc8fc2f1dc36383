"""Says what is true after a cut: the host's books, the raw flash, and what a person has seen.

Nothing here is the firmware's or shared with it. The journal is read from the bytes of its
partition (companion/flash, written from the format's description), records are taken apart by
PyPI cbor2 at the places that protocol/README.md gives, and seals are computed by hmac.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cbor2

from companion import flash
from companion.acquirer import kinds
from tests.hil.host import Booked
from tests.hil.tape import Screen, Slip

_SEAL = 8
_ARMED, _OUTCOME, _REVERSAL_END, _BATCH = 3, 4, 6, 11
_TYPES = {
    1: kinds.SALE,
    2: kinds.VOID,
    3: kinds.REFUND,
    4: kinds.PREAUTH,
    5: kinds.PREAUTH_CANCEL,
    6: kinds.COMPLETION,
    7: kinds.COMPLETION_NOTICE,
    8: kinds.COMPLETION_VOID,
}
# Behind it, on the slip, the same in Chinese.
_TITLES = {type: type.replace("PREAUTH", "PRE-AUTH").replace("_", " ") for type in _TYPES.values()}
_OUTCOMES = {1: "APPROVED", 2: "DECLINED", 3: "CASE"}
_REVERSAL_ENDS = {1: "REVERSED", 2: "ABSENT", 3: "CASE"}
_CLOSED, _UNSETTLED = 7, 8

# What a screen's first line says of what was keyed in.
_SHOWN = ("APPROVED", "DECLINED", "NOT CHARGED", "NOT DONE", "OPEN CASE")
_NOT_DONE = ("DECLINED", "NOT CHARGED", "NOT DONE")


@dataclass(frozen=True)
class Failure:
    """What must never be. LOST: one side has the transaction and the other not. DOUBLE: it is
    there twice. OPEN: it has no end, or more than one. CASE: a person is to find out what the host
    would have said. SHOWN, SLIP: a person was told another story. BATCH: the two sides have not
    closed the same batch. RECORD: the journal lost, changed or invented a record. CARD: card data
    is in flash. DEAD: the terminal did not come back."""

    code: str
    text: str


@dataclass
class Movement:
    """One ARMED of the journal, and its ends."""

    type: str
    batch: int
    stan: int
    amount_minor: int
    ends: list[str] = field(default_factory=list)

    @property
    def end(self) -> str:
        """A case may still end: the terminal tries it once more before it settles."""
        final = [end for end in self.ends if end != "CASE"]
        return " and ".join(final) or "".join(self.ends[:1])

    @property
    def is_open(self) -> bool:
        """Without an end, with more than one, or a case although it had one."""
        return not self.ends or any(end != "CASE" for end in self.ends[:-1])


@dataclass
class _Totals:
    """The BATCH records of one batch: its phases, and what they count."""

    phases: list[int] = field(default_factory=list)
    counted: set[tuple[int, int, int, int]] = field(default_factory=set)


class Oracle:
    """Follows one terminal's journal from its first record on."""

    def __init__(self, seal_key: bytes, device_id: str) -> None:
        self.released = 0
        self.laps = 0
        """How often the ring was gone around: so often each sector was erased."""
        self.next_seq = 1
        self._key = seal_key
        self._movements: dict[tuple[int, int], Movement] = {}
        self._batches: dict[int, _Totals] = {}
        self._kept: dict[int, bytes] = {}
        self._seal = self._sealed(b"pingzhang chain ", device_id.encode())

    def journal(self, image: bytes) -> list[Failure]:
        """Read the partition of a terminal at rest; everything that is wrong with its records."""
        return list(self._read(flash.read(image)))

    def transaction(
        self,
        type: str,
        amount_minor: int,
        booked: list[Booked],
        screens: Iterable[Screen],
        slips: list[Slip],
    ) -> list[Failure]:
        """Compare what is known of the transaction, when the terminal is at rest."""
        return list(self._compare(type, amount_minor, booked, screens, slips))

    def settlement(self, batch: int, settled: bool, booked: list[Booked]) -> list[Failure]:
        """Compare both sides' batch, when the terminal says that it is closed. ``booked``: what
        the host has in it."""
        return list(self._compare_batch(batch, settled, booked))

    def of(self, type: str, amount_minor: int) -> list[Movement]:
        """What the journal has of a transaction: nothing, one, or several tries."""
        return [
            one
            for one in self._movements.values()
            if (one.type, one.amount_minor) == (type, amount_minor)
        ]

    def everything(self, booked: list[Booked]) -> list[Failure]:
        """Compare all that either side has, at the end."""
        there = {
            (one.type, one.batch, one.stan)
            for one in booked
            if one.status == "APPROVED" and not self._is_case(one)
        }
        every = self._movements.values()
        here = {(one.type, one.batch, one.stan) for one in every if one.end == "APPROVED"}
        found = []
        if there != here:
            found.append(Failure("LOST", f"only one side has {sorted(there ^ here)}"))
        if any(one.is_open for one in every):
            found.append(Failure("OPEN", "something has no end, or more than one"))
        return found

    def payloads(self) -> dict[int, bytes]:
        """Every record since the first, as it was on the flash."""
        return dict(self._kept)

    # -- the journal ----------------------------------------------------------------------------

    def _read(self, reading: flash.Reading) -> Iterator[Failure]:
        there = {record.seq: record.payload for record in reading.records}
        if reading.next_seq < self.next_seq or reading.released < self.released:
            yield Failure(
                "RECORD",
                f"the journal went back: next {reading.next_seq} after {self.next_seq}, "
                f"released {reading.released} after {self.released}",
            )
        for seq, payload in self._kept.items():
            if seq >= reading.released and there.get(seq) != payload:
                what = "changed" if seq in there else "lost"
                yield Failure("RECORD", f"record {seq} is {what}")
        for seq in range(self.next_seq, reading.next_seq):
            if seq not in there:
                yield Failure("RECORD", f"record {seq} is missing")
            else:
                yield from self._take(seq, there[seq])
        self.next_seq, self.released = reading.next_seq, reading.released
        self.laps = reading.last_epoch // reading.sectors

    def _take(self, seq: int, payload: bytes) -> Iterator[Failure]:
        self._kept[seq] = payload
        record, seal = payload[:-_SEAL], payload[-_SEAL:]
        self._seal = self._sealed(self._seal, record)
        if seal != self._seal:
            yield Failure("RECORD", f"record {seq} has a wrong seal")
            self._seal = seal
        fields: list[Any] = cbor2.loads(record)
        if fields[0] == _ARMED:
            yield from self._armed(fields)
        elif fields[0] in (_OUTCOME, _REVERSAL_END):
            yield from self._ended(seq, fields)
        elif fields[0] == _BATCH:
            totals = self._batches.setdefault(fields[2], _Totals())
            totals.phases.append(fields[3])
            totals.counted.add(tuple(fields[5:9]))

    def _armed(self, fields: list[Any]) -> Iterator[Failure]:
        one = Movement(_TYPES[fields[2]], fields[4], fields[3], fields[5])
        if (one.batch, one.stan) in self._movements:
            yield Failure("DOUBLE", f"STAN {one.stan} was used twice in batch {one.batch}")
        if fields[6] != one.amount_minor:
            yield Failure("SHOWN", f"{fields[6]} was shown, and {one.amount_minor} was armed")
        self._movements[one.batch, one.stan] = one

    def _ended(self, seq: int, fields: list[Any]) -> Iterator[Failure]:
        ends = _OUTCOMES if fields[0] == _OUTCOME else _REVERSAL_ENDS
        armed = self._movements.get((fields[3], fields[2]))
        if armed is None:
            yield Failure("RECORD", f"record {seq} ends what was never armed")
            return
        armed.ends.append(ends[fields[4]])
        if fields[0] == _OUTCOME and fields[9] != armed.amount_minor:
            yield Failure("RECORD", f"record {seq} has {fields[9]} of {armed.amount_minor}")

    def _sealed(self, before: bytes, record: bytes) -> bytes:
        return hmac.digest(self._key, before + record, hashlib.sha256)[:_SEAL]

    # -- one transaction ------------------------------------------------------------------------

    def _compare(
        self,
        type: str,
        amount_minor: int,
        booked: list[Booked],
        screens: Iterable[Screen],
        slips: list[Slip],
    ) -> Iterator[Failure]:
        tries = self.of(type, amount_minor)
        charged = [one for one in booked if one.status == "APPROVED"]
        approved = {(one.batch, one.stan) for one in tries if one.end == "APPROVED"}
        said = f"host {[one.status for one in booked]}, journal {[one.end for one in tries]}"
        if len(charged) > 1 or len(approved) > 1:
            yield Failure("DOUBLE", said)
        if {(one.batch, one.stan) for one in charged if not self._is_case(one)} != approved:
            yield Failure("LOST", said)
        if any(one.amount_minor != amount_minor for one in charged):
            yield Failure("LOST", f"{said}: the host moved {charged[0].amount_minor}")
        if any(one.is_open for one in tries):
            yield Failure("OPEN", said)
        if any(one.end == "CASE" and one.type != kinds.REFUND for one in tries):
            yield Failure("CASE", said)  # the rig's host is always there, and says what it has
        screens = list(screens)
        shown = [name for one in screens for name in _SHOWN if one[0].startswith(name)]
        amount = f"CNY {amount_minor // 100}.{amount_minor % 100:02d}"
        if "APPROVED" in shown and not approved:
            yield Failure("SHOWN", f"{said}, and APPROVED was shown")
        if any(one[0] == "APPROVED" and amount not in one for one in screens):
            yield Failure("SHOWN", f"{said}, and APPROVED was not shown with {amount}")
        if shown and shown[-1] in _NOT_DONE and charged:
            yield Failure("SHOWN", f"{said}, and {shown[-1]} was shown last")
        if approved and not slips:
            yield Failure("SLIP", f"{said}, and no slip came out whole")
        for slip in slips:
            is_it = (slip.batch, slip.stan) in approved and slip.amount_minor == amount_minor
            if not is_it or not slip.title.startswith(_TITLES[type] + " "):
                yield Failure("SLIP", f"{said}, and the paper says {slip}")

    def _is_case(self, one: Booked) -> bool:
        """A refund may not be reversed: without an answer it is left to a person, whatever the
        host has done."""
        here = self._movements.get((one.batch, one.stan))
        return one.type == kinds.REFUND and here is not None and here.end == "CASE"

    # -- one batch ------------------------------------------------------------------------------

    def _compare_batch(self, batch: int, settled: bool, booked: list[Booked]) -> Iterator[Failure]:
        mine = [one for one in self._movements.values() if one.batch == batch]
        if not mine and not booked:
            return  # given by the host, and the power went before the terminal knew
        totals = self._batches.get(batch, _Totals())
        if totals.phases.count(_CLOSED) != 1 or _UNSETTLED in totals.phases or not settled:
            host = "is" if settled else "is not"
            said = f"phases {totals.phases}, and it {host} at the host"
            yield Failure("BATCH", f"batch {batch} is not closed: {said}")
        here = _sums((one.type, one.amount_minor) for one in mine if one.end == "APPROVED")
        there = _sums(
            (one.type, one.amount_minor)
            for one in booked
            if one.status == "APPROVED" and not self._is_case(one)
        )
        if totals.counted != {here} or there != here:
            said = f"counted {sorted(totals.counted)}, moved {here}, at the host {there}"
            yield Failure("BATCH", f"batch {batch}: {said}")


def _sums(moved: Iterable[tuple[str, int]]) -> tuple[int, int, int, int]:
    """How many debits, their sum, how many credits, their sum."""
    sums = [0, 0, 0, 0]
    for type, amount_minor in moved:
        sign = kinds.KINDS[type].sign
        if sign:
            at = 0 if sign > 0 else 2
            sums[at] += 1
            sums[at + 1] += amount_minor
    return sums[0], sums[1], sums[2], sums[3]
