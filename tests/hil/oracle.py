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
from tests.hil.host import Booked
from tests.hil.tape import Screen, Slip

_SEAL = 8
_ARMED, _OUTCOME, _REVERSAL_END = 3, 4, 6
_OUTCOMES = {1: "APPROVED", 2: "DECLINED", 3: "CASE"}
_REVERSAL_ENDS = {1: "REVERSED", 2: "ABSENT", 3: "CASE"}

# What a screen's first line says of the sale that was keyed in.
_SHOWN = ("APPROVED", "DECLINED", "NOT CHARGED", "OPEN CASE")


@dataclass(frozen=True)
class Failure:
    """What must never be. LOST: one side has the sale and the other not. DOUBLE: it is there
    twice. OPEN: it has no end, or more than one. SHOWN, SLIP: a person was told another story.
    RECORD: the journal lost, changed or invented a record. CARD: card data is in flash. DEAD: the
    terminal did not come back."""

    code: str
    text: str


@dataclass
class Sale:
    """One ARMED of the journal, and its ends."""

    batch: int
    stan: int
    amount_minor: int
    ends: list[str] = field(default_factory=list)

    @property
    def end(self) -> str:
        return " and ".join(self.ends)


class Oracle:
    """Follows one terminal's journal from its first record on."""

    def __init__(self, seal_key: bytes, device_id: str) -> None:
        self.released = 0
        self.laps = 0
        """How often the ring was gone around: so often each sector was erased."""
        self.next_seq = 1
        self._key = seal_key
        self._sales: dict[tuple[int, int], Sale] = {}
        self._by_amount: dict[int, list[Sale]] = {}
        self._kept: dict[int, bytes] = {}
        self._seal = self._sealed(b"pingzhang chain ", device_id.encode())

    def journal(self, image: bytes) -> list[Failure]:
        """Read the partition of a terminal at rest; everything that is wrong with its records."""
        return list(self._read(flash.read(image)))

    def sale(
        self,
        amount_minor: int,
        booked: list[Booked],
        screens: Iterable[Screen],
        slips: list[Slip],
    ) -> list[Failure]:
        """Compare what is known of the sale of this amount, when the terminal is at rest."""
        return list(self._compare(amount_minor, booked, screens, slips))

    def terminal_says(self, amount_minor: int) -> str:
        """How the journal says that the sale ended; "" when it was never armed."""
        return ", ".join(sale.end or "OPEN" for sale in self._by_amount.get(amount_minor, []))

    def all_approved(self) -> dict[int, int]:
        """Every approved sale in the journal: amount, and how often."""
        return {
            amount: count
            for amount, sales in self._by_amount.items()
            if (count := sum(sale.ends == ["APPROVED"] for sale in sales))
        }

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
            sale = Sale(fields[4], fields[3], fields[6])
            if (sale.batch, sale.stan) in self._sales:
                yield Failure("DOUBLE", f"STAN {sale.stan} was used twice in batch {sale.batch}")
            self._sales[sale.batch, sale.stan] = sale
            self._by_amount.setdefault(sale.amount_minor, []).append(sale)
        elif fields[0] in (_OUTCOME, _REVERSAL_END):
            ends = _OUTCOMES if fields[0] == _OUTCOME else _REVERSAL_ENDS
            armed = self._sales.get((fields[3], fields[2]))
            if armed is None:
                yield Failure("RECORD", f"record {seq} ends a sale that was never armed")
            else:
                armed.ends.append(ends[fields[4]])

    def _sealed(self, before: bytes, record: bytes) -> bytes:
        return hmac.digest(self._key, before + record, hashlib.sha256)[:_SEAL]

    # -- one sale -------------------------------------------------------------------------------

    def _compare(
        self, amount_minor: int, booked: list[Booked], screens: Iterable[Screen], slips: list[Slip]
    ) -> Iterator[Failure]:
        sales = self._by_amount.get(amount_minor, [])
        charged = [one for one in booked if one.status == "APPROVED"]
        approved = [sale for sale in sales if sale.ends == ["APPROVED"]]
        said = f"host {[one.status for one in booked]}, journal {[sale.end for sale in sales]}"
        if len(charged) > 1 or len(approved) > 1:
            yield Failure("DOUBLE", said)
        if {(one.batch, one.stan) for one in charged} != {(s.batch, s.stan) for s in approved}:
            yield Failure("LOST", said)
        if any(one.amount_minor != amount_minor for one in charged):
            yield Failure("LOST", f"{said}: the host moved {charged[0].amount_minor}")
        for sale in sales:
            if len(sale.ends) != 1:
                yield Failure("OPEN", said)
        shown = [name for one in screens for name in _SHOWN if one[0].startswith(name)]
        if "APPROVED" in shown and not charged:
            yield Failure("SHOWN", f"{said}, and APPROVED was shown")
        if shown and shown[-1] in ("DECLINED", "NOT CHARGED") and charged:
            yield Failure("SHOWN", f"{said}, and {shown[-1]} was shown last")
        if approved and not slips:
            yield Failure("SLIP", f"{said}, and no slip came out whole")
        for slip in slips:
            known = any((slip.batch, slip.stan) == (one.batch, one.stan) for one in charged)
            if not known or slip.amount_minor != amount_minor:
                yield Failure("SLIP", f"{said}, and the paper says {slip}")
