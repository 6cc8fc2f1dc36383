"""Stored journal records and gaps: reading them, and what may not be among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from companion.store.schema import gaps, records
from protocol import cbor, record, seal

_TAKE_STAN = (record.ARMED, record.QUERY, record.SIGNED_IN, record.CHECKPOINT)
_AT_ONCE = 10_000
_DIGITS = re.compile(r"\d{13,19}")


@dataclass(frozen=True)
class Stored:
    """One stored record: `content` is None when its bytes cannot be decoded."""

    seq: int
    content: dict[str, object] | None
    payload: bytes
    seal_ok: bool | None
    received_at: str
    # SHA-256 of the flash image that it came from, None for one that a sync brought.
    image: str | None = None


@dataclass(frozen=True)
class Gap:
    """Records first_seq to last_seq, both included, that cannot be had, and why."""

    device_id: str
    first_seq: int
    last_seq: int
    reason: str


def scan(connection: Connection, device_id: str, first: int = 0) -> Iterator[Stored]:
    """The stored records of a terminal in order, from `first` on."""
    rows = connection.execute(
        select(records)
        .where(records.c.device_id == device_id, records.c.seq >= first)
        .order_by(records.c.seq)
    )
    for row in rows:
        content = decoded(row.payload)
        yield Stored(row.seq, content, row.payload, row.seal_ok, row.received_at, row.image)


def raw(connection: Connection, device_id: str) -> Iterator[bytes]:
    """What `scan` reads, a line of bytes for each record: to see whether any of it changed."""
    rows = connection.execute(
        select(records.c.seq, records.c.payload, records.c.received_at, records.c.image)
        .where(records.c.device_id == device_id)
        .order_by(records.c.seq)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        yield b"%d %s %s\n" % (row.seq, row.payload.hex().encode(), repr(row[2:]).encode())


def payload_of(connection: Connection, device_id: str, seq: int) -> bytes | None:
    """The bytes of one stored record, None when it is not stored."""
    query = select(records.c.payload).where(records.c.device_id == device_id, records.c.seq == seq)
    payload: bytes | None = connection.execute(query).scalar()
    return payload


def last_received(connection: Connection, device_id: str) -> str | None:
    """When the newest record of a terminal came into the store."""
    query = select(func.max(records.c.received_at)).where(records.c.device_id == device_id)
    found: str | None = connection.execute(query).scalar()
    return found


def generation(connection: Connection, device_id: str, before: int) -> int:
    """The generation of the seal key that the records below `before` end with."""
    query = (
        select(records.c.payload)
        .where(
            records.c.device_id == device_id,
            records.c.seq < before,
            records.c.kind == record.REKEYED,
        )
        .order_by(records.c.seq.desc())
    )
    content = decoded(connection.execute(query).scalar() or b"") or {}
    found = content.get("generation")
    return found if isinstance(found, int) else 0


def notes(connection: Connection, device_id: str, code: str, first: int) -> list[str]:
    """The details of a terminal's NOTE records of this code, in order, from `first` on."""
    rows = connection.execute(
        select(records.c.payload)
        .where(
            records.c.device_id == device_id,
            records.c.seq >= first,
            records.c.kind == record.NOTE,
        )
        .order_by(records.c.seq)
    )
    found = [decoded(row.payload) or {} for row in rows]
    return [str(note["detail"]) for note in found if note.get("code") == code]


def payloads(connection: Connection, device_id: str, first: int, end: int) -> dict[int, bytes]:
    """The bytes of the stored records first..end - 1, by number."""
    rows = connection.execute(
        select(records.c.seq, records.c.payload).where(
            records.c.device_id == device_id, records.c.seq >= first, records.c.seq < end
        )
    )
    return {row.seq: row.payload for row in rows}


def last_stan(connection: Connection, device_id: str) -> int:
    """The STAN that a terminal's newest stored record of one took; 0 when there is none."""
    rows = connection.execute(
        select(records.c.payload)
        .where(records.c.device_id == device_id, records.c.kind.in_(_TAKE_STAN))
        .order_by(records.c.seq.desc())
    )
    for row in rows:
        stan = (decoded(row.payload) or {}).get("stan")
        if isinstance(stan, int) and stan:
            return stan
    return 0


def known_gaps(connection: Connection, device_id: str) -> list[Gap]:
    """The gaps that syncs reported of a terminal, in order."""
    query = select(gaps).where(gaps.c.device_id == device_id).order_by(gaps.c.first_seq)
    return [
        Gap(row.device_id, row.first_seq, row.last_seq, row.reason)
        for row in connection.execute(query)
    ]


def uncovered(
    first: int, last: int, ranges: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The parts of first..last that are in none of the ranges, as ranges, in order."""
    for low, high in sorted(ranges):
        if low > last:
            break
        if first < low:
            yield first, low - 1
        first = max(first, high + 1)
    if first <= last:
        yield first, last


def decoded(payload: bytes) -> dict[str, object] | None:
    """The record in a journal payload, or None when it is not one that can be read."""
    try:
        content: dict[str, object] = record.decode(seal.split(payload)[0])
    except (record.RecordError, cbor.CborError, ValueError):
        return None
    return content


def seal_of(payload: bytes) -> bytes:
    """The seal at the end of a journal payload."""
    return payload[-seal.SEAL_LENGTH :]


def expected_seal(mac: seal.Hmac, before: bytes, payload: bytes) -> bytes:
    """The seal that a payload ought to carry after the seal `before`.

    The same as seal.seal(), with the key's pads made once for a whole chain.
    """
    return mac.digest(before, payload[: -seal.SEAL_LENGTH])[: seal.SEAL_LENGTH]


def has_clear_pan(content: dict[str, object]) -> bool:
    """True when a text of the record holds what can only be a whole card number."""
    texts = [value for value in content.values() if isinstance(value, str)]
    return any(luhn(digits) for text in texts for digits in _DIGITS.findall(text))


def shown(payload: bytes) -> str:
    """A payload as evidence, in hexadecimal; what holds a clear card number is left out."""
    content = decoded(payload)
    hidden = content is not None and has_clear_pan(content)
    return "not kept: it holds a clear card number" if hidden else payload.hex()


def luhn(digits: str) -> bool:
    """True when a run of digits has the check digit of a card number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
